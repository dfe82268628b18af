"""An admin gives a program its key, and puts a form on the company's site."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from tests.web.served import Console, Person

HOME = "/settings/programs"


@pytest.fixture
async def inbox(console: Console) -> Inbox:
    made = Inbox(
        name="Shop",
        channel="api",
        address="shop@desk.example",
        sealed_settings=console.scene.desk.keys.seal({}),
    )
    async with committed(console.scene.desk.sessions) as session:
        session.add(made)
    return made


async def stored(console: Console, inbox: Inbox) -> Any:
    async with console.scene.desk.sessions() as session:
        found = await session.get_one(Inbox, inbox.id)
        return console.scene.desk.keys.unseal(found.sealed_settings)


async def key(ada: Person, inbox: Inbox, which: str = "key") -> str:
    answer = await ada.does(f"{HOME}/{inbox.id}/secrets/{which}")
    assert answer.status_code == 200, answer.text
    found = re.search(r"whsec_[A-Za-z0-9+/=]{20,}", unescape(answer.text))
    assert found
    return found[0]


async def test_a_key_is_made_shown_once_and_changed_without_a_gap(console: Console, inbox: Inbox):
    ada = await console.person("Ada")
    page = unescape((await ada.look(f"{HOME}/{inbox.id}")).text)
    assert f"/hooks/{inbox.public_id}" in page
    assert "no program is let in" in page
    first = await key(ada, inbox)
    second = await key(ada, inbox)
    assert first != second
    assert first not in (await ada.look(f"{HOME}/{inbox.id}")).text
    async with httpx.AsyncClient(base_url=console.url) as program:
        for secret, status in ((first, 400), (second, 400), ("whsec_other", 401)):
            headers = {"authorization": f"Bearer {secret}"}
            answer = await program.post(f"/hooks/{inbox.public_id}", content=b"{}", headers=headers)
            assert answer.status_code == status


async def test_the_form_is_switched_on_and_its_snippet_shown(console: Console, inbox: Inbox):
    ada = await console.person("Ada")
    given = {
        "form_open": "true",
        "form_title": 'Write "us"',
        "form_origins": "https://www.example.com\nhttps://shop.example.com",
        "answers_through": str(console.scene.inbox.id),
        "callback_url": "https://example.com/hook",
    }
    assert (await ada.does(f"{HOME}/{inbox.id}", data=given)).status_code == 204
    page = (await ada.look(f"{HOME}/{inbox.id}")).text
    assert f"/forms/{inbox.public_id}&#34; title=" in page
    kept = await stored(console, inbox)
    assert kept["form_origins"] == "https://www.example.com https://shop.example.com"
    assert kept["callback_secret"].startswith("whsec_")
    assert kept["callback_secret"] not in page
    form = await (await console.stranger()).get(f"/forms/{inbox.public_id}")
    assert form.status_code == 200
    assert "https://shop.example.com" in form.headers["content-security-policy"]
    assert (await key(ada, inbox, "callback")) != kept["callback_secret"]


async def test_the_fields_that_a_form_asks_for_are_chosen(console: Console, inbox: Inbox):
    ada = await console.person("Ada")
    for name in ("Order number", "Margin"):
        await ada.does("/settings/fields", data={"subject": "ticket", "kind": "text", "name": name})
    given = {"form_open": "true", "form_files": "true", "asks.order_number": "true", "asks.unknown": "true"}
    assert (await ada.does(f"{HOME}/{inbox.id}", data=given)).status_code == 204
    kept = await stored(console, inbox)
    assert (kept["form_fields"], kept["form_files"]) == ("order_number", True)
    page = (await ada.look(f"{HOME}/{inbox.id}")).text
    assert 'name="asks.order_number" value="true" checked' in page
    assert 'name="asks.margin" value="true">' in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"form_origins": "https://a.example/path"}, "is no site"),
        ({"form_origins": "*"}, "is no site"),
        ({"form_origins": "https://a.example;script-src"}, "is no site"),
        ({"callback_url": "https://127.0.0.1/"}, "private network"),
        ({"callback_url": "http://example.com/"}, "https://"),
        ({"answers_through": "999999"}, "another kind"),
        ({"key": "whsec_mine"}, "key"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    console: Console, inbox: Inbox, fields: dict[str, str], words: str
):
    ada = await console.person("Ada")
    answer = await ada.does(f"{HOME}/{inbox.id}", data=fields)
    assert answer.status_code == 400
    assert words in unescape(answer.text)


async def test_answers_cannot_leave_through_themselves(console: Console, inbox: Inbox):
    ada = await console.person("Ada")
    assert (await ada.does(f"{HOME}/{inbox.id}", data={"answers_through": str(inbox.id)})).status_code == 400


async def test_only_who_manages_inboxes_sees_them(console: Console, inbox: Inbox):
    liam = await console.person("Liam")
    assert (await liam.look(HOME)).status_code == 403
    for path in (f"{HOME}/{inbox.id}", f"{HOME}/{inbox.id}/secrets/key"):
        assert (await liam.does(path)).status_code == 403
    ada = await console.person("Ada")
    assert (await ada.look(f"{HOME}/{console.scene.inbox.id}")).status_code == 404
    assert (await ada.does(f"{HOME}/{inbox.id}/secrets/else")).status_code in {400, 404}
