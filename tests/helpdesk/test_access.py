"""The one gate: who sees which tickets, and what a list shows of them."""

from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import views
from helpdesk.access import DESK_WIDE, GRANTS, Action, is_visible, may, sees, visible_tickets
from helpdesk.database import committed
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, CustomRole, Membership, Reach, Role, with_access
from helpdesk.tickets import Ticket
from helpdesk.views import BadCursor, Cursor, Place, View
from tests.scenes import Scene, mail


async def seen(scene: Scene, name: str, view: View = View.all) -> list[str]:
    async with scene.desk.sessions() as session:
        agent = await loaded(session, scene, name)
        return [row.subject for row in (await views.listed(session, agent, view)).tickets]


async def loaded(session: AsyncSession, scene: Scene, name: str) -> Agent:
    query = select(Agent).where(Agent.id == scene.agents[name].id).options(*with_access())
    return (await session.scalars(query)).unique().one()


async def test_an_agent_sees_their_teams_tickets_and_what_is_theirs(scene: Scene):
    billing = await scene.receives(mail(subject="billing"))
    moved = await scene.receives(mail(subject="moved", sender="jonas@fern.example"))
    await scene.does(moved, "move", scene.teams["Technical"], by=scene.agents["Ada"])
    assert await seen(scene, "Ada") == ["moved", "billing"]
    assert await seen(scene, "Liam") == ["billing"]
    assert await seen(scene, "Tess") == ["moved"]
    await scene.does(billing, "assign", scene.agents["Tess"], by=scene.agents["Ada"])
    assert await seen(scene, "Tess") == ["moved", "billing"]
    assert await seen(scene, "Tess", View.mine) == ["billing"]


async def test_somebody_who_was_switched_off_sees_nothing(scene: Scene):
    await scene.receives()
    async with scene.desk.sessions() as session:
        agent = await loaded(session, scene, "Ada")
        agent.active = False
        assert not (await session.scalars(visible_tickets(agent))).all()
        assert not may(agent, Action.read)


async def test_the_counts_are_what_the_lists_hold(scene: Scene):
    for n in range(3):
        await scene.receives(mail(sender=f"p{n}@x.example"))
    first = (await scene.tickets())[0]
    await scene.does(first, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        agent = await loaded(session, scene, "Liam")
        counted = (await views.counts(session, agent)).views
        for view, n in counted.items():
            assert n == len((await views.listed(session, agent, view)).tickets), view
        shown = {view: n for view, n in counted.items() if n}
        assert shown == {View.mine: 1, View.unassigned: 2, View.all: 3, View.unattended: 3}


async def test_the_gate_says_the_same_of_one_ticket_as_of_all(scene: Scene):
    """Every role and reach, with and without a role of their own in a team, and tickets of each standing to them."""
    teams = [None, *(team.id for team in scene.teams.values())]
    async with committed(scene.desk.sessions) as session:
        reading, nothing = ["ticket:read"], ["ticket:note"]
        roles = [
            CustomRole(name=f"{reach} {n}", permissions=given, reach=reach)
            for reach in Reach
            for n, given in enumerate((reading, nothing))
        ]
        session.add_all(roles)
        await session.flush()
        for n, (role, custom, special) in enumerate(product(Role, [None, *roles], [None, *roles[:2]])):
            agent = Agent(
                name=f"A{n}", email=f"a{n}@x.example", role=role, custom_role_id=custom and custom.id
            )
            agent.memberships = [Membership(team_id=teams[1 + n % 2], custom_role_id=special and special.id)]
            session.add(agent)
    tickets = [await scene.receives(mail(subject=str(n), sender=f"p{n}@x.example")) for n in range(9)]
    async with committed(scene.desk.sessions) as session:
        agents = (await session.scalars(select(Agent).options(*with_access()))).unique().all()
        some = [each for each in agents if each.custom_role and each.custom_role.name == "assigned 0"][:5]
        for n, ticket in enumerate(tickets):
            row = await session.get_one(Ticket, ticket.id)
            row.team_id, row.assignee_id = teams[n % len(teams)], some[n % 5].id if n % 2 else None
            session.add(Participant(ticket_id=row.id, agent_id=some[(n + 2) % 5].id, part=Part.follower))
    async with scene.desk.sessions() as session:
        agents = (await session.scalars(select(Agent).options(*with_access()))).unique().all()
        followers: dict[int, set[int]] = {ticket.id: set() for ticket in tickets}
        for ticket_id, agent_id in await session.execute(
            select(Participant.ticket_id, Participant.agent_id).where(Participant.agent_id.is_not(None))
        ):
            followers[ticket_id].add(agent_id or 0)
        rows = (await session.execute(select(Ticket.id, Ticket.team_id, Ticket.assignee_id))).all()
        told = set()
        for agent in agents:
            visible = set(await session.scalars(select(Ticket.id).where(is_visible(agent))))
            one_by_one = {r.id for r in rows if sees(agent, r.team_id, r.assignee_id, followers[r.id])}
            assert one_by_one == visible, agent.name
            told.add(frozenset(visible))
        assert len(told) > 5, "the agents differ"


async def test_pages_hold_every_ticket_once(scene: Scene):
    for n in range(7):
        await scene.receives(mail(subject=str(n), sender=f"p{n}@x.example"))
    found, after = [], None
    async with scene.desk.sessions() as session:
        agent = await loaded(session, scene, "Ada")
        while True:
            page = await views.listed(session, agent, View.all, after=after, limit=3)
            found += [row.subject for row in page.tickets]
            if not (after := page.after):
                break
            after = Place.read(str(after))
    assert found == [str(n) for n in reversed(range(7))]


@pytest.mark.parametrize("text", ["", "~", "yesterday~7", "2026-01-01T00:00:00+00:00~x", "' OR 1=1 --"])
def test_a_broken_page_address_is_refused_in_words(text: str):
    with pytest.raises(BadCursor, match="first page"):
        Cursor.read(text)


def test_a_light_agent_may_note_but_not_reply():
    agent = Agent(role=Role.light_agent, active=True)
    assert may(agent, Action.note)
    assert not may(agent, Action.reply)


def test_no_role_may_what_an_admin_may_not():
    assert all(grants <= GRANTS[Role.admin] for grants in GRANTS.values())


async def test_a_role_in_one_team_arranges_nothing_of_the_whole_desk(scene: Scene):
    async with scene.desk.sessions() as session:
        liam = await loaded(session, scene, "Liam")
        before = [action for action in DESK_WIDE if may(liam, action)]
    async with committed(scene.desk.sessions) as session:
        role = CustomRole(name="All", permissions=[action.value for action in Action])
        session.add(role)
        await session.flush()
        team = scene.teams["Technical"].id
        session.add(Membership(team_id=team, agent_id=scene.agents["Liam"].id, custom_role_id=role.id))
    async with scene.desk.sessions() as session:
        liam = await loaded(session, scene, "Liam")
        assert [action for action in DESK_WIDE if may(liam, action)] == before
        assert may(liam, Action.delete), "of that team's tickets"
