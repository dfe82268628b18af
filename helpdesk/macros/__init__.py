"""Macros: words that are said often, and what is done along with them.

found = await macros.offered(session, agent)
plan = await macros.foresee(session, found[0], ticket, agent)      # its words for this ticket, and what it would do
use = await macros.apply(session, found[0], ticket, by=agent)      # does it, and remembers what was before
await macros.take_back(session, use, ticket, by=agent)             # for ten minutes, what nobody changed since

placeholders.py  what stands in double braces: a closed language, never a template engine
rows.py          what a macro is, and one use of it
shelf.py         who sees, keeps and shares which
using.py         foresee, apply, take back
"""

from helpdesk.macros.placeholders import PLACEHOLDERS, Unknown, fill, names_in
from helpdesk.macros.rows import ACTIONS, Macro, MacroUse
from helpdesk.macros.shelf import Given, keep, of_folder, offered, one, remove, seen_by
from helpdesk.macros.using import Plan, Step, apply, apply_waiting, foresee, last_use, take_back

__all__ = [
    "ACTIONS",
    "PLACEHOLDERS",
    "Given",
    "Macro",
    "MacroUse",
    "Plan",
    "Step",
    "Unknown",
    "apply",
    "apply_waiting",
    "fill",
    "foresee",
    "keep",
    "last_use",
    "names_in",
    "of_folder",
    "offered",
    "one",
    "remove",
    "seen_by",
    "take_back",
]
