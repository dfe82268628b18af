"""What a message brings along: its files, with the app's token, and what was said before it in the channel."""

import re
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from channels.contract import ChannelError, Unavailable
from channels.slack.calling import Calls, SignedOut
from channels.slack.mrkdwn import unmarked
from channels.slack.reading import Happening, written_at
from helpdesk import clock
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.messages import Upload
from helpdesk.outbound import TooLarge, Unreachable

MOST = 20  # files of one message
LARGEST = 25 * 1024**2  # bytes of one file
TOGETHER = 50 * 1024**2  # bytes of all files of one message
WITHIN, ALL_WITHIN = 60.0, 120.0  # seconds for one file, and after which no other one of its message is begun
PATIENCE, AGAIN = timedelta(minutes=3), timedelta(seconds=30)
"""So long a message waits for its files where the line breaks or Slack asks to wait; everything after it waits, too."""
BEFORE = 200  # messages of a thread that are taken along
HOST = re.compile(r"(?:[a-z0-9-]+\.)+(?:slack|slack-files|slack-gov)\.com")
"""Where the token may go. A file may lie anywhere, and whoever serves it must not learn the token."""


async def files(calls: Calls, found: Happening) -> tuple[tuple[Upload, ...], tuple[str, ...]]:
    """The files, and a line about each that could not be had: the words are worth more than their files."""
    uploads: list[Upload] = []
    remarks: list[str] = []
    until = monotonic() + ALL_WITHIN
    for number, file in enumerate(found.files):
        room = min(LARGEST, TOGETHER - sum(len(upload.content) for upload in uploads))
        try:
            if number >= MOST:
                raise ChannelError(gettext("there are more than {n} files").format(n=MOST))
            if monotonic() > until:
                raise ChannelError(gettext("there was no time left for it"))
            file = await _known(calls, file)
            content, kind = await _one(calls, file, room)
        except HelpdeskError as error:
            if _may_pass(error) and clock.now() - written_at(found.ts) < PATIENCE:
                raise Unavailable(str(error), retry_after=AGAIN) from None
            words = gettext("[The file {name} is only in Slack: {why}]")
            remarks.append(words.format(name=_name(file), why=error))
        else:
            uploads.append(Upload(name=_name(file), content_type=kind, content=content))
    return tuple(uploads), tuple(remarks)


def _name(file: Mapping[str, Any]) -> str:
    return unmarked(str(file.get("name") or file.get("title") or file.get("id") or "file"))[:200] or "file"


async def _known(calls: Calls, file: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a file from another workspace Slack tells no more than its id, before it is asked."""
    if file.get("url_private") and file.get("file_access") != "check_file_info":
        return file
    answer = await calls.ask("files_info", file=str(file.get("id") or ""))
    given = answer.get("file")
    return given if isinstance(given, dict) else file


async def _one(calls: Calls, file: Mapping[str, Any], room: int) -> tuple[bytes, str]:
    if (size := file.get("size")) and isinstance(size, int) and size > room:
        raise ChannelError(gettext("it has more than {size} MB").format(size=room >> 20))
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if file.get("is_external") or not is_slacks(url, calls.settings.api_url):
        raise ChannelError(gettext("it does not lie with Slack: {url}").format(url=url[:300]))
    answered = await calls.outbound.ask(
        "GET",
        url,
        headers={"authorization": f"Bearer {calls.settings.bot_token}"},
        largest=room,
        within=WITHIN,
    )
    kind = str(file.get("mimetype") or "application/octet-stream")
    page = answered.headers.get("content-type", "").startswith("text/html") and "html" not in kind
    if answered.status == 429 or answered.status >= 500:
        raise Unavailable(gettext("Slack did not hand it over ({status})").format(status=answered.status))
    if answered.status != 200 or page:  # without the right to read it, Slack shows a page to sign in
        raise ChannelError(gettext("Slack did not hand it over ({status})").format(status=answered.status))
    return answered.body, kind[:127]


def _may_pass(error: HelpdeskError) -> bool:
    """Whether the file may be had in a moment."""
    return isinstance(error, (Unavailable, Unreachable)) and not isinstance(error, (SignedOut, TooLarge))


def is_slacks(url: str, api_url: str) -> bool:
    try:
        given, own = urlsplit(url), urlsplit(api_url)
        host = (given.hostname or "").lower()
        same = (given.scheme, host, given.port) == (own.scheme, (own.hostname or "").lower(), own.port)
        port = given.port or 443
    except ValueError:
        return False
    return same or (given.scheme == "https" and port == 443 and bool(HOST.fullmatch(host)))


async def said_before(calls: Calls, channel: str, ts: str, thread_ts: str) -> list[Mapping[str, Any]]:
    """The thread that a message stands in, oldest first; of one outside of threads, itself and what answers it."""
    root = thread_ts or ts
    answer = await calls.ask("conversations_replies", channel=channel, ts=root, limit=BEFORE)
    said = [one for one in answer.get("messages") or () if isinstance(one, dict)]
    return sorted(said, key=lambda one: _number(one.get("ts")))


def _number(ts: Any) -> float:
    try:
        return float(ts)
    except (TypeError, ValueError):
        return 0.0
