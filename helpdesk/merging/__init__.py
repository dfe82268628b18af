"""Two tickets that are one matter, one ticket that is two; both can be taken back.

A merge moves the source's messages to the target, each with its time, its author and the ticket it was written
to (`origin_id`). The source stays as an empty row that points to the target, and whatever is written to it later
follows the chain to its end (`helpdesk/merging/chains.py`).

What else a merge does to the target is what would have happened had the messages come there: whoever waits for
an answer waits now (`waiting_since`, status, snooze), and list and preview show the newest message. Tags and
participants of the source are added. Status names, assignee, team, type, fields and promises stay the target's
own; the source's clocks stop. Replies of the source that wait to leave still leave, to whom they were written.
"""

from helpdesk.merging.chains import root_id
from helpdesk.merging.joining import (
    Changed,
    MergedFurther,
    NotMergeable,
    SameTicket,
    UndoneAlready,
    merge,
    unmerge,
)
from helpdesk.merging.rows import MergeKind, TicketMerge, standing_merges
from helpdesk.merging.splitting import NotSplittable, split, unsplit

__all__ = [
    "Changed",
    "MergeKind",
    "MergedFurther",
    "NotMergeable",
    "NotSplittable",
    "SameTicket",
    "TicketMerge",
    "UndoneAlready",
    "merge",
    "root_id",
    "split",
    "standing_merges",
    "unmerge",
    "unsplit",
]
