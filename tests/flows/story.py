"""A threading scenario told to a real desk: what went before, the mails that come in, and what became of them."""

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from channels.contract import Unreadable
from channels.email import EmailChannel
from channels.email.composing import compose as written_out
from channels.email.reading import ParsedMail, read
from channels.email.settings import EmailSettings
from channels.email.tokens import address_with
from helpdesk import clock, intake, links, patience
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.patience import Terms
from helpdesk.people import Contact
from helpdesk.tickets import Ticket
from tests.scenes import Scene
from workers.outgoing import compose

HOST = "desk.example"
SUPPORT, SALES = f"support@{HOST}", f"sales@{HOST}"
PEOPLE = {
    "ALICE": "alice@customer.example",
    "BOB": "bob@other-desk.example",
    "MALLORY": "mallory@evil.example",
    "AGENT": f"ada@{HOST}",
    "SUPPORT": SUPPORT,
    "HOST": HOST,
    "LOOP": "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All",  # all that the desk's own mail says
}
SETTINGS = EmailSettings(smtp_host="localhost", authserv_id=f"mx.{HOST}")


class NotThere(Exception):
    """The scenario needs something that the desk does not do yet."""


@dataclass(frozen=True)
class Arrival:
    """What became of one mail."""

    decision: str  # new, append, duplicate, quarantine
    message: Message
    ticket: Ticket
    label: str  # T1, T2 …, or "" for a ticket that this mail opened
    read: ParsedMail | None  # None where it could not be read
    contacts_made: int


