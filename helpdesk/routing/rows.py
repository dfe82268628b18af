"""How a team shares out its tickets, and what each colleague can take."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Choice
from helpdesk.statuses import Category

OURS = (Category.new, Category.open)
"""Categories in which a ticket is somebody's work now."""
MOST_OPEN = 500
"""The largest number of open tickets that a limit may be."""


class Method(StrEnum):
    by_hand = "by_hand"
    in_turn = "in_turn"  # who got one longest ago
    fewest_open = "fewest_open"
    longest_free = (
        "longest_free"  # who has been without work for longest, else who has had their last one longest
    )


class TeamRouting(Base):
    """Without a row a team's tickets are taken by hand."""

    __tablename__ = "team_routing"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    method: Mapped[Method] = mapped_column(Choice(Method), default=Method.by_hand)
    cap: Mapped[int] = mapped_column(default=10, server_default="10")
    """Open tickets, of all teams together, with which a colleague gets no more."""
    match_skills: Mapped[bool] = mapped_column(default=True, server_default="true")
    """A tag or type with the name of somebody's skill, and the language, ask for who has it."""
    relax_minutes: Mapped[int] = mapped_column(default=30, server_default="30")
    """Nobody who has them was free for so long: then anybody."""
    give_back_minutes: Mapped[int | None]
    """Tickets on which a customer waits go back to the team when their colleague was away for so long."""


class AgentRouting(Base):
    __tablename__ = "agent_routing"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    skills: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Names of tags or types."""
    languages: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Codes as tickets have them: `de`."""
    cap: Mapped[int | None]
    """In place of the team's."""
    channel_caps: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Of one channel's tickets at most so many: `{"chat": 3}`."""
    given_at: Mapped[datetime | None]
    """When the desk last gave them a ticket."""
