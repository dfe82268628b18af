"""Correcting what triage read, seeing why it read so, and taking back what it did by itself."""

from dataclasses import dataclass
from typing import Annotated, Any

from babel import Locale
from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Classification, Kind
from ai.triage import doing
from ai.triage.correcting import correct
from ai.triage.rows import Deed
from helpdesk.access import Action, is_visible
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.labels import Tag
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Team
from helpdesk.search.values import WORDS
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic
from web.auth import permits
from web.console.shell import Shell
from web.console.workplace import changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage, opened_ticket
from web.forms import Fields, read
from web.pages import Html
from web.triage_words import NOTHING, kind_name

Form = Request[Any, Any, Any]


class CorrectionForm(Fields):
    label: Annotated[str, Meta(max_length=40)] = ""
    """Empty: none of these."""


@dataclass(frozen=True)
class Told:
    """One reading of the newest message, in words."""

    kind: str
    label: str
    confidence: float
    why: str
    model: str
    number: int | None = None
    """Of the ticket whose message it is closest to, where this agent may know of it."""


class Readings(Controller):
    path = "/tickets/{number:int}/readings"

    @get(opt=permits(Action.read))
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Html:
        context: dict[str, Any] = {
            "ticket": ticket,
            "told": await _told(session, agent, ticket),
            "deeds": await _deeds(session, ticket),
            "can_be_undone": doing.can_be_undone,
            "kind_name": kind_name,
        }
        if page.is_partial:
            return page("console/readings/_beside.html", **context)
        return page("console/readings/show.html", shell=await Shell.load(session, agent), **context)

    @post("/{kind:str}", opt=permits(Action.change), status_code=200)
    async def correct(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        kind: FromPath[str],
        message: FromQuery[int] = 0,
    ) -> Response[Any]:
        if kind not in set(Kind):
            raise NotFound
        found = await session.get(Message, message) if 0 < message < 2**63 else None
        if found is None or found.ticket_id != ticket.id:
            raise NotFound
        label = (await read(request, CorrectionForm)).label or None
        await correct(session, ticket, found, Kind(kind), label, by=agent)
        words = gettext("Corrected. Readings learn from it at once.")
        return await changed(request, page, session, agent, ticket, toast=words)

    @delete("/deeds/{deed_id:int}", opt=permits(Action.change), status_code=200)
    async def undo(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        deed_id: FromPath[int],
    ) -> Response[Any]:
        deed = await session.get(Deed, deed_id) if 0 < deed_id < 2**63 else None
        if deed is None or deed.ticket_id != ticket.id:
            raise NotFound
        given_back = await doing.undo(session, deed, by=agent)
        words = gettext("Taken back.") if given_back else gettext("It was changed since, and stays as it is.")
        return await changed(
            request, page, session, agent, await opened_ticket(session, agent, ticket.number), toast=words
        )


async def _told(session: AsyncSession, agent: Agent, ticket: Ticket) -> list[Told]:
    newest = (
        select(Classification.message_id)
        .join(Message, Message.id == Classification.message_id)
        .where(
            Message.ticket_id == ticket.id,
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
        )
        .order_by(Classification.message_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = (
        await session.scalars(
            select(Classification).where(Classification.message_id == newest).order_by(Classification.id)
        )
    ).all()
    close = [each["message"] for row in rows for each in row.reasons if _names_message(each)]
    numbers = dict(
        (
            await session.execute(
                select(Message.id, Ticket.number)
                .join(Ticket, Ticket.id == Message.ticket_id)
                .where(Message.id.in_(close), is_visible(agent))
            )
        )
        .tuples()
        .all()
    )
    return [await _in_words(session, row, numbers) for row in rows]


def _names_message(reason: Any) -> bool:
    return isinstance(reason, dict) and isinstance(reason.get("message"), int)


async def _in_words(session: AsyncSession, row: Classification, numbers: dict[int, int]) -> Told:
    reason: Any = row.reasons[0] if row.reasons else ""
    why, number = "", None
    if _names_message(reason):
        number = numbers.get(reason["message"])
        why = gettext("Closest to a message of another ticket") if number is None else ""
    elif isinstance(reason, str) and reason:
        why = str(NOTHING.get(reason, "")) or gettext("Closest to the example “%(phrase)s”") % {
            "phrase": reason
        }
    return Told(
        str(kind_name(row.kind)),
        await named(session, row.kind, row.label),
        row.confidence,
        why,
        row.model,
        number,
    )


async def named(session: AsyncSession, kind: Kind, label: str | None) -> str:
    """What people call it."""
    if not label:
        return ""
    if kind is Kind.language:
        return str(Locale("en").languages.get(label, label))
    if kind.value in WORDS:
        return str(WORDS[kind.value].get(label, label))
    tables: dict[Kind, type[Topic] | type[Team] | type[Tag]] = {
        Kind.topic: Topic,
        Kind.team: Team,
        Kind.tag: Tag,
    }
    if kind in tables:
        name = await session.scalar(select(tables[kind].name).where(tables[kind].id == int(label)))
        return str(name) if name else gettext("(gone)")
    return {"calm": gettext("Calm"), "frustrated": gettext("Frustrated")}.get(label, label)


async def _deeds(session: AsyncSession, ticket: Ticket) -> list[tuple[Deed, str]]:
    rows = await session.scalars(
        select(Deed).where(Deed.ticket_id == ticket.id).order_by(Deed.id.desc()).limit(20)
    )
    return [(deed, await named(session, deed.kind, deed.label)) for deed in rows]
