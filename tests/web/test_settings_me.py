"""My account: profile, notices, signatures, password, sessions."""

import pytest
from sqlalchemy import select

from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.notifications import Reason, Way, ways
from helpdesk.people import Agent, Availability
from helpdesk.signatures import signature
from tests.web.served import PASSWORD, Console


async def as_it_is(console: Console, name: str) -> Agent:
    async with console.scene.desk.sessions() as session:
        return await session.get_one(Agent, console.scene.agents[name].id)


async def test_everybody_says_who_they_are(console: Console) -> None:
    liam = await console.person("Liam")
    page = await liam.look("/settings/me")
    assert "Europe/Berlin" in page.text
    assert "Deutsch" in page.text
    taken = await liam.does(
        "/settings/me", data={"name": "  Liam  K. Osei ", "locale": "de", "time_zone": "Europe/Berlin"}
    )
    assert taken.headers["hx-redirect"] == "/settings/me?done=saved"
    found = await as_it_is(console, "Liam")
    assert (found.name, found.locale, found.time_zone) == ("Liam K. Osei", "de", "Europe/Berlin")
    assert "Saved." in (await liam.look("/settings/me?done=saved")).text
    for wrong in ({"time_zone": "Mars/Olympus"}, {"locale": "xx"}, {"name": "   "}, {"role": "admin"}):
        form = {"name": "L", "locale": "en", "time_zone": "UTC"} | wrong
        assert (await liam.does("/settings/me", data=form)).status_code == 400
    assert (await as_it_is(console, "Liam")).name == "Liam K. Osei"


@pytest.mark.parametrize(("locale", "said"), [("en_GB", "en-GB"), ("de", "en"), ("ar", "en")])
async def test_a_page_says_in_which_language_its_words_are(console: Console, locale: str, said: str) -> None:
    """The console is written in English: read aloud as Arabic, because a colleague writes dates so, it is noise."""
    liam = await console.person("Liam")
    await liam.does("/settings/me", data={"name": "Liam", "locale": locale, "time_zone": "Europe/Berlin"})
    assert f'<html lang="{said}" dir="ltr"' in (await liam.look("/settings/me")).text


async def test_availability_is_chosen_by_hand_and_written_down(console: Console) -> None:
    liam = await console.person("Liam")
    await liam.does("/settings/me/availability", data={"availability": "away"})
    found = await as_it_is(console, "Liam")
    assert found.availability is Availability.away
    assert found.presence is Availability.offline, "no window of the desk is open"
    async with console.scene.desk.sessions() as session:
        kinds = set(await session.scalars(select(Event.kind).where(Event.about == "agent")))
    assert Kind.availability_changed in kinds


async def test_what_one_hears_of_is_a_matrix(console: Console) -> None:
    liam = await console.person("Liam")
    page = await liam.look("/settings/me/notices")
    assert 'name="assigned.mail" value="true" checked' in page.text
    answer = await liam.does("/settings/me/notices", data={"mentioned.app": "true", "team.mail": "true"})
    assert answer.status_code == 204
    found = await as_it_is(console, "Liam")
    assert ways(found, Reason.mentioned) == {Way.app}
    assert ways(found, Reason.team) == {Way.mail}
    assert ways(found, Reason.assigned) == set()
    assert (await liam.does("/settings/me/notices", data={"assigned.fax": "true"})).status_code == 400


async def test_an_inbox_may_have_a_signature_of_its_own(console: Console) -> None:
    liam, desk = await console.person("Liam"), console.scene.desk
    number = console.scene.inbox.id
    form = {"signature": "Liam\r\nSupport", f"own-{number}": "true", f"inbox-{number}": "Kind regards\nL."}
    await liam.does("/settings/me/signatures", data=form)
    page = (await liam.look("/settings/me/signatures")).text
    assert "Kind regards" in page
    async with desk.sessions() as session:
        agent = await session.get_one(Agent, console.scene.agents["Liam"].id)
        other = Inbox(name="Sales", channel="loopback", address="sales@desk.example", sealed_settings=b"")
        session.add(other)
        await session.flush()
        assert await signature(session, agent, number) == "Kind regards\nL."
        assert await signature(session, agent, other.id) == "Liam\nSupport"
    await liam.does("/settings/me/signatures", data={"signature": "L", f"inbox-{number}": "ignored"})
    async with desk.sessions() as session:
        assert await signature(session, await session.get_one(Agent, agent.id), number) == "L"


async def test_a_new_password_ends_all_other_sessions(console: Console) -> None:
    liam, elsewhere = await console.person("Liam"), await console.person("Liam")
    change = "/settings/me/safety/password"
    new = "quite another sentence"
    for current, password in (
        ("wrong", new),
        (PASSWORD, "short"),
        (PASSWORD, "1234567890"),
        (PASSWORD, "liam@desk.example"),
    ):
        refused = await liam.does(change, data={"current": current, "password": password})
        assert refused.status_code == 400, password
    assert (await liam.does(change, data={"current": PASSWORD, "password": new})).status_code == 204
    assert (await liam.look("/settings/me")).status_code == 200
    assert (await elsewhere.look("/settings/me")).status_code == 303
    again = await console.stranger()
    assert (await again.sign_in("liam@desk.example", new)).status_code == 303


async def test_a_session_can_be_ended_from_another_one(console: Console) -> None:
    liam, phone, tess = (
        await console.person("Liam"),
        await console.person("Liam"),
        await console.person("Tess"),
    )
    page = (await liam.look("/settings/me/safety")).text
    assert page.count(' action="/settings/me/safety/sessions/') == 2, "one other session, and all others"
    key = page.split("/settings/me/safety/sessions/")[1].split("/")[0]
    assert (await tess.does(f"/settings/me/safety/sessions/{key}/end")).status_code == 404
    assert (await phone.look("/settings/me")).status_code == 200
    assert (await liam.does(f"/settings/me/safety/sessions/{key}/end")).status_code == 204
    assert (await phone.look("/settings/me")).status_code == 303
    assert (await liam.look("/settings/me")).status_code == 200
