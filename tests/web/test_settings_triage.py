"""Topics, how far readings go, and the way back to an earlier reader: an admin's page."""

from typing import Any

from sqlalchemy import select

from ai.predictions import Kind
from ai.triage.policy import policy
from ai.triage.promotion import activate
from ai.triage.rows import Learned, Mode
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.topics import Topic
from tests.web.served import Console

HOME = "/settings/triage"


async def test_topics_are_made_edited_and_archived(console: Console) -> None:
    ada = await console.person("Ada")
    form = {
        "name": "Refund",
        "description": "Money back",
        "examples": "I want my money\n\n refund <b>please \n",
    }
    assert (await ada.does(f"{HOME}/topics", data=form)).status_code == 204
    assert (await ada.does(f"{HOME}/topics", data={"name": "refund"})).status_code == 409
    assert (await ada.does(f"{HOME}/topics", data={"name": " "})).status_code == 400
    async with console.scene.desk.sessions() as session:
        topic = (await session.scalars(select(Topic))).one()
    assert topic.examples == ["I want my money", "refund <b>please"]
    page = (await ada.look(f"{HOME}/topics/{topic.id}")).text
    assert "refund &lt;b&gt;please" in page
    assert (await ada.does(f"{HOME}/topics/{topic.id}/archive")).status_code == 204
    assert "archived" in (await ada.look(HOME)).text
    liam = await console.person("Liam")
    assert (await liam.look(HOME)).status_code == 403


async def test_how_far_a_reading_goes_is_chosen_per_team(console: Console) -> None:
    scene, ada = console.scene, await console.person("Ada")
    technical = scene.teams["Technical"]
    path = f"{HOME}/readers/team"
    assert (await ada.does(path, data={"mode": "do", "sure": "95"})).status_code == 204
    assert (
        await ada.does(f"{path}/teams/{technical.id}", data={"mode": "off", "sure": "90"})
    ).status_code == 204
    async with scene.desk.sessions() as session:
        rules = await policy(session)
    assert (rules.of(Kind.team, None).mode, rules.of(Kind.team, None).sure) == (Mode.do, 0.95)
    assert rules.of(Kind.team, technical.id).mode is Mode.off
    await ada.does(f"{path}/teams/{technical.id}", data={"mode": "", "sure": "90"})
    async with scene.desk.sessions() as session:
        assert (await policy(session)).of(Kind.team, technical.id).mode is Mode.do
    assert (await ada.does(path, data={"mode": "do", "sure": "20"})).status_code == 400
    assert (await ada.does(f"{HOME}/readers/moon", data={"mode": "do", "sure": "90"})).status_code == 404
    assert "Technical" in (await ada.look(path)).text


async def test_an_admin_goes_back_to_the_reader_before(console: Console) -> None:
    scene, ada = console.scene, await console.person("Ada")
    rows: list[Any] = []
    for n in (10, 20):
        measured = {"said": n, "right": n - 1, "net": 0.5, "interval": [0, 1]}
        async with committed(scene.desk.sessions) as session:
            before = rows[-1] if rows else None
            row = Learned(
                kind=Kind.team,
                embedder="m",
                weights=b"x",
                shape={},
                examples=n,
                measured={"held_back": n, "ours": measured, "theirs": measured},
                replaced_id=before.id if before else None,
            )
            if before:
                before = await session.get_one(Learned, before.id)
            await activate(session, row, before, by=DESK)
            rows.append(row)
    page = (await ada.look(f"{HOME}/readers/team")).text
    assert "at work" in page
    assert "replaced by a better one" in page
    assert (await ada.does(f"{HOME}/learned/{rows[1].id}/return")).status_code == 204
    async with scene.desk.sessions() as session:
        active = (await session.scalars(select(Learned).where(Learned.active))).all()
    assert [row.id for row in active] == [rows[0].id]
    assert (await ada.does(f"{HOME}/learned/{rows[1].id}/return")).status_code == 409
