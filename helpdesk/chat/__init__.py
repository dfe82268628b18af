"""Visitors of chats: who they are, what they hold, and which conversations are theirs."""

from helpdesk.chat.rows import ChatCode, Visitor
from helpdesk.chat.visitors import (
    Known,
    forget,
    forget_old,
    holder_of,
    is_over,
    known_by,
    live_name,
    live_name_of,
    meet,
    numbered,
    person_behind,
    revoke,
    seen,
    there,
)

__all__ = [
    "ChatCode",
    "Known",
    "Visitor",
    "forget",
    "forget_old",
    "holder_of",
    "is_over",
    "known_by",
    "live_name",
    "live_name_of",
    "meet",
    "numbered",
    "person_behind",
    "revoke",
    "seen",
    "there",
]
