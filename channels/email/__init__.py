"""E-mail: `listening` brings bytes, `reading` makes sense of them, `composing` and `sending` answer."""

from channels.email.channel import EmailChannel

CHANNEL = EmailChannel

__all__ = ["CHANNEL", "EmailChannel"]
