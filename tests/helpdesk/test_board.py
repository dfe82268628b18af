"""The board's tiles are what somebody counts who looks at every ticket, for every colleague and scope; and each opens
exactly the tickets behind it."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from ai.suggestions import State, Suggestion
from helpdesk import clock, conditions, measures
from helpdesk.access import Action, is_visible
from helpdesk.board import Scope, Tile, TileName, tiles
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Availability, CustomRole, Membership, Reach, Role, with_access
from helpdesk.routing import AgentRouting, Method, TeamRouting
from helpdesk.sla import due
from helpdesk.tickets import Removal, Ticket
from tests.scenes import Scene, mail

HOUR = timedelta(hours=1)


async def everybody(session: AsyncSession) -> list[Agent]:
    found = await session.scalars(
        select(Agent).options(*with_access()).execution_options(populate_existing=True).order_by(Agent.id)
    )
    return list(found.unique())


class Company:
    """A desk with two inboxes on two channels, lived on at random, and a second opinion of every number."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.scene, self.chance = scene, chance

    async def furnish(self) -> None:
        async with committed(self.scene.desk.sessions) as session:
            chat = Inbox(
                name="Chat", channel="api", address="chat@desk.example",
                sealed_settings=self.scene.desk.keys.seal({}),
            )  # fmt: skip
            chat.team = await session.merge(self.scene.teams["Technical"], load=True)
            role = CustomRole(
                name="Watcher", permissions=["ticket:read", "ticket:report"], reach=Reach.assigned
            )
            lena = Agent(name="Lena", email="lena@desk.example", role=Role.lead)
            lena.teams = [chat.team]
            lou = Agent(name="Lou", email="lou@desk.example", role=Role.light_agent)
            session.add_all([chat, role, lena, lou])
            session.add(TeamRouting(team_id=self.scene.teams["Billing"].id, method=Method.in_turn, cap=3))
            session.add(AgentRouting(agent_id=self.scene.agents["Tess"].id, cap=2))
            await session.flush()
            session.add(
                Membership(team_id=self.scene.teams["Billing"].id, agent_id=lena.id, custom_role_id=role.id)
            )
            await session.execute(
                update(Agent)
                .where(Agent.id.in_([lena.id, self.scene.agents["Ada"].id]))
                .values(present_at=now())
            )
        self.inboxes = [self.scene.inbox, chat]
        self.agents = {**self.scene.agents, "Lena": lena, "Lou": lou}

    async def live(self, days: int = 2) -> datetime:
        """Returns the time at which it stops."""
        begin = at = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # a Monday
        while at < begin + timedelta(days=days):
            at += timedelta(minutes=self.chance.randint(5, 200))
            with clock.moved(at - clock.now()):
                await self._something()
                async with committed(self.scene.desk.sessions) as session:
                    await due.record(session)
        with clock.moved(at - clock.now()):
            for n in range(2):  # promised four working hours
                await self.scene.receives(mail(sender=f"late{n}@x.example"))
        return at

    async def _something(self) -> None:
        tickets = await self.scene.tickets()
        if len(tickets) < 6 or self.chance.random() < 0.2:
            sender = f"p{self.chance.randint(1, 12)}@x.example"
            inbox = self.chance.choice(self.inboxes)
            await self.scene.receives(
                mail(sender=sender, external_id=f"{self.chance.random()}@x"), inbox=inbox
            )
            return
        ticket = self.chance.choice(tickets)
        by = self.agents[self.chance.choice(["Ada", "Liam", "Tess"])]
        async with committed(self.scene.desk.sessions) as session:
            await self._verb(session, await session.get_one(Agent, by.id), ticket.id)

    async def _verb(self, session: AsyncSession, by: Agent, ticket_id: int) -> None:
        ticket = await self.scene.ticket(ticket_id, session)
        chosen = self.chance.random()
        if ticket.removed:
            ticket.restore(by=by)
        elif chosen < 0.3:
            message = ticket.reply("Here.", by=by)
            await session.flush()
            if self.chance.random() < 0.4:
                offered = Suggestion(
                    ticket=ticket, message_id=message.id, state=State.offered, body="Here.", confidence=0.9, model="m"
                )  # fmt: skip
                offered.use(by=by, sent="Here.", reply=message)
                session.add(offered)
            if self.chance.random() < 0.3:
                ticket.withdraw(message, by=by)
        elif chosen < 0.4 and not ticket.is_settled:
            ticket.resolve(by=by) if self.chance.random() < 0.5 else ticket.hold(by=by)
        elif chosen < 0.5 and not ticket.is_settled and ticket.snoozed_until is None:
            ticket.snooze(now() + HOUR * 30, by=by)
        elif chosen < 0.55:
            ticket.remove(Removal.trash, by=by)
        elif chosen < 0.75:
            ticket.assign(self.chance.choice([None, by]), by=by)
        elif chosen < 0.85:
            session.add(Participant(ticket_id=ticket_id, agent_id=self.agents["Lena"].id, part=Part.follower))
            await session.execute(
                update(Agent).where(Agent.id == by.id).values(
                    present_at=self.chance.choice([None, now()]),
                    availability=self.chance.choice([Availability.online, Availability.away]),
                )
            )  # fmt: skip
        else:
            ticket.team_id = self.chance.choice([None, *(team.id for team in self.scene.teams.values())])

    async def counted(
        self, session: AsyncSession, agent: Agent, scope: Scope, at: datetime
    ) -> dict[str, Any]:
        """By looking at every ticket."""
        loaded = await session.scalars(
            select(Ticket)
            .where(is_visible(agent))
            .options(selectinload(Ticket.clocks), selectinload(Ticket.inbox))
            .execution_options(populate_existing=True)
        )
        within = [
            one
            for one in loaded
            if scope.team_id in (None, one.team_id)
            and scope.inbox_id in (None, one.inbox_id)
            and scope.channel in (None, one.inbox.channel)
        ]
        mine = [one for one in within if not one.is_settled and not one.snoozed_until and not one.removed]
        waits = [at - one.waiting_since for one in mine if one.waiting_since]
        owed = {one.id: [c for c in one.clocks if not c.met_at and not c.ended_at] for one in mine}
        reported = set(await session.scalars(select(Ticket.id).where(is_visible(agent, Action.report))))
        answered = [one.id for one in within if not one.removed and one.id in reported]
        replies, used = await self._answers(session, answered, at)
        return {
            "open": len(mine),
            "unassigned": sum(one.assignee_id is None for one in mine),
            "unattended": sum(not one.first_replied_at or bool(one.waiting_since) for one in mine),
            "due": sum(
                any(not c.breached_at and c.due_at and at < c.due_at <= at + HOUR for c in each)
                for each in owed.values()
            ),
            "breached": sum(any(c.breached_at for c in each) for each in owed.values()),
            "waiting": max(waits).total_seconds() if waits else None,
            "assistant": used / replies if replies else None,
        }

    async def _answers(self, session: AsyncSession, ids: list[int], at: datetime) -> tuple[int, int]:
        events = await session.scalars(select(Event).where(Event.ticket_id.in_(ids)).order_by(Event.id))
        recent = [one for one in events if at - timedelta(days=7) < one.created_at <= at]
        of = {
            kind: {one.message_id for one in recent if one.kind is kind}
            for kind in (Kind.replied, Kind.reply_withdrawn, Kind.suggestion_used)
        }
        sent = of[Kind.replied] - of[Kind.reply_withdrawn]
        return len(sent), len(sent & of[Kind.suggestion_used])


