"""An admin makes a chat, gives it its look, and lets a site vouch for its customers."""

import re
from html import unescape
from typing import Any

import pytest

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.portal import HelpCentre
from tests.web.chatting import Frame, chat_inbox, signed
from tests.web.served import Console
from tests.web.test_help_centre import brand, published, shelved

HOME = "/settings/chat"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture
async def chat(console: Console) -> Inbox:
    return await chat_inbox(console.scene, jwt_key="")


async def stored(console: Console, inbox: Inbox) -> Any:
    async with console.scene.desk.sessions() as session:
        found = await session.get_one(Inbox, inbox.id)
        return console.scene.desk.keys.unseal(found.sealed_settings)


async def test_a_chat_is_made_and_its_line_for_the_site_shown(console: Console):
    ada = await console.person("Ada")
    assert "No chat yet" in (await ada.look(HOME)).text
    given = {"name": "Shop chat", "origins": "https://shop.example", "team": "0"}
    made = await ada.does(f"{HOME}/new", data=given)
    assert made.status_code == 204, made.text
    page = unescape((await ada.look(made.headers["hx-redirect"])).text)
    line = re.search(r'<script async src="https?://[^/"]+(/chat/\w+/widget\.js)"></script>', page)
    assert line
    assert (await ada.get(line[1])).status_code == 200
    assert "Shop chat" in (await ada.look("/settings/inboxes")).text
    wrong = await ada.does(f"{HOME}/new", data=given | {"origins": "shop.example/path"})
    assert wrong.status_code == 400


async def test_its_look_is_saved_and_seen_in_the_frame(console: Console, chat: Inbox):
    ada = await console.person("Ada")
    await ada.look(f"{HOME}/{chat.id}")
    form = {
        "title": "Lamps & more",
        "greeting": "Hi there",
        "accent": "#AA3300",
        "side": "left",
        "origins": "https://shop.example\nhttps://*.shop.example",
        "anonymous": "true",
        "ask_name": "required",
        "ask_email": "no",
        "files": "true",
        "mail_after": "5",
    }
    saved = await ada.does(f"{HOME}/{chat.id}", data=form, files={"logo": ("l.png", PNG, "text/html")})
    assert saved.status_code == 204, saved.text
    frame = await ada.get(f"/chat/{chat.public_id}/frame")
    assert "Hi there" in frame.text
    assert "#aa3300" in frame.text
    assert frame.headers["content-security-policy"].endswith(
        "'self' https://shop.example https://*.shop.example"
    )
    logo = await ada.get(f"/chat/{chat.public_id}/logo")
    assert (logo.content, logo.headers["content-type"]) == (PNG, "image/png")
    assert (await stored(console, chat))["articles"] is False
    for wrong in ({"accent": "red;}"}, {"side": "top"}, {"origins": "javascript:x"}, {"jwt_key": "x"}):
        assert (await ada.does(f"{HOME}/{chat.id}", data=form | wrong)).status_code == 400
    svg = {"logo": ("l.png", b"<svg onload=alert(1)>", "image/png")}
    assert (await ada.does(f"{HOME}/{chat.id}", data=form, files=svg)).status_code == 400
    page = (await ada.look(f"{HOME}/{chat.id}/try")).text
    assert f"/chat/{chat.public_id}/widget.js" in page
    edit = await ada.does(
        f"/settings/inboxes/{chat.id}", data={"name": "Renamed", "address": "chat@desk.example", "team": ""}
    )
    assert edit.status_code == 204, edit.text
    assert (await stored(console, chat))["title"] == "Lamps & more"  # the other form leaves it alone


async def test_a_key_is_shown_once_and_vouches(console: Console, chat: Inbox):
    ada = await console.person("Ada")
    await ada.look(f"{HOME}/{chat.id}")
    shown = await ada.does(f"{HOME}/{chat.id}/key")
    found = re.search(r'<code id="secret">([\w-]{43})</code>', shown.text)
    assert found
    assert found[1] not in (await ada.look(f"{HOME}/{chat.id}")).text
    frame = Frame(await console.stranger(), chat)
    assert (await frame.arrives(jwt=signed(found[1]))).status_code == 201
    liam = await console.person("Liam")
    assert (await liam.look(f"{HOME}/{chat.id}")).status_code == 403


async def test_articles_in_the_chat_are_those_of_its_brand(console: Console, chat: Inbox):
    """The help centre that the chat names; else the one that has its inbox; one that is switched off shows nothing."""
    scene, frame = console.scene, Frame(await console.stranger(), chat)
    ours, theirs = await shelved(scene, "Ours", "One"), await shelved(scene, "Theirs", "Two")
    await brand(scene, "Lumen", collection_ids=[ours.collection_id])
    acme = await brand(scene, "Acme", collection_ids=[theirs.collection_id])
    one = await published(scene, "Parcels of Lumen", category_id=ours.id)
    two = await published(scene, "Parcels of Acme", category_id=theirs.id)

    async def seen() -> list[str]:
        found = (await frame.person.get(f"{frame.base}/articles", params={"q": "parcels"})).json()
        return sorted(each["title"] for each in found["articles"])

    assert await seen() == ["Parcels of Lumen"]  # the desk's first
    assert (await frame.person.get(f"{frame.base}/articles/{two.id}")).status_code == 404
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(HelpCentre, acme.id)).inbox_ids = [chat.id]
    assert await seen() == ["Parcels of Acme"]
    ada = await console.person("Ada")
    page = await ada.look(f"{HOME}/{chat.id}")
    assert "Articles of which help centre" in page.text
    form = {"accent": "#aa3300", "articles": "true", "anonymous": "true", "puzzle": "busy"}
    form |= {"help_centre": str(acme.id)}
    assert (await ada.does(f"{HOME}/{chat.id}", data=form)).status_code == 204
    kept = await stored(console, chat)
    assert (kept["help_centre"], kept["puzzle"]) == (acme.id, "busy")
    assert (await ada.does(f"{HOME}/{chat.id}", data=form | {"puzzle": "hard"})).status_code == 400
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(HelpCentre, acme.id)).active = False
    assert await seen() == []
    assert (await frame.person.get(f"{frame.base}/articles/{one.id}")).status_code == 404
