"""A product's API is read page by page, from a real server on this machine that speaks its shape."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from helpdesk.errors import Forbidden, Invalid
from helpdesk.imports import fetching, running
from helpdesk.imports.fetching import Access
from helpdesk.outbound import NotAllowed, Outbound, Policy
from tests.imports.hands import FIXTURES, wanted
from tests.scenes import Scene

Answer = Callable[[str, dict[str, str], dict[str, str]], tuple[int, dict[str, str], bytes]]
FILE = (FIXTURES / "zammad/files/555").read_bytes()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server that answers with what `answer(path, query, headers)` says."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        parts = urlsplit(head[0].split(" ")[1])
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, more, body = answer(parts.path, query, headers)
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close"]
        writer.write("\r\n".join([*lines, *(f"{k}: {v}" for k, v in more.items()), "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def outbound(url: str) -> Outbound:
    return Outbound(Policy.of(urlsplit(url).netloc))


def read(vendor: str, name: str) -> Any:
    return json.loads((FIXTURES / vendor / f"{name}.json").read_text())


class Zammad:
    """One object a page, so that paging is not left out; asks to wait once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.waits = 1
        self.dies_at = ""

    def __call__(
        self, path: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(f"{path}?page={query.get('page', '')}")
        if headers.get("authorization") != "Token token=right":
            return 401, {}, b"{}"
        if self.waits:
            self.waits -= 1
            return 429, {"retry-after": "0"}, b""
        if self.dies_at and self.dies_at in path:
            return 404, {}, b"{}"
        name = path.removeprefix("/api/v1/")
        if name.startswith("ticket_attachment/"):
            return (200, {}, FILE) if name == "ticket_attachment/7001/90001/555" else (404, {}, b"")
        if name.startswith("ticket_articles/by_ticket/"):
            number = name.rpartition("/")[2]
            found = FIXTURES / f"zammad/ticket_articles/{number}.json"
            return 200, {}, found.read_bytes() if found.exists() else b"[]"
        rows = read("zammad", name)
        if "page" in query:
            size, page = int(query["per_page"]), int(query["page"])
            rows = rows * (1 if name != "users" else 40)  # 160: two pages
            rows = rows[(page - 1) * size : page * size]
        return 200, {}, json.dumps(rows).encode()


async def test_an_api_becomes_the_same_tickets_as_its_files(scene: Scene, tmp_path: Path):
    zammad = Zammad()
    async with serving(zammad) as url:
        await fetching.fetch(outbound(url), "zammad", Access(url, "right"), tmp_path / "api")
    assert "/api/v1/users?page=2" in zammad.asked
    run_id = await wanted(scene, "zammad")
    report = running.run(scene.desk.database_url, scene.desk.files.folder, run_id, tmp_path / "api")
    assert (report.of("ticket").made, report.of("message").made, report.of("file").made) == (2, 5, 1)
    assert report.of("contact").made == 2


async def test_a_fetch_that_was_interrupted_asks_only_for_the_rest(tmp_path: Path):
    zammad = Zammad()
    zammad.dies_at = "by_ticket/7002"
    async with serving(zammad) as url:
        with pytest.raises(Exception, match="404"):
            await fetching.fetch(outbound(url), "zammad", Access(url, "right"), tmp_path / "api")
        zammad.dies_at, zammad.asked = "", []
        await fetching.fetch(outbound(url), "zammad", Access(url, "right"), tmp_path / "api")
    assert not any("users" in path or "by_ticket/7001" in path for path in zammad.asked)
    assert any("by_ticket/7002" in path for path in zammad.asked)


async def test_a_wrong_key_and_a_wrong_address_are_said_so(tmp_path: Path):
    async with serving(Zammad()) as url:
        with pytest.raises(Forbidden, match="refused the key"):
            await fetching.fetch(outbound(url), "zammad", Access(url, "wrong"), tmp_path / "a")
        with pytest.raises(NotAllowed):
            await fetching.fetch(Outbound(Policy()), "zammad", Access(url, "right"), tmp_path / "b")
    async with serving(lambda *_: (200, {}, b"<html>Welcome</html>")) as url:
        with pytest.raises(Invalid, match="is the address right"):
            await fetching.fetch(outbound(url), "freescout", Access(url, "k"), tmp_path / "c")


async def test_keys_go_to_the_address_that_was_given_and_nowhere_else(tmp_path: Path):
    """Files of some products lie on other hosts, which must not see the key."""
    seen: list[dict[str, str]] = []

    def elsewhere(
        path: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        seen.append(headers)
        return 200, {}, FILE

    async with serving(elsewhere) as other:

        def freshdesk(
            path: str, query: dict[str, str], headers: dict[str, str]
        ) -> tuple[int, dict[str, str], bytes]:
            assert headers["authorization"].startswith("Basic ")
            name = path.removeprefix("/api/v2/")
            if name.endswith("/conversations"):
                rows = [r for r in read("freshdesk", "conversations") if str(r["ticket_id"]) in name]
            else:
                rows = read("freshdesk", name)
            return 200, {}, json.dumps(rows).replace("https://acme.freshdesk.com/helpdesk", other).encode()

        async with serving(freshdesk) as url:
            allowed = Outbound(Policy.of(f"{urlsplit(url).netloc},{urlsplit(other).netloc}"))
            await fetching.fetch(allowed, "freshdesk", Access(url, "key"), tmp_path / "api")
    assert (tmp_path / "api/files/555").read_bytes() == FILE
    assert seen
    assert all("authorization" not in headers for headers in seen)


async def test_cursors_and_totals_are_followed(scene: Scene, tmp_path: Path):
    """Zendesk's incremental export and FreeScout's pages, two of each."""

    def zendesk(
        path: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        host = f"http://{headers['host']}"
        if path.endswith("/comments.json"):
            found = FIXTURES / f"zendesk/ticket_comments/{path.split('/')[-2]}.json"
            return 200, {}, found.read_bytes() if found.exists() else b'{"comments": []}'
        if "incremental" in path:
            rows, at = read("zendesk", "tickets")["tickets"], int(query.get("cursor", 0))
            more = {"end_of_stream": at == 2, "after_url": f"{host}{path}?cursor={at + 1}"}
            return 200, {}, json.dumps({"tickets": rows[at : at + 1], **more}).encode()
        if "attachments" in path:
            return 200, {}, FILE
        name = path.rpartition("/")[2].removesuffix(".json")
        return 200, {}, json.dumps(read("zendesk", name)).replace("https://acme.zendesk.com", host).encode()

    async with serving(zendesk) as url:
        await fetching.fetch(outbound(url), "zendesk", Access(url, "key", "me@x.example"), tmp_path / "zd")
    assert len(list((tmp_path / "zd").glob("tickets-*.json"))) == 3
    report = running.run(
        scene.desk.database_url, scene.desk.files.folder, await wanted(scene, "zendesk"), tmp_path / "zd"
    )
    assert (report.of("ticket").made, report.of("message").made) == (2, 5)

    def freescout(
        path: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        name = path.rpartition("/")[2]
        rows, page = read("freescout", name)["_embedded"][name], int(query["page"])
        told = {"_embedded": {name: rows[page - 1 : page]}, "page": {"totalPages": len(rows), "number": page}}
        return 200, {}, json.dumps(told).encode()

    async with serving(freescout) as url:
        await fetching.fetch(outbound(url), "freescout", Access(url, "key"), tmp_path / "fs")
    assert len(list((tmp_path / "fs").glob("conversations-*.json"))) == 3


async def test_an_id_that_is_a_path_leads_nowhere(tmp_path: Path):
    """Whoever answers at the address that was given may not be the product."""

    def hostile(
        path: str, _query: dict[str, str], _headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if path == "/api/v1/tickets":
            return (
                200,
                {},
                json.dumps([{"id": "../../escaped"}, {"id": f"{tmp_path}/escaped"}, {"id": ".."}]).encode(),
            )
        return 200, {}, b"[]"

    folder = tmp_path / "desk" / "api"
    async with serving(hostile) as url:
        await fetching.fetch(outbound(url), "zammad", Access(url, "right"), folder)
    assert list(tmp_path.rglob("*escaped*")) == []
