"""The audit shows, filters, exports and proves."""

import csv
import io
import json
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import psycopg
import pytest
from sqlalchemy import select, update

from helpdesk import audit, tokens
from helpdesk.clock import moved, now
from helpdesk.database import committed, libpq_url
from helpdesk.events import Event, Kind
from helpdesk.people import Agent
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Priority
from tests.scenes import mail
from tests.web.served import Console
from web.sessions import WebSession
from web.settings.audit_details import details
from web.settings.audit_names import Names
from web.settings.audit_words import KINDS


async def test_who_did_what_to_whom_is_found_by_filters(console: Console) -> None:
    ada, scene = await console.person("Ada"), console.scene
    ticket = await scene.receives()
    await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    await ada.does("/settings/teams", data={"name": "Returns"})
    number = scene.agents["Ada"].id
    everything = (await ada.look("/settings/audit")).text
    assert "Made a team" in everything
    assert "Opened a ticket" in everything
    mine = (await ada.look(f"/settings/audit?actor=agent-{number}&about=team")).text
    assert "<b>Made a team</b>" in mine
    assert ">Team Returns</a>" in mine
    assert "<b>Opened a ticket</b>" not in mine
    one = (await ada.look(f"/settings/audit?number=%23{ticket.number}&kind=assigned")).text
    assert "<b>Assigned a ticket</b>" in one
    assert "<b>Signed in</b>" not in one
    assert "Nothing like that" in (await ada.look("/settings/audit?since=2020-01-01&until=2020-01-02")).text
    for wrong in ("kind=nothing", "actor=nobody", "since=yesterday"):
        assert (await ada.look(f"/settings/audit?{wrong}")).status_code == 400
    liam = await console.person("Liam")
    assert (await liam.look("/settings/audit")).status_code == 403


async def test_what_was_and_what_is_now_stands_there_in_words(console: Console) -> None:
    """Names of colleagues, teams and statuses, by the reader's own clock; the data as it is stays below."""
    ada, scene = await console.person("Ada"), console.scene
    ticket = await scene.receives()
    await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    await scene.does(ticket, "prioritise", Priority.high, by=scene.agents["Ada"])
    waits: dict[str, Any] = {"was": "new", "now": "on_hold", "status": BUILT_IN[Category.on_hold]}
    async with committed(scene.desk.sessions) as session:
        session.add(Event(Kind.status_changed, by=scene.agents["Liam"], ticket_id=ticket.id, **waits))
    text = unescape((await ada.look(f"/settings/audit?number={ticket.number}")).text)
    for words in ("Nobody → Liam", "Normal → High", "New → On hold"):
        assert words in text, words
    assert f'"now":{scene.agents["Liam"].id}' in text
    assert "Raw data" in text


def test_what_old_events_say_never_breaks_the_page() -> None:
    """Keys that are missing, of another type or of nobody: the kind is told, the rest is raw data."""
    wrong: list[dict[str, Any]] = [
        {},
        {"was": "?", "now": []},
        {"fields": 3},
        {"due_at": "soon"},
        {"teams": 1},
    ]
    for kind in Kind:
        for data in wrong:
            row = SimpleNamespace(kind=kind, data=data)
            assert all(isinstance(each, str) for each in details(cast("Any", row), Names()))


def test_whatever_is_sealed_has_words() -> None:
    assert set(KINDS) >= audit.SEALED


async def test_one_object_one_actor_and_programs_are_looked_for(console: Console) -> None:
    ada, scene = await console.person("Ada"), console.scene
    for name in ("Returns", "Repairs"):
        await ada.does("/settings/teams", data={"name": name})
    everything = (await ada.look("/settings/audit?about=team")).text
    link = everything.split(">Team Returns</a>", 1)[0].rsplit('href="', 1)[1].split('"')[0]
    one = (await ada.look(unescape(link))).text
    assert "selected>Team Returns</option>" in one
    assert ">Team Repairs</a>" not in one
    async with committed(scene.desk.sessions) as session:
        liam = await session.get_one(Agent, scene.agents["Liam"].id)
        token, _secret = await tokens.issue(session, "Shop", agent=liam, by=liam, scopes=["ticket:read"])
        liam.act_by(token.id, frozenset(token.scopes))
        session.add(Event(Kind.tag_edited, by=liam, what="added"))
    by_program = (await ada.look("/settings/audit?actor=token")).text
    assert "<b>Changed a tag</b>" in by_program
    assert "Shop" in by_program
    assert "<b>Made a team</b>" not in by_program


