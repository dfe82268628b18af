"""Large bodies of strangers: so much, so long, and not more at once than the desk can hold."""

import asyncio
from collections import Counter
from typing import Any

from litestar import Request

from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import _
from web.addresses import counted_as

WITHIN = 120.0  # seconds; 36 MB over 2.5 Mbit/s
UNPROVEN = 128 * 1024**2
"""Bytes held at once of requests whose heads prove nothing: a signature can be checked at the end only."""
UNPROVEN_OF_ONE = 40 * 1024**2
"""Of these from one address: nobody alone keeps the others out."""

PROVEN = "proven"


class TooBig(Invalid):
    status = 413
    message = _("This is more than the inbox takes at once.")


class Endless(TooBig):
    """It did not say how much would come; who goes on sending is hung up on."""


class TooSlow(HelpdeskError):
    status = 408
    message = _("The whole of it did not come in time. Send it again, in smaller pieces if the line is slow.")


class Crowded(HelpdeskError):
    status = 503
    message = _("The desk is reading as many unproven messages as it can hold. Send it again in a minute.")


class Bodies:
    """What is being read, by the address that it comes from."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    async def read(self, request: Request[Any, Any, Any], *, largest: int, proven: bool) -> bytes:
        """Raises TooBig before anything is read where the head says so already; Endless, TooSlow or Crowded."""
        if (request.content_length or 0) > largest:
            raise TooBig
        address = PROVEN if proven else counted_as(request)
        body = bytearray()
        try:
            async with asyncio.timeout(WITHIN):
                async for chunk in request.stream():
                    body += chunk
                    self._held[address] += len(chunk)
                    if len(body) > largest:
                        raise Endless
                    if not proven:
                        self._require_room(address)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._held[address] -= len(body)
            if not self._held[address]:
                del self._held[address]
        return bytes(body)

    def _require_room(self, address: str) -> None:
        unproven = self._held.total() - self._held[PROVEN]
        if self._held[address] > UNPROVEN_OF_ONE or unproven > UNPROVEN:
            raise Crowded
