"""Pictures of imported texts: found beside them, inside them or at their address, and made the article's own."""

import posixpath
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import HelpdeskError, Invalid, NotFound
from helpdesk.i18n import gettext
from helpdesk.outbound import Outbound, Target
from helpdesk.storage import Files
from helpdesk.texts import clean
from kb import images
from kb.articles import Article
from kb.images import ArticleImage
from kb.imports.documents import Document, Picture
from kb.markup import IMAGES

PLACE = re.compile(r"!\[(?:[^\[\]\\]|\\.)*\]\(\s*<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
INSIDE = "picture:"
"""Begins the name of one that came inside its file: `picture:0` is the first of them."""
MOST = 2_000  # pictures of one import
MOST_BYTES = 200 << 20
PATIENCE = 900.0  # seconds for all that are fetched


@dataclass
class Gallery:
    """Where pictures of one import come from. Without `outbound` none is fetched."""

    files: Files
    """Where they are put."""
    outbound: Outbound | None = None
    trusted: Target | None = None
    """The server that somebody named. What texts name otherwise, strangers may have written: it opens no service that
    the operator lets the desk call."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Files of the same zip, by their paths."""
    left: int = MOST
    left_bytes: int = MOST_BYTES
    _until: float = 0.0
    _known: dict[str, Picture | str] = field(default_factory=dict)
    """What was fetched, or why it was not: a logo on every page is asked for once."""

    async def hung(self, document: Document, name: str, inside: Sequence[bytes] = ()) -> tuple[Document, str]:
        """The document with its pictures, and in words what is missing. `name`: the file's own path."""
        found: list[Picture] = []
        missing: list[str] = []
        for src in dict.fromkeys(PLACE.findall(document.body)):
            if src.startswith(IMAGES):
                continue  # of an article here
            try:
                found.append(await self._one(src, name, inside))
            except HelpdeskError as error:
                missing.append(f"{src[:100]}: {error}")
        if missing:
            said = gettext("Pictures that did not come along: %(n)s. The first: %(first)s") % {
                "n": len(missing),
                "first": missing[0],
            }
            return msgspec.structs.replace(document, pictures=tuple(found)), said
        return msgspec.structs.replace(document, pictures=tuple(found)), ""

    async def _one(self, src: str, name: str, inside: Sequence[bytes]) -> Picture:
        if src.startswith(INSIDE):
            number = src.removeprefix(INSIDE)
            if not number.isdecimal() or int(number) >= len(inside):
                raise Invalid(gettext("It is not in the file."))
            return await self._kept(src, "", inside[int(number)])
        if src.startswith(("https://", "http://")):
            if src not in self._known:
                self._known[src] = await self._tried(src)
            known = self._known[src]
            if isinstance(known, str):
                raise Invalid(known)
            return known
        named = unquote(re.split(r"[?#]", src, maxsplit=1)[0])
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), named))
        content = self.beside.get(path.lstrip("/"))
        if content is None:
            raise Invalid(gettext("It is not in the file."))
        return await self._kept(src, path, content)

    async def _tried(self, src: str) -> Picture | str:
        try:
            return await self._fetched(src)
        except HelpdeskError as error:
            return str(error)

    async def _fetched(self, src: str) -> Picture:
        self._until = self._until or time.monotonic() + PATIENCE
        if self.outbound is None or time.monotonic() > self._until:
            raise Invalid(gettext("It was not fetched."))
        outbound = self.outbound
        if outbound.policy.check(src) != self.trusted:
            outbound = replace(outbound, policy=outbound.policy.without_exceptions)
        answer = await outbound.ask("GET", src, largest=images.LARGEST)
        if answer.status != 200:
            raise Invalid(gettext("The other side answered %(status)s.") % {"status": answer.status})
        return await self._kept(src, urlsplit(src).path, answer.body)

    async def _kept(self, src: str, path: str, content: bytes) -> Picture:
        if len(content) > images.LARGEST:
            raise images.TooLarge
        if (kind := images.kind_of(content)) is None:
            raise images.NoPicture
        self.left, self.left_bytes = self.left - 1, self.left_bytes - len(content)
        if self.left < 0 or self.left_bytes < 0:
            raise Invalid(gettext("There are too many pictures for one import."))
        name = " ".join(clean(unquote(posixpath.basename(path))).split())[:200] or "image"
        return Picture(src, await self.files.put(content), name, kind, len(content))


@dataclass(frozen=True)
class Waiting:
    """Pictures that were read and wait for somebody's yes. They are beside the desk's files until then, so that an
    import that is discarded, or never ends, leaves nothing among them."""

    read: Files
    kept: Files

    async def keep(self, key: str) -> bool:
        """On disk before a row names it; whether it is there."""
        try:
            content = await self.read.get(key)
        except NotFound:
            return self.kept.path(key).exists()
        await self.kept.put(content)
        return True


async def placed(
    session: AsyncSession,
    article: Article,
    document: Document,
    *,
    agent_id: int | None = None,
    bring: Waiting | None = None,
) -> str:
    """The document's text with pictures by their addresses here. Those that the article lacks are brought from
    `bring`."""
    if not document.pictures:
        return document.body
    rows = await session.scalars(select(ArticleImage).where(ArticleImage.article_id == article.id))
    own = {row.key: row for row in rows}
    for picture in document.pictures if bring else ():
        if picture.key not in own and len(own) < images.MOST and bring and await bring.keep(picture.key):
            own[picture.key] = ArticleImage(
                article_id=article.id,
                agent_id=agent_id,
                name=picture.name,
                content_type=picture.content_type,
                size=picture.size,
                key=picture.key,
            )
            session.add(own[picture.key])
    await session.flush()
    places = {one.src: images.address(own[one.key]) for one in document.pictures if one.key in own}

    def named(match: re.Match[str]) -> str:
        src = match[1]
        start, end = match.start(1) - match.start(), match.end(1) - match.start()
        whole = match[0]
        return whole[:start] + places[src] + whole[end:] if src in places else whole

    return PLACE.sub(named, document.body)
