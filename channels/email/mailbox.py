"""One IMAP connection with one folder open; every wait ends at once when the line breaks."""

import asyncio
import re
import socket
from base64 import b64encode
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import aioimaplib

from channels.contract import ChannelError, Unavailable
from channels.email.settings import EmailSettings
from channels.email.trouble import unreachable
from helpdesk.i18n import gettext
from helpdesk.outbound import NotAllowed, Policy, dial

ANSWERS_WITHIN = 30.0  # seconds of silence, not of the whole answer
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
EMPTY_BODY = re.compile(rb'BODY\[\](?:<0>)? (?:""|NIL)')

T = TypeVar("T")


class Lost(Unavailable):
    """The connection broke; the next one starts from the stored position."""


class _Attentive(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]
    """aioimaplib drops an EXISTS that comes while another command runs: remember that one came."""

    mail_announced = False

    def _untagged_response(self, line: bytes) -> Any:
        if line.endswith((b" EXISTS", b" RECENT")):
            self.mail_announced = True
        elif line.startswith(b"* BYE") and self.transport:
            self.transport.close()
        return super()._untagged_response(line)


class _Client(aioimaplib.IMAP4):  # type: ignore[misc]
    def __init__(self, line: socket.socket, host: str, port: int, **given: Any) -> None:
        self.line = line
        super().__init__(host, port, **given)

    def create_client(
        self, host: str, port: int, loop: Any, conn_lost_cb: Any = None, ssl_context: Any = None
    ) -> None:
        running = asyncio.get_running_loop()
        self.protocol = _Attentive(running, conn_lost_cb)
        self._client_task = running.create_task(
            running.create_connection(
                lambda: self.protocol,
                sock=self.line,
                ssl=ssl_context,
                server_hostname=host if ssl_context else None,
            )
        )


