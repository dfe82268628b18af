"""A desk whose workers are gone looks as ever, and answers nobody: admins are told."""

import pytest

from helpdesk.database import committed
from helpdesk.people import Agent, Role
from tests.web.served import Console
from tests.workers.hands import at_work, eventually
from web import signboard

SAID = "No process does the desk&#39;s work"


async def test_admins_are_told_that_nobody_works(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(signboard, "IDLE", 0.0)
    monkeypatch.setattr(signboard, "FRESH", 0.0)
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Ada"].id)).role = Role.admin
    ada, liam = await console.person("Ada"), await console.person("Liam")
    told = (await ada.look("/tickets")).text
    assert SAID in told
    assert "helpdesk doctor" in told
    assert SAID not in (await liam.look("/tickets")).text, "who can do nothing about it"
    monkeypatch.setattr(signboard, "IDLE", 60.0)
    monkeypatch.setattr(console.app.state.signboard, "_began", -1_000.0)
    assert SAID in (await ada.look("/tickets")).text

    async def silent() -> bool:
        return SAID not in (await ada.look("/tickets")).text

    async with at_work(console.scene.desk, listeners=False):
        await eventually(silent, 30)
