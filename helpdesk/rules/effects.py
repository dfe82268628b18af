"""What a rule does that cannot be taken back: words that are said, people and programs that are told."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import satisfaction
from helpdesk.changes import BadValue, NotThere
from helpdesk.clock import now
from helpdesk.errors import Conflict
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Message, Proof
from helpdesk.people import Agent, Team
from helpdesk.rules.rows import Rule, RuleRun
from helpdesk.rules.words import filled, read_note, read_reply
from helpdesk.texts import clean
from helpdesk.tickets import Ticket
from helpdesk.webhooks import Delivery, Webhook
from helpdesk.webhooks.deliveries import State, ring

Json = dict[str, Any]
T = TypeVar("T", bound=msgspec.Struct)
AGAIN = timedelta(hours=1)
"""How long the same rule does not write to the same ticket again."""
MOST_TO_ONE = 5
"""Mails that rules write to one contact within AGAIN, whatever the ticket: a machine that answers each of them
with a new ticket, and does not say that it is one, gets no more."""
DAY = timedelta(days=1)
UNPROVED_OF_ALL = 60
"""Mails within AGAIN, whoever they go to, that rules write for what came by forms: whoever fills in one form after the
other with strangers' addresses must not send mail to all of them through the desk. Each address gets one a day."""
LONGEST_NOTICE = 500


class Deed(StrEnum):
    reply = "reply"  # {"text": with placeholders}
    note = "note"  # {"text": with placeholders}
    notify = "notify"  # {"agents": [ids], "teams": [ids], "assignee": true, "text": "…"}
    webhook = "webhook"  # {"webhook": id}
    survey = "survey"
    draft = "draft"  # asks the assistant


class Effect(ABC):
    """As a Change, but for good."""

    verb: ClassVar[Deed]

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    @staticmethod
    def checked(given: Mapping[str, Any]) -> Json:
        """As it is kept; raises BadValue, or Invalid."""
        if given:
            raise BadValue(min(given), gettext("This verb does not take it."))
        return {}

    async def load(self, session: AsyncSession) -> None:
        """What it names; raises NotThere."""
        return

    @abstractmethod
    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        """What came of it, without a word of anybody's. Raises what was refused."""


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class Reply(Effect):
    verb = Deed.reply

    @staticmethod
    def checked(given: Mapping[str, Any]) -> Json:
        return {"text": read_reply(_read(given, _Text).text)}

    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        await _may_write(session, ticket, by)
        message = ticket.announce(await filled(session, self.given["text"], ticket), by=by)
        await session.flush()
        return {"message": message.id}


