"""Rules: what the desk does by itself, when something happens and a condition holds.

rule = await rules.keep(session, None, Given(name="Refunds first", triggers=[…], actions=[…]), by=agent)
await rules.switch(session, rule, True, by=agent)     # what happens from now on
await rules.undo(session, run, by=agent)              # for a day, what nobody changed since

occasions.py   when a rule is asked
rows.py        what a rule is, one run of it, and events that wait
reading.py     a rule as it is written, and what is wrong with it
named.py       what rules name, and whether it is there
shelf.py       keep, switch, reorder, remove
happenings.py  events as triggers hear them
asking.py      active rules, which of them are asked, whose condition holds
effects.py     what cannot be taken back
words.py       what rules write
doing.py       one run: what it changed, and what was before
running.py     events that wait, ticket by ticket
due.py         silence, and what comes round
undoing.py     taking runs back

foreseeing.py, judging.py, past.py, silences.py: what a rule would have done
"""

from helpdesk.rules.effects import Deed
from helpdesk.rules.occasions import CHANGING, Occasion, Silence, Trigger
from helpdesk.rules.reading import ACTIONS, BadRule, Reading, reading
from helpdesk.rules.rows import DEEPEST, MOST_ACTIONS, MOST_RULES, Rule, RuleRun, RuleWaiting
from helpdesk.rules.shelf import (
    Given,
    NameTaken,
    TooMany,
    all_rules,
    checked,
    keep,
    kinds,
    one,
    remove,
    reorder,
    switch,
)
from helpdesk.rules.undoing import UNDO_FOR, TooLate, Undone, can_be_undone, undo, undo_since

__all__ = [
    "ACTIONS",
    "CHANGING",
    "DEEPEST",
    "MOST_ACTIONS",
    "MOST_RULES",
    "UNDO_FOR",
    "BadRule",
    "Deed",
    "Given",
    "NameTaken",
    "Occasion",
    "Reading",
    "Rule",
    "RuleRun",
    "RuleWaiting",
    "Silence",
    "TooLate",
    "TooMany",
    "Trigger",
    "Undone",
    "all_rules",
    "can_be_undone",
    "checked",
    "keep",
    "kinds",
    "one",
    "reading",
    "remove",
    "reorder",
    "switch",
    "undo",
    "undo_since",
]
