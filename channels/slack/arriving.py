"""How payloads come in: by Slack's calls to the desk, or by a connection that the desk opens itself.

slack-bolt reads both, checks signatures, answers the handshake and keeps the connection. The one thing put before
all its own: what comes is stored first and acknowledged then, before anybody is asked anything.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from channels.contract import ChannelError, Keep, Source, Unavailable, WebhookReply, WebhookRequest
from channels.slack import reading
from channels.slack.calling import Calls
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _, gettext

if TYPE_CHECKING:
    from slack_bolt.app.async_app import AsyncApp

PING = 5.0  # seconds between signs of life on the line
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds between tries to open it

logging.getLogger("slack_bolt").setLevel(logging.ERROR)
logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)


class NotSigned(HelpdeskError):
    status = 401
    message = _("This request does not bear Slack's signature of the last five minutes.")


async def called(signing_secret: str, request: WebhookRequest, keep: Keep) -> WebhookReply:
    """Raises NotSigned; whatever else Slack should send again raises, too."""
    from slack_bolt.request.async_request import AsyncBoltRequest
    from slack_sdk.signature import SignatureVerifier

    try:  # before anything of it is read: the library reads first, and fails at what strangers send
        body = request.body.decode()
        is_signed = SignatureVerifier(signing_secret).is_valid_request(body, dict(request.headers))
    except (ValueError, TypeError):
        is_signed = False
    if not is_signed:
        raise NotSigned
    headers: dict[str, str | Sequence[str]] = {name: [value] for name, value in request.headers.items()}
    try:
        asked = AsyncBoltRequest(body=body, headers=headers, context={"keep": keep})
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return WebhookReply(status=400)
    answer = await _app(signing_secret).async_dispatch(asked)
    if answer.status == 401:
        raise NotSigned
    try:
        content = msgspec.json.decode(answer.body) if answer.body else {}
    except msgspec.DecodeError:
        content = {}
    return WebhookReply(status=answer.status, content=content if isinstance(content, dict) else {})


async def connected(
    calls: Calls, app_token: str, keep: Keep, trouble: Callable[[ChannelError | None], None]
) -> None:
    """Socket Mode, until it is cancelled: opened again whenever it breaks or Slack asks for another."""
    wait = FIRST_WAIT
    while True:
        began = monotonic()
        try:
            await _one_line(calls, app_token, keep, trouble)
        except ChannelError as error:
            trouble(error)
            if monotonic() - began > LONGEST_WAIT:  # it held for a while
                wait = FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


async def _one_line(
    calls: Calls, app_token: str, keep: Keep, trouble: Callable[[ChannelError | None], None]
) -> None:
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
    from slack_bolt.request.async_request import AsyncBoltRequest

    from helpdesk.outbound.sessions import guarded_session

    await Calls(calls.outbound, calls.settings).ask("apps_connections_open", app_token=app_token)

    class Handler(AsyncSocketModeHandler):
        async def handle(self, client: Any, req: Any) -> None:
            asked = AsyncBoltRequest(mode="socket_mode", body=req.payload, context={"keep": keep})
            answer = await self.app.async_dispatch(asked)
            if answer.status == 200:
                await client.send_socket_mode_response({"envelope_id": req.envelope_id})

    async with calls.client() as web, guarded_session(calls.outbound.policy, within=None) as session:
        handler = Handler(_app("-"), app_token, web_client=web, ping_interval=PING)
        line: Any = handler.client
        own, line.aiohttp_client_session, line.proxy = line.aiohttp_client_session, session, None
        line.issue_new_wss_url = _paced(line.issue_new_wss_url, trouble)
        try:
            await own.close()
            async with asyncio.timeout(PING * 4):
                await line.connect()
            trouble(None)
            lost = 0
            while lost < 6:
                await asyncio.sleep(PING)
                lost = 0 if await line.is_connected() else lost + 1
                trouble(_broken() if lost > 1 else None)
        except TimeoutError:
            raise _broken() from None
        finally:
            with suppress(Exception):
                await _ended(line, own)
    raise _broken()


def _paced(
    opened: Callable[[], Awaitable[str]], trouble: Callable[[ChannelError | None], None]
) -> Callable[[], Awaitable[str]]:
    """The library opens another line as soon as Slack asks for one, however often it asks."""
    wait, last = 0.0, 0.0

    async def paced() -> str:
        nonlocal wait, last
        wait = (
            min(max(wait * 2, FIRST_WAIT), LONGEST_WAIT)
            if monotonic() - last < LONGEST_WAIT and last
            else 0.0
        )
        if wait > FIRST_WAIT:
            trouble(_broken())
        await asyncio.sleep(wait)
        last = monotonic()
        return await opened()

    return paced


async def _ended(line: Any, own: Any) -> None:
    """Its tasks, too: what still runs would open another session, and leave it."""
    tasks = [line.message_processor, line.current_session_monitor, line.message_receiver]
    await line.close()
    await own.close()
    await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


def _broken() -> Unavailable:
    return Unavailable(gettext("The connection to Slack is broken; it is being opened again."))


@lru_cache(maxsize=32)
def _app(signing_secret: str) -> "AsyncApp":
    """No token: storing asks Slack nothing. The desk's own classes say who may do what, once it is stored."""
    from slack_bolt.app.async_app import AsyncApp
    from slack_bolt.middleware.async_middleware import AsyncMiddleware
    from slack_bolt.response import BoltResponse
    from slack_sdk.web.async_client import AsyncWebClient

    class Store(AsyncMiddleware):
        """A class, since for functions the library looks for arguments in the payload first, and trips over it."""

        async def async_process(self, *, req: Any, resp: Any, next: Any) -> Any:  # noqa: A002 - its names
            payload = req.body
            if not isinstance(payload, dict) or payload.get("type") == "url_verification":
                return await next()
            payload, raw = _encoded(payload)
            await req.context["keep"]([(raw, Source(reading.key_of(payload)))])
            return BoltResponse(status=200, body="")

    return AsyncApp(
        name="helpdesk",
        signing_secret=signing_secret,
        client=AsyncWebClient(token="xoxb-"),  # noqa: S106 - never called
        before_authorize=Store(),
    )


def _encoded(payload: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Where a message was cut within a character, half of it is left, which no database takes."""
    try:
        return payload, msgspec.json.encode(payload)
    except UnicodeEncodeError:
        raw = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(raw), raw
