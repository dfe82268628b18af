"""What was promised: targets in business hours, whether they are met, and how it came to that.

policies.py    what is promised to which tickets
clocks.py      one promise on one ticket
ledger.py      every step of every clock, append-only
machine.py     facts move clocks: `begin` and `tell`, which verbs call
reckoning.py   when a clock is due
passing.py     warning, breach, escalation, each at its time
later.py       what waits for the commit
matching.py    which policy applies; matched anew when a field changes that a condition names
due.py         what a worker does when a time has come
recomputing.py open tickets after a policy or a calendar was edited, and what that would change

The last three know tickets and conditions, so they are imported by themselves.
"""

from helpdesk.sla.clocks import Clock
from helpdesk.sla.later import ANYTHING, Fact, reconsider
from helpdesk.sla.ledger import Entry
from helpdesk.sla.machine import begin, tell
from helpdesk.sla.metrics import RESPONSES, Metric, Step
from helpdesk.sla.policies import PAUSES, SNOOZED, Policy

__all__ = [
    "ANYTHING",
    "PAUSES",
    "RESPONSES",
    "SNOOZED",
    "Clock",
    "Entry",
    "Fact",
    "Metric",
    "Policy",
    "Step",
    "begin",
    "reconsider",
    "tell",
]
