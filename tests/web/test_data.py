"""Keeping, forgetting and bringing in, as an admin does it in the console."""

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from helpdesk import retention
from helpdesk.backups import daily
from helpdesk.clock import moved
from helpdesk.database import committed
from helpdesk.imports.rows import ImportRun, State
from helpdesk.people import Contact
from tests.imports.hands import FIXTURES
from tests.scenes import mail
from tests.web.served import Console, Person
from workers.care import care

PAGES = (
    "/settings/data",
    "/settings/data/imports",
    "/settings/data/imports/new",
    "/settings/data/exports",
    "/settings/data/backups",
)


def zipped(vendor: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (FIXTURES / vendor).rglob("*"):
            archive.write(path, path.relative_to(FIXTURES / vendor))
    return packed.getvalue()


async def trusted(console: Console) -> Person:
    """Ada, who has given her password a minute ago."""
    ada = await console.person("Ada")
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(text("UPDATE web_session SET confirmed_at = now()"))
    return ada


@pytest.mark.parametrize("path", PAGES)
async def test_only_who_may_manage_data_sees_it(console: Console, path: str):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    assert (await ada.look(path)).status_code == 200
    assert (await liam.look(path)).status_code == 403


async def test_what_matters_asks_for_the_password_again(console: Console):
    ada = await console.person("Ada")
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(text("UPDATE web_session SET confirmed_at = NULL"))
    form = {"days": "30", "act": "delete"}
    answer = await ada.does(f"/settings/data/rules/{console.scene.inbox.id}", data=form)
    async with console.scene.desk.sessions() as session:
        assert await retention.rules(session) == {}, answer.text


async def test_a_rule_is_seen_before_it_is_switched_on(console: Console):
    scene, ada = console.scene, await trusted(console)
    ticket = await scene.receives(mail("Forget me in time"))
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    path = f"/settings/data/rules/{scene.inbox.id}"
    terms = {"days": "30", "act": "anonymise"}
    await ada.does(path, data=terms | {"active": "true"})
    assert "Switch the rule on" in (await ada.look(path)).text
    await ada.does(path, data=terms | {"active": "true"})
    assert "Switch the rule off" in (await ada.look(path)).text
    assert "On" in (await ada.look("/settings/data")).text
    with moved(timedelta(days=31)):
        await retention.sweep(scene.desk)
    assert "One ticket so far" in (await ada.look(path)).text
    assert (
        "(erased)" in (await ada.look("/tickets?queue=all")).text or (await scene.ticket(ticket.id)).erased_at
    )
    await ada.does(f"{path}/removal")
    assert "Kept for ever" in (await ada.look("/settings/data")).text


@pytest.mark.parametrize("wrong", [{"days": "0"}, {"days": "x"}, {"act": "keep"}, {"else": "1"}])
async def test_a_rule_that_makes_no_sense_is_refused(console: Console, wrong: dict[str, str]):
    ada = await trusted(console)
    form = {"days": "30", "act": "delete"} | wrong
    answer = await ada.does(f"/settings/data/rules/{console.scene.inbox.id}", data=form)
    assert answer.status_code == 400


async def test_an_export_is_ordered_and_taken(console: Console):
    scene, ada = console.scene, await trusted(console)
    await scene.receives(mail("In the export"))
    await ada.does("/settings/data/exports", data={})
    assert "Being written" in (await ada.look("/settings/data/exports")).text
    await care(scene.desk)
    page = (await ada.look("/settings/data/exports")).text
    assert "Download" in page
    name = page.split("/settings/data/exports/helpdesk")[1].split('"')[0]
    taken = await ada.get(f"/settings/data/exports/helpdesk{name}")
    assert taken.status_code == 200
    assert b"In the export" in taken.content
    for name in ("..%2f..%2fsecret", "secret", "helpdesk-export-1.tar"):
        assert (await ada.get(f"/settings/data/exports/{name}")).status_code == 404
    liam = await console.person("Liam")
    assert (await liam.get(f"/settings/data/exports/helpdesk{name}")).status_code == 403


async def test_backups_are_listed(console: Console):
    ada = await trusted(console)
    assert "No backup yet" in (await ada.look("/settings/data/backups")).text
    settings = console.scene.desk.settings
    settings.backups.mkdir()
    (settings.backups / "helpdesk-20260504-030001.tar").write_bytes(b"x" * 2048)
    assert daily.kept(settings)
    page = (await ada.look("/settings/data/backups")).text
    assert "helpdesk-20260504-030001.tar" in page


async def test_an_import_goes_from_a_dry_run_to_tickets_and_back(console: Console):
    """Upload, look, do it, look, take it back."""
    scene, ada = console.scene, await trusted(console)
    form = {
        "csrf": ada.token,
        "vendor": "zammad",
        "name": "acme",
        "inbox": str(scene.inbox.id),
        "dry": "true",
    }
    files = {"file": ("export.zip", zipped("zammad"), "application/zip")}
    made = await ada.post("/settings/data/imports", data=form, files=files)
    assert made.status_code == 303, made.text
    place = made.headers["location"].partition("?")[0]
    assert "every 1s" in (await ada.look(place)).text
    await care(scene.desk)
    page = (await ada.look(place)).text
    assert "dry run: nothing was changed" in page
    assert "7003" in page
    assert await scene.tickets() == []
    again = await ada.does(f"{place}/again")
    place = again.headers["hx-redirect"].partition("?")[0]
    await care(scene.desk)
    assert len(await scene.tickets()) == 2
    assert "Take it back" in (await ada.look(place)).text
    assert "zammad:acme" in (await ada.look("/settings/data/imports")).text
    await ada.does(f"{place}/revert")
    await care(scene.desk)
    assert await scene.tickets() == []
    assert "Taken back" in (await ada.look(place)).text
    assert (await ada.does(f"{place}/revert")).status_code == 409


@pytest.mark.parametrize(
    "form",
    [
        {"folder": "../../etc"},
        {"folder": "/etc"},
        {"folder": "nowhere"},
        {"url": "ftp://x.example", "key": "k"},
        {"url": "https://x.example"},
        {},
        {"folder": "x", "vendor": "otrs"},
        {"folder": "x", "inbox": "999"},
    ],
)
async def test_an_import_without_a_source_is_refused(console: Console, form: dict[str, str]):
    ada = await trusted(console)
    base = {"csrf": ada.token, "vendor": "zammad", "name": "acme", "inbox": str(console.scene.inbox.id)}
    answer = await ada.post("/settings/data/imports", data=base | form)
    assert answer.status_code in {400, 404}
    async with console.scene.desk.sessions() as session:
        assert (await session.scalars(select(ImportRun))).all() == []


async def test_an_import_never_reaches_into_the_own_network(console: Console):
    """An address that an admin gives is checked like any that a stranger gives."""
    ada = await trusted(console)
    form = {"csrf": ada.token, "vendor": "zammad", "name": "a", "inbox": str(console.scene.inbox.id)}
    form |= {"url": "http://127.0.0.1:5432/", "key": "k"}
    assert (await ada.post("/settings/data/imports", data=form)).status_code == 303
    await care(console.scene.desk)
    async with console.scene.desk.sessions() as session:
        run = (await session.scalars(select(ImportRun))).one()
    assert run.state is State.failed
    assert run.trouble


async def test_a_person_is_copied_and_forgotten(console: Console):
    scene, ada = console.scene, await trusted(console)
    ticket = await scene.receives(mail("All about me"))
    path = f"/contacts/{ticket.contact_id}/erasure"
    assert "marta@lumen.example" in (await ada.look(path)).text
    copied = await ada.get(f"{path}/copy")
    with zipfile.ZipFile(io.BytesIO(copied.content)) as packed:
        assert b"All about me" in packed.read("person.json")
    assert (await ada.does(path, data={"confirmation": "somebody else"})).status_code == 400
    assert (await ada.does(path, data={"confirmation": "Marta@lumen.example"})).status_code == 204
    page = (await ada.look(path)).text
    assert "Nothing is known of this person any more" in page
    assert "Their addresses stand nowhere" in page
    assert "All about me" not in (await ada.look(f"/tickets/{ticket.number}")).text
    async with scene.desk.sessions() as session:
        assert (await session.get_one(Contact, ticket.contact_id)).erased_at
    assert (await ada.does(path, data={"confirmation": "x"})).status_code in {400, 409}
    liam = await console.person("Liam")
    assert (await liam.look(path)).status_code in {403, 404}
