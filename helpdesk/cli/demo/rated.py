"""What the demo's customers said of the help they got: asked and answered through the same verbs, on a moved clock."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import clock, satisfaction
from helpdesk.cli.demo.content import FOLDER, Told, toml
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Message
from helpdesk.people import Agent, Role
from helpdesk.satisfaction import Survey, arranging
from helpdesk.schedules import Every
from helpdesk.tickets import Ticket

WAIT = timedelta(hours=1)
"""How long after a ticket was resolved its customer is asked."""


class Rated(Told, frozen=True):
    subject: str
    score: int | None = None
    comment: str = ""
    after: timedelta = timedelta(hours=2)
    recommends: int | None = None
    """What they answered when they were asked for a recommendation, days later."""
    why: str = ""


class Ratings(Told, frozen=True):
    since_days: int
    recommended_after_days: int
    ratings: tuple[Rated, ...]


async def rate(desk: Desk, session: AsyncSession) -> None:
    """After the tickets are told."""
    told = toml(FOLDER / "ratings.toml", Ratings)
    await _switched_on(session, told)
    subjects = [each.subject for each in told.ratings]
    found = await session.scalars(select(Ticket).where(Ticket.subject.in_(subjects)))
    tickets = {ticket.subject: ticket for ticket in found}
    told_at = sorted(told.ratings, key=lambda each: tickets[each.subject].resolved_at or clock.now())
    for each in told_at:
        ticket = tickets[each.subject]
        resolved = ticket.resolved_at or clock.now()
        await _asked(desk, session, ticket, resolved + WAIT, each.score, each.comment, each.after)
        later = resolved + timedelta(days=told.recommended_after_days)
        if later < clock.now() - timedelta(days=1):
            await _asked(desk, session, ticket, later, each.recommends, each.why, each.after, kind=Survey.nps)


async def _switched_on(session: AsyncSession, told: Ratings) -> None:
    inbox = (await session.scalars(select(Inbox).where(Inbox.active).order_by(Inbox.id).limit(1))).one()
    admin = (await session.scalars(select(Agent).where(Agent.role == Role.admin).limit(1))).one()
    with clock.moved(-timedelta(days=told.since_days)):
        await arranging.arrange_inbox(
            session, inbox, by=admin, active=True, wait_minutes=60, quiet_days=7, words=""
        )
    await arranging.arrange_desk(
        session,
        by=admin,
        active=True,
        schedule={"every": Every.week, "days": [1], "at": "10:00", "zone": "Europe/Berlin"},
        within_days=30,
        every_days=90,
        most=20,
        words="",
    )


async def _asked(
    desk: Desk,
    session: AsyncSession,
    ticket: Ticket,
    at: datetime,
    score: int | None,
    comment: str,
    after: timedelta,
    *,
    kind: Survey = Survey.csat,
) -> None:
    with clock.moved(at - clock.now()):
        asked = await satisfaction.ask(session, ticket, by=DESK, kind=kind)
        if not asked:
            return
        message = await session.get_one(Message, asked.rating.message_id)
        message.delivery, message.delivered_at, message.before = Delivery.sent, message.sent_at, None
    if score is None:
        return
    with clock.moved(at + after - clock.now()):
        found = await satisfaction.found(
            session, desk.keys, satisfaction.token(desk.keys, asked.rating), lock=True
        )
        satisfaction.answer(found, score, comment, by=found.contact or DESK, channel="email")
        await session.flush()
