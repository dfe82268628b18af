"""Whose tickets the board is about."""

from dataclasses import dataclass

from helpdesk import measures
from helpdesk.conditions import All, Condition, Operator, Where


@dataclass(frozen=True)
class Scope:
    """Nothing chosen: all tickets that the reader may see."""

    team_id: int | None = None
    inbox_id: int | None = None
    channel: str | None = None

    @property
    def condition(self) -> All:
        chosen = {"team": self.team_id, "inbox": self.inbox_id, "channel": self.channel}
        return All(
            tuple(Where(name, Operator.is_, value) for name, value in chosen.items() if value is not None)
        )

    def of(self, *wanted: Condition) -> All:
        """These conditions, within the scope."""
        return All((*wanted, *self.condition.of))

    @property
    def measured(self) -> measures.Scope:
        """The same for what is measured over time."""
        return measures.Scope(
            teams=() if self.team_id is None else (self.team_id,),
            inboxes=() if self.inbox_id is None else (self.inbox_id,),
            channels=() if self.channel is None else (self.channel,),
        )
