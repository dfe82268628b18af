"""Everything a desk holds, as JSON Lines and files, and the same desk made of them again.

    manifest.json            versions, what was left out, counts and checksums of all that follows
    tables/<table>.jsonl     one row a line, in the order of its key
    files.jsonl              every file's sha256 and size
    files/ab/cdef…           the files, named by their sha256

An export is one snapshot, takes the same memory for any desk, and needs nothing but read access. An import
is one transaction into an empty desk: all of it, or nothing.
"""

from helpdesk.export.loading import Imported, NotEmpty, load
from helpdesk.export.writing import Exported, write

__all__ = ["Exported", "Imported", "NotEmpty", "load", "write"]
