"""Slack's Web API: every call through the guarded way out, every answer as a result or as trouble in words."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from math import isnan
from time import monotonic
from typing import TYPE_CHECKING, Any

from channels.contract import ChannelError, Rejected, Unavailable, Uncertain
from channels.slack.settings import SlackSettings
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.outbound import Outbound

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

WITHIN = 20.0  # seconds for one call
LONGEST_PAUSE = 3_600.0  # seconds that Slack may ask to wait
SIGNED_OUT = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
    "missing_scope", "org_login_required", "ekm_access_denied", "not_allowed_token_type", "team_access_not_granted",
}  # fmt: skip
"""Somebody has to look at the app; what waits to be sent waits for that."""
LATER = {"ratelimited", "rate_limited", "team_added_to_org", "accesslimited"}
SLACKS_FAULT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
"""Slack says itself that some of it may have been done."""
GRANTED = "x-oauth-scopes"
"""The one header that is told with an answer: what the app may do."""
Answer = Mapping[str, Any]
_waits: dict[tuple[str, str], float] = {}
"""Token and method → until when Slack asked not to call it; in one process, so another may ask once itself."""


class AskedToWait(Unavailable):
    """Slack counts the calls of an app in a workspace, method by method, whichever inbox they are made for."""


class SignedOut(Unavailable):
    """Nothing is lost by waiting: as soon as the app is right again, everything goes on."""


class Calls:
    """The Web API as one inbox's app may use it."""

    def __init__(self, outbound: Outbound, settings: SlackSettings) -> None:
        self.outbound, self.settings = outbound, settings

    async def ask(self, method: str, **given: Any) -> Answer:
        """What changes nothing, so trying again is always right. Raises Rejected or Unavailable."""
        try:
            return await self.tell(method, **given)
        except Uncertain as error:
            raise Unavailable(str(error)) from None

    async def tell(self, method: str, **given: Any) -> Answer:
        """What changes something. Raises Uncertain where nobody knows whether it did."""
        from slack_sdk.errors import (
            SlackApiError,
        )  # not before it is needed: every process lists the channels

        from helpdesk.outbound.sessions import BROKEN, NOT_CONNECTED

        self._not_before(method)
        try:
            async with self.client() as client, asyncio.timeout(WITHIN):
                answer = await getattr(client, method)(**given)
        except SlackApiError as error:
            raise self._known(_refused(error.response, method), method) from None
        except HelpdeskError as error:
            raise Rejected(str(error)) from None
        except NOT_CONNECTED as error:
            raise Unavailable(gettext("Slack could not be reached: {why}.").format(why=error)) from None
        except BROKEN as error:
            words = gettext("The line to Slack broke: {why}.")
            raise Uncertain(words.format(why=str(error) or type(error).__name__)) from None
        return {**_read(answer.data), GRANTED: answer.headers.get("x-oauth-scopes", "")}

    def _not_before(self, method: str) -> None:
        """Raises AskedToWait. A call that Slack will refuse makes it ask to wait for longer."""
        left = _waits.get((self.settings.bot_token, method), 0.0) - monotonic()
        if left > 0:
            raise AskedToWait(_wait_words(), retry_after=timedelta(seconds=left))

    def _known(self, error: ChannelError, method: str) -> ChannelError:
        if isinstance(error, AskedToWait):
            now = monotonic()
            for key in [key for key, until in _waits.items() if until < now]:
                del _waits[key]
            _waits[self.settings.bot_token, method] = now + error.retry_after.total_seconds()
        return error

    @asynccontextmanager
    async def client(self, token: str = "", within: float | None = WITHIN) -> "AsyncIterator[AsyncWebClient]":
        """Without the library's own retries: they would post twice what was taken once."""
        from slack_sdk.web.async_client import AsyncWebClient

        from helpdesk.outbound.sessions import guarded_session

        async with guarded_session(self.outbound.policy, within=within) as session:
            yield AsyncWebClient(
                token=token or self.settings.bot_token,
                base_url=self.settings.api_url.rstrip("/") + "/",
                session=session,
                retry_handlers=[],
                timeout=int(WITHIN),
            )


def _read(data: Any) -> Answer:
    return data if isinstance(data, dict) else {}


def _refused(response: Any, method: str) -> ChannelError:
    """`response` is what the library made of the answer: its own class, or a dict of what it could not read."""
    status = getattr(response, "status_code", 0) or (
        response.get("status", 0) if isinstance(response, dict) else 0
    )
    data = getattr(response, "data", response)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == 429 or code in LATER:
        return AskedToWait(_wait_words(), retry_after=_pause(getattr(response, "headers", {})))
    if code in SIGNED_OUT:
        words = gettext("Slack does not let the app do this ({code}). Check its tokens, or install it again.")
        return SignedOut(words.format(code=code), retry_after=timedelta(minutes=5))
    if code in SLACKS_FAULT or not code or status >= 500:
        words = gettext("Slack had trouble of its own ({code}).")
        return Uncertain(words.format(code=code or status or "no answer"))
    return Rejected(in_words(code, method))


def _wait_words() -> str:
    return gettext("Slack asks to wait before it is called again.")


def in_words(code: str, method: str) -> str:
    known = {
        "channel_not_found": gettext("The app does not see this channel. Invite it there."),
        "not_in_channel": gettext("The app is not in this channel. Invite it there."),
        "is_archived": gettext("This channel is archived."),
        "msg_too_long": gettext("This message is too long for Slack."),
        "msg_blocks_too_long": gettext("This message is too long for Slack."),
        "user_not_found": gettext("Slack does not know this person."),
        "cannot_dm_bot": gettext("A program cannot be written to."),
        "thread_not_found": gettext("The thread is not there any more."),
        "restricted_action": gettext("The workspace does not let the app write there."),
    }
    return known.get(code) or gettext("Slack refused ({method}: {code}).").format(method=method, code=code)


def _pause(headers: Any) -> timedelta:
    given = {str(name).lower(): value for name, value in dict(headers or {}).items()}.get("retry-after", "30")
    try:
        seconds = float(given[0] if isinstance(given, list) else given)
    except (TypeError, ValueError, IndexError):
        seconds = 30.0
    if isnan(seconds):
        seconds = 30.0
    return timedelta(seconds=min(max(seconds, 1.0), LONGEST_PAUSE))
