"""What changed reaches open consoles at once, and only those who may know of it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import event, func, select

from helpdesk.clock import now
from helpdesk.database import CHANNEL, committed, libpq_url
from helpdesk.events import DESK, Event, Kind
from helpdesk.messages import Delivery, Message
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from tests.web.served import Console, Person, served
from web import hooks


class Stream:
    """The events of one open stream, as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.names: asyncio.Queue[str | None] = asyncio.Queue()
        self.happened: dict[str, int | None] = {}
        """How much has happened to each ticket, as it was told last."""
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        event = ""
        try:
            async for line in self.response.aiter_lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: ") and event == "change":
                    for word in line[6:].split():
                        name, _, happened = word.partition("@")
                        self.happened[name] = int(happened) if happened else None
                        self.names.put_nowait(name)
        finally:
            self.names.put_nowait(None)

    async def hears(self, within: float = 1.0) -> str | None:
        return await asyncio.wait_for(self.names.get(), within)

    async def hears_nothing(self, during: float = 0.7) -> bool:
        try:
            await asyncio.wait_for(self.names.get(), during)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def listening(console: Console, person: Person, since: str = "") -> AsyncIterator[Stream]:
    before = len(console.app.state.live.listeners)
    async with person.stream("GET", "/live", params={"since": since} if since else None) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        while len(console.app.state.live.listeners) == before:
            await asyncio.sleep(0.01)
        stream = Stream(response)
        yield stream
        stream.reading.cancel()
    async with asyncio.timeout(5):
        while len(console.app.state.live.listeners) > before:
            await asyncio.sleep(0.01)


async def test_a_mail_is_told_at_once(console: Console):
    async with listening(console, await console.person("Ada")) as ada:
        ticket = await console.scene.receives()
        assert await ada.hears(within=5.0) == f"ticket-{ticket.id}"


async def test_many_events_of_one_commit_are_one_name(console: Console):
    async with listening(console, await console.person("Ada")) as ada:
        await console.scene.receives()
        await ada.hears()
        assert await ada.hears_nothing()


async def test_nobody_hears_of_tickets_they_may_not_see(console: Console):
    """Tess is in Technical; the first ticket goes to Billing, and then to her team."""
    async with listening(console, await console.person("Tess")) as tess:
        ticket = await console.scene.receives()
        assert await tess.hears_nothing()
        technical, ada = console.scene.teams["Technical"], console.scene.agents["Ada"]
        await console.scene.does(ticket, "move", technical, by=ada)
        assert await tess.hears() == f"ticket-{ticket.id}"


async def moment(person: Person) -> str:
    """At which a page was read."""
    found = re.search(
        r'<live-stream src="/live" since="([0-9a-f]+-\d+)">', (await person.get("/tickets")).text
    )
    assert found
    return found[1]


async def settled(console: Console) -> None:
    """Until all that was committed is told."""
    live = console.app.state.live
    number = live.moment
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(select(func.pg_notify(CHANNEL, "nobody-listens")))
    async with asyncio.timeout(5):
        while live.moment == number:
            await asyncio.sleep(0.02)


async def test_what_happened_between_page_and_stream_is_told(console: Console):
    person = await console.person("Ada")
    earlier = await console.scene.receives(mail("Before", sender="before@there.example"))
    await settled(console)
    read = await moment(person)
    ticket = await console.scene.receives()
    await settled(console)
    async with listening(console, person, read) as ada:
        assert await ada.hears() == f"ticket-{ticket.id}"
        assert ada.happened[f"ticket-{ticket.id}"]
        assert f"ticket-{earlier.id}" not in ada.happened
    async with listening(console, person, await moment(person)) as ada:
        assert await ada.hears_nothing()


async def test_who_may_not_see_a_ticket_hears_nothing_of_it_afterwards_either(console: Console):
    person = await console.person("Tess")
    read = await moment(person)
    await console.scene.receives()
    await settled(console)
    async with listening(console, person, read) as tess:
        assert await tess.hears_nothing()


async def test_a_page_that_is_too_old_asks_for_everything(console: Console):
    person = await console.person("Ada")
    run, number = (await moment(person)).split("-")
    await settled(console)
    console.app.state.live._lately.clear()
    for since in (f"00000000-{number}", f"{run}-0", f"{run}-{'9' * 40}", f"{run}-x", "nonsense"):
        async with listening(console, person, since) as ada:
            assert await ada.hears() == "resync", since


