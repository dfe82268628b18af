"""What programs send is read strictly, and says no more about its sender than was proved."""

import base64
import json
from typing import Any

import pytest

from channels.api import reading
from channels.api.channel import ApiChannel, NoKey
from channels.api.settings import ApiSettings
from channels.contract import Keep, Source, TakesWebhooks, WebhookRequest
from helpdesk import clock, signing
from helpdesk.errors import HelpdeskError, Misconfigured
from helpdesk.messages import Proof

ADDRESS = "shop@desk.example"
KEY = signing.new_secret()


def sent(**fields: Any) -> bytes:
    return json.dumps(
        {"sender": {"email": "Ada@Example.com", "name": "Ada"}, "text": "Hello"} | fields
    ).encode()


def channel(**settings: Any) -> ApiChannel:
    return ApiChannel(ApiSettings(key=KEY, **settings), address=ADDRESS)


def test_a_small_message_is_enough():
    read = channel().parse(sent())
    assert (read.sender.address, read.sender.kind, read.sender.proof) == (
        "ada@example.com",
        "email",
        Proof.none,
    )
    assert (read.text, read.external_id, read.thread, read.tokens) == ("Hello", "", (), ())


def test_everything_a_message_may_bring():
    content = base64.b64encode(b"\x00\xff").decode()
    read = channel().parse(
        sent(
            external_id="order-7",
            thread=["order-6"],
            subject="A return",
            attachments=[{"name": "a.bin", "content": content}],
            reply_token="ABC",
            automatic=True,
        )
    )
    assert (read.external_id, read.thread) == ("order-7/shop@desk.example", ("order-6/shop@desk.example",))
    assert (read.attachments[0].name, read.attachments[0].content) == ("a.bin", b"\x00\xff")
    assert (read.subject, read.tokens, read.automatic) == ("A return", ("abc",), True)


def test_somebody_without_an_address_is_known_by_the_programs_own_id():
    """The same id in another inbox is somebody else."""
    read = channel().parse(sent(sender={"id": "customer-9"}))
    assert (read.sender.kind, read.sender.address) == ("external", "customer-9/shop@desk.example")


@pytest.mark.parametrize("vouches", [True, False])
@pytest.mark.parametrize("verified", [True, False])
def test_a_sender_is_proven_only_where_both_say_so(vouches: bool, verified: bool):
    read = channel(vouches=vouches).parse(sent(sender={"email": "a@b.example", "verified": verified}))
    assert (read.sender.proof is Proof.authenticated) is (vouches and verified)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "can't be read"),
        (b"{", "can't be read"),
        (b"\xff\xfe", "can't be read"),
        (b"[" * 100_000, "can't be read"),
        (b'{"text": "x"}', "sender"),
        (sent(colour="blue"), "colour"),
        (sent(form={"id": "1"}), "form"),
        (sent(text=""), "text"),
        (sent(text="  \n"), "`text` is empty"),
        (sent(text=7), r"\$\.text"),
        (sent(text="x" * 500_001), r"\$\.text"),
        (sent(sender={}), "`email` or an `id`"),
        (sent(sender={"email": "no address"}), "no e-mail address"),
        (sent(sender={"email": "a@b\r\nbcc: c@d"}), "no e-mail address"),
        (sent(attachments=[{"name": "a", "content": "not base64!"}]), "no base64"),
        (sent(attachments=[{"name": "a", "content": ""}] * 21), "attachments"),
        (sent(attachments=[{"name": "a", "content": "A" * 36_000_000}]), "25 MB"),
        (sent(thread=["x"] * 21), "thread"),
        (sent(external_id="x" * 301), "external_id"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(raw: bytes, words: str):
    with pytest.raises(reading.Unusable, match=words):
        reading.program(raw)


def test_a_form_proves_nothing_and_leads_into_no_ticket():
    raw = b'{"form":{"id":"abc","email":"Ada@Example.com","text":"Hello","agreed":"the terms"}}'
    read = channel(vouches=True).parse(raw)
    assert (read.sender.address, read.sender.proof) == ("ada@example.com", Proof.none)
    assert (read.thread, read.tokens) == ((), ())
    assert read.text == "Hello\n\nAgreed to: the terms"


class Kept(list[tuple[bytes, Source]]):
    @property
    def keep(self) -> Keep:
        async def keep(batch: Any) -> None:
            self.extend(batch)

        return keep


def test_it_is_a_channel_that_can_be_called():
    assert isinstance(channel(), TakesWebhooks)


async def test_a_key_lets_in_and_a_wrong_one_does_not():
    kept = Kept()
    reply = await channel().webhook(WebhookRequest({"authorization": f"Bearer {KEY}"}, sent()), kept.keep)
    assert (reply.status, kept[0][0]) == (202, sent())
    for wrong in ("", "Bearer", "Bearer x", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer é"):
        with pytest.raises(NoKey):
            await channel().webhook(WebhookRequest({"authorization": wrong}, sent()), kept.keep)
    with pytest.raises(NoKey):
        ApiChannel(ApiSettings(), address=ADDRESS).admits({"authorization": "Bearer "})
    assert len(kept) == 1


async def test_a_signature_lets_in_and_makes_the_call_idempotent():
    kept = Kept()
    headers = signing.signed([KEY], "msg_1", clock.now(), sent())
    for _ in range(2):
        await channel().webhook(WebhookRequest(headers, sent()), kept.keep)
    assert {source.key for _, source in kept} == {"call/msg_1"}


async def test_a_changed_or_old_or_foreign_signature_is_refused():
    kept, at = Kept(), clock.now()
    good = signing.signed([KEY], "msg_1", at, sent())
    old = signing.signed([KEY], "msg_1", at - signing.TOLERANCE * 2, sent())
    other = signing.signed([signing.new_secret()], "msg_1", at, sent())
    for headers, body in (
        (good, sent(text="changed")),
        (good | {"webhook-id": "msg_2"}, sent()),
        (good | {"webhook-timestamp": "soon"}, sent()),
        (good | {"webhook-signature": "v1,"}, sent()),
        (good | {"webhook-signature": "v1a,x v1,y " * 50}, sent()),
        (old, sent()),
        (other, sent()),
    ):
        with pytest.raises(HelpdeskError):
            await channel().webhook(WebhookRequest(headers, body), kept.keep)
    assert not kept


async def test_the_key_before_is_good_until_its_time_ends():
    old, kept = signing.new_secret(), Kept()
    for until, good in (
        ("2999-01-01T00:00:00+00:00", True),
        ("2001-01-01T00:00:00+00:00", False),
        ("", False),
    ):
        both = channel(key_before=old, key_before_until=until)
        request = WebhookRequest({"authorization": f"Bearer {old}"}, sent())
        if good:
            await both.webhook(request, kept.keep)
        else:
            with pytest.raises(NoKey):
                await both.webhook(request, kept.keep)


async def test_a_callback_that_leads_inside_is_refused_when_it_is_set():
    for url in ("http://example.com/", "https://10.0.0.1/", "https://user@example.com/"):
        with pytest.raises(Misconfigured):
            await channel(callback_url=url, callback_secret=signing.new_secret()).check()
    with pytest.raises(Misconfigured, match="secret"):
        await channel(callback_url="https://example.com/", callback_secret="x").check()
    await channel(callback_url="https://example.com/hook", callback_secret=signing.new_secret()).check()
    await channel().check()
