"""What of the assistant stands at a ticket, in the statement that asks for everything beside its thread."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select

from ai.assistant.rows import Act, ActState, Run
from helpdesk.engagements import Engagement, Hold
from helpdesk.statements import as_list
from helpdesk.tickets import Ticket
from web.console.assistant_words import reason


@dataclass(frozen=True)
class Assisted:
    holds: bool = False
    """The assistant has the ticket now."""
    state: str = ""
    why: str = ""
    """Why it handed over."""
    runs: int = 0
    suggestion: dict[str, Any] | None = None
    """What it would answer to the last message, where colleagues see that."""
    asks: list[dict[str, Any]] = field(default_factory=list)
    """Tools that wait for a colleague's word, or got it and are being called."""

    @property
    def is_known(self) -> bool:
        return bool(self.holds or self.state or self.runs)


def lists() -> list[ColumnElement[Any]]:
    """For a statement that is given `ticket`."""
    ticket: Any = bindparam("ticket")
    engaged = (
        select(Engagement.state, Engagement.reason, Engagement.turns)
        .where(Engagement.ticket_id == ticket)
        .order_by(Engagement.id.desc())
        .limit(1)
    )
    runs = (
        select(Run.id, Run.kind, Run.mode, Run.state, Run.message_id)
        .where(Run.ticket_id == ticket)
        .order_by(Run.id.desc())
        .limit(20)
    )
    acts = (
        select(Act.id, Act.tool, Act.arguments, Act.state)
        .where(Act.ticket_id == ticket)
        .where(
            or_(
                Act.state == ActState.asked_agent,
                and_(Act.state == ActState.doing, Act.agent_id.is_not(None)),
            )
        )
        .order_by(Act.id)
    )
    return [
        as_list(engaged).label("engaged"),
        as_list(runs).label("assistant_runs"),
        as_list(acts).label("assistant_acts"),
    ]


def read(found: Row[Any], ticket: Ticket, last_inbound: int | None) -> Assisted:
    engaged = found.engaged[0] if found.engaged else {}
    state = str(engaged.get("state", ""))
    why = reason({"reason": engaged["reason"]}) if state == Hold.handed_over and engaged.get("reason") else ""
    newest = found.assistant_runs[0] if found.assistant_runs else None
    suggested = newest and newest["mode"] == "suggest" and newest["kind"] in {"answer", "ask"}
    fresh = newest and newest["message_id"] == last_inbound and ticket.waiting_since is not None
    return Assisted(
        holds=ticket.with_assistant,
        state=state,
        why=why,
        runs=len(found.assistant_runs),
        suggestion=newest if suggested and fresh else None,
        asks=found.assistant_acts,
    )
