"""`@Liam Osei` in a note: who is meant."""

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.people import Agent

AT = re.compile(r"(?<![\w@.])@(?=\w)")


class Mention(Base):
    """A colleague's name stands in a note of this ticket."""

    __tablename__ = "mention"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    at: Mapped[datetime] = mapped_column(default=now)
    """The first time."""


def mentioned(text: str, agents: Iterable[Agent]) -> list[Agent]:
    """By the whole name, or by the first one where only one colleague has it; the longest that fits counts."""
    colleagues = list(agents)
    names = {agent.name.casefold(): [agent] for agent in colleagues}
    for agent in colleagues:
        first = agent.name.split()[0].casefold()
        if first != agent.name.casefold():
            names.setdefault(first, []).append(agent)
    by_length = sorted(names, key=len, reverse=True)
    lower = text.casefold()
    found: dict[int, Agent] = {}
    for at in AT.finditer(lower):
        rest = lower[at.end() :]
        name = next((name for name in by_length if _begins(rest, name)), None)
        if name and len(names[name]) == 1:
            found[names[name][0].id] = names[name][0]
    return list(found.values())


def _begins(text: str, name: str) -> bool:
    return text.startswith(name) and not text[len(name) : len(name) + 1].isalnum()
