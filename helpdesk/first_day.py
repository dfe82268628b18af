"""From an empty installation to the first answered ticket: what is done, and what comes next."""

from dataclasses import dataclass
from datetime import time
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import intake, options
from helpdesk.calendars import Calendar
from helpdesk.calendars.arranging import lay_out
from helpdesk.calendars.public import country_of
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.invitations import Invitation
from helpdesk.messages import InboundMessage, Message, Sender
from helpdesk.people import Agent, Role
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

TARGETS = {
    "urgent": {"first_response": 30, "resolution": 240},
    "high": {"first_response": 60, "resolution": 480},
    "normal": {"first_response": 240, "resolution": 1440},
    "low": {"first_response": 480, "resolution": 2880},
}
"""Business minutes; what a desk promises until it says otherwise."""
CALENDAR, POLICY = "Working hours", "Standard"
_ONE_AT_A_TIME = 0x66697273


@dataclass(frozen=True)
class Progress:
    desk: bool
    inbox: bool
    colleagues: bool
    ticket: int | None
    """The number of the first ticket, if there is one."""
    answered: bool

    @property
    def steps(self) -> tuple[bool, ...]:
        return (True, self.desk, self.inbox, self.colleagues, self.answered)

    @property
    def is_done(self) -> bool:
        return all(self.steps)


async def progress(session: AsyncSession) -> Progress:
    chosen = await options.load(session)
    agents = await session.scalar(select(func.count()).select_from(select(Agent.id).limit(2).subquery()))
    return Progress(
        desk=bool(chosen.desk_name),
        inbox=await session.scalar(select(Inbox.id).limit(1)) is not None,
        colleagues=(agents or 0) > 1 or await session.scalar(select(Invitation.id).limit(1)) is not None,
        ticket=await session.scalar(select(Ticket.number).order_by(Ticket.id).limit(1)),
        answered=await session.scalar(
            select(Message.id).where(Message.direction == "outbound", Message.withdrawn_at.is_(None)).limit(1)
        )
        is not None,
    )


async def has_admin(session: AsyncSession) -> bool:
    return await session.scalar(select(Agent.id).where(Agent.role == Role.admin).limit(1)) is not None


def needs_token(desk: Desk) -> bool:
    """Whether anybody but this machine's own users may reach the desk."""
    hosts = [desk.settings.host, urlsplit(desk.settings.url).hostname or ""]
    return not all(_is_loopback(host) for host in hosts)


def welcome_token(desk: Desk) -> str:
    """What the first admin brings where others can reach the desk; worth nothing once there is one."""
    return desk.keys.link_token("welcome", b"the first admin")


async def welcome(desk: Desk) -> str:
    """The address at which the first admin begins; empty once there is one."""
    async with desk.sessions() as session:
        if await has_admin(session):
            return ""
    token = f"?token={welcome_token(desk)}" if needs_token(desk) else ""
    return f"{desk.settings.url}/welcome{token}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def found_desk(
    session: AsyncSession, *, name: str, email: str, password_hash: str, locale: str = "en"
) -> Agent:
    """The first admin. Raises NotFound where there is one: two who try at once get one desk."""
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    if await has_admin(session):
        raise NotFound
    agent = Agent(name=name, email=email, role=Role.admin, password_hash=password_hash, locale=locale)
    session.add(agent)
    await session.flush()
    session.add(Event(Kind.agent_changed, by=DESK, about=agent, fields=["created"]))
    await options.change(session, by=agent, first_day=True)
    return agent


async def open_hours(
    session: AsyncSession,
    *,
    zone: str,
    days: set[int],
    opens: time,
    closes: time,
    country: str | None = None,
    by: Agent,
) -> None:
    """When somebody is there; promises run only then. Made once, changed afterwards.

    On public holidays of `country` nobody is there; None asks the time zone for it. Raises NoSuchCountry.
    """
    if not days or opens >= closes:
        raise Invalid(gettext("Choose at least one day, and an end after the beginning."))
    week = {str(day): [[f"{opens:%H:%M}", f"{closes:%H:%M}"]] for day in sorted(days)}
    calendar = await session.scalar(select(Calendar).order_by(Calendar.id).limit(1))
    if calendar is None:
        calendar = Calendar(name=CALENDAR, time_zone=zone, week=week)
        session.add(Policy(name=POLICY, calendar=calendar, targets=TARGETS))
    calendar.time_zone, calendar.week = zone, week
    calendar.country = country_of(zone) if country is None else country
    await session.flush()
    await lay_out(session, calendar)
    session.add(Event(Kind.calendar_changed, by=by, about=calendar, fields=["week"], reckoned=True))
    session.add(Event(Kind.options_changed, by=by, options=["working_hours"]))


async def first_ticket(desk: Desk, session: AsyncSession, by: Agent) -> int:
    """A ticket from the admin's own address: the answer to it arrives in their own mailbox."""
    inbox = await session.scalar(
        select(Inbox).where(Inbox.active).options(joinedload(Inbox.team)).order_by(Inbox.id).limit(1)
    )
    if inbox is None:
        raise Invalid(
            gettext("Connect a mailbox or another inbox first: an answer has to leave from somewhere.")
        )
    written = InboundMessage(
        external_id=f"first-day.{by.id}.{int(now().timestamp())}@{inbox.address.rpartition('@')[2] or 'desk'}",
        sender=Sender(address=by.email, name=by.name),
        subject=gettext("My first ticket"),
        text=gettext(
            "Hello,\n\nthis is what a customer's question looks like. Write an answer below and send it: it goes "
            "to your own mailbox, so that you see what customers see.\n\nYou can take it back for ten seconds."
        ),
        received_at=now(),
        fingerprint=f"first day of {by.id} at {now().isoformat()}",
    )
    message = await intake.receive(desk, session, inbox, written)
    ticket = await session.get_one(Ticket, message.ticket_id)
    return ticket.number
