"""One change to many tickets: one command in the log, done in batches, undone for ten minutes.

change = await bulk.begin(session, agent, Verb.assign, {"agent": 7}, where=Ticket.id.in_(chosen))
await bulk.undo(session, change.id, by=agent)

Which tickets it is about is written down when it is given. A few are changed at once; many by a worker
(`workers/bulk.py`), batch after batch, each locked in the order of its ids. What an agent may not change is left
out, and counted. Undoing gives each ticket back what it had, unless somebody has changed the same since.
"""

from helpdesk.bulk.commands import Preview, begin, foresee, recent, undo
from helpdesk.bulk.rows import AT_ONCE, BulkChange, BulkState, BulkTicket, Outcome
from helpdesk.bulk.working import work
from helpdesk.changes import UNDO_FOR, Change, Verb, change_of

__all__ = [
    "AT_ONCE",
    "UNDO_FOR",
    "BulkChange",
    "BulkState",
    "BulkTicket",
    "Change",
    "Outcome",
    "Preview",
    "Verb",
    "begin",
    "change_of",
    "foresee",
    "recent",
    "undo",
    "work",
]
