"""One attempt: signed, through the guarded way out, and what came of it in words."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic

from helpdesk import signing
from helpdesk.clock import now
from helpdesk.i18n import gettext
from helpdesk.outbound import Answer, NotAllowed, Outbound, Unreachable
from helpdesk.webhooks.endpoints import EXCERPT, Outcome

READ = 16_000  # bytes of an answer that are read at all


async def post(outbound: Outbound, url: str, keys: Sequence[str], message_id: str, body: bytes) -> Outcome:
    """Never raises for what the other side does; redirects are not followed."""
    headers = {"content-type": "application/json", **signed_now(keys, message_id, body)}
    began = monotonic()
    try:
        answer = await outbound.ask(
            "POST", url, headers=headers, content=body, redirects=0, largest=READ, cut=True
        )
    except (Unreachable, NotAllowed) as error:
        return Outcome(words=str(error), took=_since(began))
    return Outcome(
        status=answer.status,
        words=_words(answer),
        excerpt=answer.text[:EXCERPT],
        took=_since(began),
        retry_after=retry_after(answer.headers, now()) if answer.status in {429, 503} else None,
    )


def signed_now(keys: Sequence[str], message_id: str, body: bytes) -> dict[str, str]:
    return signing.signed(keys, message_id, datetime.now(UTC), body)


def retry_after(headers: Mapping[str, str], at: datetime) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3); anything else is ignored."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdecimal() and len(given) <= 9:
        return timedelta(seconds=int(given))
    try:
        until = parsedate_to_datetime(given)
        return max(until.astimezone(UTC) - at, timedelta(0))
    except (ValueError, TypeError, OverflowError):
        return None


def _words(answer: Answer) -> str:
    if 200 <= answer.status < 300:
        return ""
    try:
        named = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        named = str(answer.status)
    if 300 <= answer.status < 400:
        return gettext(
            "It answered with a redirect ({status}), which the desk does not follow. Enter the address itself."
        ).format(status=named)
    return gettext("It answered {status}.").format(status=named)


def _since(began: float) -> timedelta:
    return timedelta(seconds=monotonic() - began)
