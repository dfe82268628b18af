"""What every channel must be, whichever there are."""

import inspect
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from channels import registry
from channels.contract import Capabilities, Channel, Listens, Rejected, Unreadable
from channels.loopback import LoopbackChannel, LoopbackSettings
from helpdesk.errors import Misconfigured
from helpdesk.messages import InboundMessage, OutboundMessage

ADDRESS = "support@desk.test"
every_channel = pytest.mark.parametrize("kind", registry.all().values(), ids=registry.all())
SAMPLES = {"str": "x", "int": 1, "bool": False}


def opened(kind: type[Channel]) -> Channel:
    """With made-up values for the settings that have no default."""
    needed = {
        field.name: SAMPLES.get(getattr(field.type, "__name__", str(field.type)), "x")
        for field in msgspec.structs.fields(kind.Settings)
        if field.required
    }
    return registry.opened(kind.name, needed, ADDRESS)


def test_the_channels_that_come_along_are_found() -> None:
    assert {"email", "loopback"} <= set(registry.all())
    assert registry.get("email").name == "email"


def test_an_unknown_channel_is_named_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match=r"'telegram'.*email, .*loopback"):
        registry.get("telegram")


@every_channel
def test_it_says_what_it_is(kind: type[Channel]) -> None:
    assert registry.all()[kind.name] is kind
    assert kind.name.isidentifier()
    assert str(kind.label)
    assert isinstance(kind.capabilities, Capabilities)


@every_channel
def test_its_settings_are_a_frozen_struct_that_survives_storage(kind: type[Channel]) -> None:
    assert issubclass(kind.Settings, msgspec.Struct)
    assert kind.Settings.__struct_config__.frozen
    assert kind.Settings.__struct_config__.forbid_unknown_fields
    msgspec.json.schema(kind.Settings)  # the admin form is made from it
    settings: Any = opened(kind).settings  # type: ignore[attr-defined]
    stored = json.loads(msgspec.json.encode(settings))
    assert msgspec.convert(stored, kind.Settings) == settings


@every_channel
def test_a_setting_it_does_not_know_is_named(kind: type[Channel]) -> None:
    with pytest.raises(Misconfigured, match="colour"):
        registry.opened(kind.name, {"colour": "blue"}, ADDRESS)


@every_channel
@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff\xfe", b"{", b"\r\n\r\n", b"null", b"[]", b": :\r\n\r\n" * 100]
)
def test_junk_is_unreadable_and_no_crash(kind: type[Channel], raw: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(opened(kind).parse(raw), InboundMessage)


@every_channel
def test_it_can_be_waited_for(kind: type[Channel]) -> None:
    channel = opened(kind)
    assert inspect.iscoroutinefunction(channel.check)
    assert inspect.iscoroutinefunction(channel.send)
    if isinstance(channel, Listens):
        assert list(inspect.signature(channel.listen).parameters) == ["keep", "cursor", "trouble"]


async def test_the_loopback_keeps_what_is_sent() -> None:
    channel = LoopbackChannel(LoopbackSettings(refuses="ben@example.com"), address="loop@desk.test")
    message = OutboundMessage(
        message_id=1, external_id="m1@desk", to=("ada@example.com",), subject="s", text="t", from_name="Grace"
    )
    receipt = await channel.send(message)
    assert receipt.external_id == "m1@desk"
    assert channel.sent["loop@desk.test"] == [message]
    with pytest.raises(Rejected):
        await channel.send(replace(message, to=("ben@example.com",)))


def test_the_loopback_reads_a_small_note() -> None:
    read = LoopbackChannel(LoopbackSettings(), address=ADDRESS).parse(
        b'{"from": "Ada@Example.com", "text": "Hello", "at": "2025-01-06T09:00:00Z", "thread": ["m1@desk"]}'
    )
    assert (read.sender.address, read.text, read.thread) == ("ada@example.com", "Hello", ("m1@desk",))
