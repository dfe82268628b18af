"""Six digits by mail, that prove an address. They stand nowhere: they are made of a random nonce and the desk's secret
as the mail leaves, and the row keeps a keyed digest, so that nobody can read a code from the database, and trying all
million needs the secret."""

import hmac
from hashlib import sha256

from helpdesk.keys import Keys


def digits(keys: Keys, purpose: str, nonce: bytes) -> str:
    number = int.from_bytes(sha256(keys.link_token(purpose, nonce).encode()).digest()[:8], "big")
    return f"{number % 1_000_000:06d}"


def digest(keys: Keys, purpose: str, nonce: bytes, given: str) -> bytes:
    return sha256(keys.link_token(f"{purpose} digest", nonce + given.encode()).encode()).digest()


def is_right(keys: Keys, purpose: str, nonce: bytes, kept: bytes, given: str) -> bool:
    """Comparing takes the same time whether it is or not."""
    return hmac.compare_digest(kept, digest(keys, purpose, nonce, given))
