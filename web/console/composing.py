"""Routes of what agents compose: new tickets, merges, side conversations, replies for later, bulk changes."""

from typing import Any

from web.console import bulk, joining, later, macros, sides, starting

COMPOSING: list[Any] = [
    starting.NewTickets,
    joining.Merges,
    joining.Splits,
    sides.Sides,
    later.Schedules,
    later.Releases,
    bulk.BulkChanges,
    macros.Macros,
    macros.MacroUses,
]
