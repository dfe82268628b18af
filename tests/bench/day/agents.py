"""Colleagues: they come, take breaks and go, and work off what they have by the verbs that the console calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import merging, presence, routing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import ASSISTANT
from helpdesk.inboxes import Inbox
from helpdesk.labels import tags_called
from helpdesk.messages import Message
from helpdesk.people import Agent, Availability
from helpdesk.sla import Policy, matching
from helpdesk.tickets import Priority, Removal, Ticket
from tests.bench.day.diary import Diary
from tests.bench.day.world import Colleague, World, grid

OUTCOMES = {
    "reply": 44, "answer_and_resolve": 24, "hold": 5, "snooze": 5, "prioritise": 5, "hand_on": 4, "spam": 2,
    "trash": 1, "give_back": 2, "gold": 3, "choose_policy": 2, "transfer": 1, "merge": 2,
}  # fmt: skip
QUEUE = text(
    "SELECT assignee_id, id FROM ticket WHERE assignee_id = ANY(:agents) AND NOT settled AND snoozed_until IS NULL "
    "AND removed IS NULL AND category IN ('new', 'open') ORDER BY next_due_at NULLS LAST, id"
)
UNASSIGNED = text(
    "SELECT team_id, id FROM ticket WHERE team_id = ANY(:teams) AND assignee_id IS NULL AND NOT settled "
    "AND snoozed_until IS NULL AND removed IS NULL ORDER BY next_due_at NULLS LAST, id"
)
Then = tuple[timedelta, Callable[[], Awaitable[Any]]]


class NotNow(Exception):
    """The ticket is somebody else's by now, or was put away, or something else happens to it at this moment."""


@dataclass
class Done:
    """What an agent did, and what follows from it."""

    answered: bool = False
    resolved: bool = False
    then: Then | None = None