class Mailbox:
    def __init__(self, client: Any, lost: "asyncio.Future[Exception | None]", folder: str) -> None:
        self._client = client
        self._lost = lost
        self.folder = folder
        self.uidvalidity = 0
        self.uidnext = 1
        self.read_only = False

    @classmethod
    async def open(cls, settings: EmailSettings, policy: Policy) -> "Mailbox":
        """Raises Unavailable where nobody answers, ChannelError where login or folder are wrong."""
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[Exception | None] = loop.create_future()
        client: Any = None
        line: socket.socket | None = None
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                line = await dial(policy, settings.imap_host, settings.imap_port)
            client = _Client(
                line,
                settings.imap_host,
                settings.imap_port,
                timeout=ANSWERS_WITHIN,
                conn_lost_cb=lambda error: None if lost.done() else lost.set_result(error),
                ssl_context=settings.tls() if settings.imap_security == "tls" else None,
            )
            mailbox = cls(client, lost, settings.folder)
            await mailbox._while_connected(client.wait_hello_from_server())
        except BaseException as error:
            if client:
                client._client_task.cancel()
                _abort(client)
            elif line:
                line.close()
            if isinstance(error, NotAllowed):
                raise ChannelError(str(error)) from None
            if not isinstance(error, TimeoutError | OSError | aioimaplib.AioImapException | Lost):
                raise
            raise unreachable(error, host=settings.imap_host, port=settings.imap_port) from error
        _keep_alive(client)
        try:
            await mailbox._login(settings)
            await mailbox._select()
        except BaseException:
            mailbox.close()
            raise
        return mailbox

    async def _login(self, settings: EmailSettings) -> None:
        refused = gettext(
            "{host} refuses the login of {user}: {reason}. Check user and password; "
            "many providers want an app password, made in their account settings."
        )
        try:
            answer = await self._ask(
                self._client.login(aioimaplib.quoted(settings.imap_user), settings.imap_password)
            )
        except ValueError as error:
            raise ChannelError(
                refused.format(host=settings.imap_host, user=settings.imap_user, reason=error)
            ) from None
        if answer.result != "OK":
            raise ChannelError(
                refused.format(
                    host=settings.imap_host, user=settings.imap_user, reason=_last(answer).rstrip(".")
                )
            )
        await self._ask(self._client.protocol.capability())

    async def _select(self) -> None:
        answer = await self._ask(self._client.select(aioimaplib.quoted(folder_name(self.folder))))
        if answer.result != "OK":
            raise ChannelError(
                gettext("The mailbox has no folder {folder}. It has: {folders}.").format(
                    folder=self.folder, folders=", ".join(await self.folders()) or "?"
                )
            )
        told = b"\n".join(bytes(line) for line in answer.lines)
        self.uidvalidity = _number(rb"UIDVALIDITY (\d+)", told)
        self.uidnext = _number(rb"UIDNEXT (\d+)", told) or 1
        self.read_only = b"READ-ONLY" in told

    async def folders(self) -> list[str]:
        answer = await self._ask(self._client.list('""', "*"))
        names = [re.search(rb'(?:"([^"]*)"|(\S+))$', bytes(line)) for line in answer.lines[:-1]]
        return [(name[1] or name[2]).decode("ascii", "replace") for name in names if name][:20]

    async def search(self, *criteria: str) -> list[int]:
        self._client.protocol.mail_announced = False
        answer = await self._ask(self._client.uid_search(*criteria, charset=None))
        self._demand(answer, "SEARCH")
        return sorted(
            {int(word) for line in answer.lines[:-1] for word in bytes(line).split() if word.isdigit()}
        )

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        answer = await self._ask(self._client.uid("fetch", ",".join(map(str, uids)), "(UID RFC822.SIZE)"))
        self._demand(answer, "FETCH")
        found: dict[int, int] = {}
        for line in answer.lines:
            uid, size = UID.search(bytes(line)), SIZE.search(bytes(line))
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    async def fetch(self, uids: Sequence[int], *, only_first: int | None = None) -> list[tuple[int, bytes]]:
        """Raw bytes without marking anything as seen; what was deleted meanwhile is missing."""
        part = f"BODY.PEEK[]<0.{only_first}>" if only_first else "BODY.PEEK[]"
        answer = await self._ask(self._client.uid("fetch", ",".join(map(str, uids)), f"(UID {part})"))
        self._demand(answer, "FETCH")
        return list(_literals(answer.lines))

    async def mark_seen(self, uids: Iterable[int]) -> None:
        if self.read_only or not (wanted := ",".join(map(str, uids))):
            return
        await self._ask(self._client.uid("store", wanted, "+FLAGS.SILENT", r"(\Seen)"))

    @property
    def mail_announced(self) -> bool:
        """Something arrived since the last search began."""
        return bool(self._client.protocol.mail_announced)

    async def wait(self, seconds: float) -> None:
        """Until the server says anything at all, or the time is over."""
        if not self._client.has_capability("IDLE"):
            await asyncio.wait({self._lost}, timeout=min(seconds, 30))
            await self._ask(self._client.noop())
            return
        idle = await self._while_connected(self._client.idle_start(timeout=seconds))
        try:
            await self._while_connected(self._client.wait_server_push(timeout=seconds + 30))
        finally:
            if not self._lost.done() and not idle.done():
                self._client.idle_done()
        async with asyncio.timeout(ANSWERS_WITHIN):
            await self._while_connected(idle)

    def close(self) -> None:
        """Without a LOGOUT: it would have to wait for whatever the server is busy with."""
        for task in (*self._client.tasks, *self._client.protocol.tasks):
            task.cancel()  # a pending IDLE would wait for ever
        self._client.protocol.transport.close()

    async def _ask(self, command: Awaitable[T]) -> T:
        try:
            return await self._while_connected(command)
        except (TimeoutError, aioimaplib.AioImapException) as error:
            raise Lost(
                gettext("The mail server stopped answering: {reason}.").format(reason=error or "time-out")
            ) from None

    async def _while_connected(self, command: Awaitable[T]) -> T:
        """aioimaplib lets a command wait for ever when the socket dies under it."""
        task = asyncio.ensure_future(command)
        try:
            waiting: set[asyncio.Future[Any]] = {task, self._lost}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
            raise Lost(gettext("The mail server closed the connection."))
        return task.result()

    def _demand(self, answer: Any, command: str) -> None:
        if answer.result != "OK":
            raise Lost(
                gettext("The mail server refuses {command}: {reason}").format(
                    command=command, reason=_last(answer)
                )
            )


def _literals(lines: Sequence[bytes | bytearray]) -> Iterable[tuple[int, bytes]]:
    """Response lines are bytes, mails bytearrays; the UID stands before the mail or, with some servers, behind."""
    for place, line in enumerate(lines):
        before = bytes(lines[place - 1]) if place else b""
        if isinstance(line, bytearray):
            after = bytes(lines[place + 1]) if place + 1 < len(lines) else b""
            uid = UID.search(before) or UID.search(after)
            if uid:
                yield int(uid[1]), bytes(line)
        elif EMPTY_BODY.search(line) and (uid := UID.search(line)):
            yield int(uid[1]), b""


def _last(answer: Any) -> str:
    return bytes(answer.lines[-1]).decode("utf-8", "replace") if answer.lines else ""


def _number(pattern: bytes, told: bytes) -> int:
    found = re.search(pattern, told)
    return int(found[1]) if found else 0


def _keep_alive(client: Any) -> None:
    """A line that was cut without a word is noticed after about two minutes."""
    connection = client.protocol.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if option := getattr(socket, name, None):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _abort(client: Any) -> None:
    if client.protocol.transport:
        client.protocol.transport.abort()


def folder_name(name: str) -> str:
    """Modified UTF-7 (RFC 3501 section 5.1.3)."""

    def encoded(match: re.Match[str]) -> str:
        if match[0] == "&":
            return "&-"
        return "&" + b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    return re.sub(r"&|[^\x20-\x7e]+", encoded, name)
