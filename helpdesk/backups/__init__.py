"""A copy of the whole desk to come back to: the database as pg_dump writes it, and the files.

Unlike an export, a backup can be restored into a newer version of the desk, which then migrates it, and it
holds what an export leaves out: sealed passwords, who is signed in, what waits to be done. It does not hold
the desk's secret unless that is asked for: who has both can read the passwords of all inboxes.
"""

from helpdesk.backups.checking import Checked, check
from helpdesk.backups.restoring import Restored, restore
from helpdesk.backups.writing import Backup, write

__all__ = ["Backup", "Checked", "Restored", "check", "restore", "write"]
