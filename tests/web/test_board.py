"""The board in the console and in the API: numbers that open their tickets, for who may have reports."""

import asyncio
import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
from sqlalchemy import update

from helpdesk import clock
from helpdesk.access import Action
from helpdesk.board.picture import Shared
from helpdesk.database import committed
from helpdesk.people import Agent, Role
from helpdesk.sla import due
from helpdesk.tokens import issue
from tests.scenes import mail
from tests.web.served import Console


def readings(page: str) -> dict[str, str]:
    found = re.findall(r'id="tile-(\w+)">.*?<p class="reading">(.*?)</p>', page, re.DOTALL)
    return {name: unescape(number) for name, number in found}


def link(page: str, tile: str) -> str:
    found = re.search(rf'id="tile-{tile}">\s*<h2><a href="([^"]+)"', page)
    assert found
    return unescape(found[1])


def subjects(page: str) -> set[str]:
    return set(re.findall(r'<span class="what clip" dir="auto">(.*?)</span>', page))


@pytest.fixture
async def busy(console: Console) -> Console:
    """Four tickets: one of Technical, one that Liam has, one whose promise was broken."""
    scene = console.scene
    with clock.moved(timedelta(days=-30)):
        late = await scene.receives(mail(sender="late@x.example", subject="Late"))
    tickets = [
        await scene.receives(mail(sender=f"p{n}@x.example", subject=f"Question {n}")) for n in range(3)
    ]
    async with committed(scene.desk.sessions) as session:
        await due.record(session)
        moved = await scene.ticket(tickets[0].id, session)
        moved.move(scene.teams["Technical"], by=scene.agents["Ada"])
        (await scene.ticket(tickets[1].id, session)).assign(scene.agents["Liam"], by=scene.agents["Ada"])
        await session.execute(update(Agent).where(Agent.id == scene.agents["Tess"].id).values(role=Role.lead))
    assert late.number
    return console


async def test_tiles_say_what_stands_on_the_desk_and_open_exactly_that(busy: Console):
    ada = await busy.person("Ada")
    page = (await ada.look("/board")).text
    said = readings(page)
    assert {name: said[name] for name in ("open", "unassigned", "unattended", "breached", "full")} == {
        "open": "4", "unassigned": "3", "unattended": "4", "breached": "1", "full": "0",
    }  # fmt: skip
    assert said["waiting"].startswith("30 d")
    assert said["assistant"] == "–"
    assert subjects((await ada.look(link(page, "breached"))).text) == {"Late"}
    assert len(subjects((await ada.look(link(page, "unassigned"))).text)) == 3
    waiting = (await ada.look(link(page, "waiting"))).text
    assert waiting.index("Late") < waiting.index("Question 1"), "who waits longest comes first"
    for name in said:
        assert re.search(rf'id="says-{name}" role="tooltip">[^<]{{20,}}</p>', page), f"{name} is not defined"


async def test_the_list_behind_a_number_pages_sorts_and_stays_what_it_is(busy: Console):
    ada = await busy.person("Ada")
    path = link((await ada.look("/board")).text, "unattended")
    page = (await ada.look(path)).text
    assert "Open work and Unattended" in page
    rows = re.findall(r'data-row href="([^"]+)"', page)
    assert len(rows) == 4
    assert all("where=" in row for row in rows), "the list beside the ticket stays the same"
    assert len(subjects((await ada.look(unescape(rows[0]))).text)) == 4
    broken = await ada.look("/tickets?where=%7Bnonsense")
    assert broken.status_code == 400


async def test_the_board_is_limited_by_its_address(busy: Console):
    scene = busy.scene
    ada = await busy.person("Ada")
    assert readings((await ada.look(f"/board?team={scene.teams['Technical'].id}")).text)["open"] == "1"
    assert readings((await ada.look(f"/board?inbox={scene.inbox.id}")).text)["open"] == "4"
    assert readings((await ada.look("/board?channel=loopback")).text)["open"] == "4"
    assert readings((await ada.look("/board?channel=none")).text)["open"] == "0"
    nothing = (await ada.look("/board?team=999999")).text
    assert "Nothing is at risk" in nothing
    assert (await ada.look("/board?team=x")).status_code == 400


