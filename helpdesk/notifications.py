"""What an agent should hear of, why, and how: in the console, by mail, or not at all. Never of their own doing."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    bindparam,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.clock import now
from helpdesk.database import CHANNEL, Choice, Row
from helpdesk.events import Event
from helpdesk.i18n import gettext
from helpdesk.people import Agent
from helpdesk.reading import rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import Ticket

MAIL_AFTER = timedelta(minutes=2)
"""Who has seen it in the console by then gets no mail."""


class Reason(StrEnum):
    """Why somebody hears of it; of several that fit, the first counts."""

    mentioned = "mentioned"
    assigned = "assigned"
    answered = "answered"  # the customer wrote on a ticket of mine
    noted = "noted"  # a colleague left a note on a ticket of mine
    late = "late"  # a promise on a ticket of mine, or of nobody in my team, was not kept
    due_soon = "due_soon"  # a promise on a ticket of mine, or of nobody in my team, is due soon
    failed = "failed"  # what I sent did not arrive
    rated = "rated"  # a customer was not satisfied with how I helped
    woken = "woken"  # a ticket of mine is back from being snoozed
    followed = "followed"  # something happened on a ticket that I follow
    team = "team"  # a new ticket in one of my teams
    rule = "rule"  # a rule tells me of a ticket
    chat = "chat"  # a new chat that nobody has, in one of my teams


class Way(StrEnum):
    app = "app"
    mail = "mail"
    desktop = "desktop"  # where their browser may show notices
    sound = "sound"


USUAL: dict[Reason, frozenset[Way]] = {
    Reason.mentioned: frozenset(Way),
    Reason.assigned: frozenset(Way),
    Reason.answered: frozenset({Way.app, Way.desktop, Way.sound}),
    Reason.noted: frozenset({Way.app}),
    Reason.late: frozenset({Way.app, Way.mail}),
    Reason.due_soon: frozenset({Way.app}),
    Reason.failed: frozenset({Way.app, Way.mail}),
    Reason.rated: frozenset({Way.app}),
    Reason.woken: frozenset({Way.app}),
    Reason.followed: frozenset({Way.app}),
    Reason.team: frozenset(),
    Reason.rule: frozenset({Way.app, Way.mail}),
    Reason.chat: frozenset({Way.desktop, Way.sound}),
}
"""What holds until an agent chooses otherwise."""


class Notification(Row):
    __tablename__ = "notification"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    reason: Mapped[Reason] = mapped_column(Choice(Reason))
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    in_app: Mapped[bool] = mapped_column(server_default=text("true"))
    read_at: Mapped[datetime | None]
    mail_at: Mapped[datetime | None]
    """When a mail is due; None where none is wanted, or it is not needed any more."""
    mailed_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship(lazy="raise")
    event: Mapped[Event] = relationship(lazy="raise")
    ticket: Mapped[Ticket] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("agent_id", "event_id", name="uq_notification_agent_id_event_id"),
        Index("ix_notification_agent_id", "agent_id", "id"),
        Index(
            "ix_notification_unread",
            "agent_id",
            "ticket_id",
            postgresql_where=text("read_at IS NULL AND in_app"),
        ),
        Index(
            "ix_notification_to_mail",
            "mail_at",
            postgresql_where=text("mail_at IS NOT NULL AND mailed_at IS NULL"),
        ),
    )


def ways(agent: Agent, reason: Reason) -> frozenset[Way]:
    """How this agent wants to hear of it; values that no version knows count for nothing."""
    chosen = (agent.notices or {}).get(reason.value)
    if not isinstance(chosen, list):
        return USUAL[reason]
    return frozenset(way for way in Way if way.value in chosen)


def wanted(agent: Agent, reason: Reason) -> frozenset[Way]:
    """A new chat is a new ticket of the team as well."""
    return ways(agent, reason) | (ways(agent, Reason.team) if reason is Reason.chat else frozenset())


def choose(agent: Agent, chosen: Mapping[Reason, Collection[Way]]) -> None:
    agent.notices = {reason.value: sorted(way.value for way in chosen.get(reason, ())) for reason in Reason}


async def tell(session: AsyncSession, event: Event, heard: Iterable[tuple[Agent, Reason]]) -> list[int]:
    """Writes it down once for each agent who wants to hear of it; the numbers of those that want a mail. However many
    agents a team has, it is one statement, and one more to call them."""
    wishes = {agent.id: (reason, by) for agent, reason in heard if (by := wanted(agent, reason))}
    rows = [
        {
            "agent_id": agent_id,
            "reason": reason,
            "event_id": event.id,
            "ticket_id": event.ticket_id,
            "in_app": Way.app in by,
            "mail_at": event.created_at + MAIL_AFTER if Way.mail in by else None,
        }
        for agent_id, (reason, by) in wishes.items()
    ]
    if not rows:
        return []
    new = insert(Notification).on_conflict_do_nothing(index_elements=["agent_id", "event_id"])
    returned = new.returning(Notification.id, Notification.agent_id, Notification.mail_at)
    made = (await session.execute(returned, rows)).all()
    await ring(session, *(row.agent_id for row in made if wishes[row.agent_id][1] != {Way.mail}))
    return [row.id for row in made if row.mail_at]


async def ring(session: AsyncSession, *agent_ids: int) -> None:
    """Their consoles look again, when this is committed."""
    if agent_ids:
        await session.execute(_rung(), {"agents": list(agent_ids)})


@once
def _rung() -> Select[Any]:
    ids = func.unnest(bindparam("agents", type_=ARRAY(BigInteger))).column_valued("id")
    return select(func.pg_notify(CHANNEL, func.concat("agent-", ids)))


async def unread(session: AsyncSession, agent: Agent) -> int:
    query = select(func.count()).where(
        Notification.agent_id == agent.id, Notification.read_at.is_(None), Notification.in_app
    )
    return await session.scalar(query) or 0


async def mark_read(session: AsyncSession, agent: Agent, *, ids: Collection[int] | None = None) -> int:
    """Everything, or these; returns how many were new."""
    which: list[Any] = [Notification.agent_id == agent.id, Notification.read_at.is_(None)]
    if ids is not None:
        which.append(Notification.id.in_(ids))
    done = await session.scalars(
        update(Notification).where(*which).values(read_at=now()).returning(Notification.id)
    )
    if count := len(done.all()):
        await ring(session, agent.id)
    return count


async def mark_read_with(session: AsyncSession, agent: Agent, ticket_id: int) -> int:
    """Whoever opens a ticket hears all of it; returns how many notices of other tickets are unread."""
    ((found,),) = await rows(session, (_read_with(), {"agent": agent.id, "ticket": ticket_id, "now": now()}))
    return int(found.others)


@once
def _read_with() -> AnySelect:
    """One round trip: it happens whenever somebody who was told opens what they were told of."""
    agent, ticket = bindparam("agent", type_=BigInteger), bindparam("ticket", type_=BigInteger)
    unread_of = (Notification.agent_id == agent, Notification.read_at.is_(None))
    read = (
        update(Notification)
        .where(*unread_of, Notification.ticket_id == ticket)
        .values(read_at=bindparam("now"))
        .returning(Notification.id)
        .cte("read")
    )
    others = select(func.count()).where(*unread_of, Notification.in_app, Notification.ticket_id != ticket)
    rung = select(func.pg_notify(CHANNEL, func.concat("agent-", agent))).where(exists(select(read.c.id)))
    return select(others.scalar_subquery().label("others"), rung.scalar_subquery().label("rung"))


def told(reason: Reason, who: str, event: Event | None = None) -> str:
    """What happened, in a sentence; `who` did it. What a rule says by itself, its `event` knows."""
    if reason is Reason.rule and event is not None and event.data.get("text"):
        words = {"rule": event.data.get("name"), "text": event.data["text"].rstrip(".")}
        return gettext("The rule “%(rule)s” says: %(text)s") % words
    return {
        Reason.mentioned: gettext("%(who)s mentioned you"),
        Reason.assigned: gettext("%(who)s assigned this ticket to you"),
        Reason.answered: gettext("%(who)s wrote on your ticket"),
        Reason.noted: gettext("%(who)s left a note on your ticket"),
        Reason.late: gettext("A promise to the customer was not kept in time"),
        Reason.due_soon: gettext("A promise to the customer is due soon"),
        Reason.failed: gettext("Your reply could not be delivered"),
        Reason.rated: gettext("%(who)s was not satisfied with your help"),
        Reason.woken: gettext("Your ticket is back from being snoozed"),
        Reason.followed: gettext("%(who)s changed a ticket that you follow"),
        Reason.team: gettext("%(who)s opened a ticket in your team"),
        Reason.rule: gettext("A rule wants you to look at this ticket"),
        Reason.chat: gettext("%(who)s waits in a chat that nobody has"),
    }[reason] % {"who": who}


def because(reason: Reason) -> str:
    """Why somebody hears of it; also what the preference is called."""
    return {
        Reason.mentioned: gettext("Somebody mentions me in a note"),
        Reason.assigned: gettext("A ticket is assigned to me"),
        Reason.answered: gettext("A customer writes on my ticket"),
        Reason.noted: gettext("A colleague leaves a note on my ticket"),
        Reason.late: gettext("A promise on my ticket, or on one of my team that nobody took, was not kept"),
        Reason.due_soon: gettext(
            "A promise on my ticket, or on one of my team that nobody took, is due soon"
        ),
        Reason.failed: gettext("A reply of mine could not be delivered"),
        Reason.rated: gettext("A customer is not satisfied with a ticket of mine"),
        Reason.woken: gettext("A ticket of mine is back from being snoozed"),
        Reason.followed: gettext("Something happens on a ticket that I follow"),
        Reason.team: gettext("A ticket arrives in one of my teams"),
        Reason.rule: gettext("A rule tells me of a ticket"),
        Reason.chat: gettext("A new chat in one of my teams that nobody has"),
    }[reason]
