"""The chat on a help centre's pages: whose it is, who somebody is in it, and how nobody becomes somebody else."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import jwt
import pytest
from sqlalchemy import select, update

from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.messages import Proof
from helpdesk.people import Contact
from helpdesk.portal import Described, HelpCentre, PortalSession, centres
from helpdesk.portal.centres import ChatTaken
from kb.articles import Audience
from tests.scenes import mail
from tests.web.chatting import KEY, Frame, answering, signed
from tests.web.served import Console, Person
from tests.web.test_help_centre import brand, looks, published, shelved
from tests.web.test_help_centre_customers import EVE, MARTA, signed_in, token
from web.security import CONTENT_SECURITY_POLICY

LAUNCHER = re.compile(r'<help-chat data-src="([^"]+)" data-lang="(\w+)" data-word="([^"]*)">')


@pytest.fixture
async def chat(console: Console, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    async with answering(console.scene, monkeypatch) as inbox:
        yield inbox


@pytest.fixture
async def centre(console: Console, chat: Inbox) -> HelpCentre:
    return await brand(console.scene, "Lumen", chat_inbox_id=chat.id, languages=["en", "ar"])


async def word_on(person: Person, path: str = "/help") -> str:
    (found,) = LAUNCHER.findall((await looks(person, path)).text)
    return unescape(found[2])


async def arrives(person: Person, chat: Inbox, word: str) -> tuple[int, Frame]:
    frame = Frame(person, chat)
    return (await frame.arrives(jwt=word)).status_code, frame


async def test_a_brands_chat_is_on_its_own_pages_until_it_is_switched_off(
    console: Console, chat: Inbox, centre: HelpCentre
) -> None:
    """Under the same policy as every page, in the page's language, and on no other brand's pages."""
    acme = await brand(console.scene, "Acme")
    visitor = await console.stranger()
    for path in ("/help", "/help/search?q=reset", "/help/sign-in", "/help/nothing"):
        page = await looks(visitor, path)
        assert LAUNCHER.findall(page.text) == [(f"/chat/{chat.public_id}/widget.js?lang=en", "en", "")], path
        assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert not re.findall(r"<script(?! type=\"(?:module|application/ld\+json)\")", page.text)
    assert LAUNCHER.findall((await looks(visitor, "/help/ar")).text)[0][1] == "ar"
    loader = await visitor.get(f"/chat/{chat.public_id}/widget.js?lang=ar")
    assert "Open the chat" not in loader.text
    assert "help-chat" not in (await looks(visitor, "/help/acme")).text
    said = Described(name="Acme", slug="acme", active=True, chat_inbox_id=chat.id)
    async with console.scene.desk.sessions() as session:
        row = await session.get_one(HelpCentre, acme.id)
        with pytest.raises(ChatTaken):
            await centres.save(session, row, said, by=DESK)
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Inbox).where(Inbox.id == chat.id).values(active=False))
    assert "help-chat" not in (await looks(visitor, "/help")).text


async def test_it_is_chosen_in_the_settings(console: Console, chat: Inbox) -> None:
    """Where there is one chat, it is on from the start; a chat that shows another brand's articles is refused."""
    lumen = await brand(console.scene, "Lumen")
    ada = await console.person("Ada")
    assert f'value="{chat.id}" selected' in (await ada.look("/settings/help-centres/new")).text
    page = f"/settings/help-centres/{lumen.id}"
    form = {"name": "Lumen", "slug": "lumen", "active": "true", "languages": "en"}

    async def chosen(value: int) -> int | None:
        await ada.look(page)
        assert (await ada.does(page, data=form | {"chat": str(value)})).status_code < 400
        async with console.scene.desk.sessions() as session:
            return (await session.get_one(HelpCentre, lumen.id)).chat_inbox_id

    assert await chosen(chat.id) == chat.id
    assert await chosen(0) is None
    other = await brand(console.scene, "Acme")
    async with committed(console.scene.desk.sessions) as session:
        row = await session.get_one(Inbox, chat.id)
        row.sealed_settings = console.scene.desk.keys.seal({"help_centre": other.id})
    refused = await ada.does(page, data=form | {"chat": str(chat.id)})
    assert (refused.status_code, "another help centre" in refused.text) == (400, True)


