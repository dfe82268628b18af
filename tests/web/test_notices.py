"""What browsers show on the desktop or let be heard: each thing once, and only what its agent asked for."""

import pytest
from sqlalchemy import select

from helpdesk import notifications
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.notifications import Reason, Way
from helpdesk.people import Agent
from tests.scenes import mail
from tests.web.served import Console
from workers.notices import notify


async def told(console: Console) -> None:
    async with console.scene.desk.sessions() as session:
        ids = list(await session.scalars(select(Event.id).where(Event.kind == Kind.assigned)))
    await notify(console.scene.desk, ids)


async def test_news_come_once_and_end_with_being_read(console: Console):
    scene = console.scene
    ada = await console.person("Ada")
    first = (await ada.look("/notices/news")).json()
    assert first["news"] == []
    ticket = await scene.receives(mail("Where is it?"))
    await scene.does(ticket, "assign", scene.agents["Ada"], by=scene.agents["Liam"])
    await told(console)
    path = f"/notices/news?after={first['upto']}"
    found = (await ada.look(path)).json()
    (one,) = found["news"]
    assert one["number"] == ticket.number
    assert "assigned this ticket to you" in one["title"]
    assert "A question" in one["body"]
    assert (one["desktop"], one["sound"]) == (True, True)
    assert (await ada.look(f"/notices/news?after={found['upto']}")).json()["news"] == []
    await ada.look(f"/tickets/{ticket.number}")
    assert (await ada.look(path)).json()["news"] == []


@pytest.mark.parametrize(("ways", "shown"), [({Way.sound}, [(False, True)]), ({Way.app, Way.mail}, [])])
async def test_each_kind_has_its_switches(console: Console, ways: set[Way], shown: list[tuple[bool, bool]]):
    scene = console.scene
    async with committed(scene.desk.sessions) as session:
        agent = await session.get_one(Agent, scene.agents["Ada"].id)
        notifications.choose(agent, {Reason.assigned: ways})
    ada = await console.person("Ada")
    page = (await ada.look("/settings/me/notices")).text
    assert page.count('role="switch"') == len(Reason) * len(Way)
    ticket = await scene.receives(mail("Where is it?"))
    await scene.does(ticket, "assign", scene.agents["Ada"], by=scene.agents["Liam"])
    await told(console)
    found = (await ada.look("/notices/news?after=0")).json()["news"]
    assert [(each["desktop"], each["sound"]) for each in found] == shown
