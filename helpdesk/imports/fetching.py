"""A product's API, page by page, into a folder of files that `places` reads. Interrupted, it goes on where it was.

The address is given by whoever imports, so every request goes through the guarded way out; keys are sent to the
address that was given and to no other. A product that asks to wait is waited for.
"""

import asyncio
import base64
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from helpdesk.errors import Forbidden, Invalid
from helpdesk.imports.places import Place, is_name, shelf
from helpdesk.imports.records import Broken
from helpdesk.imports.vendors import get
from helpdesk.outbound import Answer, Outbound, Unreachable

PAGE = 32 << 20  # bytes of one answer
FILE = 100 << 20  # bytes of one attachment
TRIES, LONGEST_WAIT = 6, 120.0
WITHIN = 120.0  # seconds for one answer
Next = Callable[[Any, str, int], str | None]
"""From a page, its address and its number to the next page's address; None at the end."""


class Access(msgspec.Struct, frozen=True):
    url: str
    key: str
    user: str = ""


@dataclass(frozen=True)
class Listing:
    name: str
    path: str
    following: Next


@dataclass(frozen=True)
class Api:
    listings: tuple[Listing, ...]
    headers: Callable[[Access], dict[str, str]]
    children: Listing | None = None
    """What every ticket has a list of; `{id}` stands for the ticket's."""


async def fetch(
    outbound: Outbound,
    vendor: str,
    access: Access,
    folder: Path,
    *,
    told: Callable[[str, int], None] = lambda name, page: None,
) -> None:
    await _Fetching(outbound, APIS[vendor], access, folder, told).all(vendor)


class _Fetching:
    def __init__(
        self, outbound: Outbound, api: Api, access: Access, folder: Path, told: Callable[[str, int], None]
    ) -> None:
        self.outbound, self.api, self.access, self.folder, self.told = outbound, api, access, folder, told
        self.base = access.url.rstrip("/") + "/"

    async def all(self, vendor: str) -> None:
        for listing in self.api.listings:
            await self._pages(listing, self.folder, listing.name, listing.path)
        place = Place(self.folder)
        if self.api.children:
            for number in dict.fromkeys(_ticket_ids(place)):
                path = self.api.children.path.format(id=quote(number, safe=""))
                folder = self.folder / self.api.children.name
                await self._pages(self.api.children, folder, number, path, single=True)
        with shelf() as children:
            for ticket in get(vendor).tickets(place, children):
                for message in () if isinstance(ticket, Broken) else ticket.messages:
                    for file in message.files:
                        await self._file(file.id, file.url)

    async def _pages(
        self, listing: Listing, folder: Path, name: str, path: str, *, single: bool = False
    ) -> None:
        """`single`: all pages of one ticket become one file."""
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - one small call
        whole = folder / f"{name}.json"
        if single and whole.exists():
            return
        url, number, pages = urljoin(self.base, path), 1, []
        while url:
            kept = folder / f"{name}-{number}.json"
            if single or not kept.exists():
                page = await self._page(url)
                if not single:
                    _write(kept, page)
            else:
                page = kept.read_bytes()
            document = msgspec.json.decode(page)
            pages.append(document) if single else None
            self.told(listing.name, number)
            url, number = listing.following(document, url, number) or "", number + 1
        if single:
            _write(whole, msgspec.json.encode([row for page in pages for row in rows_of(page)]))

    async def _page(self, url: str) -> bytes:
        answer = await self._ask(url, PAGE)
        try:
            msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            raise Invalid(f"{_shown(url)} did not answer with JSON: is the address right?") from None
        return answer.body

    async def _ask(self, url: str, largest: int) -> Answer:
        same = urlsplit(url)[:2] == urlsplit(self.base)[:2]
        headers = self.api.headers(self.access) if same else {}
        for attempt in range(TRIES):
            answer = await self.outbound.ask("GET", url, headers=headers, largest=largest, within=WITHIN)
            if answer.status == 429 or answer.status >= 500:
                await asyncio.sleep(_wait(answer.headers, attempt))
                continue
            if answer.status in {401, 403}:
                raise Forbidden(
                    f"{_shown(url)} refused the key. Make one that may read everything, and try again."
                )
            if answer.status != 200:
                raise Unreachable(f"{_shown(url)} answered {answer.status}.")
            return answer
        raise Unreachable(
            f"{_shown(url)} does not answer now. Start the import again later; what is here stays."
        )

    async def _file(self, key: str, url: str) -> None:
        target = self.folder / "files" / key
        if not url or not is_name(key) or target.exists():
            return
        try:
            answer = await self._ask(urljoin(self.base, url), FILE)
        except (Unreachable, Forbidden, Invalid):
            return  # the report says which files are missing
        target.parent.mkdir(exist_ok=True)
        _write(target, answer.body)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: a half page would end the list early."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def _ticket_ids(place: Place) -> Iterator[str]:
    """They become names of files, and whoever answers at that address may say anything."""
    for row in place.rows("tickets", "conversations"):
        if "id" in row and is_name(number := str(row["id"])):
            yield number


