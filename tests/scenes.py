"""The words that tests speak: a small company on a real database, customers who write, agents who answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import intake
from helpdesk.calendars import Calendar
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage, Message, Sender
from helpdesk.people import Agent, Role, Team
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

WEEKDAYS = {str(day): [["09:00", "17:00"]] for day in range(5)}
TARGETS = {
    "urgent": {"first_response": 30, "resolution": 240},
    "high": {"first_response": 60, "resolution": 480},
    "normal": {"first_response": 240, "resolution": 1440},
    "low": {"first_response": 480, "resolution": 2880},
}
_ids = count(1)


def mail(
    text: str = "Where is my invoice?", *, sender: str = "marta@lumen.example", name: str = "", **rest: Any
) -> InboundMessage:
    """What a channel would hand over; every call is another message."""
    values: dict[str, Any] = {
        "external_id": f"{next(_ids)}.test@{sender.partition('@')[2]}",
        "sender": Sender(address=sender, name=name or sender.partition("@")[0].title()),
        "subject": "A question",
        "text": text,
        "received_at": now(),
        "fingerprint": text,
    }
    return InboundMessage(**(values | rest))


@dataclass
class Scene:
    desk: Desk
    inbox: Inbox
    teams: dict[str, Team]
    agents: dict[str, Agent] = field(default_factory=dict)

    @classmethod
    async def set(cls, desk: Desk) -> "Scene":
        billing = Team(name="Billing", colour="blue", description="Invoices, refunds, payments.")
        technical = Team(name="Technical", colour="orange", description="Errors, integrations, the API.")
        inbox = Inbox(
            name="Support",
            channel="loopback",
            address="support@desk.example",
            sealed_settings=desk.keys.seal({}),
            team=billing,
        )
        agents = [
            Agent(name="Ada Novak", email="ada@desk.example", role=Role.admin, teams=[billing]),
            Agent(name="Liam Osei", email="liam@desk.example", role=Role.agent, teams=[billing]),
            Agent(name="Tess Varga", email="tess@desk.example", role=Role.agent, teams=[technical]),
        ]
        calendar = Calendar(name="Office", time_zone="Europe/Berlin", week=WEEKDAYS)
        policy = Policy(name="Standard", calendar=calendar, targets=TARGETS)
        async with committed(desk.sessions) as session:
            session.add_all([inbox, technical, policy, *agents])
        return cls(
            desk,
            inbox,
            {"Billing": billing, "Technical": technical},
            {agent.name.split()[0]: agent for agent in agents},
        )

    async def receives(self, inbound: InboundMessage | None = None, *, inbox: Inbox | None = None) -> Ticket:
        """A customer writes; the ticket it landed in."""
        async with committed(self.desk.sessions) as session:
            message = await intake.receive(self.desk, session, inbox or self.inbox, inbound or mail())
            return await self.ticket(message.ticket_id, session)

    async def receives_at_once(self, inbounds: Sequence[InboundMessage]) -> list[Ticket]:
        """Each with an inbox of its own, as several workers have: an object belongs to one session at a time."""
        inboxes = []
        for _ in inbounds:
            async with self.desk.sessions() as session:
                inboxes.append(await session.get_one(Inbox, self.inbox.id, options=[joinedload(Inbox.team)]))
        each = zip(inbounds, inboxes, strict=True)
        return await asyncio.gather(*(self.receives(one, inbox=inbox) for one, inbox in each))

    async def ticket(self, ticket_id: int, session: AsyncSession | None = None) -> Ticket:
        """As it stands in the database, with what verbs need."""
        if session is None:
            async with self.desk.sessions() as own:
                return await self.ticket(ticket_id, own)
        loaded = await session.scalars(
            select(Ticket)
            .where(Ticket.id == ticket_id)
            .options(selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar))
            .execution_options(populate_existing=True)
        )
        return loaded.one()

    async def does(self, ticket: Ticket, verb: str, *args: Any, **kwargs: Any) -> Any:
        """Load it, call the verb, commit: what a route does."""
        async with committed(self.desk.sessions) as session:
            return getattr(await self.ticket(ticket.id, session), verb)(*args, **kwargs)

    async def replies(self, ticket: Ticket, body: str = "Here it is.", *, by: str = "Ada") -> Message:
        return await self.does(ticket, "reply", body, by=self.agents[by])  # type: ignore[no-any-return]

    async def messages(self, ticket: Ticket) -> list[Message]:
        async with self.desk.sessions() as session:
            found = await session.scalars(
                select(Message)
                .where(Message.ticket_id == ticket.id)
                .options(selectinload(Message.attachments))
                .order_by(Message.id)
            )
            return list(found)

    async def kinds(self, ticket: Ticket) -> list[Kind]:
        async with self.desk.sessions() as session:
            return list(
                await session.scalars(
                    select(Event.kind).where(Event.ticket_id == ticket.id).order_by(Event.id)
                )
            )

    async def tickets(self) -> list[Ticket]:
        async with self.desk.sessions() as session:
            return list(await session.scalars(select(Ticket).order_by(Ticket.id)))
