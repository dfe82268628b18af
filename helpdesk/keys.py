"""What the desk signs and seals with its one secret: reply tokens and inboxes' passwords."""

import base64
import hmac
import os
from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from helpdesk.errors import Misconfigured

KEY_ID = b"\x01"
TICKET_KEY = 16  # bytes, random, one a ticket
SIGNATURE = 8  # bytes of HMAC-SHA256


class Keys:
    """Purposes get keys of their own, so that a token of one can never serve as another's."""

    def __init__(self, secret: bytes) -> None:
        self._sealing = AESGCM(_derived(secret, b"seal inbox settings"))
        self._signing = _derived(secret, b"sign reply addresses")
        self._linking = _derived(secret, b"links that let somebody in")

    def reply_token(self, ticket_key: bytes, recipient: str) -> str:
        """39 characters for a reply address or a Message-ID; good for this ticket and this recipient only."""
        token = ticket_key + self._signature(ticket_key, recipient)
        return base64.b32encode(token).decode().rstrip("=").lower()

    def ticket_key(self, token: str) -> bytes | None:
        """The ticket that a token claims to be for: a hint until `signed_for` has confirmed it."""
        token_bytes = _decoded(token)
        return token_bytes[:TICKET_KEY] if token_bytes else None

    def signed_for(self, token: str, recipients: Iterable[str]) -> str | None:
        """The one of these recipients that we gave the token to, if any."""
        if not (token_bytes := _decoded(token)):
            return None
        key, signature = token_bytes[:TICKET_KEY], token_bytes[TICKET_KEY:]
        return next((r for r in recipients if hmac.compare_digest(signature, self._signature(key, r))), None)

    def link_token(self, purpose: str, nonce: bytes) -> str:
        """256 bits for a link that lets somebody in; the same again for the same nonce and purpose."""
        digest = hmac.digest(self._linking, purpose.encode() + b" " + nonce, "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _signature(self, ticket_key: bytes, recipient: str) -> bytes:
        text = KEY_ID + b"reply" + ticket_key + recipient.strip().lower().encode()
        return hmac.digest(self._signing, text, "sha256")[:SIGNATURE]

    def seal(self, value: object) -> bytes:
        """JSON, encrypted with AES-256-GCM: key id, nonce, ciphertext."""
        nonce = os.urandom(12)
        return KEY_ID + nonce + self._sealing.encrypt(nonce, msgspec.json.encode(value), KEY_ID)

    def unseal(self, sealed: bytes) -> object:
        try:
            return msgspec.json.decode(self._sealing.decrypt(sealed[1:13], sealed[13:], sealed[:1]))
        except (InvalidTag, ValueError):
            raise Misconfigured(
                "An inbox's settings were sealed with another secret, or an import came without them. Bring back "
                "the old HELPDESK_SECRET (or the file `secret` in HELPDESK_HOME), or enter the inbox's settings again."
            ) from None


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"helpdesk " + purpose).derive(secret)


def _decoded(token: str) -> bytes | None:
    try:
        token_bytes = base64.b32decode(token.upper() + "=")
    except ValueError:
        return None
    return token_bytes if len(token_bytes) == TICKET_KEY + SIGNATURE else None
