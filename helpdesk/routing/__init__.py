"""Who takes a ticket: which team when it comes in, and which colleague of that team, where the team wants that.

placing.py    the team of a new ticket
rows.py       how a team shares out its tickets, and what each colleague can take
choosing.py   who of several gets one, and why: pure
arranging.py  reading and changing both
assigning.py  the queue of a team, shared out; what is given back when somebody goes away
"""

from helpdesk.routing.arranging import Load, arrange_agent, arrange_team, loads, of_agent, of_team
from helpdesk.routing.assigning import assign_waiting, give_back, share_out
from helpdesk.routing.choosing import Candidate, Choice, Needs, choose
from helpdesk.routing.placing import route
from helpdesk.routing.rows import AgentRouting, Method, TeamRouting

__all__ = [
    "AgentRouting",
    "Candidate",
    "Choice",
    "Load",
    "Method",
    "Needs",
    "TeamRouting",
    "arrange_agent",
    "arrange_team",
    "assign_waiting",
    "choose",
    "give_back",
    "loads",
    "of_agent",
    "of_team",
    "route",
    "share_out",
]
