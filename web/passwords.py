"""Passwords: argon2id with OWASP's first choice of parameters, computed off the event loop."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobody = _hasher.hash("nobody's password")
_at_once = asyncio.Semaphore(2)  # 19 MiB and 40 ms of CPU each


def hashed(password: str) -> str:
    return _hasher.hash(password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Takes as long for an account that does not exist as for a wrong password."""
    async with _at_once:
        right = await asyncio.to_thread(_verified, password_hash or _nobody, password)
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
