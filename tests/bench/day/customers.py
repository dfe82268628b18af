"""Customers: they write, are answered, and write again."""

from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from helpdesk import intake
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage, Sender
from helpdesk.tickets import Ticket
from tests.bench.day.diary import Diary
from tests.bench.day.world import Region, World, grid

BY_HOUR = (1, 1, 1, 1, 1, 2, 3, 6, 9, 10, 10, 9, 8, 9, 10, 9, 8, 6, 4, 3, 3, 2, 2, 1)
"""How many write, by the hour of their own wall clock."""
MACHINES = 0.02
TWICE = 0.04
"""Who writes a second mail of its own about the same."""
IMPATIENT = 0.08
"""Who writes again before they have an answer."""
ASSISTED = 0.03
"""To whom the assistant answers by itself."""


def arrivals(world: World, tickets: int, random: Random) -> list[tuple[datetime, Region]]:
    """When somebody writes for the first time, and where."""
    hours = [
        world.begin + timedelta(hours=n) for n in range((world.ends - world.begin) // timedelta(hours=1))
    ]
    weights = [
        (hour, region, region.share * BY_HOUR[hour.astimezone(ZoneInfo(region.zone)).hour])
        for hour in hours
        for region in world.regions
    ]
    chosen = random.choices(weights, [weight for _, _, weight in weights], k=tickets)
    return sorted(
        ((grid(hour + timedelta(seconds=random.randrange(3580))), region) for hour, region, _ in chosen),
        key=lambda one: one[0],
    )


class Customers:
    def __init__(self, world: World, diary: Diary, random: Random) -> None:
        self.world, self.diary, self.random = world, diary, random
        self.wrote = 0
        self.senders: dict[int, str] = {}

    async def writes(self, region: Region, *, sender: str = "", machine: bool = False) -> Ticket:
        """A new matter; the ticket that it became."""
        self.wrote += 1
        sender = sender or f"customer{self.wrote}@{region.name.lower()}.example"
        given = self._mail(sender, subject=f"Matter {self.wrote}", automatic=machine)
        ticket = await self._received(region, given)
        self.senders[ticket.id] = sender
        self.diary.fact(ticket.id, "opened", inbox=region.name, by="machine" if machine else "customer")
        return ticket

    async def writes_again(self, ticket_id: int) -> None:
        """An answer to what we wrote, or impatience. Nobody answers to what we took for spam."""
        async with self.world.desk.sessions() as session:
            found = await session.get_one(Ticket, ticket_id)
            if found.removed == "spam" or not self.diary.may_touch(self.diary.root(ticket_id)):
                return
            inbox = next(name for name, one in self.world.inboxes.items() if one.id == found.inbox_id)
        self.wrote += 1
        sender = self.senders[ticket_id]
        token = self.world.desk.keys.reply_token(found.reply_key, sender)
        region = next(region for region in self.world.regions if region.name == inbox)
        ticket = await self._received(region, self._mail(sender, subject="Re", tokens=(token,)))
        self.diary.fact(ticket.id, "customer")

    def _mail(
        self, sender: str, *, subject: str, automatic: bool = False, tokens: tuple[str, ...] = ()
    ) -> InboundMessage:
        return InboundMessage(
            external_id=f"{self.wrote}.day@customers.example",
            sender=Sender(address=sender, name=sender.partition("@")[0].title()),
            subject=subject,
            text=f"Question number {self.wrote}: what becomes of my order?",
            received_at=now(),
            fingerprint=str(self.wrote),
            automatic=automatic,
            tokens=tokens,
        )

    async def _received(self, region: Region, given: InboundMessage) -> Ticket:
        desk = self.world.desk
        async with committed(desk.sessions) as session:
            number = self.world.inboxes[region.name].id
            inbox = await session.get_one(Inbox, number, options=[joinedload(Inbox.team)])
            message = await intake.receive(desk, session, inbox, given)
            found = await session.scalar(select(Ticket).where(Ticket.id == message.ticket_id))
        assert found
        return found