@dataclass
class Story:
    scene: Scene
    tickets: dict[str, Ticket] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """Placeholder → what stands for it: `T1.out1.mid`."""
    later: ExitStack = field(default_factory=ExitStack)

    async def begins(self, given: list[dict[str, Any]]) -> None:
        """The desk and its two mailboxes, and all that happened before."""
        async with committed(self.scene.desk.sessions) as session:
            session.add(
                Inbox(
                    name="Sales",
                    channel="email",
                    address=SALES,
                    sealed_settings=self.scene.desk.keys.seal({"smtp_host": "localhost"}),
                    team=None,
                )
            )
        homes = {
            step["k"].partition(".")[0]: SALES for step in given if step.get("k", "").endswith(".mailbox")
        }
        for step in given:
            match step["op"]:
                case "inbound":
                    await self._wrote(step, homes.get(step["ticket"], SUPPORT))
                case "agent_reply":
                    await self._answered(step)
                case "close":
                    await self.scene.does(self.tickets[step["ticket"]], "close", by=self.scene.agents["Ada"])
                case "days":
                    self.later.enter_context(clock.moved(timedelta(days=step["n"])))
                case "setting" if step["k"] == "reopen_days":
                    await self._opens_again_within(step["v"])
                case "setting" if step["k"] == "follow_up_possible":
                    await self._opens_again_within(1)
                    self.later.enter_context(clock.moved(timedelta(days=2)))
                case "setting":
                    pass
                case missing:
                    raise NotThere(missing)

    async def receives(self, mail: str) -> Arrival:
        raw = self._filled(mail).encode()
        tickets, messages, contacts = await self._counts()
        message, parsed = await self._taken_in(raw, self._inbox_of(raw))
        tickets_now, messages_now, contacts_now = await self._counts()
        if parsed is None:
            decision = "quarantine"
        elif messages_now == messages or message.copy_of_id:
            decision = "duplicate"
        else:
            decision = "new" if tickets_now > tickets else "append"
        ticket = await self.scene.ticket(message.ticket_id)
        label = next((name for name, known in self.tickets.items() if known.id == ticket.id), "")
        return Arrival(decision, message, ticket, label, parsed, contacts_now - contacts)

    async def answer_to(self, ticket: Ticket, body: str = "Thank you, we look into it.") -> bytes:
        """What leaves when an agent answers now, as bytes on the wire; then it is sent."""
        reply = await self.scene.replies(ticket, body)
        async with committed(self.scene.desk.sessions) as session:
            message = await session.scalar(
                select(Message)
                .where(Message.id == reply.id)
                .options(
                    joinedload(Message.ticket).joinedload(Ticket.inbox).joinedload(Inbox.answers_through),
                    joinedload(Message.agent),
                    selectinload(Message.attachments),
                )
            )
            assert message is not None
            outbound = await compose(self.scene.desk, session, message)
            message.delivery, message.before = Delivery.sent, None
            return written_out(outbound, address=message.ticket.inbox.address)

    async def outbound(self) -> int:
        async with self.scene.desk.sessions() as session:
            query = select(func.count()).where(Message.direction == Direction.outbound)
            return await session.scalar(query) or 0

    async def _opens_again_within(self, days: int) -> None:
        async with committed(self.scene.desk.sessions) as session:
            inbox = await session.get_one(Inbox, self.scene.inbox.id)
            await patience.keep(session, inbox, Terms(reopen_days=days), by=self.scene.agents["Ada"])

    async def linked(self, ticket: Ticket) -> list[str]:
        """What it is a follow-up of."""
        async with self.scene.desk.sessions() as session:
            found = await links.linked(session, ticket, Ticket.id > 0)
        ids = {one.ticket.id for one in found if one.side is links.Side.follow_up_of}
        return [name for name, known in self.tickets.items() if known.id in ids]

    async def _wrote(self, step: dict[str, Any], to: str) -> None:
        name = step["ticket"]
        mail = (
            f"From: {step['from']}\r\nTo: {to}\r\nSubject: {step['subject']}\r\n"
            f"Date: Sun, 05 Jan 2025 10:00:00 +0000\r\nMessage-ID: <{name}.{step['as']}@customer.example>\r\n\r\n"
            f"It began with {name}.\r\n"
        )
        message, _ = await self._taken_in(self._filled(mail).encode(), to)
        ticket = self.tickets[name] = await self.scene.ticket(message.ticket_id)
        token = self.scene.desk.keys.reply_token(ticket.reply_key, PEOPLE["ALICE"])
        self.said |= {
            f"{name}.number": str(ticket.number),
            f"{name}.tag": f"[#{ticket.number}]",
            f"{name}.reply_addr": address_with(token, to),
        }

    async def _answered(self, step: dict[str, Any]) -> None:
        name = step["ticket"]
        sent = read(await self.answer_to(self.tickets[name], f"The answer to {name}."))
        self.said[f"{name}.{step['as']}.mid"] = sent.message_id
        self.said[f"{name}.{step['as']}.verp"] = sent.message_id.partition("@")[0]

    async def _taken_in(self, raw: bytes, address: str) -> tuple[Message, ParsedMail | None]:
        """Both commits of the intake."""
        desk = self.scene.desk
        async with committed(desk.sessions) as session:
            inbox = (await session.scalars(select(Inbox).where(Inbox.address == address))).one()
            count = await session.scalar(select(func.count()).select_from(Kept))
            await intake.keep(session, inbox.id, [(raw, f"INBOX/1/{count}")])
        async with committed(desk.sessions) as session:
            (kept,) = await intake.claim(session)
        async with committed(desk.sessions) as session:
            kept = await session.merge(kept, load=False)
            try:
                inbound = EmailChannel(SETTINGS, address=address).parse(raw)
            except Unreadable as error:
                return await intake.give_up(desk, session, kept, str(error)), None
            message = await intake.receive(desk, session, kept.inbox, inbound)
            await intake.mark_received(session, {kept.id: message})
        return message, read(raw)

    def _inbox_of(self, raw: bytes) -> str:
        """Mail to both comes to one after the other, as two mailboxes would bring it."""
        to = [entry.compared for entry in read(raw).to]
        if SALES in to and (SUPPORT not in to or self.said.get("both")):
            return SALES
        if SALES in to:
            self.said["both"] = "yes"
        return SUPPORT

    def _filled(self, text: str) -> str:
        known = PEOPLE | {"T1.tag": "[#1]"} | self.said
        return re.sub(r"{{([^}]*)}}", lambda found: known[found[1]], text)

    async def _counts(self) -> tuple[int, int, int]:
        async with self.scene.desk.sessions() as session:
            counted = [
                await session.scalar(select(func.count()).select_from(table)) or 0
                for table in (Ticket, Message, Contact)
            ]
        return counted[0], counted[1], counted[2]
