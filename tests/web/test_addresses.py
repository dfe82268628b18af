"""Who asks: behind a proxy that the desk trusts, whom that names; to limits, a network for an address of IPv6."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import httpx
import msgspec
import pytest
from litestar import Request
from litestar.types import HTTPScope
from structlog.testing import capture_logs

from helpdesk.cli.demo.program import free_port
from helpdesk.cli.serving import serve_console
from helpdesk.desk import Desk
from web import addresses
from web.addresses import counted_as
from web.api.rates import FREE_OF_STRANGERS

PROXY, NO_PROXY = "127.0.0.2", "127.0.0.3"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
        ("", ""),
    ],
)
def test_what_one_customer_of_a_provider_has_counts_as_one(address: str, counted: str):
    scope: dict[str, Any] = {"type": "http", "client": (address, 1) if address else None, "headers": []}
    request: Request[Any, Any, Any] = Request(cast("HTTPScope", scope))
    assert counted_as(request) == counted


@pytest.fixture
async def url(desk: Desk) -> AsyncIterator[str]:
    """A desk as `helpdesk serve` serves it, that trusts one proxy."""
    port, stop, started = free_port(), asyncio.Event(), asyncio.Event()
    settings = msgspec.structs.replace(desk.settings, port=port, trusted_proxies=f"{PROXY}, ::1")
    serving = asyncio.create_task(serve_console(replace(desk, settings=settings), stop, started.set))
    async with asyncio.timeout(60):
        await started.wait()
    yield f"http://127.0.0.1:{port}"
    stop.set()
    await serving


async def asked(url: str, through: str, forwarded: str, times: int = 1) -> int:
    """What a stranger without a token is told by the API."""
    transport = httpx.AsyncHTTPTransport(local_address=through)
    async with httpx.AsyncClient(base_url=url, transport=transport) as client:
        for _ in range(times):
            answer = await client.get("/api/v1/tickets", headers={"x-forwarded-for": forwarded})
    return answer.status_code


async def test_a_trusted_proxy_says_who_asks_and_nobody_else_does(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(addresses, "_said", set())
    flood = FREE_OF_STRANGERS + 2
    assert await asked(url, PROXY, "203.0.113.9", flood) == 429
    assert await asked(url, PROXY, "203.0.113.10") == 401, "somebody else behind the same proxy"
    assert await asked(url, PROXY, "203.0.113.10, 203.0.113.9") == 429, "what a visitor says of themselves"
    assert await asked(url, PROXY, "2001:db8::1", flood) == 429
    assert await asked(url, PROXY, "2001:db8::2") == 429, "another address of the same line"
    with capture_logs() as said:
        assert await asked(url, NO_PROXY, "203.0.113.11", flood) == 429
        assert await asked(url, NO_PROXY, "203.0.113.12") == 429, "this one is not believed"
    named = [each for each in said if each["event"] == "a proxy is not trusted"]
    assert [each["proxy"] for each in named] == [NO_PROXY]