async def test_days_are_those_of_the_readers_clock(console: Console) -> None:
    ada, scene = await console.person("Ada"), console.scene
    await ada.does("/settings/me", data={"name": "Ada", "locale": "en", "time_zone": "Pacific/Kiritimati"})
    await scene.receives()
    there = (now() + timedelta(hours=14)).date()
    assert "<b>Opened a ticket</b>" in (await ada.look(f"/settings/audit?since={there}&until={there}")).text
    assert (
        "<b>Opened a ticket</b>"
        not in (await ada.look(f"/settings/audit?since={there + timedelta(days=1)}")).text
    )


async def test_pages_go_back_to_the_first_event(console: Console) -> None:
    ada = await console.person("Ada")
    async with committed(console.scene.desk.sessions) as session:
        session.add_all(Event(Kind.signed_out, by=console.scene.agents["Liam"], n=n) for n in range(120))
    seen: set[str] = set()
    path = "/settings/audit?kind=signed_out"
    while path:
        text = (await ada.look(path)).text
        seen |= {part.split("}")[0] for part in unescape(text).split('{"n":')[1:]}
        _before, found, rest = text.partition('href="/settings/audit?kind=signed_out&')
        path = (
            f"/settings/audit?kind=signed_out&{rest.split(chr(34))[0].removeprefix('amp;')}" if found else ""
        )
    assert seen == {str(n) for n in range(120)}


async def test_it_is_taken_along_with_harmless_cells(console: Console) -> None:
    ada, scene = await console.person("Ada"), console.scene
    await scene.receives(mail(name='=HYPERLINK("https://evil.example","x")'))
    form = {"csrf": ada.token, "format": "csv"}
    answer = await ada.post("/settings/audit/export", data=form)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert any(row["who"].startswith("'=HYPERLINK") for row in rows)
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    lines = (await ada.post("/settings/audit/export", data=form | {"format": "jsonl"})).text.splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    opened = next(row for row in rows if row["kind"] == "ticket_created")
    assert (opened["what"], json.loads(opened["data"])["inbox"]) == ("Opened a ticket", scene.inbox.id)
    assert scene.inbox.name in opened["details"]
    assert "audit_exported" in kinds
    assert len(lines) >= len(rows)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(WebSession).values(confirmed_at=None))
    assert (await ada.post("/settings/audit/export", data=form)).status_code in {303, 403}


async def test_the_desk_itself_cannot_change_what_happened(console: Console) -> None:
    """Neither events nor their seals, with the database role that it works as."""
    async with committed(console.scene.desk.sessions) as session:
        session.add(Event(Kind.signed_in, by=console.scene.agents["Ada"]))
    with moved(2 * audit.SETTLED):
        async with committed(console.scene.desk.sessions) as session:
            assert await audit.seal(session) == 1
    with psycopg.connect(libpq_url(console.scene.desk.database_url), autocommit=True) as connection:
        for table in ("event", "event_seal"):
            for statement in ("DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET id = id"):
                column = statement.replace("id = id", "seal = seal") if table == "event_seal" else statement
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(column.format(table))


async def test_a_changed_event_breaks_the_chain(console: Console, owner_database: str) -> None:
    scene = console.scene
    for _ in range(3):
        await console.person("Ada")
    with moved(2 * audit.SETTLED):
        for expected in (3, 0):
            async with committed(scene.desk.sessions) as session:
                assert await audit.seal(session) == expected
    async with scene.desk.sessions() as session:
        assert await audit.broken(session) is None
        second = (await session.scalars(select(Event.id).where(Event.kind == Kind.signed_in))).all()[1]
    with psycopg.connect(libpq_url(owner_database), autocommit=True) as connection:
        connection.execute("UPDATE event SET actor_id = %s WHERE id = %s", [scene.agents["Liam"].id, second])
    async with scene.desk.sessions() as session:
        assert await audit.broken(session) == second
    ada = await console.person("Ada")
    assert f"broken at event {second}" in (await ada.look("/settings/audit/seal")).text


async def test_failed_sign_ins_are_written_down(console: Console) -> None:
    stranger = await console.stranger()
    await stranger.sign_in("ada@desk.example", "wrong")
    await stranger.sign_in("nobody@desk.example", "wrong")
    async with console.scene.desk.sessions() as session:
        told = (await session.scalars(select(Event).where(Event.kind == Kind.sign_in_failed))).all()
        ada = await session.get_one(Agent, console.scene.agents["Ada"].id)
    assert [event.about_id for event in told] == [ada.id, None]
    assert "wrong" not in msgspec.json.encode([event.data for event in told]).decode()
