"""What the desk measures: one core that the board, the reports, their exports and the API share.

periods.py     days in somebody's zone, and what they are compared with
scopes.py      which tickets: teams, agents, inboxes …
catalogue.py   every measure with its definition
rows.py        facts kept beside the tickets
lives.py       a ticket's life told from its messages and events; pure
recounting.py  facts written from that, for tickets that something happened to, and for older ones
sources.py     what is counted by what, for whom
asking.py      the question: `ask(session, agent, measures, period, scope, by=…, compare=…)`
behind.py      the tickets behind a number
names.py       what lines are called
"""

from helpdesk.measures.asking import Answer, BadQuestion, Line, Value, ask, chosen
from helpdesk.measures.behind import ALL, Part, tickets
from helpdesk.measures.catalogue import MEASURES, From, Measure, Unit
from helpdesk.measures.catalogue import Kind as Statistic
from helpdesk.measures.periods import PRESETS, BadPeriod, Compare, Period
from helpdesk.measures.recounting import catch_up, forget_counts, left, recount
from helpdesk.measures.rows import FactWalk, TicketFact, TicketReply, TicketSpell
from helpdesk.measures.scopes import BadScope, Scope
from helpdesk.measures.sources import DIMENSION_NAMES, Dimension

__all__ = [
    "ALL",
    "DIMENSION_NAMES",
    "MEASURES",
    "PRESETS",
    "Answer",
    "BadPeriod",
    "BadQuestion",
    "BadScope",
    "Compare",
    "Dimension",
    "FactWalk",
    "From",
    "Line",
    "Measure",
    "Part",
    "Period",
    "Scope",
    "Statistic",
    "TicketFact",
    "TicketReply",
    "TicketSpell",
    "Unit",
    "Value",
    "ask",
    "catch_up",
    "chosen",
    "forget_counts",
    "left",
    "recount",
    "tickets",
]
