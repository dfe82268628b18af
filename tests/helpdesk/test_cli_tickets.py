"""The command line as agents and scripts use it: against a served desk, and on the desk's own machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpdesk import tokens
from helpdesk.database import committed
from helpdesk.people import Agent
from tests.conftest import SECRET
from tests.scenes import Scene, mail
from tests.web.served import served

HELPDESK = str(Path(sys.executable).with_name("helpdesk"))


def run(environ: dict[str, str], *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HELPDESK_")}
    return subprocess.run(
        [HELPDESK, *args], env=clean | environ, input=stdin, capture_output=True, text=True, timeout=120
    )


async def called(environ: dict[str, str], *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Beside the desk that this process serves."""
    import asyncio

    return await asyncio.to_thread(run, environ, *args, stdin=stdin)


@pytest.fixture
def here(scene: Scene) -> dict[str, str]:
    """What a command on the desk's own machine has in its environment."""
    settings = scene.desk.settings
    return {
        "DATABASE_URL": scene.desk.database_url,
        "HELPDESK_HOME": str(settings.home),
        "HELPDESK_SECRET": SECRET,
    }


async def test_tickets_are_worked_on_from_elsewhere(scene: Scene, here: dict[str, str], tmp_path: Path):
    ticket = await scene.receives(mail(subject="Lost parcel"))
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        _, secret = await tokens.issue(session, "Script", agent=ada, by=ada, scopes=list(tokens.GRANTABLE))
    async with served(scene.desk) as (_, url, _server):
        there = {"HELPDESK_URL": url, "HELPDESK_TOKEN": secret}
        number = str(ticket.number)
        listed = await called(there, "tickets", "list", "--view", "unassigned", "--json")
        assert json.loads(listed.stdout)["subject"] == "Lost parcel", listed.stderr
        (tmp_path / "a.txt").write_text("hello")
        said = await called(
            there,
            "ticket",
            number,
            "reply",
            "--attach",
            str(tmp_path / "a.txt"),
            "--json",
            stdin="On its way.\n",
        )
        assert json.loads(said.stdout)["text"] == "On its way.", said.stderr
        await called(there, "ticket", number, "tag", "vip")
        assigned = await called(there, "ticket", number, "assign", "me", "--json")
        assert json.loads(assigned.stdout)["assignee"]["name"] == "Ada Novak"
        shown = await called(there, "ticket", number, "show")
        assert "On its way." in shown.stdout
        assert "[vip]" in shown.stdout
        raw = await called(there, "api", "GET", f"/tickets/{number}/events")
        assert json.loads(raw.stdout)["items"][-1]["token_id"]
        gone = await called(there, "ticket", "999", "show")
        assert (gone.returncode, gone.stderr.strip()) == (3, "There is nothing here, or you may not see it.")
        assert (await called(there, "ticket", number, "reopen")).returncode == 5
        wrong = await called(there | {"HELPDESK_TOKEN": "hd_no"}, "tickets", "list")
        assert wrong.returncode == 4
    assert (await called(there, "tickets", "list")).returncode == 6


async def test_tickets_are_worked_on_at_the_desks_own_machine(scene: Scene, here: dict[str, str]):
    ticket = await scene.receives(mail())
    noted = await called(
        here, "ticket", str(ticket.number), "note", "Called them.", "--as", "liam@desk.example"
    )
    assert "is kept" in noted.stdout, noted.stderr
    assert (await scene.messages(ticket))[-1].agent_id == scene.agents["Liam"].id
    nobody = await called(here, "tickets", "list")
    assert nobody.returncode == 2
    assert "--as" in nobody.stderr
    assert (await called(here, "tickets", "list", "--as", "no@desk.example")).returncode == 4


async def test_tokens_are_made_listed_and_revoked(scene: Scene, here: dict[str, str]):
    made = await called(
        here, "token", "new", "Report", "--for", "ada@desk.example", "--scope", "ticket:read", "--json"
    )
    token = json.loads(made.stdout)
    assert token["secret"].startswith("hd_")
    listed = await called(here, "token", "list", "--json")
    assert json.loads(listed.stdout)["scopes"] == ["ticket:read"]
    assert token["secret"] not in listed.stdout
    assert "is revoked" in (await called(here, "token", "revoke", str(token["id"]))).stdout
    assert (await called(here, "token", "revoke", str(token["id"]))).returncode == 1
    bad = await called(here, "token", "new", "x", "--for", "ada@desk.example", "--scope", "all")
    assert "no permission" in bad.stderr


async def test_settings_travel_as_a_file(scene: Scene, here: dict[str, str], tmp_path: Path):
    """Export, change, plan, apply; the way back is a file, too."""
    file = tmp_path / "desk.yaml"

    async def config(*words: str, ends: int = 0) -> str:
        made = await called(here, "config", *words)
        assert made.returncode == ends, made.stdout + made.stderr
        return made.stdout

    await config("export", "--output", str(file))
    assert "Nothing is different." in await config("plan", str(file), "--prune")
    file.write_text(file.read_text().replace("tags: []", "tags:\n- name: vip\n  colour: amber"))
    assert "+ tags: vip" in await config("plan", str(file), ends=2)
    applied = await config("apply", str(file))
    assert "1 added" in applied
    back = applied.rpartition("--prune ")[2].strip()
    assert "- tags: vip" in await config("apply", "--prune", back)
    file.write_text("helpdesk: 1\ntags:\n- {name: vip, colour: pinkish}\n")
    assert "cannot be done" in await config("plan", str(file), ends=1)


@pytest.mark.parametrize(
    "words", [("user", "list"), ("token", "list"), ("inbox", "list"), ("retention", "--help")]
)
async def test_short_commands_know_every_table(scene: Scene, here: dict[str, str], words: tuple[str, ...]):
    """Each imports little, and what it imports names tables of others."""
    made = await called(here, *words)
    assert made.returncode == 0, made.stderr
