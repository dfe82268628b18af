"""Waiting for customers: what an inbox does by itself, and what is ahead of one ticket."""

from typing import Annotated

import msgspec
from litestar import Controller, get, post, put
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import patience
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.inboxes import Inbox
from helpdesk.patience import Foretold, Patience, Stays, Step, Terms
from helpdesk.patience.wording import LONGEST
from helpdesk.tickets import Ticket
from web.api.given import Given, Id, PathId, Sent
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

MANAGES = permits(Action.manage_inboxes)
Days = Annotated[int, Meta(ge=1, le=365, examples=[3])]
Words = Annotated[str, Meta(max_length=LONGEST, examples=["Hello {{contact.first_name|there}}, …"])]


class PatienceGiven(Sent):
    """What is left out, or null, does not happen."""

    remind_days: Days | None = None
    """Of silence."""
    remind_text: Words = ""
    """In the placeholders of macros."""
    resolve_days: Days | None = None
    """After the reminder, or of silence where there is none."""
    resolve_text: Words = ""
    """What the customer is told then; empty: nothing."""
    close_days: Days | None = None
    """After a ticket was resolved."""
    reopen_days: Days | None = None
    """After it was resolved, in which the customer's mail opens it again; later it opens a new, linked one.
    Null: always."""
    per_hour: Annotated[int, Meta(ge=1, le=3_600, examples=[120])] = patience.PACE
    """How many tickets at most are reminded or resolved."""
    calendar: Id | None = None
    """Nothing is written to customers outside of its hours."""
    past_too: bool = False
    """Also what has been silent, or resolved, since before this was switched on."""

    def terms(self) -> Terms:
        values = msgspec.structs.asdict(self)
        return Terms(calendar_id=values.pop("calendar"), **values)


class PatienceView(Shape):
    inbox_id: int
    remind_days: int | None
    remind_text: str
    resolve_days: int | None
    resolve_text: str
    close_days: int | None
    reopen_days: int | None
    per_hour: int
    calendar: int | None
    since: At | None
    """Only what fell silent, or was resolved, after this; null: all."""

    @classmethod
    def of(cls, row: Patience) -> "PatienceView":
        own = {name: getattr(row, name) for name in cls.__struct_fields__ if name != "calendar"}
        return cls(calendar=row.calendar_id, **own)


class ForetoldView(Shape):
    waiting: int
    """Tickets that wait for their customer."""
    remind: int
    resolve: int
    close: int
    oldest: At | None
    """Since when the first of those that would be written to has been silent."""

    @classmethod
    def of(cls, found: Foretold) -> "ForetoldView":
        return cls(**{name: getattr(found, name) for name in cls.__struct_fields__})


class SilenceGiven(Sent):
    left_alone: bool
    """No reminder, and nothing is resolved or closed by itself."""


class SilenceView(Shape):
    number: int
    silent_since: At | None
    reminded_at: At | None
    left_alone: bool
    next_step: Step | None
    """What happens by itself if nobody says anything."""
    next_at: At | None
    """Null where there is nothing, or where `stays` says what keeps it."""
    stays: Stays | None


class InboxPatience(Controller):
    path = "/inboxes/{inbox_id:int}/patience"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=MANAGES, summary="Show how long an inbox waits for customers")
    async def show(self, session: Session, inbox_id: PathId) -> PatienceView:
        return PatienceView.of(await patience.of(session, await _inbox(session, inbox_id)))

    @put(opt=MANAGES, summary="Change how long an inbox waits for customers")
    async def change(
        self, session: Session, agent: CurrentAgent, inbox_id: PathId, given: Given[PatienceGiven]
    ) -> PatienceView:
        inbox = await _inbox(session, inbox_id)
        return PatienceView.of(await patience.keep(session, inbox, given.terms(), by=agent))

    @post("/preview", opt=MANAGES, summary="See what would happen on other terms", status_code=200)
    async def preview(self, session: Session, inbox_id: PathId, given: Given[PatienceGiven]) -> ForetoldView:
        """How many tickets each step would meet now. Nothing is kept."""
        inbox = await _inbox(session, inbox_id)
        with session.no_autoflush:
            proposed = await patience.proposed(session, inbox, given.terms())
            return ForetoldView.of(await patience.foretell(session, proposed))


class TicketSilence(Controller):
    path = "/tickets/{number:int}/silence"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="Show what happens if the customer stays silent")
    async def show(self, session: Session, ticket: CurrentTicket, number: PathId) -> SilenceView:
        return await _silence(session, ticket)

    @put(opt=permits(Action.change), summary="Leave a silent customer's ticket alone, or watch it again")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[SilenceGiven],
    ) -> SilenceView:
        if given.left_alone:
            ticket.leave_alone(by=agent)
        else:
            ticket.watch_again(by=agent)
        await session.flush()
        return await _silence(session, ticket)


async def _silence(session: AsyncSession, ticket: Ticket) -> SilenceView:
    ahead = await patience.look_ahead(session, ticket)
    return SilenceView(
        number=ticket.number,
        silent_since=ticket.silent_since,
        reminded_at=ticket.reminded_at,
        left_alone=ticket.left_alone_at is not None,
        next_step=ahead.step if ahead else None,
        next_at=ahead.at if ahead else None,
        stays=ahead.stays if ahead else None,
    )


async def _inbox(session: AsyncSession, number: int) -> Inbox:
    if (found := await session.get(Inbox, number)) is None:
        raise NotFound
    return found
