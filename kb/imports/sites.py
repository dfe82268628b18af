"""A website's pages, by its sitemap: https://www.sitemaps.org/protocol.html, and by its robots.txt (RFC 9309)."""

import asyncio
import html
import re
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import _, gettext
from helpdesk.outbound import Answer, Outbound, Unreachable
from helpdesk.outbound.http import AGENT
from kb.imports.converting import Given, Made, converted
from kb.imports.documents import Document, Read, Trouble
from kb.imports.pictures import Gallery
from kb.imports.reading import checked, told_apart

MOST = 500  # pages of one import
MOST_MAPS = 50
LARGEST = 3 << 20  # bytes of a page
LARGEST_MAP = 10 << 20  # as it is sent, and as it is unpacked
PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between two pages; what robots.txt asks for, within reason
PATIENCE = 1800.0  # seconds for all pages
FAILURES = 20  # in a row, after which the site is left in peace
TOGETHER = 20  # pages that are fetched, then read
MOST_NAMED = 50_000  # addresses in one sitemap, as the protocol says
# Bounded everywhere: a sitemap that was made to be slow is as quick as any.
LOCATION = re.compile(
    rb"<(?:\w{1,40}:)?loc\b[^<>]{0,200}>(?:\s{0,100}<!\[CDATA\[)?([^<\]]{1,2100})", re.IGNORECASE
)
INDEX = re.compile(rb"<(?:\w+:)?sitemapindex\b", re.IGNORECASE)

Tell = Callable[[int, int], Awaitable[None]]


class NoPages(Invalid):
    message = _(
        "No pages were found. Give the address of the sitemap, such as https://example.com/sitemap.xml, or of a site "
        "that has one."
    )


class Closed(Invalid):
    message = _("This site's robots.txt asks programs to stay away from these pages.")


def written(address: str) -> str:
    """As it was meant: `help.example.com` is https."""
    return address if "://" in address or not address else f"https://{address}"


async def read(address: str, gallery: Gallery, tell: Tell) -> Read:
    """Every page that the sitemap names, of the same server and, where no sitemap but a part of the site was given,
    below it. Raises NotAllowed, Unreachable, NoPages, Closed."""
    assert gallery.outbound is not None  # noqa: S101 - there is no other way to a site
    site = _Site(address, gallery.outbound)
    gallery.trusted = site.server
    await site.ask_robots()
    pages = await site.pages()
    troubles: list[Trouble] = []
    if len(pages) > MOST:
        said = gettext("It names %(n)s pages; the first %(most)s are read.") % {"n": len(pages), "most": MOST}
        troubles.append(Trouble(address, said))
    allowed = await asyncio.to_thread(lambda: [page for page in pages[:MOST] if site.allows(page)])
    troubles += [Trouble(page, str(Closed())) for page in pages[:MOST] if page not in set(allowed)]
    if not allowed:
        raise Closed
    documents: list[Document] = []
    folders = _folders(allowed)
    done = 0
    async for page, made in _read(site, allowed):
        try:
            if made.trouble:
                raise Invalid(made.trouble)
            document = checked(_document(page, made, folders[page]))
            document, missing = await gallery.hung(document, "", made.pictures)
            documents.append(document)
            if missing:
                troubles.append(Trouble(page, missing))
        except Invalid as error:
            troubles.append(Trouble(page, str(error)))
        done += 1
        await tell(done, len(allowed))
    return Read(*told_apart(documents, troubles))


def _document(page: str, made: Made, shelves: tuple[str, ...]) -> Document:
    stem = PurePosixPath(unquote(urlsplit(page).path)).stem.replace("-", " ").replace("_", " ")
    return Document(
        id=page,
        title=made.title or stem or urlsplit(page).netloc,
        body=made.text,
        locale=made.locale or "en",
        published=True,
        shelves=shelves,
    )


