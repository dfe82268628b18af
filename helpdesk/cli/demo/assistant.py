"""The demo's assistant: topics, how far it may go, a tool, and a rule. It begins once the articles can be searched."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import policies
from ai.assistant.rows import Confirmation, Mode, Policy, Run, State, Tool
from ai.levels import AnswerLevel
from helpdesk import rules, signing, topics
from helpdesk.cli.demo.content import FOLDER, Told, toml
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Role, Team, with_access
from helpdesk.rules.shelf import Given
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic
from workers.assisting import consider

LOOK = 2.0  # seconds between looks whether it can begin
AT_ONCE = 3
PATIENCE = 10.0  # seconds for as many messages


class Subject(Told, frozen=True):
    name: str
    description: str
    examples: tuple[str, ...]


class Line(Told, frozen=True):
    mode: Mode
    topic: str = ""
    team: str = ""
    name: str = ""
    tone: str = ""


class Program(Told, frozen=True):
    """A tool that looks up whether an invoice is paid; `program.py` answers it."""

    name: str
    description: str
    examples: tuple[str, ...]
    pattern: str
    reply: str
    paid: tuple[str, ...]


class Filing(Told, frozen=True):
    """A rule that gives tickets of a topic a tag."""

    name: str
    description: str
    topic: str
    tag: str


class Assistant(Told, frozen=True):
    topics: tuple[Subject, ...]
    lines: tuple[Line, ...]
    tool: Program
    rules: tuple[Filing, ...]


def load() -> Assistant:
    return toml(FOLDER / "assistant.toml", Assistant)


async def arrange(desk: Desk, session: AsyncSession) -> None:
    """Everything but the switch: its lines are off until `begin`."""
    told = load()
    by = (
        await session.scalars(select(Agent).where(Agent.role == Role.admin).options(*with_access()))
    ).unique()
    admin = by.first() or DESK
    known: dict[str, Topic] = {}
    for each in told.topics:
        topic = known[each.name] = Topic()
        await topics.fill(
            session, topic, by=DESK, name=each.name, description=each.description, examples=each.examples
        )
    inbox = (await session.scalars(select(Inbox))).one()
    teams = {team.name: team.id for team in await session.scalars(select(Team))}
    for line in told.lines:
        session.add(
            Policy(
                inbox_id=inbox.id,
                topic=str(known[line.topic].id) if line.topic else "",
                mode=Mode.off,
                team_id=teams[line.team] if line.team else None,
                name=line.name,
                tone=line.tone,
            )
        )
    session.add(tool(desk, told.tool))
    for filing in told.rules:
        given = Given(
            filing.name,
            [{"on": "triaged"}],
            [{"verb": "tag", "tags": [filing.tag]}],
            {"kind": "where", "field": "topic", "operator": "is", "value": known[filing.topic].id},
            filing.description,
        )
        rule = await rules.keep(session, None, given, by=admin)
        await rules.switch(session, rule, True, by=admin)


def tool(desk: Desk, told: Program) -> Tool:
    return Tool(
        name=told.name,
        description=told.description,
        examples=list(told.examples),
        url="https://127.0.0.1/",  # whoever serves it says where
        schema={
            "type": "object",
            "properties": {"invoice": {"type": "string", "pattern": f"^{told.pattern}$"}},
            "required": ["invoice"],
        },
        reply=told.reply,
        needs_identity=True,
        confirmation=Confirmation.none,
        sealed_secret=desk.keys.seal(signing.new_secret()),
    )


async def begin(desk: Desk, stop: asyncio.Event) -> None:
    """The first time that the desk knows its articles: what is waiting is looked at, a few messages at a time, since
    nobody waits long for the assistant. What somebody switches off afterwards stays off."""
    if await _began(desk):
        return
    while not await is_searchable(desk):
        if await stopped(stop, LOOK):
            return
    wanted = {line.topic: line.mode for line in load().lines}
    async with committed(desk.sessions) as session:
        named = {str(topic.id): topic.name for topic in await topics.topics(session, all_=True)}
        for policy in await session.scalars(select(Policy).where(Policy.mode == Mode.off)):
            await policies.change(session, policy, wanted[named.get(policy.topic, "")], by=DESK)
    waiting = await _waiting(desk)
    for start in range(0, len(waiting), AT_ONCE):
        await consider(desk, list(waiting[start : start + AT_ONCE]))
        for _ in range(int(PATIENCE / LOOK * 4)):
            if await stopped(stop, LOOK / 4):
                return
            if not await _thinks(desk):
                break


async def _began(desk: Desk) -> bool:
    async with desk.sessions() as session:
        known = select(Event.id).where(Event.kind == Kind.assistant_edited)
        there = await session.scalar(select(func.count()).select_from(Policy))
        return not there or bool(await session.scalar(select(known.exists())))


async def is_searchable(desk: Desk) -> bool:
    async with desk.sessions() as session:
        return bool(await session.scalar(select(exists(select(AnswerLevel.embedder)))))


async def _thinks(desk: Desk) -> bool:
    async with desk.sessions() as session:
        open_ = Run.state.in_([State.waiting, State.running])
        return bool(await session.scalar(select(exists(select(Run.id).where(open_)))))


async def _waiting(desk: Desk) -> Sequence[int]:
    """The newest message of each customer whom nobody has answered yet."""
    async with desk.sessions() as session:
        newest = await session.scalars(
            select(func.max(Message.id))
            .join(Ticket, Ticket.id == Message.ticket_id)
            .where(Ticket.is_active, Ticket.assignee_id.is_(None), Ticket.first_replied_at.is_(None))
            .where(Message.direction == Direction.inbound)
            .group_by(Ticket.id)
            .order_by(func.max(Message.id).desc())
        )
        return newest.all()


async def stopped(stop: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
