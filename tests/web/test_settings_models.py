"""An admin connects a language model, tries it, chooses what it does, and sees what it cost and what left."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from html import unescape

import pytest
from sqlalchemy import select, update

from ai.providers import Connection, Purpose, language_model
from ai.providers.openai import REFUSED
from ai.writing import written
from helpdesk import fields
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from helpdesk.people import Agent
from helpdesk.ports import Prompt
from tests.language_server import KEY, SAID, LanguageServer, allowing
from tests.scenes import Scene, mail
from tests.web.served import HASH, Console, Person, served

HOME = "/settings/models"


@pytest.fixture
async def server() -> AsyncIterator[LanguageServer]:
    REFUSED.clear()
    async with LanguageServer.running() as running:
        yield running


@pytest.fixture
async def console(scene: Scene, server: LanguageServer) -> AsyncIterator[Console]:
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Agent).values(password_hash=HASH))
    async with AsyncExitStack() as stack:
        app, url, _ = await stack.enter_async_context(served(allowing(scene.desk, server)))
        yield Console(scene, app, url, stack)


def form(server: LanguageServer, **more: str) -> dict[str, str]:
    given = {
        "name": "Our server",
        "kind": "openai",
        "base_url": server.base_url,
        "model": "good",
        "context": "8192",
    }
    return given | {"mask_names": "true"} | more


async def connected(ada: Person, server: LanguageServer, **more: str) -> int:
    answer = await ada.does(HOME, data=form(server, **more))
    assert answer.status_code == 204, answer.text
    found = re.search(r"/models/(\d+)", answer.headers["hx-redirect"])
    assert found
    return int(found[1])


async def page(person: Person, path: str) -> str:
    answer = await person.look(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def asked(
    console: Console, server: LanguageServer, text: str, ticket_id: int | None = None
) -> str | None:
    desk = allowing(console.scene.desk, server)
    async with desk.sessions() as session:
        model = await language_model(session, desk.settings, Purpose.summary, ticket_id=ticket_id)
    return await written(model, Prompt(system="Sum up.", user=text, max_tokens=100)) if model else None


async def test_a_model_is_connected_tried_and_chosen(console: Console, server: LanguageServer):
    ada = await console.person("Ada")
    assert "No language model is connected" in await page(ada, HOME)
    number = await connected(ada, server, model="locked", key=KEY, input_price="2,5", output_price="10")
    shown = await page(ada, f"{HOME}/{number}")
    assert "It serves nothing yet" in shown
    assert "A key is kept" in shown
    assert KEY not in shown
    tried = await ada.does(f"{HOME}/{number}/tests")
    assert SAID in tried.text
    assert "40 tokens read, 7 written" in tried.text
    assert "0.000170" in tried.text  # 40 × 2.5 and 7 × 10 for a million
    assert (await ada.does(f"{HOME}/purposes", data={"summary": str(number)})).status_code == 204
    assert await asked(console, server, "A long story.") == SAID
    home = await page(ada, HOME)
    assert "Ready" in home
    assert "94 tokens" in home
    assert 'aria-label="Tokens by day"' in home
    async with console.scene.desk.sessions() as session:
        kinds = list(await session.scalars(select(Event.kind).where(Event.about == "model_connection")))
    assert Kind.model_connected in kinds


async def test_what_left_is_shown_masked_by_ticket(console: Console, server: LanguageServer):
    ada = await console.person("Ada")
    number = await connected(ada, server, model="echo")
    await ada.does(f"{HOME}/purposes", data={"summary": str(number)})
    ticket = await console.scene.receives(mail(name="Mina"))
    ours = "I am Mina and my card is 4111 1111 1111 1111, write to mina@example.com"
    assert await asked(console, server, ours, ticket.id) == ours  # it all comes back in the answer
    sent = server.asked[-1]["messages"][1]["content"]
    assert "4111" not in sent
    assert "mina@" not in sent
    assert sent.startswith("I am [NAME_1]")
    await asked(console, server, "about nothing")
    log = await page(ada, f"{HOME}/log?purpose=&about={ticket.number}")
    (call,) = set(re.findall(r"/models/log/(\d+)", log))
    text = await page(ada, f"{HOME}/log/{call}")
    assert "[CARD_1]" in text
    assert "4111 1111" not in text
    assert "1 × card" in text
    assert "Nothing left for this" in await page(ada, f"{HOME}/log?purpose=&about=99999999")


async def test_a_budget_that_is_used_up_is_said_and_kept(console: Console, server: LanguageServer):
    ada = await console.person("Ada")
    number = await connected(ada, server, daily_tokens="40")
    await ada.does(f"{HOME}/purposes", data={"summary": str(number)})
    assert await asked(console, server, "Once.") == SAID
    assert await asked(console, server, "Twice.") is None
    home = await page(ada, HOME)
    assert "Budget used up" in home
    assert "until midnight this goes on without a language model" in home
    refused = await ada.does(f"{HOME}/{number}/tests")
    assert refused.status_code == 409
    assert "budget" in refused.text


async def test_fields_are_chosen_that_do_not_leave(console: Console, server: LanguageServer):
    async with committed(console.scene.desk.sessions) as session:
        await fields.add(
            session, Subject.contact, fields.Description(name="Birthday"), by=console.scene.agents["Ada"]
        )
    ada = await console.person("Ada")
    assert "Customer: Birthday" in await page(ada, f"{HOME}/new")
    number = await connected(
        ada, server, **{"hide:contact.birthday": "true", "hide:contact.nonsense": "true"}
    )
    async with console.scene.desk.sessions() as session:
        assert (await session.get_one(Connection, number)).mask_fields == ["contact.birthday"]
    assert (await ada.does(f"{HOME}/{number}", data=form(server))).status_code == 204
    async with console.scene.desk.sessions() as session:
        assert (await session.get_one(Connection, number)).mask_fields == []


async def test_a_paused_model_serves_nothing_until_it_is_used_again(console: Console, server: LanguageServer):
    ada = await console.person("Ada")
    number = await connected(ada, server)
    await ada.does(f"{HOME}/purposes", data={"summary": str(number)})
    await ada.does(f"{HOME}/{number}/state")
    assert "It is paused" in await page(ada, f"{HOME}/{number}")
    assert await asked(console, server, "Hello?") is None
    await ada.does(f"{HOME}/{number}/state")
    assert await asked(console, server, "Hello?") == SAID


async def test_a_key_stays_with_its_server(console: Console, server: LanguageServer):
    """Who may change the address must not have the key sent to a place of theirs."""
    ada = await console.person("Ada")
    number = await connected(ada, server, model="locked", key=KEY)
    kept = await ada.does(f"{HOME}/{number}", data=form(server, model="locked", name="Renamed"))
    assert kept.status_code == 204
    assert (await ada.does(f"{HOME}/{number}/tests")).status_code == 200
    await ada.does(f"{HOME}/{number}", data=form(server, base_url="https://elsewhere.example/v1"))
    async with console.scene.desk.sessions() as session:
        assert (await session.get_one(Connection, number)).sealed_key is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"base_url": "http://127.0.0.1:1/v1"}, "https://"),
        ({"base_url": "https://169.254.169.254/v1"}, "private network"),
        ({"name": " "}, "Give it a name"),
        ({"model": ""}, "Say which model"),
        ({"daily_money": "a lot"}, "is no number"),
        ({"input_price": "-1"}, "between 0"),
        ({"daily_tokens": "1e999999"}, "between 0"),
        ({"kind": "scripted"}, ""),
    ],
)
async def test_what_makes_no_sense_is_refused(
    console: Console, server: LanguageServer, given: dict[str, str], words: str
):
    ada = await console.person("Ada")
    answer = await ada.does(HOME, data=form(server, **given))
    assert answer.status_code == 400
    assert words in unescape(answer.text)


async def test_failures_are_said_in_words(console: Console, server: LanguageServer):
    ada = await console.person("Ada")
    number = await connected(ada, server, model="garbage")
    answer = await ada.does(f"{HOME}/{number}/tests")
    assert answer.status_code == 409
    assert "Check the address" in answer.text
    assert "It has not answered since" in await page(ada, f"{HOME}/{number}")


async def test_a_removed_model_leaves_its_log(console: Console, server: LanguageServer):
    ada = await console.person("Ada")
    number = await connected(ada, server)
    await ada.does(f"{HOME}/{number}/tests")
    wrong = await ada.does(f"{HOME}/{number}/removal", data={"confirmation": "Other"})
    assert wrong.status_code == 400
    assert (
        await ada.does(f"{HOME}/{number}/removal", data={"confirmation": "Our server"})
    ).status_code == 204
    assert "Our server" in await page(ada, f"{HOME}/log")
    assert (await ada.does(f"{HOME}/log/keeping", data={"days": "7"})).status_code == 204
    assert 'value="7"' in await page(ada, f"{HOME}/log")
