"""What speaks before anything was learned: a rule of thumb, and the board says that it is one.

A promise needs a quarter of its target, 15 minutes at most, and six minutes for every ticket before it, shared among
those who are there; three times as much where nobody is. The odds that it is broken are that need over the time left,
to the power of one and a half.
"""

from helpdesk.board.risk.situation import Situation, Usuals

EACH = 6.0  # working minutes that a ticket before it keeps one colleague busy
STEEP = 1.5


class Formula:
    usual: Usuals = {}  # noqa: RUF012 - it knows none

    def probability(self, one: Situation) -> float:
        """From 0 to 1; falls as more time is left."""
        before = one.waiting - 1 if one.waiting else one.before
        hands = 1 if one.waiting else max(one.present, 1)
        need = min(one.target / 4, 15.0) + EACH * max(before, 0) / hands
        if not one.there and (one.waiting is not None or one.present == 0):
            need *= 3
        left = max(one.left, 0.0)
        return float(need**STEEP / (need**STEEP + left**STEEP)) if need or left else 1.0
