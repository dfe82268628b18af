"""From an inbox's row to its channel."""

from typing import Any, cast

from channels import registry
from channels.contract import Channel, ReachesOut
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox


def settings_of(desk: Desk, inbox: Inbox) -> dict[str, Any]:
    return cast("dict[str, Any]", desk.keys.unseal(inbox.sealed_settings))


def channel_of(desk: Desk, inbox: Inbox) -> Channel:
    """Opens nothing. Raises Misconfigured, in words, where the channel or its settings are not as they must be."""
    channel = registry.opened(inbox.channel, settings_of(desk, inbox), inbox.address)
    if isinstance(channel, ReachesOut):
        channel.outbound = desk.outbound
    return channel
