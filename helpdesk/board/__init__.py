"""The board of a team lead: what stands on the desk at this moment, who has how much, and what is about to go wrong.

scope.py    whose tickets: of a team, an inbox, a channel, or all that an agent may see
tiles.py    the numbers, each with its definition and the tickets behind it
people.py   who is there, and who can take more
load.py     what each colleague and each team has
risk/       how likely the next promise of a ticket is broken

Nothing here is counted that its reader may not know of (`access.is_visible`), and every number of tickets is a
condition of `helpdesk/conditions`, so that a list of exactly these tickets is one press away.
"""

from helpdesk.board.scope import Scope
from helpdesk.board.tiles import Tile, TileName, tiles

__all__ = ["Scope", "Tile", "TileName", "tiles"]
