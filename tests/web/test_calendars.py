"""Business calendars as they are arranged in the settings and through the API, and the feed that a worker fetches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from helpdesk.calendars import Calendar, Holiday, fetching
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.outbound import Outbound
from helpdesk.outbound import Policy as Way
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from tests.helpdesk.servers import Asked, server
from tests.scenes import Scene, mail
from tests.web.api.conftest import Calls, caller
from tests.web.served import HASH, Console, Person, served
from workers.calendars import refresh_calendars
from workers.jobs import CALENDARS
from workers.reactions import Happened, jobs_for

__all__ = ["caller"]

HOME = "/settings/calendars"
MONDAY = {
    "hours-0-0-from": "09:00",
    "hours-0-0-until": "12:30",
    "hours-0-1-from": "13:15",
    "hours-0-1-until": "18:00",
}
THIS_YEAR = now().year


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


async def made(console: Console, ada: Person, **given: str) -> int:
    form = {"name": "Shop", "time_zone": "Europe/Berlin", **MONDAY, **given}
    answer = await ada.does(HOME, data=form)
    assert answer.status_code == 204, answer.text
    return int(answer.headers["hx-redirect"].removeprefix(f"{HOME}/").partition("?")[0])


async def stored(console: Console, number: int) -> Calendar:
    async with console.scene.desk.sessions() as session:
        return await session.get_one(Calendar, number)


async def closed(console: Console, number: int) -> dict[date, str]:
    async with console.scene.desk.sessions() as session:
        rows = await session.scalars(select(Holiday).where(Holiday.calendar_id == number))
        return {row.day: row.name for row in rows}


async def test_a_week_is_filled_in_copied_and_told_what_is_wrong_with_it(console: Console, ada: Person):
    assert "Around the clock" in (await ada.look(f"{HOME}/new")).text
    number = await made(console, ada, time_zone="berlin", copy="weekdays")
    calendar = await stored(console, number)
    assert calendar.time_zone == "Europe/Berlin"
    assert calendar.week == {str(day): [["09:00", "12:30"], ["13:15", "18:00"]] for day in range(5)}
    page = (await ada.look(f"{HOME}/{number}")).text
    assert 'value="13:15"' in page
    assert "No policy counts by this calendar" in page
    night = {
        "name": "Shop",
        "time_zone": "Europe/Berlin",
        "hours-6-3-from": "22:00",
        "hours-6-3-until": "06:00",
    }
    assert (await ada.does(f"{HOME}/{number}", data=night)).headers[
        "hx-redirect"
    ] == f"{HOME}/{number}?done=calendar"
    assert (await stored(console, number)).week == {"0": [["00:00", "06:00"]], "6": [["22:00", "24:00"]]}
    assert 'value="00:00"' in (await ada.look(f"{HOME}/{number}")).text
    for wrong, words in [
        ({"hours-1-0-from": "09:00"}, "both times"),
        ({"hours-1-0-from": "9am", "hours-1-0-until": "17:00"}, "no time of day"),
        ({"hours-0-2-from": "12:00", "hours-0-2-until": "14:00"}, "hours of Monday overlap"),
        ({"hours-2-0-from": "09:00", "hours-2-0-until": "09:00"}, "no length"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"time_zone": "localtime"}, "no time zone"),
        ({"name": " "}, "needs a name"),
        ({"name": "office"}, "name already"),
    ]:
        answer = await ada.does(HOME, data={"name": "New", "time_zone": "UTC", **MONDAY, **wrong})
        assert answer.status_code in {400, 409}, wrong
        assert words in answer.text
    empty = await ada.does(HOME, data={"name": "New", "time_zone": "UTC"})
    assert "at least one day" in empty.text


async def test_holidays_come_from_a_country_and_by_hand(console: Console, ada: Person):
    number = await made(console, ada, country="DE")
    home = f"{HOME}/{number}"
    assert (await closed(console, number))[date(THIS_YEAR + 2, 12, 25)] == "Erster Weihnachtstag"
    assert "Bayern" in (await ada.look(f"{home}/holidays")).text
    regions = (await ada.look(f"{HOME}/regions?country=US")).text
    assert "California" in regions
    assert "<html" not in regions
    bavaria = {
        "country": "DE",
        "shown": "DE",
        "subdivision": "BY",
        "kind-public": "true",
        "language": "en_US",
    }
    assert (await ada.does(f"{home}/public-holidays", data=bavaria)).status_code == 204
    days = await closed(console, number)
    assert days[date(THIS_YEAR + 1, 11, 1)] == "All Saints' Day"
    work = {"named-0": "All Saints' Day", "worked-0": "true", "named-1": "Christmas Day"}
    await ada.does(f"{home}/public-holidays", data=bavaria | work)
    assert date(THIS_YEAR + 1, 11, 1) not in await closed(console, number)
    await ada.does(f"{home}/public-holidays", data=bavaria | {"country": "FR"})
    calendar = await stored(console, number)
    assert (calendar.country, calendar.subdivision, calendar.language, calendar.worked) == ("FR", "", "", [])
    for wrong in (
        {"country": "XX", "shown": "XX"},
        {"subdivision": "CA"},
        {"kind-holy": "true"},
        {"language": "tlh"},
    ):
        assert (await ada.does(f"{home}/public-holidays", data=bavaria | wrong)).status_code == 400, wrong

    await ada.does(f"{home}/own-holidays", data={"day": "2024-02-29", "yearly": "true", "name": "Leap <day>"})
    await ada.does(f"{home}/own-holidays", data={"day": f"{THIS_YEAR + 1}-06-15"})
    page = (await ada.look(f"{home}/holidays")).text
    assert "Leap &lt;day&gt;" in page
    assert "every year" in page
    days = await closed(console, number)
    assert [day.year for day in days if (day.month, day.day) == (2, 29)] == [2028] * (
        THIS_YEAR in {2026, 2027}
    )
    assert days[date(THIS_YEAR + 1, 6, 15)] == "Closed"
    assert (await stored(console, number)).hours.holidays == frozenset(days)
    await ada.does(f"{home}/own-holidays/removal", data={"day": f"{THIS_YEAR + 1}-06-15"})
    assert date(THIS_YEAR + 1, 6, 15) not in await closed(console, number)
    for day in ("tomorrow", "02-30", "2027-02-29", "1900-01-01", ""):
        assert (await ada.does(f"{home}/own-holidays", data={"day": day})).status_code == 400, day


async def test_only_a_calendar_that_nothing_counts_by_is_removed(console: Console, ada: Person):
    async with console.scene.desk.sessions() as session:
        office = (await session.scalars(select(Calendar.id).where(Calendar.name == "Office"))).one()
    page = (await ada.look(HOME)).text
    assert "Office" in page
    assert "Standard" in page
    refused = await ada.does(f"{HOME}/{office}/removal", data={"confirmation": "Office"})
    assert refused.status_code == 409
    assert "Standard" in refused.text
    number = await made(console, ada)
    assert (await ada.does(f"{HOME}/{number}/removal", data={"confirmation": "Shed"})).status_code == 400
    assert (await ada.does(f"{HOME}/{number}/removal", data={"confirmation": "shop"})).status_code == 204
    assert (await ada.look(f"{HOME}/{number}")).status_code == 404
    async with console.scene.desk.sessions() as session:
        events = (await session.scalars(select(Event).where(Event.kind == Kind.calendar_changed))).all()
    assert [event.data["fields"] for event in events] == [["created"], ["removed"]]


async def test_what_is_reckoned_anew_is_told_apart_from_a_new_name(console: Console, ada: Person):
    number = await made(console, ada)
    same = {"name": "Shop", "time_zone": "Europe/Berlin", **MONDAY}
    await ada.does(f"{HOME}/{number}", data=same)
    await ada.does(f"{HOME}/{number}", data=same | {"name": "Store"})
    await ada.does(f"{HOME}/{number}", data=same | {"name": "Store", "hours-0-1-until": "19:00"})
    async with console.scene.desk.sessions() as session:
        events = (
            await session.scalars(select(Event).where(Event.about_id == number).order_by(Event.id))
        ).all()
    told = [
        (event.data["fields"], event.data["reckoned"])
        for event in events
        if event.kind == Kind.calendar_changed
    ]
    assert told == [(["created"], True), (["name"], False), (["week"], True)]


def ics(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}@test", *event.split("\n"), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


class Elsewhere:
    """A server with one calendar, as others put it there."""

    def __init__(self) -> None:
        self.body, self.status, self.etag, self.asked = ics(), "200 OK", '"1"', list[Asked]()

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        if self.status == "200 OK" and asked.headers.get("if-none-match") == self.etag:
            writer.write(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        head = [f"HTTP/1.1 {self.status}", f"ETag: {self.etag}", f"Content-Length: {len(self.body)}"]
        writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + self.body)


async def test_a_feed_is_fetched_keeps_what_it_last_said_and_says_why_it_fails(console: Console, ada: Person):
    desk, there = console.scene.desk, Elsewhere()
    year = THIS_YEAR + 1
    there.body = ics(
        f"DTSTART;VALUE=DATE:{year}0510\nDTEND;VALUE=DATE:{year}0513\nSUMMARY:Fair",
        f"DTSTART:{year}0601T100000Z\nDTEND:{year}0601T110000Z\nSUMMARY:A meeting",
    )
    number = await made(console, ada)
    home = f"{HOME}/{number}"
    async with server(there.answer) as listening:
        port = listening.port
        desk.__dict__["outbound"] = Outbound(Way.of(f"127.0.0.1:{port}"))
        url = f"http://127.0.0.1:{port}/days.ics"
        refused = await ada.does(f"{home}/feed", data={"feed_url": "http://127.0.0.1:1/"})
        assert refused.status_code == 400
        assert (await ada.does(f"{home}/feed", data={"feed_url": url})).status_code == 204
        assert "being fetched" in (await ada.look(f"{home}/feed")).text
        await refresh_calendars(desk)
        fair = {date(year, 5, day): "Fair" for day in (10, 11, 12)}
        assert await closed(console, number) == fair
        page = (await ada.look(f"{home}/holidays")).text
        assert "One event that is no whole day is left out." in page
        assert "Fair" in page

        await refresh_calendars(desk)
        assert len(there.asked) == 1, "it is not due"
        await ada.does(f"{home}/feed/refresh")
        await refresh_calendars(desk)
        assert there.asked[1].headers["if-none-match"] == '"1"'
        assert await closed(console, number) == fair

        for status, body, words in [
            ("404 Not Found", b"", "It answered 404"),
            ("200 OK", b"<html>Sign in</html>", "no iCal calendar"),
            ("200 OK", there.body[:-30], "no iCal calendar"),
            ("200 OK", b"x" * 2_100_000, "larger than 2 MB"),
            (
                "200 OK",
                ics(f"DTSTART;VALUE=DATE:{THIS_YEAR}0101\nRRULE:FREQ=DAILY"),
                "most of the coming year",
            ),
        ]:
            there.status, there.etag = status, '"2"'
            there.body, good = body, there.body
            await ada.does(f"{home}/feed/refresh")
            await refresh_calendars(desk)
            page = (await ada.look(f"{home}/holidays")).text
            assert words in page, words
            assert "still counts" in page
            assert await closed(console, number) == fair
            there.body = good
        calendar = await stored(console, number)
        assert calendar.feed_failures == 5
        assert calendar.feed_due_at is not None
        assert timedelta(minutes=70) < calendar.feed_due_at - now() < timedelta(minutes=90)

        there.status, there.body, there.etag = (
            "200 OK",
            ics(f"DTSTART;VALUE=DATE:{year}0511\nSUMMARY:Fair"),
            '"3"',
        )
        with moved(timedelta(hours=2)):
            await refresh_calendars(desk)
        assert await closed(console, number) == {date(year, 5, 11): "Fair"}
        assert (await stored(console, number)).feed_trouble == ""
        await ada.does(f"{home}/feed", data={"feed_url": ""})
        assert await closed(console, number) == {}
        assert (await ada.does(f"{home}/feed/refresh")).status_code == 409
        assert len(there.asked) == 8


async def test_holidays_of_another_year_are_written_down_when_it_begins(console: Console, ada: Person):
    number = await made(console, ada, country="GB")
    assert max(await closed(console, number)).year == THIS_YEAR + 2
    async with console.scene.desk.sessions() as session:
        await fetching.refresh(console.scene.desk)
        assert not await fetching.is_due(session)
        with moved(timedelta(days=366)):
            assert await fetching.is_due(session)
            await refresh_calendars(console.scene.desk)
    days = await closed(console, number)
    assert max(days).year == THIS_YEAR + 3
    assert min(days).year == THIS_YEAR - 1, "what was closed then was closed then"


def test_a_feed_that_somebody_wants_is_fetched_at_once():
    [job] = jobs_for(Happened(Kind.calendar_feed_wanted, None, None, None))
    assert job.task_name == job.queueing_lock == CALENDARS


async def test_who_does_not_arrange_promises_does_not_come_here(console: Console):
    liam = await console.person("Liam")
    for page in ("", "/new", "/1", "/1/holidays", "/1/feed", "/regions"):
        assert (await liam.look(f"{HOME}{page}")).status_code == 403, page
    assert (await liam.does(HOME, data={"name": "x"})).status_code == 403


async def test_a_desk_starts_with_the_holidays_of_where_it_is(console: Console, ada: Person):
    form = {
        "desk_name": "Lumen",
        "time_zone": "Europe/Vienna",
        "opens": "08:00",
        "closes": "16:00",
        "day-0": "true",
    }

    async def days() -> dict[date, str]:
        async with console.scene.desk.sessions() as session:
            number = await session.scalar(select(Calendar.id).order_by(Calendar.id).limit(1)) or 0
        return await closed(console, number)

    await ada.does("/first-day/desk", data=form)
    assert (await days())[date(THIS_YEAR + 1, 10, 26)] == "Nationalfeiertag"
    await ada.does("/first-day/desk", data=form | {"country": "none"})
    assert await days() == {}
    await ada.does("/first-day/desk", data=form | {"country": "CH"})
    assert (await days())[date(THIS_YEAR + 1, 8, 1)] == "Nationalfeiertag"


async def test_programs_arrange_calendars_as_people_do(caller: Calls):
    given = {
        "name": "Night shift",
        "time_zone": "America/New_York",
        "week": {"monday": [["22:00", "06:00"]], "sunday": [["00:00", "24:00"]]},
        "country": "US",
        "subdivision": "CA",
        "own_holidays": [{"day": "12-24", "name": "Christmas Eve"}],
    }
    program = await caller("Ada")
    answer = await program.post("/calendars", json=given)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert shown["week"] == {
        "monday": [["22:00", "24:00"]],
        "tuesday": [["00:00", "06:00"]],
        "sunday": [["00:00", "24:00"]],
    }
    assert {"own", "public"} == {day["source"] for day in shown["holidays"]}
    assert any(day["name"] == "Christmas Eve" for day in shown["holidays"])
    assert shown["policies"] == []
    here = f"/calendars/{shown['id']}"
    changed = await program.patch(here, json={"time_zone": "Asia/Tokyo", "country": "", "subdivision": ""})
    assert [day["source"] for day in changed.json()["holidays"]] == ["own"]
    assert (await program.get(here)).json() == changed.json()
    assert (await program.patch(here, json={"country": "XX"})).status_code == 400
    assert (await program.patch(here, json={"feed_url": "http://localhost/"})).status_code == 400
    assert (await program.post(f"{here}/feed/refresh")).status_code == 409
    assert (await program.delete(here)).status_code == 204
    [office] = (await program.get("/calendars")).json()["items"]
    assert office["policies"] != []
    assert (await program.delete(f"/calendars/{office['id']}")).status_code == 409


async def test_what_other_hours_would_move_is_seen_before_anything_is_saved(console: Console, ada: Person):
    scene = console.scene
    ticket = await scene.receives(mail("Where is it?", subject="Parcel <7>"))
    async with scene.desk.sessions() as session:
        office = (await session.scalars(select(Calendar).where(Calendar.name == "Office"))).one()
        due = await session.scalar(select(Ticket.next_due_at).where(Ticket.id == ticket.id))
        events = await session.scalar(select(func.count()).select_from(Event))
    home = f"{HOME}/{office.id}"
    assert "See what would change" in (await ada.look(home)).text
    late = {
        f"hours-{day}-0-{side}": wall
        for day in range(7)
        for side, wall in (("from", "23:50"), ("until", "23:59"))
    }
    form = {"name": "Office", "time_zone": "Europe/Berlin", "csrf": ada.token, **late}
    part = (await ada.does(f"{home}/preview", data=form)).text
    assert "One ticket would be due at another time." in part
    assert "Parcel &lt;7&gt;" in part
    assert "<html" not in part
    whole = (await ada.post(f"{home}/preview", data=form)).text
    assert 'value="23:50"' in whole
    assert "Nothing is changed before you save." in whole
    async with scene.desk.sessions() as session:
        assert (await session.get_one(Calendar, office.id)).week == office.week
        assert await session.scalar(select(Ticket.next_due_at).where(Ticket.id == ticket.id)) == due
        assert await session.scalar(select(func.count()).select_from(Event)) == events