async def _may_write(session: AsyncSession, ticket: Ticket, rule: Rule) -> None:
    await session.refresh(ticket, attribute_names=["contact"])
    if ticket.removed or ticket.contact.is_blocked:
        raise NoAnswer
    latest = await session.scalar(
        select(Message)
        .where(
            Message.ticket_id == ticket.id,
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
            Message.copy_of_id.is_(None),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    if latest is not None and latest.automatic:
        raise Machine
    lately = Event.created_at > now() - AGAIN
    ours = select(func.count()).where(Event.kind == Kind.announced, Event.actor == ActorKind.rule, lately)
    if await session.scalar(ours.where(Event.ticket_id == ticket.id, Event.actor_id == rule.id)):
        raise SaidAlready
    theirs = select(Ticket.id).where(Ticket.contact_id == ticket.contact_id)
    theirs = theirs.where(Ticket.last_message_at > now() - 2 * AGAIN)
    if (await session.scalar(ours.where(Event.ticket_id.in_(theirs))) or 0) >= MOST_TO_ONE:
        raise SaidEnough
    if latest is not None and await _may_be_a_strangers(session, latest):
        await _may_write_to_strangers(session, ticket)


async def _may_be_a_strangers(session: AsyncSession, message: Message) -> bool:
    """Whether whoever wrote may have given somebody else's address: by a form, or as a domain says of a mail."""
    if message.is_proved:
        return False
    channel = select(Inbox.channel).where(Inbox.id == message.inbox_id)
    return message.proof == Proof.failed or await session.scalar(channel) == "api"


async def _may_write_to_strangers(session: AsyncSession, ticket: Ticket) -> None:
    ours = select(func.count()).where(Event.kind == Kind.announced, Event.actor == ActorKind.rule)
    theirs = select(Ticket.id).where(Ticket.contact_id == ticket.contact_id)
    theirs = theirs.where(Ticket.last_message_at > now() - 2 * DAY)
    if await session.scalar(ours.where(Event.ticket_id.in_(theirs), Event.created_at > now() - DAY)):
        raise SaidToday
    by_forms = (
        ours.select_from(Event)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .join(Inbox, Inbox.id == Ticket.inbox_id)
        .where(Inbox.channel == "api", Event.created_at > now() - AGAIN)
    )
    if (await session.scalar(by_forms) or 0) >= UNPROVED_OF_ALL:
        raise SaidToMany


class Note(Effect):
    verb = Deed.note

    @staticmethod
    def checked(given: Mapping[str, Any]) -> Json:
        return {"text": read_note(_read(given, _Text).text)}

    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        message = ticket.note(await filled(session, self.given["text"], ticket), by=by)
        await session.flush()
        return {"message": message.id}


_Ids = Annotated[list[Annotated[int, Meta(gt=0, le=2**63 - 1)]], Meta(max_length=50)]


class _Whom(msgspec.Struct, forbid_unknown_fields=True):
    agents: _Ids = []
    teams: _Ids = []
    assignee: bool = False
    text: str = ""


class Notify(Effect):
    verb = Deed.notify

    @staticmethod
    def checked(given: Mapping[str, Any]) -> Json:
        found = _read(given, _Whom)
        words = " ".join(clean(found.text).split())
        if len(words) > LONGEST_NOTICE:
            raise BadValue("text", gettext("This has at most %(n)s characters.") % {"n": LONGEST_NOTICE})
        if not (found.agents or found.teams or found.assignee):
            raise BadValue("agents", gettext("Choose who is told."))
        agents, teams = sorted(set(found.agents)), sorted(set(found.teams))
        return {"agents": agents, "teams": teams, "assignee": found.assignee, "text": words}

    async def load(self, session: AsyncSession) -> None:
        agents, teams = self.given["agents"], self.given["teams"]
        known = await session.scalar(select(func.count()).where(Agent.id.in_(agents), Agent.active))
        groups = await session.scalar(select(func.count()).where(Team.id.in_(teams)))
        if (known, groups) != (len(agents), len(teams)):
            raise NotThere

    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        agents = {*self.given["agents"], *([ticket.assignee_id] if self.given["assignee"] else [])} - {None}
        if not agents and not self.given["teams"]:
            raise NobodyThere
        told = {"agents": sorted(agents), "teams": self.given["teams"], "text": self.given["text"]}
        ticket.events.add(Event(Kind.rule_notified, by=by, rule=by.id, name=by.name, **told))
        return {"agents": sorted(agents), "teams": self.given["teams"]}


class _Endpoint(msgspec.Struct, forbid_unknown_fields=True):
    webhook: Annotated[int, Meta(gt=0, le=2**63 - 1)]


class Call(Effect):
    verb = Deed.webhook

    @staticmethod
    def checked(given: Mapping[str, Any]) -> Json:
        return {"webhook": _read(given, _Endpoint).webhook}

    async def load(self, session: AsyncSession) -> None:
        found = await session.get(Webhook, self.given["webhook"], populate_existing=True)
        if found is None or not found.active:
            raise NotThere

    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        number = self.given["webhook"]
        event = Event(Kind.rule_called, by=by, rule=by.id, name=by.name, webhook=number)
        ticket.events.add(event)
        await session.flush()
        values = {
            "webhook_id": number,
            "event_id": event.id,
            "ticket_id": ticket.id,
            "type": "ticket.rule",
            "state": State.queued,
            "since": now(),
            "next_at": now(),
        }
        await session.execute(insert(Delivery).values(values).on_conflict_do_nothing())
        await ring(session)
        return {"webhook": number}


class Draft(Effect):
    verb = Deed.draft

    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        ticket.events.add(Event(Kind.draft_wanted, by=by, rule=by.id))
        return {}


class Ask(Effect):
    verb = Deed.survey

    async def apply(self, session: AsyncSession, ticket: Ticket, *, by: Rule, run: RuleRun) -> Json:
        asked = await satisfaction.ask(session, ticket, by=by)
        if asked.why_not is not None:
            raise NotAsked(satisfaction.WORDS[asked.why_not])
        return {"rating": asked.rating.id}


EFFECTS: dict[Deed, type[Effect]] = {each.verb: each for each in (Reply, Note, Notify, Call, Ask, Draft)}


def _read(given: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as error:
        unknown = sorted(set(given) - set(kind.__struct_fields__))
        name = unknown[0] if unknown else next((n for n in kind.__struct_fields__ if n in str(error)), "")
        raise BadValue(name, gettext("This is not what the verb takes.")) from None


class NoAnswer(Conflict):
    message = _("Nothing is written to a blocked sender, or on a ticket in spam or trash.")


class Machine(Conflict):
    message = _("The last message came from a machine, and machines are not answered automatically.")


class SaidAlready(Conflict):
    message = _("This rule wrote to the customer on this ticket less than an hour ago.")


class SaidEnough(Conflict):
    message = _("Rules wrote to this customer five times within an hour; that is enough.")


class SaidToday(Conflict):
    message = _(
        "Nobody confirmed the address, and rules wrote to it within a day; somebody else may have given it."
    )


class SaidToMany(Conflict):
    message = _(
        "Rules wrote to very many addresses within an hour that came by forms and that nobody confirmed."
    )


class NotAsked(Conflict):
    """The detail says why."""


class NobodyThere(Conflict):
    message = _("Nobody holds the ticket, so nobody could be told.")