async def test_a_lost_line_to_the_database_makes_everybody_ask_again(console: Console):
    async with listening(console, await console.person("Ada")) as ada:
        url = libpq_url(console.scene.desk.database_url)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'helpdesk live' AND datname = current_database()"
            )
        assert await ada.hears(within=10.0) == "resync"
        ticket = await console.scene.receives()
        assert await ada.hears() == f"ticket-{ticket.id}"


async def test_signing_out_closes_the_streams_of_that_session(console: Console, monkeypatch):
    monkeypatch.setattr("web.live.CHECK", 0.2)
    person, liam = await console.person("Ada"), await console.person("Liam")
    async with listening(console, person) as ada, listening(console, liam) as his:
        await person.does("/sign-out")
        assert await ada.hears(within=5.0) is None
        await console.scene.receives()
        assert await his.hears() is not None


async def test_a_browser_that_is_gone_is_forgotten(console: Console):
    async with listening(console, await console.person("Ada")):
        pass
    for _ in range(100):
        if not console.app.state.live.listeners:
            break
        await asyncio.sleep(0.05)
    assert not console.app.state.live.listeners


async def test_a_slow_browser_is_told_to_ask_for_everything(console: Console):
    async with listening(console, await console.person("Ada")) as ada:
        (listener,) = console.app.state.live.listeners
        listener.tell({f"ticket-{n}" for n in range(500)}, listener.moment)
        assert await ada.hears() == "resync"
        assert await ada.hears_nothing(0.2)


async def test_one_account_cannot_open_streams_without_end(console: Console, monkeypatch):
    monkeypatch.setattr("web.live.MOST_STREAMS", 1)
    person = await console.person("Ada")
    async with listening(console, person):
        assert (await person.get("/live")).status_code == 429


async def test_streams_do_not_hold_up_the_end(console: Console, scene: Scene):
    """The server is asked to stop while a stream is open: it ends at once, not after its patience."""
    async with AsyncExitStack() as stack:
        server_of = served(scene.desk)
        app, url, _ = await server_of.__aenter__()
        other = Console(scene, app, url, stack)
        person = await other.person("Ada")
        async with listening(other, person) as ada:
            start = time.monotonic()
            await server_of.__aexit__(None, None, None)
            assert await ada.hears(within=4.0) is None
            assert time.monotonic() - start < 4.5  # uvicorn's own patience here is 5 s


async def test_streams_take_no_connection_of_the_pool(console: Console):
    """More open streams than the pool has connections, and the console still answers."""
    person = await console.person("Ada")
    async with AsyncExitStack() as stack:
        for _ in range(25):
            await stack.enter_async_context(listening(console, person))
        assert (await person.look("/tickets")).status_code == 200
        ticket = await console.scene.receives(mail())
        assert (await person.look(f"/tickets/{ticket.number}")).status_code == 200


PANE = {"accept": "text/html", "hx-request": "true", "hx-target": "div#work"}
KNOWN = re.compile(r'id="known" hidden data-happened="(\d+)" data-since="([\d-]+)"')


async def known(person: Person, ticket: Ticket) -> tuple[int, str]:
    """How much the ticket's pane has, and how it says so when it asks for what came since."""
    found = KNOWN.search((await person.get(f"/tickets/{ticket.number}", headers=PANE)).text)
    assert found
    return int(found[1]), found[2]


async def test_a_page_knows_what_it_is_told_of(console: Console):
    """Whoever has just changed a ticket has the answer already; everybody else has less than what is told."""
    ticket = await console.scene.receives()
    ada, liam = await console.person("Ada"), await console.person("Liam")
    before, _ = await known(liam, ticket)
    async with listening(console, ada) as stream:
        answer = await ada.does(f"/tickets/{ticket.number}/notes", data={"body": "Seen", "client_id": "n"})
        await stream.hears(within=5.0)
        found = KNOWN.search(answer.text)
        assert found
        assert int(found[1]) == stream.happened[f"ticket-{ticket.id}"]
        assert int(found[1]) > before
        assert (await known(liam, ticket))[0] == int(found[1])


