"""A desk's configuration as a file: written, compared, put in place, all of it or nothing.

names.py      names that mean the same on another desk, in place of ids
written.py    conditions, actions and triggers as people write them
sections.py   what a part of the configuration is; lists, promised, said, automated: each of them
documents.py  the whole file: written, read, plan, apply
"""

from helpdesk.configuring.documents import (
    SECTIONS,
    BadDocument,
    Plan,
    Refused,
    Step,
    What,
    apply,
    plan,
    written,
)

__all__ = ["SECTIONS", "BadDocument", "Plan", "Refused", "Step", "What", "apply", "plan", "written"]
