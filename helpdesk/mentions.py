"""`@Liam Osei` in a note: who is meant."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base

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


class Called(Protocol):
    """Whoever has a name that can be written after an @."""

    @property
    def id(self) -> Any: ...
    @property
    def name(self) -> str: ...


C = TypeVar("C", bound=Called)


def mentioned(text: str, agents: Iterable[C]) -> list[C]:
    """By the whole name, or by the first one where only one colleague has it; the longest that fits counts."""
    return list({agent.id: agent for _start, _end, agent in places(text, agents)}.values())


def places(text: str, agents: Iterable[C]) -> list[tuple[int, int, C]]:
    """Where in the text whom is meant, with the @."""
    found = list(AT.finditer(text))
    names = _names(agents) if found else {}
    by_length = sorted(names, key=len, reverse=True)
    meant = []
    for at in found:
        name = next((name for name in by_length if _begins(text, at.end(), name)), None)
        if name and len(names[name]) == 1:
            meant.append((at.start(), at.end() + len(name), names[name][0]))
    return meant


def _names(agents: Iterable[C]) -> dict[str, list[C]]:
    colleagues = list(agents)
    names = {agent.name.casefold(): [agent] for agent in colleagues}
    for agent in colleagues:
        first = agent.name.split()[0].casefold()
        if first != agent.name.casefold():
            names.setdefault(first, []).append(agent)
    return names


def _begins(text: str, at: int, name: str) -> bool:
    end = at + len(name)
    return text[at:end].casefold() == name and not text[end : end + 1].isalnum()
