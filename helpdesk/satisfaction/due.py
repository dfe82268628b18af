"""Who is to be asked now. Nothing is remembered but what was decided, so being killed in between loses nothing.

A ticket is asked about so long after it was resolved as its inbox says; what was resolved before that was switched
on, or two days earlier than the desk came back from being off, is not asked about any more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from helpdesk import schedules
from helpdesk.clock import now
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.people import Contact
from helpdesk.ratings import InboxSurvey, PromoterSurvey, Rating, Survey
from helpdesk.satisfaction.asking import QUIET, ask, has_declined, has_mail, was_asked
from helpdesk.tickets import Ticket

TOO_LATE = timedelta(days=2)


async def ask_about_resolved(session: AsyncSession, batch: int) -> int:
    """Decide about that many tickets whose time has come; returns how many. Safe for many at once."""
    found: list[Ticket] = []
    active = await session.scalars(
        select(InboxSurvey).join(Inbox, Inbox.id == InboxSurvey.inbox_id).where(InboxSurvey.active)
    )
    for survey in active.all():
        due = select(Ticket).where(_is_due(survey)).order_by(Ticket.resolved_at, Ticket.id)
        held = due.limit(batch - len(found)).with_for_update(skip_locked=True, key_share=True, of=Ticket)
        found += (await session.scalars(held)).all() if len(found) < batch else ()
    for ticket in _in_turn(found):
        await ask(session, ticket, by=DESK)
    return len(found)


def _in_turn(tickets: Sequence[Ticket]) -> list[Ticket]:
    """Each person is locked until the end; in one order, so that two who ask never wait for each other."""
    return sorted(tickets, key=lambda ticket: (ticket.contact_id, ticket.id))


def _is_due(survey: InboxSurvey) -> ColumnElement[bool]:
    """As the index of settled tickets by inbox and time has them."""
    until = now() - timedelta(minutes=survey.wait_minutes)
    since = max(until - TOO_LATE, survey.since or until)
    decided = exists().where(
        Rating.ticket_id == Ticket.id,
        Rating.kind == Survey.csat,
        or_(
            Rating.asked_at.is_not(None),
            Rating.score.is_not(None),
            Rating.decided_at >= Ticket.resolved_at,
        ),
    )
    return and_(
        Ticket.inbox_id == survey.inbox_id,
        Ticket.settled,
        Ticket.erased_at.is_(None),
        Ticket.removed.is_(None),
        Ticket.resolved_at > since,
        Ticket.resolved_at <= until,
        ~decided,
    )


async def ask_for_recommendation(session: AsyncSession, batch: int) -> int:
    """Ask that many of those whose turn it is; returns how many. When nobody is left, the next time is set."""
    plan = await session.scalar(
        select(PromoterSurvey)
        .where(PromoterSurvey.active, PromoterSurvey.next_at <= now())
        .with_for_update(skip_locked=True)
    )
    if plan is None or plan.next_at is None:
        return 0
    left = plan.most - await _asked_since(session, plan.next_at)
    asked = 0
    for ticket in _in_turn(await _candidates(session, plan, min(left, batch))) if left > 0 else ():
        asked += bool(await ask(session, ticket, by=DESK, kind=Survey.nps))
    if not asked:
        plan.next_at = schedules.read(plan.schedule).after(now())
    return asked


async def next_at(session: AsyncSession) -> datetime | None:
    """When customers are next asked for a recommendation."""
    found: datetime | None = await session.scalar(select(PromoterSurvey.next_at).where(PromoterSurvey.active))
    return found


async def _asked_since(session: AsyncSession, at: datetime) -> int:
    query = select(func.count()).where(Rating.kind == Survey.nps, Rating.asked_at >= at)
    return await session.scalar(query) or 0


async def _candidates(session: AsyncSession, plan: PromoterSurvey, most: int) -> list[Ticket]:
    """The last resolved ticket of each who may be asked, those first whose last one is longest ago."""
    last = (
        select(Ticket.id, Ticket.contact_id, Ticket.resolved_at)
        .ext(distinct_on(Ticket.contact_id))
        .where(
            Ticket.settled,
            Ticket.erased_at.is_(None),
            Ticket.removed.is_(None),
            Ticket.first_replied_at.is_not(None),
            Ticket.resolved_at > now() - timedelta(days=plan.within_days),
            Ticket.inbox_id.in_(select(Inbox.id).where(Inbox.active)),
        )
        .order_by(Ticket.contact_id, Ticket.resolved_at.desc(), Ticket.id.desc())
        .subquery()
    )
    of_last = aliased(last)
    contact = of_last.c.contact_id
    chosen = (
        select(Ticket)
        .join(of_last, of_last.c.id == Ticket.id)
        .join(Contact, Contact.id == Ticket.contact_id)
        .where(
            Contact.blocked_at.is_(None),
            Contact.erased_at.is_(None),
            has_mail(contact),
            ~has_declined(contact),
            ~was_asked(contact, now() - timedelta(days=_quiet(plan))),
            ~was_asked(contact, now() - timedelta(days=plan.every_days), Survey.nps),
        )
        .order_by(of_last.c.resolved_at, Ticket.id)
        .limit(most)
        .with_for_update(skip_locked=True, key_share=True, of=Ticket)
    )
    return list((await session.scalars(chosen)).all())


def _quiet(plan: PromoterSurvey) -> int:
    return min(QUIET, plan.every_days)
