"""The policy for libraries that bring their own HTTP client: aiohttp sessions that dial only what was checked.

Every request is checked before it leaves, redirects and WebSockets included, and names are looked up by the policy
alone, so that the connection goes to the addresses that it allowed. Not imported by the package: aiohttp takes a
third of a second to load.
"""

import socket
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from helpdesk.outbound.addresses import Policy, Target
from helpdesk.outbound.http import WITHIN, trusted

NOT_CONNECTED: tuple[type[BaseException], ...] = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
)
"""Nothing of the request has left."""
BROKEN: tuple[type[BaseException], ...] = (aiohttp.ClientError, TimeoutError, OSError)
"""It may have arrived, or not."""


def guarded_session(policy: Policy, *, within: float | None = WITHIN) -> aiohttp.ClientSession:
    """For one task; whoever asks for it closes it. `within`: seconds for a whole request, None for one that lasts."""

    async def checked(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        scheme = {"wss": "https", "ws": "http"}.get(request.url.scheme, request.url.scheme)
        target = policy.check(str(request.url.with_scheme(scheme)))
        if _is_literal(target.host):
            await policy.addresses(target)
        return await handler(request)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Resolver(policy), ssl=trusted(), use_dns_cache=False),
        middlewares=(checked,),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=within, sock_connect=WITHIN),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class _Resolver(AbstractResolver):
    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self.policy.addresses(Target("https", host.lower(), port))
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None: ...


def _is_literal(host: str) -> bool:
    """The library asks nobody for the address of an address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
