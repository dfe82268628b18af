"""Chat on any website: a small frame of the desk's own, in which visitors write and read live."""

from channels.chat.channel import ChatChannel

CHANNEL = ChatChannel

__all__ = ["CHANNEL", "ChatChannel"]
