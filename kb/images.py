"""Pictures in articles: kept with the attachments, known by what they are and not by what they say they are."""

import re

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Row
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.storage import Files
from helpdesk.texts import clean
from kb.articles import Article
from kb.markup import IMAGES


class ArticleImage(Row):
    __tablename__ = "article_image"

    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), index=True
    )
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    key: Mapped[str] = mapped_column(index=True)
    """Where the bytes are (`helpdesk.storage`)."""


LARGEST = 5 * 1024**2  # bytes of one picture
MOST = 200  # pictures of one article


class NoPicture(Invalid):
    message = _("This is no picture that browsers show: PNG, JPEG, GIF or WebP.")


class TooLarge(Invalid):
    message = _("This picture is larger than 5 MB. Make it smaller first.")


class TooMany(Invalid):
    message = _("An article has 200 pictures at most.")


def kind_of(content: bytes) -> str | None:
    """By its first bytes, whatever its name says. SVG is none: it may hold scripts."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


async def add(
    session: AsyncSession, files: Files, article: Article, name: str, content: bytes, *, by: Agent
) -> ArticleImage:
    """On disk before the row that names it."""
    if len(content) > LARGEST:
        raise TooLarge
    if (kind := kind_of(content)) is None:
        raise NoPicture
    count = select(func.count()).where(ArticleImage.article_id == article.id)
    if (await session.scalar(count) or 0) >= MOST:
        raise TooMany
    image = ArticleImage(
        article_id=article.id,
        agent_id=by.id,
        name=" ".join(clean(name).split())[:200] or "image",
        content_type=kind,
        size=len(content),
        key=await files.put(content),
    )
    session.add(image)
    await session.flush()
    return image


def address(image: ArticleImage) -> str:
    return f"{IMAGES}{image.id}"


def markdown(image: ArticleImage) -> str:
    """How it stands in a text; its name is the alternative text until somebody writes a better one."""
    said = re.sub(r"[\[\]\\<>`*_!]", " ", image.name.rpartition(".")[0] or image.name)
    return f"![{' '.join(said.split())}]({address(image)})"


async def found(session: AsyncSession, image_id: int, allowed: ColumnElement[bool]) -> ArticleImage:
    """A picture of an article that meets the condition. Raises NotFound."""
    image = await session.scalar(
        select(ArticleImage)
        .join(Article, Article.id == ArticleImage.article_id)
        .where(ArticleImage.id == image_id, allowed)
    )
    if image is None:
        raise NotFound
    return image