async def test_a_lead_sees_the_numbers_of_their_team_and_an_agent_none(busy: Console):
    tess, liam = await busy.person("Tess"), await busy.person("Liam")
    page = (await tess.look("/board")).text
    assert readings(page)["open"] == "1"
    assert "Late" not in page
    assert (await liam.look("/board")).status_code == 403
    assert 'href="/board"' not in (await liam.look("/tickets")).text
    assert 'href="/board"' in (await tess.look("/tickets")).text


async def test_what_is_at_risk_says_why_and_who_says_so(busy: Console):
    page = (await (await busy.person("Ada")).look("/board")).text
    risks = page[page.index('id="risks-title"') : page.index('id="people-title"')]
    assert "of working time left" in risks
    assert "nobody has it" in risks
    assert "Liam Osei is not there" in risks
    assert "A rule of thumb, not learned from this desk yet" in risks


async def test_parts_come_alone_and_the_wall_without_navigation(busy: Console):
    ada = await busy.person("Ada")
    part = await ada.does("/board", "GET", headers={"hx-target": "div#board-now"})
    assert part.text.startswith('<div class="board-now"')
    assert "trend-days" not in part.text
    trends = (await ada.does("/board/trends", "GET", headers={"hx-target": "div#board-trends"})).text
    assert trends.startswith('<div class="trends"')
    assert trends.count("<table") == 4, "every chart has its numbers as a table"
    wall = (await ada.look("/board?wall=true")).text
    assert 'id="views"' not in wall
    assert readings(wall)["open"] == "4"
    assert 'data-src="/board?wall=true"' in wall


async def test_programs_get_the_same_numbers_and_the_conditions_behind_them(busy: Console):
    scene = busy.scene
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        scopes = [Action.read, Action.report]
        _, secret = await issue(session, "Board", agent=ada, by=ada, scopes=scopes)
    async with httpx.AsyncClient(base_url=busy.url, headers={"authorization": f"Bearer {secret}"}) as program:
        board = (await program.get("/api/v1/board")).json()
        tiles = {tile["name"]: tile for tile in board["tiles"]}
        assert (tiles["open"]["number"], tiles["breached"]["number"]) == (4, 1)
        assert board["estimate"]["learned_at"] is None
        assert board["at_risk"]
        for name in ("open", "unassigned", "unattended", "breached", "waiting"):
            behind = await program.post("/api/v1/tickets/query", json={"condition": tiles[name]["condition"]})
            assert len(behind.json()["items"]) == tiles[name]["n"], name
        trends = (await program.get("/api/v1/board/trends")).json()
        assert (len(trends["hours"]), len(trends["days"]), len(trends["week"])) == (24, 14, 168)
        assert (await program.get("/api/v1/board?team=0")).status_code == 400


async def test_many_who_watch_the_same_cost_one_computation():
    made = []

    async def make() -> int:
        made.append(1)
        await asyncio.sleep(0.05)
        return len(made)

    shared = Shared(fresh=0.2)
    assert await asyncio.gather(*(shared.get("all", make) for _ in range(20))) == [1] * 20
    assert await shared.get("all", make) == 1
    assert await shared.get("another", make) == 2
    await asyncio.sleep(0.25)
    assert await shared.get("all", make) == 3


async def test_who_leaves_while_it_is_made_leaves_the_others_with_an_answer():
    async def make() -> str:
        await asyncio.sleep(0.05)
        return "made"

    shared = Shared(fresh=1.0)
    first = asyncio.create_task(shared.get("all", make))
    await asyncio.sleep(0)
    second = asyncio.create_task(shared.get("all", make))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == "made"
    with pytest.raises(asyncio.CancelledError):
        await first
