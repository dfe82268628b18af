"""Whoever plants a session, a link or the mark of a browser before somebody signs in has nothing of it afterwards."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from helpdesk.clock import moved
from helpdesk.portal import HelpCentre, PortalSession
from helpdesk.portal.signing_in import GOOD_FOR, IDLE, LONGEST, hashed
from tests.scenes import mail
from tests.web.served import Console, Person
from tests.web.test_help_centre import brand, looks
from tests.web.test_help_centre_customers import EVE, MARTA, asks, mailed, signed_in


@pytest.fixture
async def centre(console: Console) -> HelpCentre:
    await console.scene.receives(mail())
    await console.scene.receives(mail(sender=EVE))
    return await brand(console.scene, "Lumen")


def planted(person: Person, name: str, value: str) -> None:
    person.cookies.set(name, value, domain="127.0.0.1", path="/")


async def sessions(console: Console) -> set[bytes]:
    async with console.scene.desk.sessions() as session:
        return set(await session.scalars(select(PortalSession.id)))


async def test_a_session_that_was_known_before_is_worth_nothing_after(
    console: Console, centre: HelpCentre
) -> None:
    """Neither a made-up one nor a real one of somebody else becomes the customer's."""
    eve = await signed_in(console, EVE)
    for value in ("a" * 43, eve.cookies["customer"]):
        victim = await console.stranger()
        planted(victim, "customer", value)
        await asks(victim)
        came = await victim.post(await mailed(console.scene))
        assert (came.status_code, came.headers["location"]) == (303, "/help/tickets")
        fresh = victim.cookies["customer"]
        assert fresh != value
        assert hashed(value) not in await sessions(console)
        assert MARTA in (await looks(victim, "/help/tickets")).text
        thief = await console.stranger()
        planted(thief, "customer", value)
        assert (await looks(thief, "/help/tickets")).status_code == 303
    assert len(await sessions(console)) == 2


async def test_a_browsers_mark_lets_nobody_in_by_itself(console: Console, centre: HelpCentre) -> None:
    """Who planted it knows no link; a link that they asked for lets in whose mailbox it is, and them nowhere; after
    one sign-in the mark is gone and all links to the address are used up."""
    mark = "m" * 43
    victim, thief = await console.stranger(), await console.stranger()
    for each in (victim, thief):
        planted(each, "asked", mark)
    await asks(thief)
    first = await mailed(console.scene)
    await asks(victim)
    second = await mailed(console.scene)
    assert (await victim.post(second)).status_code == 303
    assert "asked" not in victim.cookies
    for link in (first, second):
        assert "used already" in (await thief.post(link)).text
        assert "used already" in (await looks(thief, link)).text
    assert "customer" not in thief.cookies
    for short in ("x", "x" * 200, ""):  # not what we gave: another is made
        other = await console.stranger()
        planted(other, "asked", short)
        answer = await asks(other, EVE)
        assert f"asked={short};" not in answer.headers["set-cookie"]


async def test_a_link_is_good_at_its_own_brands_address_alone(console: Console, centre: HelpCentre) -> None:
    """By name, by host, or by the desk's: nowhere else, and there still afterwards."""
    await brand(console.scene, "Acme", host="help.acme.example")
    person = await console.stranger()
    await asks(person)
    link = await mailed(console.scene)
    path = link.removeprefix("/help")
    there = await person.post(f"/help{path}", headers={"host": "help.acme.example"})
    assert "used already" in there.text
    assert "customer" not in person.cookies
    assert "used already" in (await person.post(f"/help/acme{path}")).text
    own = await person.post(link)
    assert own.status_code == 303
    elsewhere = await looks(person, "/help/tickets", host="help.acme.example")
    assert elsewhere.headers["location"].startswith("/help/sign-in")


async def test_links_and_sessions_end(console: Console, centre: HelpCentre) -> None:
    person = await console.stranger()
    await asks(person)
    link = await mailed(console.scene)
    with moved(GOOD_FOR + timedelta(seconds=1)):
        assert "too old" in (await looks(person, link)).text
        assert "too old" in (await person.post(link)).text
    assert (await person.post(link)).status_code == 303
    for later in (IDLE + timedelta(minutes=1), LONGEST + timedelta(minutes=1)):
        with moved(later):
            assert (await looks(person, "/help/tickets")).status_code == 303
    assert (await looks(person, "/help/tickets")).status_code == 200
    day = timedelta(days=1)
    for days in range(1, 30):
        with moved(days * day):
            assert (await looks(person, "/help/tickets")).status_code == 200, days
    with moved(LONGEST + timedelta(minutes=1)):
        assert (await looks(person, "/help/tickets")).status_code == 303
