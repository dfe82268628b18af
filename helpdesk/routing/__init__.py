"""Who takes a ticket: which team when it comes in, and which colleague of that team, where the team wants that.

placing.py    the team of a new ticket
rows.py       how a team shares out its tickets, and what each colleague can take
choosing.py   who of several gets one, and why: pure
arranging.py  reading and changing both
assigning.py  the queue of a team, shared out
returning.py  what goes back to the team: by hand, or when somebody goes away
"""

from helpdesk.routing.arranging import Load, arrange_agent, arrange_team, loads, of_agent, of_team, of_teams
from helpdesk.routing.assigning import Page, Place, assign_waiting, teams_waiting
from helpdesk.routing.choosing import Candidate, Choice, Needs, choose
from helpdesk.routing.placing import route
from helpdesk.routing.returning import NobodyHasIt, SomebodyElseHasIt, give_back, hand_back
from helpdesk.routing.rows import AgentRouting, Method, TeamRouting

__all__ = [
    "AgentRouting",
    "Candidate",
    "Choice",
    "Load",
    "Method",
    "Needs",
    "NobodyHasIt",
    "Page",
    "Place",
    "SomebodyElseHasIt",
    "TeamRouting",
    "arrange_agent",
    "arrange_team",
    "assign_waiting",
    "choose",
    "give_back",
    "hand_back",
    "loads",
    "of_agent",
    "of_team",
    "of_teams",
    "route",
    "teams_waiting",
]
