"""Passwords: argon2id as OWASP recommends it (19 MiB, two passes), checked off the event loop."""

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from helpdesk.errors import Invalid
from helpdesk.i18n import _

MINIMUM = 10
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class TooShort(Invalid):
    message = _("A password needs at least 10 characters; three or four words make a good one.")


async def hashed(password: str) -> str:
    if len(password) < MINIMUM:
        raise TooShort
    return await asyncio.to_thread(_hasher.hash, password)


async def is_right(password: str, password_hash: str | None) -> bool:
    """Takes the same time for somebody who has no password, or does not exist."""
    return await asyncio.to_thread(_verified, password, password_hash)


def _verified(password: str, password_hash: str | None) -> bool:
    try:
        return _hasher.verify(password_hash or _nobodys(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")
