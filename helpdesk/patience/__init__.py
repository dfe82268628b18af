"""Waiting for customers: remind who is silent, resolve, close; and what their mail means when all that is over.

patience = await of(session, inbox)            # of each inbox; what is off in it is None
await keep(session, inbox, terms, by=agent)    # other terms, or raises Invalid
await foretell(session, patience)              # how many tickets each step would meet now
await act(session, inbox_id)                   # what is due, as fast as the inbox's pace allows

rows.py        what is kept of each inbox
wording.py     the texts: the closed language of macros, in which nothing may stay empty
terms.py       set, checked, shown
silence.py     which tickets wait for their customer and nobody else
outlook.py     what one ticket has ahead of it, and why not
acting.py      the steps themselves, in batches
follow_ups.py  a mail to what is over: the same ticket again, or a new one that is linked to it
"""

from helpdesk.patience.acting import Done, act, due_inboxes
from helpdesk.patience.outlook import Outlook, Stays, Step, look_ahead
from helpdesk.patience.rows import PACE, Patience
from helpdesk.patience.silence import Foretold, foretell
from helpdesk.patience.terms import NoSuchCalendar, Terms, every, keep, of, proposed

__all__ = [
    "PACE",
    "Done",
    "Foretold",
    "NoSuchCalendar",
    "Outlook",
    "Patience",
    "Stays",
    "Step",
    "Terms",
    "act",
    "due_inboxes",
    "every",
    "foretell",
    "keep",
    "look_ahead",
    "of",
    "proposed",
]
