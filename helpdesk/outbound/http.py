"""HTTP through the policy: the connection is made to an address that was checked, and to no other.

The name stays in Host and in TLS, whose certificate is verified. Proxies of the environment are not asked, and a
redirect is another request that is checked from the start.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import certifi
import httpcore
import httpx

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _, gettext
from helpdesk.outbound.addresses import NotAllowed, Policy, Target

WITHIN = 10.0  # seconds for everything: looking up, connecting, sending, the whole answer
LARGEST = 1_000_000  # bytes of an answer, as it is sent and as it is unpacked
REDIRECTS = 3
AGENT = "helpdesk"
MOVED = {301, 302, 303, 307, 308}
SECRET_HEADERS = {"authorization", "cookie", "proxy-authorization"}


class Unreachable(HelpdeskError):
    """The other side did not answer, or not in a way that can be used."""

    status = 502
    message = _("The other side could not be reached.")


class TooLarge(Unreachable):
    message = _("The answer is larger than the desk takes.")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    cut: bool = False  # there was more

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@cache
def trusted() -> ssl.SSLContext:
    """The system's authorities, where a company adds its own, and the public ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that the policy has checked; the caller of connect_tcp knows only the name."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        # The scheme was checked with the address; only host and port decide where the line goes.
        found = await self.policy.addresses(Target("https", host.lower(), port))
        error: Exception = httpcore.ConnectError("no address")
        for address in found:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def connect_unix_socket(self, *_args: Any, **_kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise NotAllowed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class GuardedTransport(httpx.AsyncBaseTransport):
    """For any httpx client: checks each request's address and dials only what was checked."""

    def __init__(self, policy: Policy, *, tls: ssl.SSLContext | None = None) -> None:
        self.policy = policy
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or trusted(), network_backend=_Backend(policy), keepalive_expiry=5
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.policy.check(str(request.url))
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()


@dataclass(frozen=True)
class Outbound:
    """The desk's way out over HTTP."""

    policy: Policy
    tls: ssl.SSLContext | None = None  # the desk's own trust where it is None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        redirects: int = REDIRECTS,
        largest: int = LARGEST,
        cut: bool = False,
        within: float = WITHIN,
    ) -> Answer:
        """One request, and the whole answer within `within` seconds.

        Raises NotAllowed where the address is not to be called, and Unreachable in words where nothing came of
        it; TooLarge where the answer has more than `largest` bytes, unless `cut` asks for its beginning.
        """
        try:
            async with asyncio.timeout(within):
                return await self._followed(
                    method, url, dict(headers or {}), content, redirects, largest, cut
                )
        except HelpdeskError:
            raise
        except TimeoutError:
            words = gettext("No complete answer within {seconds} seconds.").format(seconds=f"{within:g}")
            raise Unreachable(words) from None
        except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise Unreachable(why(error)) from None
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol, ValueError):
            raise NotAllowed(gettext("This request can't be sent as it is.")) from None

    async def _followed(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes,
        redirects: int,
        largest: int,
        cut: bool,
    ) -> Answer:
        policy = self.policy
        for hop in range(redirects + 1):
            target = policy.check(url)
            answer = await self._once(policy, method, url, headers, content, largest, cut)
            place = answer.headers.get("location")
            if redirects == 0 or answer.status not in MOVED or not place:
                return answer
            if hop == redirects:
                break
            url = urljoin(url, place)
            if not policy.allows(target):
                policy = policy.without_exceptions
            if policy.check(url) != target:
                headers = {name: v for name, v in headers.items() if name.lower() not in SECRET_HEADERS}
            if answer.status == 303 or (answer.status in {301, 302} and method == "POST"):
                method, content = "GET", b""
        raise Unreachable(gettext("More than {count} redirects.").format(count=redirects))

    async def _once(
        self,
        policy: Policy,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes,
        largest: int,
        cut: bool,
    ) -> Answer:
        given = {"user-agent": AGENT, "accept-encoding": "gzip", **headers}
        client = httpx.AsyncClient(
            transport=GuardedTransport(policy, tls=self.tls),
            trust_env=False,
            follow_redirects=False,
            timeout=WITHIN,  # of each step; `ask` measures the whole, so that a slow drip does not start it anew
        )
        async with client, client.stream(method, url, headers=given, content=content) as response:
            return await _whole(response, largest, cut)


async def _whole(response: httpx.Response, largest: int, cut: bool) -> Answer:
    packed, more = bytearray(), False
    async for chunk in response.aiter_raw():
        packed += chunk
        if more := len(packed) > largest:
            break
    body = _unpacked(bytes(packed), response.headers.get("content-encoding", ""), largest)
    more = more or len(body) > largest
    if more and not cut:
        words = gettext("The answer is larger than {size} MB.").format(size=f"{largest / 1_000_000:g}")
        raise TooLarge(words)
    return Answer(response.status_code, dict(response.headers), body[:largest], more)


def _unpacked(packed: bytes, encoding: str, largest: int) -> bytes:
    """At most one byte more than `largest`, whatever a bomb would come to."""
    if encoding.lower() in {"", "identity"}:
        return packed
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        raise Unreachable(gettext("The answer is packed in a way that was not asked for."))
    try:
        return zlib.decompressobj(47).decompress(packed, largest + 1)
    except zlib.error:
        raise Unreachable(gettext("The answer can't be unpacked.")) from None


def why(error: BaseException) -> str:
    """In words; the libraries wrap the cause several times, and some say nothing at all."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    words = " ".join(str(one) for one in causes)
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return gettext("The certificate of the other side is not trusted, or is for another name.")
    if any(isinstance(one, ssl.SSLError) for one in causes):
        return gettext("The other side does not speak TLS on this port.")
    if (
        "Name or service" in words
        or "nodename" in words
        or "name resolution" in words
        or "no address" in words
    ):
        return gettext("There is no server of this name. Check how it is spelled.")
    if (
        any(isinstance(one, ConnectionRefusedError) for one in causes)
        or "connection attempts failed" in words
    ):
        return gettext("The other side refuses connections on this port.")
    if any(isinstance(one, (httpcore.ProtocolError, httpx.ProtocolError)) for one in causes):
        return gettext("The other side broke off, or answered with something other than HTTP.")
    return gettext("The connection failed: {reason}.").format(reason=str(error) or type(error).__name__)