async def behind(session: AsyncSession, agent: Agent, tile: Tile, at: datetime) -> int:
    """How many tickets its list has."""
    assert tile.condition is not None
    where = conditions.compile(conditions.kept(tile.condition), agent, at)
    query = select(func.count()).select_from(Ticket).where(is_visible(agent), where)
    return await session.scalar(query) or 0


async def test_tiles_are_what_a_recount_says_and_open_what_they_count(scene: Scene):
    chance = random.Random(20261122)  # noqa: S311
    company = Company(scene, chance)
    await company.furnish()
    stopped = await company.live()
    async with committed(scene.desk.sessions) as session:
        await measures.recount(session, await session.scalars(select(Ticket.id)))
    scopes = [
        Scope(),
        *(Scope(team_id=team.id) for team in scene.teams.values()),
        *(Scope(inbox_id=inbox.id) for inbox in company.inboxes),
        Scope(channel="api"),
        Scope(team_id=scene.teams["Billing"].id, inbox_id=company.inboxes[1].id),
    ]
    seen: dict[str, float] = {}
    for minutes in (0, 25, 200):
        at = stopped + timedelta(minutes=minutes)
        async with scene.desk.sessions() as session:
            for agent in await everybody(session):
                for scope in scopes:
                    exact = await company.counted(session, agent, scope, at)
                    for tile in await tiles(session, agent, scope, at):
                        name = tile.name.value
                        if name in exact:
                            assert tile.number == exact[name], (agent.name, scope, name)
                            seen[name] = max(seen.get(name, 0), tile.number or 0)
                        if name in exact and tile.name is not TileName.assistant:
                            assert await behind(session, agent, tile, at) == tile.n, (agent.name, scope, name)
    assert min(seen.values()) > 0, f"nothing ever stood behind a tile: {seen}"


