"""Signatures after Standard Webhooks (https://www.standardwebhooks.com, v1): HMAC-SHA256 over id, time and body.

The same for what the desk sends to programs and for what programs send to the desk.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _

PREFIX = "whsec_"
KEY = 32  # random bytes
SHORTEST = 16  # bytes that a key given by somebody else must have
TOLERANCE = timedelta(minutes=5)
MOST_SIGNATURES = 10


class Unsigned(HelpdeskError):
    status = 401
    message = _("The signature is missing, too old, or does not fit.")


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY)).decode()


def signed(keys: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers; one signature a key, so that a receiver may know either while keys change."""
    moment = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{_signature(key, message_id, moment, body)}" for key in keys),
    }


def verify(keys: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The message's id. Raises Unsigned; header names are in lower case."""
    message_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not moment.isascii() or not moment.isdecimal() or len(moment) > 12:
        raise Unsigned
    if abs(now.timestamp() - int(moment)) > TOLERANCE.total_seconds():
        raise Unsigned
    given = [each.removeprefix("v1,") for each in headers.get("webhook-signature", "").split(" ")]
    for key in keys:
        expected = _signature(key, message_id, moment, body).encode()
        if any(hmac.compare_digest(expected, each.encode()) for each in given[:MOST_SIGNATURES]):
            return message_id
    raise Unsigned


def is_secret(text: str) -> bool:
    try:
        return text.startswith(PREFIX) and len(_key(text)) >= SHORTEST
    except (binascii.Error, ValueError):
        return False


def _signature(key: str, message_id: str, moment: str, body: bytes) -> str:
    content = f"{message_id}.{moment}.".encode() + body
    return base64.b64encode(hmac.digest(_key(key), content, "sha256")).decode()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX) + "==")
