"""Statuses, types, tags and custom fields as an administrator arranges them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.fields import CustomField
from helpdesk.labels import Tag, TicketType, tags_called
from helpdesk.people import Agent
from helpdesk.statuses import Status
from tests.scenes import Scene
from tests.web.served import HASH, Console, Person, served


@pytest.fixture
async def console(scene: Scene) -> AsyncIterator[Console]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = HASH
    async with AsyncExitStack() as stack, served(scene.desk) as (app, url, _server):
        yield Console(scene, app, url, stack)


@pytest.fixture
async def ada(console: Console) -> Person:
    return await console.person("Ada")


async def of(console: Console, kind: type, name: str) -> int:
    async with console.scene.desk.sessions() as session:
        return int(await session.scalar(select(kind.id).where(kind.name == name)) or 0)  # type: ignore[attr-defined]


async def test_a_status_is_made_renamed_moved_and_archived(console: Console, ada: Person):
    home = "/settings/statuses"
    assert "What customers read" in (await ada.look(home)).text
    given = {"name": "Parts <b>", "category": "on_hold", "customer_name": "Waiting", "colour": "teal"}
    assert (await ada.does(home, data=given)).headers["hx-redirect"] == f"{home}?done=added"
    number = await of(console, Status, "Parts <b>")
    assert "Parts &lt;b&gt;" in (await ada.look(home)).text
    assert (await ada.does(home, data=given)).status_code == 409
    await ada.does(f"{home}/{number}", data=given | {"name": "Parts", "category": "new"})
    await ada.does(f"{home}/{number}/place", data={"up": "true"})
    assert (await ada.does(f"{home}/{number}/archive", data={"archived": "true"})).status_code == 204
    assert (await ada.does(f"{home}/1/archive", data={"archived": "true"})).status_code == 409
    async with console.scene.desk.sessions() as session:
        status = await session.get_one(Status, number)
    assert (status.name, status.category, status.archived) == ("Parts", "on_hold", True)
    for page in (f"{home}/new", f"{home}/{number}", "/settings/types/new", "/settings/tags/new"):
        assert (await ada.look(page)).status_code == 200, page
    assert (await ada.look(f"{home}/999")).status_code == 404


async def test_types_tags_and_fields_are_made_changed_merged_and_deleted(console: Console, ada: Person):
    assert (await ada.does("/settings/types", data={"name": "Defect", "colour": "red"})).status_code == 204
    number = await of(console, TicketType, "Defect")
    assert (await ada.does(f"/settings/types/{number}/archive", data={"archived": "true"})).status_code == 204
    assert "Archived" in (await ada.look("/settings/types")).text
    async with committed(console.scene.desk.sessions) as session:
        await tags_called(session, ["bill", "invoice"], by=DESK)
    bill = await of(console, Tag, "bill")
    assert "bill" in (await ada.look("/settings/tags?q=BIL")).text
    assert (
        await ada.does(f"/settings/tags/{bill}", data={"name": "Invoice", "colour": "red"})
    ).status_code == 409
    assert (await ada.does(f"/settings/tags/{bill}/merge", data={"into": "invoice"})).status_code == 204
    invoice = await of(console, Tag, "invoice")
    assert (
        await ada.does(f"/settings/tags/{invoice}/removal", data={"confirmation": "no"})
    ).status_code == 400
    await ada.does(f"/settings/tags/{invoice}/removal", data={"confirmation": "invoice"})
    assert await of(console, Tag, "invoice") == 0
    field = {"name": "Plan", "kind": "choice", "subject": "contact", "choices": "Free\r\nPaid\r\n\r\nFree"}
    assert (await ada.does("/settings/fields", data=field)).status_code == 204
    plan = await of(console, CustomField, "Plan")
    async with console.scene.desk.sessions() as session:
        assert (await session.get_one(CustomField, plan)).choices == ["Free", "Paid"]
    assert "Free\nPaid" in (await ada.look(f"/settings/fields/{plan}")).text
    for wrong in ({"choices": ""}, {"kind": "pattern", "pattern": "(a"}, {"kind": "pattern"}, {"name": " "}):
        assert (await ada.does("/settings/fields", data=field | wrong)).status_code == 400, wrong
    assert "customers see it" not in (await ada.look("/settings/fields")).text


async def test_only_who_manages_the_desk_comes_here(console: Console):
    liam = await console.person("Liam")
    for page in ("statuses", "types", "tags", "fields"):
        assert (await liam.look(f"/settings/{page}")).status_code == 403, page
        assert (await liam.does(f"/settings/{page}", data={"name": "x"})).status_code == 403, page