class Agents:
    def __init__(self, world: World, diary: Diary, random: Random) -> None:
        self.world, self.diary, self.random = world, diary, random

    async def comes(self, one: Colleague) -> None:
        one.here, one.away = True, False
        await self._heartbeat([one.agent.id])
        await self._says(one, Availability.online)

    async def pauses(self, one: Colleague, away: bool) -> None:
        if one.here:
            one.away = away
            await self._says(one, Availability.away if away else Availability.online)

    async def goes(self, one: Colleague) -> None:
        """Some say so; some only close the console, which is noticed after a while."""
        one.here = False
        if self.random.random() < 0.6:
            await self._says(one, Availability.away)

    async def heartbeat(self) -> None:
        if here := [number for number, one in self.world.colleagues.items() if one.here]:
            await self._heartbeat(here)

    async def _heartbeat(self, agents: list[int]) -> None:
        async with committed(self.world.desk.sessions) as session:
            await presence.seen(session, agents)

    async def _says(self, one: Colleague, availability: Availability) -> None:
        async with committed(self.world.desk.sessions) as session:
            agent = await session.get_one(Agent, one.agent.id, with_for_update=True)
            await presence.choose(session, agent, availability)

    async def begin(self) -> list[tuple[Colleague, int]]:
        """Whoever is free begins with the most urgent of what they have, or takes what nobody has."""
        free = [one for one in self.world.colleagues.values() if one.is_free]
        if not free:
            return []
        async with self.world.desk.sessions() as session:
            mine, waiting = await _queues(session, free)
        begun = []
        for one in free:
            queue = mine.get(one.agent.id, [])
            if not queue and one.by_hand and (found := waiting.get(one.team.id)):
                queue = [found.pop(0)]
                await self._takes(one, queue[0])
            if queue:
                one.works_on = queue[0]
                begun.append((one, queue[0]))
        return begun

    async def _takes(self, one: Colleague, ticket_id: int) -> None:
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            if ticket.assignee_id is None:
                ticket.assign(one.agent, by=one.agent)

    async def finish(self, one: Colleague, ticket_id: int) -> Done:
        one.works_on = None
        outcome = self.random.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        if not one.here:
            return Done()
        try:
            return await getattr(self, outcome)(one, ticket_id)  # type: ignore[no-any-return]
        except NotNow:
            return Done()

    @asynccontextmanager
    async def _holding(self, one: Colleague, ticket_id: int) -> AsyncIterator[tuple[AsyncSession, Ticket]]:
        """As it stands now, locked, still theirs, and nothing else happens to it at this moment."""
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            if (
                ticket.assignee_id != one.agent.id
                or not ticket.is_active
                or not self.diary.may_touch(ticket_id)
            ):
                raise NotNow
            yield session, ticket

    async def reply(self, one: Colleague, ticket_id: int) -> Done:
        async with self._holding(one, ticket_id) as (_session, ticket):
            message = ticket.reply("We are looking into it.", by=one.agent)
        self.diary.fact(ticket_id, "reply")
        if self.random.random() < 0.04:
            return Done(then=(timedelta(seconds=20), lambda: self._take_back(one, ticket_id, message.id)))
        return Done(answered=True)

    async def _take_back(self, one: Colleague, ticket_id: int, message_id: int) -> None:
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            last = next(entry for number, entry in reversed(self.diary.lines) if number in (ticket_id, 0))
            if last.what != "reply" or ticket.removed or not self.diary.may_touch(ticket_id):
                return
            ticket.withdraw(await session.get_one(Message, message_id), by=one.agent)
        self.diary.fact(ticket_id, "take back")

    async def answer_and_resolve(self, one: Colleague, ticket_id: int) -> Done:
        done = await self.reply(one, ticket_id)
        if done.answered:
            done.then = (timedelta(seconds=40), lambda: self._resolve(one, ticket_id))
            done.resolved = True
        return done

    async def _resolve(self, one: Colleague, ticket_id: int) -> None:
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            if ticket.is_settled or ticket.removed or not self.diary.may_touch(ticket_id):
                return
            ticket.resolve(by=one.agent)
        self.diary.fact(ticket_id, "resolve")

    async def hold(self, one: Colleague, ticket_id: int) -> Done:
        async with self._holding(one, ticket_id) as (_session, ticket):
            ticket.note("We ask the carrier.", by=one.agent)
            ticket.hold(by=one.agent)
        self.diary.fact(ticket_id, "hold")
        minutes = self.random.randrange(20, 150)
        return Done(then=(timedelta(minutes=minutes), lambda: self._take_up(one, ticket_id)))

    async def _take_up(self, one: Colleague, ticket_id: int) -> None:
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            if ticket.category != "on_hold" or ticket.removed or not self.diary.may_touch(ticket_id):
                return
            ticket.take_up(by=one.agent)
        self.diary.fact(ticket_id, "take up")

    async def snooze(self, one: Colleague, ticket_id: int) -> Done:
        until = grid(now() + timedelta(seconds=self.random.choice([40, 900, 1800, 3600, 9000])))
        async with self._holding(one, ticket_id) as (_session, ticket):
            ticket.snooze(until, by=one.agent)
        self.diary.fact(ticket_id, "snooze", until=until)
        return Done()

    async def prioritise(self, one: Colleague, ticket_id: int) -> Done:
        async with self._holding(one, ticket_id) as (_session, ticket):
            priority = self.random.choice([each for each in Priority if each is not ticket.priority])
            ticket.prioritise(priority, by=one.agent)
        self.diary.fact(ticket_id, "priority", now=priority.value)
        return Done()

    async def hand_on(self, one: Colleague, ticket_id: int) -> Done:
        """To those who know more."""
        async with self._holding(one, ticket_id) as (_session, ticket):
            first, second = self.world.teams[one.region.name]
            ticket.move(first if ticket.team_id == second.id else second, by=one.agent)
            ticket.assign(None, by=one.agent)
        return Done()

    async def give_back(self, one: Colleague, ticket_id: int) -> Done:
        async with self._holding(one, ticket_id) as (_session, ticket):
            routing.hand_back(ticket, by=one.agent, of=one.agent.id)
        return Done()

    async def spam(self, one: Colleague, ticket_id: int) -> Done:
        return await self._put_away(one, ticket_id, Removal.spam)

    async def trash(self, one: Colleague, ticket_id: int) -> Done:
        return await self._put_away(one, ticket_id, Removal.trash)

    async def _put_away(self, one: Colleague, ticket_id: int, why: Removal) -> Done:
        async with self._holding(one, ticket_id) as (_session, ticket):
            ticket.remove(why, by=one.agent)
        self.diary.fact(ticket_id, "remove", now=why.value)
        if self.random.random() < 0.5:
            minutes = self.random.randrange(5, 90)
            return Done(then=(timedelta(minutes=minutes), lambda: self._restore(one, ticket_id)))
        return Done(answered=why is Removal.trash)

    async def _restore(self, one: Colleague, ticket_id: int) -> None:
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            if ticket.removed not in {Removal.spam, Removal.trash} or not self.diary.may_touch(ticket_id):
                return
            ticket.restore(by=one.agent)
        self.diary.fact(ticket_id, "restore")

    async def gold(self, one: Colleague, ticket_id: int) -> Done:
        async with self._holding(one, ticket_id) as (session, ticket):
            tags = await tags_called(session, ["gold"], by=one.agent)
            if ticket.tags:
                ticket.untag(*tags, by=one.agent)
            else:
                ticket.tag(*tags, by=one.agent)
            names = [tag.name for tag in ticket.tags]
        self.diary.fact(ticket_id, "tags", tags=names)
        return Done()

    async def choose_policy(self, one: Colleague, ticket_id: int) -> Done:
        """By hand; or the choice is given back."""
        async with self._holding(one, ticket_id) as (session, ticket):
            name = "" if ticket.policy_fixed else self.random.choice(list(self.world.policies))
            query = select(Policy).where(Policy.name == name).options(joinedload(Policy.calendar))
            matching.fix(ticket, await session.scalar(query), by=one.agent)
        self.diary.fact(ticket_id, "fix", policy=name)
        return Done()

    async def transfer(self, one: Colleague, ticket_id: int) -> Done:
        name = self.random.choice(list(self.world.inboxes))
        async with self._holding(one, ticket_id) as (session, ticket):
            ticket.transfer(await session.get_one(Inbox, self.world.inboxes[name].id), by=one.agent)
        self.diary.fact(ticket_id, "inbox", inbox=name)
        return Done()

    async def merge(self, one: Colleague, ticket_id: int) -> Done:
        """Into another one of the same customer, if there is one; else into an open one that looked the same."""
        lead = self.world.lead
        assert lead
        async with committed(self.world.desk.sessions) as session:
            source = await session.get_one(Ticket, ticket_id)
            order = [Ticket.contact_id == source.contact_id, Ticket.id]
            others = (
                select(Ticket)
                .where(Ticket.id != source.id, Ticket.removed.is_(None), Ticket.policy_id.is_not(None))
                .where(Ticket.inbox_id == source.inbox_id)
                .order_by(order[0].desc(), order[1].desc())
                .limit(1)
            )
            target = await session.scalar(others)
            if source.removed or target is None or not self.diary.may_touch(source.id, target.id):
                raise NotNow
            await merging.merge(session, source.number, target.number, by=lead)
        self.diary.merged(source.id, target.id)
        return Done()

    async def assistant_answers(self, ticket_id: int) -> None:
        async with committed(self.world.desk.sessions) as session:
            ticket = await _locked(session, ticket_id)
            if (
                not ticket.is_active
                or ticket.category not in {"new", "open"}
                or not self.diary.may_touch(ticket_id)
            ):
                return
            ticket.reply("Have you looked at our help pages?", by=ASSISTANT)
        self.diary.fact(ticket_id, "bot")


async def _queues(
    session: AsyncSession, free: list[Colleague]
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    mine: dict[int, list[int]] = {}
    waiting: dict[int, list[int]] = {}
    for owner, ticket_id in await session.execute(QUEUE, {"agents": [one.agent.id for one in free]}):
        mine.setdefault(owner, []).append(ticket_id)
    teams = sorted({one.team.id for one in free if one.by_hand})
    for team, ticket_id in await session.execute(UNASSIGNED, {"teams": teams}) if teams else ():
        waiting.setdefault(team, []).append(ticket_id)
    return mine, waiting


async def _locked(session: AsyncSession, ticket_id: int) -> Ticket:
    """With what verbs need."""
    query = (
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .with_for_update(of=Ticket, key_share=True)
        .options(
            selectinload(Ticket.clocks),
            selectinload(Ticket.tags),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
        )
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one()