def _wait(headers: Mapping[str, str], attempt: int) -> float:
    asked = headers.get("retry-after", "")
    return min(float(asked) if asked.isascii() and asked.isdigit() else 2.0**attempt, LONGEST_WAIT)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def rows_of(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for key in ("payload", "comments", "data", "_embedded", *document):
            if isinstance(document.get(key), list):
                return document[key]  # type: ignore[no-any-return]
            if isinstance(document.get(key), dict) and key in {"data", "_embedded"}:
                return rows_of(document[key])
    return []


def _numbered(size: int) -> Next:
    """`page=2` until a page is not full."""

    def following(document: Any, url: str, number: int) -> str | None:
        if len(rows_of(document)) < size:
            return None
        return _with(url, "page", str(number + 1))

    return following


def _until_empty(document: Any, url: str, number: int) -> str | None:
    return _with(url, "page", str(number + 1)) if rows_of(document) else None


def _cursor(document: Any, url: str, number: int) -> str | None:
    """Zendesk: `after_url` of incremental exports, `links.next` of lists."""
    if "end_of_stream" in document:
        return None if document["end_of_stream"] else document.get("after_url")
    more = (document.get("meta") or {}).get("has_more")
    return (document.get("links") or {}).get("next") if more else None


def _total(document: Any, url: str, number: int) -> str | None:
    pages = (document.get("page") or {}).get("totalPages", 1)
    return _with(url, "page", str(number + 1)) if number < pages else None


def _older(document: Any, url: str, number: int) -> str | None:
    """Chatwoot: 20 messages before a given one."""
    rows = rows_of(document)
    return _with(url, "before", str(min(row["id"] for row in rows))) if len(rows) >= 20 else None


def _changed_since(document: Any, url: str, number: int) -> str | None:
    """Freshdesk lists 300 pages at most; then it is asked for what changed after the last."""
    rows = rows_of(document)
    if len(rows) < 100:
        return None
    page = int(dict(part.split("=", 1) for part in urlsplit(url).query.split("&")).get("page", 1))
    if page < 300:
        return _with(url, "page", str(page + 1))
    return _with(_with(url, "page", "1"), "updated_since", rows[-1]["updated_at"])


def _once(document: Any, url: str, number: int) -> str | None:
    return None


def _with(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = [part for part in parts.query.split("&") if part and not part.startswith(f"{name}=")]
    return parts._replace(query="&".join([*query, f"{name}={quote(value, safe='')}"])).geturl()


def _basic(user: str, key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


APIS: dict[str, Api] = {
    "zendesk": Api(
        (
            *(
                Listing(name, f"api/v2/{name}.json?page%5Bsize%5D=100", _cursor)
                for name in ("users", "organizations", "groups", "ticket_fields")
            ),
            Listing("tickets", "api/v2/incremental/tickets/cursor.json?start_time=0", _cursor),
        ),
        lambda access: _basic(f"{access.user}/token", access.key),
        Listing("ticket_comments", "api/v2/tickets/{id}/comments.json?page%5Bsize%5D=100", _cursor),
    ),
    "freshdesk": Api(
        (
            *(
                Listing(name, f"api/v2/{name}?per_page=100&page=1", _numbered(100))
                for name in ("contacts", "agents", "companies", "groups")
            ),
            Listing("ticket_fields", "api/v2/ticket_fields", _once),
            Listing(
                "tickets",
                "api/v2/tickets?include=description,requester,stats&order_by=updated_at&order_type=asc"
                "&updated_since=1970-01-02T00:00:00Z&per_page=100&page=1",
                _changed_since,
            ),
        ),
        lambda access: _basic(access.key, "X"),
        Listing("conversations", "api/v2/tickets/{id}/conversations?per_page=100&page=1", _numbered(100)),
    ),
    "chatwoot": Api(
        (
            Listing("agents", "agents", _once),
            Listing("custom_attribute_definitions", "custom_attribute_definitions", _once),
            Listing("contacts", "contacts?page=1", _until_empty),
            Listing("conversations", "conversations?status=all&page=1", _until_empty),
        ),
        lambda access: {"api_access_token": access.key},
        Listing("messages", "conversations/{id}/messages", _older),
    ),
    "zammad": Api(
        (
            *(
                Listing(name, f"api/v1/{name}?expand=true&per_page=100&page=1", _numbered(100))
                for name in ("users", "organizations", "tickets")
            ),
            Listing("object_manager_attributes", "api/v1/object_manager_attributes", _once),
        ),
        lambda access: {"authorization": f"Token token={access.key}"},
        Listing("ticket_articles", "api/v1/ticket_articles/by_ticket/{id}?expand=true", _once),
    ),
    "freescout": Api(
        (
            *(
                Listing(name, f"api/{name}?pageSize=100&page=1", _total)
                for name in ("users", "customers", "mailboxes")
            ),
            Listing("conversations", "api/conversations?embed=threads&pageSize=50&page=1", _total),
        ),
        lambda access: {"x-freescout-api-key": access.key},
    ),
}