async def test_who_has_signed_in_is_known_in_it_without_typing(
    console: Console, chat: Inbox, centre: HelpCentre
) -> None:
    scene = console.scene
    before = await scene.receives(mail())
    person = await signed_in(console)
    word = await word_on(person)
    status, frame = await arrives(person, chat, word)
    assert status == 201
    assert (await frame.writes("Are you there?", email=EVE, name="Eve")).status_code == 201
    newest = (await scene.tickets())[-1]
    (message,) = await scene.messages(newest)
    assert newest.contact_id == before.contact_id
    assert (message.sender, message.proof) == (MARTA, Proof.authenticated)
    out = await person.post("/help/sign-out", data=await token(person, "/help/tickets"))
    assert out.status_code == 303
    assert (await frame.asks("/state")).status_code == 401
    assert (await frame.writes("Still me?")).status_code == 401
    assert (await arrives(person, chat, word))[0] == 401
    assert await word_on(person) == ""
    again = await signed_in(console)
    _status, other = await arrives(again, chat, await word_on(again))
    assert ("me", "Are you there?") in await other.read()


async def test_nobody_else_can_claim_it(console: Console, chat: Inbox, centre: HelpCentre) -> None:
    """Not with a word that was changed, is old, is for another chat, or was signed with the key of a site; nor while
    the customer is blocked. A site's own word makes nobody of ours."""
    scene = console.scene
    ticket = await scene.receives(mail())
    person, thief = await signed_in(console), await console.stranger()
    word = await word_on(person)
    head, claims, signature = word.split(".")
    async with scene.desk.sessions() as session:
        session_id = (await session.scalars(select(PortalSession.id))).one()
    forged = {"sub": session_id.hex(), "exp": now() + timedelta(minutes=5)}
    unsigned = jwt.encode(forged, "", algorithm="none")
    changed = f"{head}.{jwt.encode(forged | {'sub': '00' * 32}, KEY).split('.')[1]}.{signature}"
    for wrong in (unsigned, changed, f"{head}.{claims}.", word[:-4] + "AAAA", word.upper()):
        assert (await arrives(thief, chat, wrong))[0] == 401, wrong
    status, frame = await arrives(thief, chat, signed(KEY, sub=session_id.hex()))
    assert status == 201
    assert (await frame.state())["me"]["name"] != "Marta"
    async with committed(scene.desk.sessions) as session:
        second = Inbox(
            name="Acme chat",
            channel="chat",
            address="chat-2@desk.example",
            sealed_settings=scene.desk.keys.seal({"jwt_key": KEY}),
        )
        session.add(second)
    assert (await arrives(person, second, word))[0] == 401
    with moved(timedelta(minutes=11)):
        assert (await arrives(person, chat, word))[0] == 401
    status, known = await arrives(person, chat, word)
    assert status == 201
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Contact).where(Contact.id == ticket.contact_id).values(blocked_at=now()))
    assert (await known.asks("/state")).status_code == 401
    assert (await arrives(person, chat, word))[0] == 401


async def test_its_articles_are_the_brands(console: Console, chat: Inbox, centre: HelpCentre) -> None:
    """What only another brand says is neither found in the chat nor read there."""
    scene = console.scene
    ours, theirs = await shelved(scene, "Ours", "One"), await shelved(scene, "Theirs", "Two")
    own = await published(scene, "Reset the lamp", category_id=ours.id)
    other = await published(scene, "Reset the lamp of Acme", category_id=theirs.id)
    hidden = await published(scene, "Reset the lamp inside", category_id=ours.id, audience=Audience.internal)
    await brand(scene, "Acme", collection_ids=[theirs.collection_id])
    async with committed(scene.desk.sessions) as session:
        row = await session.get_one(HelpCentre, centre.id)
        row.collection_ids = [ours.collection_id]
    visitor = await console.stranger()
    base = f"/chat/{chat.public_id}/articles"
    found = (await visitor.get(f"{base}?q=reset the lamp")).json()["articles"]
    assert [each["id"] for each in found] == [own.id]
    answers = [(await visitor.get(f"{base}/{each.id}")).status_code for each in (own, other, hidden)]
    assert answers == [200, 404, 404]


@pytest.mark.parametrize(
    "change", [{"signs_in": False}, {"active": False, "is_default": False}, {"chat_inbox_id": None}]
)
async def test_it_ends_when_nobody_may_sign_in_there_any_more(
    console: Console, chat: Inbox, centre: HelpCentre, change: dict[str, bool | None]
) -> None:
    scene = console.scene
    await scene.receives(mail())
    person = await signed_in(console)
    word = await word_on(person)
    _status, frame = await arrives(person, chat, word)
    assert (await frame.asks("/state")).status_code == 200
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(HelpCentre).where(HelpCentre.id == centre.id).values(**change))
    assert (await frame.asks("/state")).status_code == 401
    assert (await frame.writes("Still me?")).status_code == 401
    assert (await arrives(person, chat, word))[0] == 401