async def test_a_lead_of_one_team_sees_that_teams_numbers(scene: Scene):
    for n in range(3):
        await scene.receives(mail(sender=f"p{n}@x.example"))  # Billing's
    async with committed(scene.desk.sessions) as session:
        tess = await session.get_one(Agent, scene.agents["Tess"].id)
        tess.role = Role.lead
        ticket = (await session.scalars(select(Ticket).order_by(Ticket.id))).first()
        assert ticket
        ticket.team_id = scene.teams["Technical"].id
    async with scene.desk.sessions() as session:
        ada, liam, tess = (one for one in await everybody(session))
        assert (await _numbers(session, ada))["open"] == 3
        assert (await _numbers(session, liam))["open"] == 2
        assert (await _numbers(session, tess))["open"] == 1
        assert (await _numbers(session, tess, Scope(team_id=scene.teams["Billing"].id)))["open"] == 0


async def test_who_is_there_and_who_can_take_no_more(scene: Scene):
    """A limit counts tickets of all teams; without one nobody is ever at capacity."""
    for n in range(2):
        await scene.receives(mail(sender=f"p{n}@x.example"))
    async with committed(scene.desk.sessions) as session:
        billing = scene.teams["Billing"].id
        session.add(TeamRouting(team_id=billing, method=Method.in_turn, cap=2))
        ada, tess = (scene.agents[name].id for name in ("Ada", "Tess"))
        await session.execute(update(Agent).where(Agent.id.in_([ada, tess])).values(present_at=now()))
        await session.execute(update(Agent).where(Agent.id == tess).values(availability="away"))
        await session.execute(update(Ticket).values(assignee_id=ada))
    async with scene.desk.sessions() as session:
        (admin, *_) = await everybody(session)
        found = await _numbers(session, admin)
        assert {name: found[name] for name in ("online", "away", "full")} == {
            "online": 1,
            "away": 1,
            "full": 1,
        }
        found = await _numbers(session, admin, Scope(team_id=billing))
        assert {name: found[name] for name in ("online", "away", "full")} == {
            "online": 1,
            "away": 0,
            "full": 1,
        }
    async with committed(scene.desk.sessions) as session:
        session.add(AgentRouting(agent_id=ada, cap=3))
    async with scene.desk.sessions() as session:
        (admin, *_) = await everybody(session)
        assert (await _numbers(session, admin))["full"] == 0


async def _numbers(
    session: AsyncSession, agent: Agent, scope: Scope | None = None
) -> dict[str, float | None]:
    return {tile.name.value: tile.number for tile in await tiles(session, agent, scope or Scope())}
