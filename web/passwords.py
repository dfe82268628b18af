"""Passwords: argon2id with OWASP's first choice of parameters, computed off the event loop."""

import asyncio
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext

SHORTEST, LONGEST = 10, 1024
ADVISED = 15
COMMONEST = 10_000
"""So many of the most used passwords are refused, whatever their length."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobody = _hasher.hash("nobody's password")
_at_once = asyncio.Semaphore(2)  # 19 MiB and 40 ms of CPU each


class Weak(Invalid):
    message = _("This password is too easy to guess.")


def hashed(password: str) -> str:
    return _hasher.hash(password)


async def made(password: str) -> str:
    """The hash, computed beside the event loop."""
    async with _at_once:
        return await asyncio.to_thread(hashed, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Takes as long for an account that does not exist as for a wrong password."""
    async with _at_once:
        right = await asyncio.to_thread(_verified, password_hash or _nobody, password)
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


def refuse_weak(password: str, *, about: Iterable[str] = ()) -> None:
    """Raises Weak, saying why. `about`: name, address and desk, which are the first that somebody tries."""
    if len(password) < SHORTEST:
        raise Weak(
            gettext("A password needs at least %(n)s characters; four words make a good one.")
            % {"n": SHORTEST}
        )
    if len(password) > LONGEST:
        raise Weak(gettext("A password has at most %(n)s characters.") % {"n": LONGEST})
    plain = password.casefold()
    if plain in _common() or len(set(plain)) < 4:
        raise Weak(gettext("Many people use this password, so it is among the first that are tried."))
    for words in about:
        for word in words.casefold().replace("@", " ").split():
            if len(word) > 3 and word in plain and len(plain) - len(word) < 6:
                raise Weak(gettext("This password is little more than your name or address."))


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # 30,000 words: only where a password is chosen

    return frozenset(FREQUENCY_LISTS["passwords"][:COMMONEST])


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
