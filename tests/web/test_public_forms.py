"""Anybody can write through the form: once, without scripts, and without getting into anything by it."""

import re
from datetime import timedelta
from html import unescape
from time import time
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from channels.loopback import LoopbackChannel
from helpdesk import fields
from helpdesk.database import committed
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.messages import Attachment, Proof
from helpdesk.people import ContactIdentity
from tests.scenes import Scene, mail
from tests.web.served import Console, Person
from tests.workers.hands import at_work, eventually
from web import public_forms

CONSENT = "I agree that my words are kept."


async def opened(scene: Scene, **settings: Any) -> Inbox:
    inbox = Inbox(
        name="Contact us",
        channel="api",
        address="form@desk.example",
        sealed_settings=scene.desk.keys.seal({"form_open": True, "form_consent": CONSENT} | settings),
        team_id=scene.teams["Billing"].id,
        answers_through_id=scene.inbox.id,
    )
    async with committed(scene.desk.sessions) as session:
        session.add(inbox)
    return inbox


class Visitor:
    """Somebody who looks at the form and fills it in."""

    def __init__(self, person: Person, inbox: Inbox, key: bytes) -> None:
        self.person, self.path, self.key, self.public_id = (
            person,
            f"/forms/{inbox.public_id}",
            key,
            inbox.public_id,
        )

    async def looks(self) -> httpx.Response:
        return await self.person.get(self.path, headers={"accept": "text/html"})

    def stamp(self, ago: float = 60) -> str:
        """What the page had in it, if it was opened so many seconds ago."""
        return public_forms.stamp(self.key, self.public_id, time() - ago)

    async def sends(self, *, headers: Any = None, files: Any = None, **fields: Any) -> httpx.Response:
        given = {
            "stamp": self.stamp(),
            "email": "Marta@Lumen.example",
            "name": "Marta Reyes",
            "subject": "My order",
            "text": "Where is it?",
            "agreed": "yes",
        }
        return await self.person.post(
            self.path, data=given | fields, files=files, headers={"accept": "text/html"} | (headers or {})
        )


@pytest.fixture
async def visitor(console: Console) -> Visitor:
    inbox = await opened(console.scene, form_origins="https://www.example.com https://shop.example.com:8443")
    return Visitor(await console.stranger(), inbox, console.app.state.csrf_key)


async def test_a_message_becomes_a_ticket_and_its_number_is_told(console: Console, visitor: Visitor):
    async with at_work(console.scene.desk, jobs=False):
        answer = await visitor.sends()
        assert answer.status_code == 303, answer.text
        thanks = await visitor.person.get(answer.headers["location"])
        (ticket,) = await console.scene.tickets()
    assert f"#{ticket.number}" in thanks.text
    (message,) = await console.scene.messages(ticket)
    assert (ticket.subject, message.sender) == ("My order", "marta@lumen.example")
    assert message.text == f"Where is it?\n\nAgreed to: {CONSENT}"
    assert message.proof == Proof.none


async def test_pressing_twice_sends_once_and_changing_a_word_sends_again(console: Console, visitor: Visitor):
    stamp = visitor.stamp()
    async with at_work(console.scene.desk, jobs=False):
        for text in ("one", "one", "one", "two"):
            assert (await visitor.sends(stamp=stamp, text=text)).status_code == 303

        async def both() -> bool:
            return len(await console.scene.tickets()) == 2

        await eventually(both)


async def test_the_form_can_be_shown_by_the_sites_it_is_meant_for_and_no_other(visitor: Visitor):
    for answer in (await visitor.looks(), await visitor.sends(text="")):
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://www.example.com https://shop.example.com:8443")
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", []),
        ("https://a.example; script-src *", []),
        ("https://a.example, http://localhost:3000", ["https://a.example", "http://localhost:3000"]),
        ("* 'self' data: https: javascript:x https://a.example/path", []),
        ("https://*.a.example", ["https://*.a.example"]),
        ("https://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]),
    ],
)
def test_only_origins_get_into_the_policy(given: str, kept: list[str]):
    found = public_forms.origins(given)
    assert [each for each in found if each != "https://a.example;"] == kept


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": ""}, "an address that an answer"),
        ({"email": "a@b\r\nbcc: x@y"}, "an address that an answer"),
        ({"text": "   "}, "write what it is about"),
        ({"text": "x" * 20_001}, "longer than 20000"),
        ({"agreed": ""}, "has to be agreed"),
        ({"website": "https://spam.example"}, "trap for machines"),
        ({"stamp": ""}, "open for too long"),
        ({"stamp": "1.2.3"}, "open for too long"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_that_was_typed_is_lost(
    console: Console, visitor: Visitor, fields: dict[str, str], words: str
):
    answer = await visitor.sends(**({"subject": "<b>My & order</b>"} | fields))
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    assert "&lt;b&gt;My &amp; order&lt;/b&gt;" in answer.text
    async with console.scene.desk.sessions() as session:
        assert not (await session.scalars(select(Kept))).all()


@pytest.mark.parametrize(("ago", "words"), [(0, "quicker"), (90_000, "too long"), (-100, "quicker")])
async def test_a_stamp_is_good_from_two_seconds_to_a_day(visitor: Visitor, ago: float, words: str):
    answer = await visitor.sends(stamp=visitor.stamp(ago))
    assert answer.status_code == 422
    assert words in answer.text
    if ago > 0:
        fresh = re.search(r'name="stamp" value="([^"]+)"', answer.text)
        assert fresh
        assert fresh[1] != visitor.stamp(ago)


async def test_a_stamp_of_another_form_is_none(console: Console, visitor: Visitor):
    foreign = public_forms.stamp(visitor.key, "0" * 32, time() - 60)
    assert (await visitor.sends(stamp=foreign)).status_code == 422


async def test_too_many_have_to_wait_and_lose_nothing(visitor: Visitor):
    codes = [(await visitor.sends(text=f"message {n}")) for n in range(6)]
    assert [answer.status_code for answer in codes] == [303] * 5 + [429]
    assert "message 5" in codes[-1].text


async def test_a_field_that_nobody_asked_for_is_refused(visitor: Visitor):
    assert (await visitor.sends(ticket="1")).status_code == 400
    assert (await visitor.sends(text="x" * 300_000)).status_code == 413


async def test_another_site_cannot_send_the_form(visitor: Visitor):
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ):
        assert (await visitor.sends(headers=headers)).status_code == 403


