"""From nobody at all to the first ticket; and only the first one may found the desk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import pytest
from sqlalchemy import select

from helpdesk import first_day, options
from helpdesk.calendars import Calendar
from helpdesk.desk import Desk
from helpdesk.people import Agent, Role
from tests.scenes import Scene
from tests.web.served import Console, Person, served

FOUNDER = {"name": "Ada Novak", "email": "Ada@desk.example", "password": "four words are enough"}


@pytest.fixture
async def empty(desk: Desk) -> AsyncIterator[Console]:
    """A desk where nobody is yet."""
    async with AsyncExitStack() as stack:
        app, url, _ = await stack.enter_async_context(served(desk))
        yield Console(Scene(desk, None, {}), app, url, stack)  # type: ignore[arg-type]


async def founded(empty: Console) -> Person:
    ada = await empty.stranger()
    assert (await ada.post("/welcome", data=FOUNDER)).headers["location"] == "/first-day/desk"
    await ada.look("/first-day/desk")
    return ada


async def test_who_comes_first_is_the_admin_and_nobody_after(empty: Console) -> None:
    stranger = await empty.stranger()
    assert (await stranger.look("/sign-in")).headers["location"] == "/welcome"
    weak = await stranger.post("/welcome", data=FOUNDER | {"password": "1234567890"})
    assert weak.status_code == 422
    assert "Many people use" in weak.text
    both = await asyncio.gather(
        *[(await empty.stranger()).post("/welcome", data=FOUNDER | {"email": f"{n}@x.example"}) for n in "ab"]
    )
    assert sorted(answer.status_code for answer in both) == [303, 404]
    assert (await stranger.look("/welcome")).status_code == 404
    assert (await stranger.post("/welcome", data=FOUNDER)).status_code == 404
    async with empty.scene.desk.sessions() as session:
        agents = (await session.scalars(select(Agent))).all()
    assert [agent.role for agent in agents] == [Role.admin]


async def test_where_others_can_reach_it_a_token_is_needed(empty: Console) -> None:
    desk = empty.scene.desk
    public = msgspec.structs.replace(desk.settings, public_url="https://desk.example.com")
    desk.__dict__["settings"] = public
    stranger = await empty.stranger()
    assert (await stranger.look("/welcome")).status_code == 404
    assert (await stranger.look("/welcome?token=guess")).status_code == 404
    address = await first_day.welcome(desk)
    assert address.startswith("https://desk.example.com/welcome?token=")
    assert (await stranger.look("/welcome?" + address.partition("?")[2])).status_code == 200


async def test_name_and_hours_are_chosen_and_the_steps_tell_how_far_it_is(empty: Console) -> None:
    ada = await founded(empty)
    assert (await ada.look("/")).headers["location"] == "/first-day"
    assert "1/5" in (await ada.look("/first-day")).text
    form = {"desk_name": "Lumen Support", "time_zone": "Europe/Berlin", "opens": "08:30", "closes": "16:00"}
    days = {"day-0": "true", "day-4": "true"}
    for wrong in ({"opens": "17:00"}, {"opens": "noon"}, {"time_zone": "Mars"}, {"desk_name": " "}):
        assert (await ada.does("/first-day/desk", data=form | days | wrong)).status_code == 400
    assert (await ada.does("/first-day/desk", data=form)).status_code == 400, "no day at all"
    taken = await ada.does("/first-day/desk", data=form | days)
    assert taken.headers["hx-redirect"] == "/first-day/mailbox"
    page = (await ada.look("/first-day")).text
    assert "2/5" in page
    assert "Lumen Support" in page
    assert "needs a mailbox" in page
    async with empty.scene.desk.sessions() as session:
        calendar = (await session.scalars(select(Calendar))).one()
    assert calendar.week == {"0": [["08:30", "16:00"]], "4": [["08:30", "16:00"]]}
    assert (await ada.does("/first-day/ticket")).status_code == 400, "nowhere to answer from"
    await ada.does("/first-day/end")
    assert (await ada.look("/")).headers["location"] == "/tickets"


async def test_the_desk_is_called_and_numbers_tickets_as_it_chooses(console: Console) -> None:
    ada, liam = await console.person("Ada"), await console.person("Liam")
    form = {"desk_name": "Nordwind", "ticket_prefix": "NW-", "language": "de", "time_zone": "Europe/Berlin"}
    assert (await ada.does("/settings/desk", data=form)).status_code == 204
    assert "Nordwind" in (await ada.look("/settings/desk")).text
    for wrong in ({"ticket_prefix": "<b>"}, {"language": "xx"}, {"time_zone": "Mars"}):
        assert (await ada.does("/settings/desk", data=form | wrong)).status_code == 400
    assert (await liam.look("/settings/desk")).status_code == 403
    async with console.scene.desk.sessions() as session:
        chosen = await options.load(session)
    assert (chosen.ticket_prefix, chosen.language) == ("NW-", "de")


ELSEWHERE = {
    "model_log_days": "/settings/models/log",
    "draft_risk": "/settings/evaluation",
    "answer_risk": "/settings/evaluation",
}
"""Options that stand beside what they are about."""


async def test_every_option_of_the_desk_has_its_place(console: Console) -> None:
    ada = await console.person("Ada")
    page = (await ada.look("/settings/desk")).text
    elsewhere = {name: (await ada.look(path)).text for name, path in ELSEWHERE.items()}
    for name in options.Options.__struct_fields__:
        assert f'name="{"days" if name == "model_log_days" else name}"' in elsewhere.get(name, page), name
    assert 'name="take_copies" value="true" checked' in page
    form = {"ticket_prefix": "#", "language": "en", "time_zone": "UTC"}
    for given, kept in (({}, False), ({"take_copies": "true"}, True)):
        assert (await ada.does("/settings/desk", data=form | given)).status_code == 204
        async with console.scene.desk.sessions() as session:
            assert (await options.load(session)).take_copies is kept
