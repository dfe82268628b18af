"""Macros: what they say, what they do, who has them, and how they are taken back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import clock, fields, macros
from helpdesk.changes import TooLate
from helpdesk.database import committed
from helpdesk.errors import Forbidden, Invalid, NotFound
from helpdesk.events import UNDONE, Event, Kind
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.macros import Given, Macro, MacroUse, Plan, Unknown
from helpdesk.macros.shelf import NameTaken
from helpdesk.people import Agent, Contact, Role, with_access
from helpdesk.sharing import NoTeam, Visibility
from helpdesk.sla import Policy
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Priority, Ticket
from tests.scenes import Scene, mail

REFUND = (
    {"verb": "tag", "tags": ["refund"]},
    {"verb": "priority", "priority": "high"},
    {"verb": "status", "status": BUILT_IN[Category.on_hold]},
)


async def agent(scene: Scene, session: AsyncSession, name: str = "Ada") -> Agent:
    return await session.get_one(Agent, scene.agents[name].id, options=with_access(), populate_existing=True)


async def kept(scene: Scene, given: Given, by: str = "Ada", old: int | None = None) -> Macro:
    async with committed(scene.desk.sessions) as session:
        who = await agent(scene, session, by)
        macro = await macros.one(session, who, old, to_change=True) if old else None
        return await macros.keep(session, macro, given, by=who)


async def at(session: AsyncSession, ticket: Ticket) -> Ticket:
    loaded = await session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket.id)
        .with_for_update(of=Ticket)
        .options(
            joinedload(Ticket.contact).selectinload(Contact.identities),
            joinedload(Ticket.team),
            joinedload(Ticket.inbox),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            selectinload(Ticket.clocks),
            selectinload(Ticket.tags),
            selectinload(Ticket.participants),
        )
        .execution_options(populate_existing=True)
    )
    return loaded.one()


async def foreseen(scene: Scene, macro: Macro, ticket: Ticket, by: str = "Ada") -> Plan:
    async with scene.desk.sessions() as session:
        return await macros.foresee(
            session, macro, await at(session, ticket), await agent(scene, session, by)
        )


async def uses(
    scene: Scene, macro: Macro, ticket: Ticket, by: str = "Ada", without: Sequence[int] = ()
) -> MacroUse:
    async with committed(scene.desk.sessions) as session:
        who = await agent(scene, session, by)
        return await macros.apply(session, macro, await at(session, ticket), by=who, without=without)


async def takes_back(scene: Scene, use: MacroUse, ticket: Ticket, by: str = "Ada") -> int:
    async with committed(scene.desk.sessions) as session:
        found = await macros.last_use(session, ticket, use_id=use.id)
        assert found
        who = await agent(scene, session, by)
        return await macros.take_back(session, found, await at(session, ticket), by=who)


async def stands(scene: Scene, ticket: Ticket) -> tuple[Any, ...]:
    async with scene.desk.sessions() as session:
        now = await at(session, ticket)
        return now.priority, now.category, now.status_id, sorted(tag.name for tag in now.tags)


async def test_words_are_put_in_once_and_gaps_are_named(scene: Scene):
    ticket = await scene.receives(mail(name="Marta {{agent.name}}", subject="{{desk.name}}"))
    async with committed(scene.desk.sessions) as session:
        await fields.add(
            session, Subject.ticket, Description(name="Order", kind=FieldKind.text), by=scene.agents["Ada"]
        )
        loaded = await session.get_one(Ticket, ticket.id)
        loaded.fields = {"order": "A-17"}
    body = (
        "Hello {{contact.first_name|there}}, {{ ticket.subject }} from {{company.name|your side}}: "
        "{{ticket.fields.order}}. {{team.name}}, {{contact.fields.plan}} {{agent.first_name}} {{contact.name}}"
    )
    plan = await foreseen(scene, await kept(scene, Given("Hello", body)), ticket)
    assert plan.text == (
        "Hello Marta, {{desk.name}} from your side: A-17. Billing, [plan] Ada Marta {{agent.name}}"
    )
    assert plan.gaps == ("contact.fields.plan",)


@pytest.mark.parametrize(
    "body",
    [
        "{{contact.password}}",
        "{{ ''.__class__ }}",
        "{{contact.name",
        "{% for x in y %}{{x}}",
        "{{contact.name|{{agent.name}}}}",
        "{{agent.password_hash}}",
    ],
)
async def test_nothing_but_known_names_is_kept(scene: Scene, body: str):
    with pytest.raises(Unknown):
        await kept(scene, Given("Bad", body))


async def test_what_it_does_is_shown_done_and_taken_back(scene: Scene):
    ticket = await scene.receives()
    was = await stands(scene, ticket)
    macro = await kept(scene, Given("Refund", actions=REFUND))
    plan = await foreseen(scene, macro, ticket)
    assert [(step.verb, step.counts) for step in plan.steps] == [
        ("tag", True),
        ("priority", True),
        ("status", True),
    ]
    assert await stands(scene, ticket) == was  # looking changes nothing

    use = await uses(scene, macro, ticket)
    assert await stands(scene, ticket) == (
        Priority.high,
        Category.on_hold,
        BUILT_IN[Category.on_hold],
        ["refund"],
    )
    assert not any(step.counts for step in (await foreseen(scene, macro, ticket)).steps)  # it is so already
    assert await takes_back(scene, use, ticket) == 0
    assert await stands(scene, ticket) == was
    assert {Kind.macro_used, Kind.macro_undone} <= set(await scene.kinds(ticket))
    async with scene.desk.sessions() as session:  # rules are not asked about it, or they would do it again
        back = await session.scalars(select(Event.kind).where(Event.data[UNDONE].as_integer() == use.id))
        assert {Kind.untagged, Kind.priority_changed, Kind.status_changed} <= set(back)
    with pytest.raises(TooLate):
        await takes_back(scene, use, ticket)


async def test_a_step_can_be_left_out(scene: Scene):
    ticket = await scene.receives()
    macro = await kept(scene, Given("Refund", actions=REFUND))
    await uses(scene, macro, ticket, without=[2])
    assert (await stands(scene, ticket))[1] is Category.new


async def test_what_somebody_changed_since_is_left_alone(scene: Scene):
    ticket = await scene.receives()
    use = await uses(scene, await kept(scene, Given("Refund", actions=REFUND)), ticket)
    await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Liam"])
    assert await takes_back(scene, use, ticket) == 1
    assert await stands(scene, ticket) == (Priority.urgent, Category.new, BUILT_IN[Category.new], [])


async def test_ten_minutes_later_it_stays(scene: Scene):
    ticket = await scene.receives()
    use = await uses(scene, await kept(scene, Given("Refund", actions=REFUND)), ticket)
    with clock.moved(timedelta(minutes=11)), pytest.raises(TooLate):
        await takes_back(scene, use, ticket)


async def test_a_macro_does_nothing_that_its_user_may_not(scene: Scene):
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Agent, scene.agents["Liam"].id)).role = Role.light_agent
    macro = await kept(scene, Given("Refund", actions=REFUND, visibility=Visibility.all))
    plan = await foreseen(scene, macro, ticket, by="Liam")
    assert not any(step.allowed for step in plan.steps)
    assert (await uses(scene, macro, ticket, by="Liam")).done == []


async def test_a_team_that_is_gone_takes_only_its_own_step_with_it(scene: Scene):
    ticket = await scene.receives()
    team = scene.teams["Technical"].id
    macro = await kept(scene, Given("Over", actions=({"verb": "team", "team": team}, *REFUND[:1])))
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Macro, macro.id)).actions = [{"verb": "team", "team": 10**9}, *REFUND[:1]]
    async with scene.desk.sessions() as session:
        macro = await session.get_one(Macro, macro.id)
    assert len((await uses(scene, macro, ticket)).done) == 1


async def test_who_sees_keeps_and_shares_which(scene: Scene):
    own = await kept(scene, Given("Own", "Hi"), by="Liam")
    teams = await kept(
        scene, Given("Team", "Hi", visibility=Visibility.team, team_id=scene.teams["Billing"].id)
    )
    await kept(scene, Given("All", "Hi", folder=" Billing/ Refunds ", visibility=Visibility.all))
    seen = {}
    for name in ("Ada", "Liam", "Tess"):
        async with scene.desk.sessions() as session:
            found = await macros.offered(session, await agent(scene, session, name))
            seen[name] = [(macro.name, macro.folder) for macro in found]
    refunds = ("All", "Billing / Refunds")
    assert seen == {
        "Ada": [refunds, ("Team", "")],
        "Liam": [refunds, ("Own", ""), ("Team", "")],
        "Tess": [refunds],
    }
    with pytest.raises(NotFound):
        await kept(scene, Given("Mine", "x"), by="Tess", old=own.id)
    with pytest.raises(Forbidden):
        await kept(scene, Given("Mine", "x"), by="Liam", old=teams.id)
    with pytest.raises(Forbidden):
        await kept(scene, Given("Loud", "x", visibility=Visibility.all), by="Liam")


async def test_what_is_used_most_comes_first(scene: Scene):
    ticket = await scene.receives()
    for name in ("Alpha", "Beta"):
        await kept(scene, Given(name, "Hi"))
    async with scene.desk.sessions() as session:
        beta = await session.scalar(select(Macro).where(Macro.name == "Beta"))
    assert beta
    await uses(scene, beta, ticket)
    async with scene.desk.sessions() as session:
        found = await macros.offered(session, await agent(scene, session))
    assert [(macro.name, macro.used) for macro in found] == [("Beta", 1), ("Alpha", 0)]


@pytest.mark.parametrize(
    "given",
    [
        Given("", "Hi"),
        Given("Nothing"),
        Given("x" * 81, "Hi"),
        Given("Long", "x" * 20_001),
        Given("Many", actions=REFUND * 7),
        Given("Merge", actions=({"verb": "merge", "into": 1},)),
        Given("Unknown", actions=({"verb": "explode"},)),
        Given("Gone", actions=({"verb": "assign", "agent": 10**9},)),
        Given("Once", actions=({"verb": "snooze", "until": "2099-01-01T00:00:00+00:00"},)),
    ],
    ids=lambda given: given.name[:8],
)
async def test_what_cannot_be_a_macro_is_refused_in_words(scene: Scene, given: Given):
    with pytest.raises(Invalid):
        await kept(scene, given)


async def test_a_team_that_is_not_there_is_said_to_be_none(scene: Scene):
    """Not that the name is taken, which is what the database would have refused for."""
    with pytest.raises(NoTeam):
        await kept(scene, Given("Ours", "x", visibility=Visibility.team, team_id=10**6))


async def test_archived_ones_stand_together_whatever_their_folder(scene: Scene):
    for name, folder in (("A", "Billing"), ("B", ""), ("C", "Billing"), ("D", "")):
        await kept(scene, Given(name, "Hi", folder=folder))
    async with committed(scene.desk.sessions) as session:
        for macro in await session.scalars(select(Macro).where(Macro.name.in_(["C", "D"]))):
            macro.archived = True
    async with scene.desk.sessions() as session:
        found = macros.of_folder(await macros.seen_by(session, await agent(scene, session)))
    assert [(folder, [m.name for m in group]) for folder, group in found] == [
        ("", ["B"]),
        ("Billing", ["A"]),
        (None, ["D", "C"]),
    ]


async def test_names_are_taken_once_a_folder(scene: Scene):
    await kept(scene, Given("Hello", "Hi"))
    await kept(scene, Given("Hello", "Hi", folder="Other"))
    with pytest.raises(NameTaken):
        await kept(scene, Given("HELLO", "Hi"))