async def test_somebody_elses_address_proves_nothing_and_opens_nothing(console: Console, visitor: Visitor):
    """A form in Marta's name is a ticket of its own, and Marta's address is as unproven as before."""
    first = await console.scene.receives(mail("mine", sender="marta@lumen.example"))
    async with at_work(console.scene.desk, jobs=False):
        await visitor.sends(text=f"#{first.number} in-reply-to: {first.reply_key.hex()}")

        async def two() -> bool:
            return len(await console.scene.tickets()) == 2

        await eventually(two)
    assert len(await console.scene.messages(first)) == 1
    async with console.scene.desk.sessions() as session:
        (identity,) = await session.scalars(select(ContactIdentity))
        assert identity.proof is Proof.none


async def test_the_answer_leaves_through_the_inbox_for_mail(console: Console, visitor: Visitor):
    """The customer can reply to it: the reply address leads back into the ticket."""
    scene = console.scene
    LoopbackChannel.sent.pop(scene.inbox.address, None)
    async with at_work(scene.desk):
        await visitor.sends()

        async def there() -> Any:
            return await scene.tickets()

        (ticket,) = await eventually(there)
        async with committed(scene.desk.sessions) as session:
            loaded = await scene.ticket(ticket.id, session)
            loaded.reply("It is on its way.", by=scene.agents["Ada"], wait=timedelta(0))

        async def left() -> Any:
            return LoopbackChannel.sent.get(scene.inbox.address)

        (letter,) = await eventually(left)
    assert letter.to == ("marta@lumen.example",)
    assert letter.external_id.endswith("@desk.example")
    back = await scene.receives(
        mail("Thanks", sender="marta@lumen.example", tokens=(letter.reply_token,), fingerprint="thanks")
    )
    assert back.id == ticket.id


@pytest.mark.parametrize("proof", ["1", "1.0", "0.abc", "x", "9" * 40 + ".a", "²." + "0" * 32])
async def test_thanks_are_for_who_wrote(visitor: Visitor, proof: str):
    answer = await visitor.person.get(f"{visitor.path}/sent/{proof}")
    assert answer.status_code == 404


async def test_a_form_that_is_switched_off_is_not_there(console: Console):
    inbox = await opened(console.scene, form_open=False)
    person = await console.stranger()
    for public_id in (inbox.public_id, console.scene.inbox.public_id, "nothing"):
        assert (await person.get(f"/forms/{public_id}")).status_code == 404


async def test_what_was_written_into_the_settings_is_text(console: Console):
    inbox = await opened(console.scene, form_title="<script>1</script>", form_words="<img src=x>\n\nSecond")
    page = await (await console.stranger()).get(f"/forms/{inbox.public_id}")
    assert "<script>1" not in page.text
    assert "<img src=x>" not in page.text
    assert "&lt;script&gt;1" in page.text


async def asking(scene: Scene, **settings: Any) -> Inbox:
    """A form that asks for three fields, one of them required, and takes files."""
    by = scene.agents["Ada"]
    wanted = [
        Description(name="Order number", kind=FieldKind.pattern, pattern="[A-Z]-[0-9]+", required=True),
        Description(name="Product", kind=FieldKind.choice, choices=["Lamp", "Desk"]),
        Description(name="Rooms", kind=FieldKind.choices, choices=["Hall", "Bath"]),
        Description(name="Margin", kind=FieldKind.number),
    ]
    async with committed(scene.desk.sessions) as session:
        for description in wanted:
            await fields.add(session, Subject.ticket, description, by=by)
    return await opened(scene, form_files=True, form_fields="order_number product rooms", **settings)