class _Site:
    def __init__(self, address: str, outbound: Outbound) -> None:
        self.address, self.outbound = address, outbound
        self.server = outbound.policy.check(address)
        self.robots = RobotFileParser()

    async def ask_robots(self) -> None:
        answer = await self.outbound.ask(
            "GET", urljoin(self.address, "/robots.txt"), largest=512_000, cut=True
        )
        if answer.status >= 500:
            raise Unreachable(gettext("The site's robots.txt cannot be read: it answers %s.") % answer.status)
        self.robots.parse(answer.text.splitlines() if answer.status == 200 else [])

    def allows(self, page: str) -> bool:
        return self.robots.can_fetch(AGENT, page)

    @property
    def pause(self) -> float:
        asked = self.robots.crawl_delay(AGENT)
        return min(max(float(asked or 0), PAUSE), LONGEST_PAUSE)

    def is_ours(self, address: str) -> bool:
        try:
            return self.outbound.policy.check(address) == self.server
        except HelpdeskError:
            return False

    async def pages(self) -> list[str]:
        path = urlsplit(self.address).path
        named = path.endswith((".xml", ".xml.gz"))
        maps = (
            [self.address] if named else [one for one in self.robots.site_maps() or [] if self.is_ours(one)]
        )
        waiting = maps or [urljoin(self.address, "/sitemap.xml")]
        known, found = set(waiting), dict[str, None]()
        asked = 0
        while waiting and asked < MOST_MAPS and len(found) < MOST_NAMED:
            asked += 1
            content = await self._map(waiting.pop(0))
            ours = await asyncio.to_thread(self._named, content)
            if INDEX.search(content):
                new = [place for place in dict.fromkeys(ours) if place not in known][: MOST_MAPS - asked]
                waiting += new
                known.update(new)
            else:
                found.update(dict.fromkeys(ours))
        below = "" if named else path.rstrip("/")
        pages = [page for page in found if not below or f"{urlsplit(page).path}/".startswith(f"{below}/")]
        if not pages:
            raise NoPages
        return pages

    def _named(self, content: bytes) -> list[str]:
        """Addresses of this server, in the order of the sitemap."""
        found = []
        for match in islice(LOCATION.finditer(content), MOST_NAMED):
            place = html.unescape(match[1].decode("utf-8", "replace")).strip()
            with suppress(ValueError):  # what is no address at all
                if self.is_ours(address := urldefrag(urljoin(self.address, place)).url):
                    found.append(address)
        return found

    async def _map(self, address: str) -> bytes:
        answer = await self.outbound.ask("GET", address, largest=LARGEST_MAP, within=30)
        if answer.status != 200:
            return b""
        if not answer.body.startswith(b"\x1f\x8b"):
            return answer.body
        try:
            return zlib.decompressobj(47).decompress(answer.body, LARGEST_MAP)
        except zlib.error:
            return b""


async def _read(site: _Site, pages: Sequence[str]) -> AsyncIterator[tuple[str, Made]]:
    until, failed = time.monotonic() + PATIENCE, 0
    for start in range(0, len(pages), TOGETHER):
        some = pages[start : start + TOGETHER]
        given: dict[str, Given] = {}
        for page in some:
            if time.monotonic() > until:
                yield page, Made(trouble=gettext("There was no time left for it."))
                continue
            try:
                answer = await site.outbound.ask("GET", page, largest=LARGEST)
                given[page] = _page(page, answer)
                failed = 0
            except HelpdeskError as error:
                failed += 1
                if failed >= FAILURES:
                    raise Unreachable(gettext("The site answers no more: %s") % error) from None
                yield page, Made(trouble=str(error))
            await asyncio.sleep(site.pause)
        answers = converted(list(given.values()))
        for page in given:
            yield page, await anext(answers)
        await answers.aclose()


def _page(page: str, answer: Answer) -> Given:
    if answer.status != 200:
        raise Invalid(gettext("The other side answered %(status)s.") % {"status": answer.status})
    if "html" not in answer.headers.get("content-type", "text/html"):
        raise Invalid(gettext("It is no page of text."))
    return Given(".html", answer.body, page)


def _folders(pages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The path between what all pages share and the page's own name."""
    paths = {page: PurePosixPath(unquote(urlsplit(page).path)).parts[1:-1] for page in pages}
    every = list(paths.values())
    shared = 0
    while all(len(path) > shared and path[shared] == every[0][shared] for path in every):
        shared += 1
    return {
        page: tuple(part.replace("-", " ").replace("_", " ").capitalize() for part in path[shared:][:2])
        for page, path in paths.items()
    }