async def test_what_no_event_tells_of_is_told_without_a_number(console: Console):
    ticket = await console.scene.receives()
    async with listening(console, await console.person("Ada")) as ada:
        async with committed(console.scene.desk.sessions) as session:
            await session.execute(select(func.pg_notify(CHANNEL, f"silent-{ticket.id}")))
        assert await ada.hears() == f"ticket-{ticket.id}"
        assert ada.happened[f"ticket-{ticket.id}"] is None


async def test_that_an_answer_was_sent_is_all_that_comes(console: Console):
    scene = console.scene
    ticket = await scene.receives()
    reply = await scene.replies(ticket, "We look into it.")
    ada = await console.person("Ada")
    _, since = await known(ada, ticket)
    async with committed(scene.desk.sessions) as session:
        message = await session.get_one(Message, reply.id)
        message.delivery, message.delivered_at = Delivery.sent, now()
        session.add(Event(Kind.reply_sent, by=DESK, message=message, ticket_id=ticket.id))
    answer = await ada.get(f"/tickets/{ticket.number}?since={since}", headers=PANE)
    assert answer.headers["hx-reswap"] == "none"
    assert f'id="delivery-{reply.id}"' in answer.text
    assert "composer" not in answer.text
    found = KNOWN.search(answer.text)
    assert found
    assert (int(found[1]), found[2]) == await known(ada, ticket)


async def test_anything_else_brings_the_whole_pane(console: Console):
    scene = console.scene
    ticket = await scene.receives()
    reply = await scene.replies(ticket, "We look into it.")
    ada = await console.person("Ada")
    happened, since = await known(ada, ticket)
    async with committed(scene.desk.sessions) as session:
        message = await session.get_one(Message, reply.id)
        session.add(Event(Kind.reply_sent, by=DESK, message=message, ticket_id=ticket.id))
    await scene.does(ticket, "note", "And a note", by=scene.agents["Liam"])
    _, last = since.split("-")
    wrong = (
        since,
        f"{happened}-{int(last) - 1}",
        f"{happened + 1}-{last}",
        f"{happened}-",
        "x-y",
        f"{'9' * 50}-1",
    )
    for words in wrong:
        answer = await ada.get(f"/tickets/{ticket.number}?since={words}", headers=PANE)
        assert 'id="composer"' in answer.text
        assert "hx-reswap" not in answer.headers


async def said(console: Console, word: str, *, until: asyncio.Future[Any]) -> None:
    """More than once where the desk listens a moment later than it answers."""
    async with asyncio.timeout(20):
        while not until.done():
            async with committed(console.scene.desk.sessions) as session:
                await session.execute(select(func.pg_notify(CHANNEL, word)))
            await asyncio.wait({until}, timeout=0.2)


async def test_who_waits_for_what_was_kept_is_told_its_number(console: Console):
    """All who wait for it, and nobody who waits for something else."""
    live = console.app.state.live
    with (
        live.awaited("received-7") as one,
        live.awaited("received-7") as same,
        live.awaited("received-71") as other,
    ):
        await said(console, "received-7@42", until=one)
        assert (one.result(), same.result()) == ("42", "42")
        assert not other.done()


async def test_who_is_told_of_what_was_kept_hardly_looks_for_it(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    """A desk that takes longer than usual is asked once, and then says it."""
    live, desk, looks = console.app.state.live, console.scene.desk, 0
    looked = asyncio.Event()

    def counted(*statement: Any) -> None:
        nonlocal looks
        if "JOIN kept" in statement[2]:
            looks += 1
            looked.set()

    monkeypatch.setattr(hooks, "HINTED", 0.01)
    monkeypatch.setattr(hooks, "SELDOM", 60)
    listen = (desk.engine.sync_engine, "before_cursor_execute", counted)
    event.listen(*listen)
    try:
        monkeypatch.setattr(hooks, "GROWS", 10_000)
        asked = asyncio.create_task(hooks.ticket_of(desk, 7, 600, live))
        await asyncio.wait_for(looked.wait(), 20)
        await said(console, "received-7@42", until=asked)
        assert asked.result() == 42
    finally:
        event.remove(*listen)
    assert looks == 1