async def test_what_the_form_asks_for_stands_in_the_tickets_fields(console: Console):
    visitor = Visitor(await console.stranger(), await asking(console.scene), console.app.state.csrf_key)
    page = (await visitor.looks()).text
    assert "Order number" in page
    assert "Product (optional)" in page
    assert "Margin" not in page
    refused = await visitor.sends(**{"field.order_number": "wrong", "field.product": "Lamp"})
    assert refused.status_code == 422
    assert "Order number cannot be this" in refused.text
    assert '<option value="Lamp" selected>' in refused.text
    assert "Please fill this in" in (await visitor.sends()).text
    assert (await visitor.sends(**{"field.margin": "40", "field.order_number": "A-17"})).status_code == 303
    async with at_work(console.scene.desk, jobs=False):
        rooms = {"field.rooms": ["Bath", "Hall"], "field.product": "Lamp", "field.order_number": "A-17"}
        assert (await visitor.sends(text="The second", **rooms)).status_code == 303

        async def both() -> bool:
            return len(await console.scene.tickets()) == 2

        await eventually(both)
    told = [ticket.fields for ticket in await console.scene.tickets()]
    assert {"order_number": "A-17"} in told, "what was not asked for is left out"
    assert {"order_number": "A-17", "product": "Lamp", "rooms": ["Hall", "Bath"]} in told


async def test_files_come_along_and_stay_within_limits(console: Console):
    inbox = await opened(console.scene, form_files=True)
    visitor = Visitor(await console.stranger(), inbox, console.app.state.csrf_key)
    assert 'type="file"' in (await visitor.looks()).text
    photo = ("files", ("../lamp.png", b"\x89PNG\r\n" + b"x" * 300_000, "image/png"))
    refused = await visitor.sends(text="", files=[photo])
    assert refused.status_code == 422
    assert "Choose your files once more" in refused.text
    many = [("files", (f"{n}.txt", b"x", "text/plain")) for n in range(21)]
    assert "more than 20 files" in (await visitor.sends(files=many)).text
    async with at_work(console.scene.desk, jobs=False):
        answer = await visitor.sends(files=[photo, ("files", ("note.txt", "größer".encode(), "text/plain"))])
        assert answer.status_code == 303, answer.text
        await visitor.person.get(answer.headers["location"])
        (ticket,) = await console.scene.tickets()
    (message,) = await console.scene.messages(ticket)
    async with console.scene.desk.sessions() as session:
        found = await session.scalars(
            select(Attachment).where(Attachment.message_id == message.id).order_by(Attachment.id)
        )
        sizes = [(each.name, each.size) for each in found]
    assert sizes == [("lamp.png", 300_006), ("note.txt", 8)], "folders are nobody's business"


async def test_a_form_without_files_takes_none_and_reads_no_large_body(visitor: Visitor):
    assert 'type="file"' not in (await visitor.looks()).text
    small = await visitor.sends(files=[("files", ("a.txt", b"x", "text/plain"))])
    assert small.status_code == 422
    large = await visitor.sends(files=[("files", ("a.txt", b"x" * 300_000, "text/plain"))])
    assert large.status_code == 413


async def test_large_bodies_are_refused_unread_from_who_writes_too_often(console: Console):
    inbox = await opened(console.scene, form_files=True)
    visitor = Visitor(await console.stranger(), inbox, console.app.state.csrf_key)
    big = [("files", ("a.bin", b"x" * 300_000, "application/octet-stream"))]
    codes = [(await visitor.sends(text=f"{n}", files=big)).status_code for n in range(7)]
    assert codes == [303] * 5 + [413] * 2
    assert (await visitor.sends(text="small")).status_code == 429


async def test_large_bodies_count_even_where_nothing_comes_of_them(console: Console):
    """Reading them is what costs: a made-up stamp is no way around."""
    inbox = await opened(console.scene, form_files=True)
    visitor = Visitor(await console.stranger(), inbox, console.app.state.csrf_key)
    big = [("files", ("a.bin", b"x" * 300_000, "application/octet-stream"))]
    codes = [(await visitor.sends(stamp=f"{n}.0.0", files=big)).status_code for n in range(7)]
    assert codes == [422] * 5 + [413] * 2


@pytest.mark.parametrize("nothing", ["\x00", "\u202e\u200b", " \u2003\ufeff\n"])
async def test_what_nobody_can_see_is_no_message(console: Console, nothing: str) -> None:
    inbox = await opened(console.scene)
    visitor = Visitor(await console.stranger(), inbox, console.app.state.csrf_key)
    refused = await visitor.sends(text=nothing)
    assert refused.status_code == 422
    assert "Please write what it is about." in refused.text
    async with console.scene.desk.sessions() as session:
        assert not await session.scalar(select(Kept.id))
