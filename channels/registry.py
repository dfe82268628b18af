"""Which channels there are: the folders beside this file, and what other packages bring along."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

import msgspec

import channels
from channels.contract import Channel
from helpdesk.errors import Misconfigured

GROUP = "helpdesk.channels"  # entry points: name = "package.module:ChannelClass"


def get(name: str) -> type[Channel]:
    """Raises Misconfigured when an inbox names a channel that is not installed."""
    try:
        return all()[name]
    except KeyError:
        known = ", ".join(sorted(all()))
        raise Misconfigured(f"There is no channel named {name!r}. Installed: {known}.") from None


def marks(name: str) -> str:
    """What Markdown in an answer is made into there; empty where it is sent as it was typed."""
    kind = all().get(name)
    return kind.capabilities.marks if kind else ""


def opened(name: str, settings: Mapping[str, Any], address: str) -> Channel:
    """The channel of one inbox, from its stored settings; connects to nothing.

    Raises Misconfigured, in words, where the channel or its settings are not as they must be.
    """
    kind = get(name)
    try:
        return kind(msgspec.convert(settings, kind.Settings), address=address)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"The settings of the inbox {address} cannot be read: {error}.") from None


@cache
def all() -> MappingProxyType[str, type[Channel]]:  # noqa: A001 - reads `registry.all()`
    """Name → channel. One that comes along cannot be replaced by another package's."""
    found: dict[str, type[Channel]] = {point.name: point.load() for point in entry_points(group=GROUP)}
    found.update(
        (channel.name, channel)
        for module in iter_modules(channels.__path__, "channels.")
        if module.ispkg and (channel := getattr(import_module(module.name), "CHANNEL", None))
    )
    return MappingProxyType(found)
