"""Help without anybody: articles of the help centre that answer what a visitor asks, read in the frame."""

import re
from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import FromPath, QueryParameter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.portal import HelpCentre, centres
from helpdesk.texts import preview
from kb.articles import Article
from kb.markup import rendered
from kb.readers import Reader, readable
from web.addresses import counted_as
from web.auth import permits
from web.chat.inbox import OpenChat, opened, slow_down
from web.dependencies import CurrentDesk, Session
from web.portal import finding
from web.portal.reading import INNER

PUBLIC = permits(Action.public)
MOST = 5
ASKED, ASKED_OF_ALL = 40, 600  # questions a minute of one address, and of a chat
EXCERPT = 160  # characters
WITHIN = re.compile(r'<a [^>]*?href="/knowledge/[^>]*>')


class Helping(Controller):
    path = "/chat/{public_id:str}/articles"

    @get(opt=PUBLIC)
    async def find(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        q: Annotated[str, QueryParameter(max_length=300)] = "",
        language: Annotated[str, QueryParameter(max_length=20)] = "en",
    ) -> dict[str, Any]:
        """What anybody may read; a customer's own articles are for where they sign in."""
        found = await _with_articles(request, desk, public_id)
        question = q.replace("\0", " ").strip()
        if len(question) < 3:
            return {"articles": []}
        reader, _centre = await _read_by(session, found)
        answers = await finding.answers(
            session,
            request.app.state.lookup,
            question,
            reader=reader,
            limit=MOST,
            locale=language.partition("-")[0].lower(),
        )
        return {
            "articles": [
                {"id": each.id, "title": each.title, "excerpt": preview(each.words, EXCERPT)}
                for each in answers
            ]
        }

    @get("/{article_id:int}", opt=PUBLIC)
    async def show(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        article_id: FromPath[int],
    ) -> dict[str, Any]:
        found = await _with_articles(request, desk, public_id)
        reader, centre = await _read_by(session, found)
        article = await session.scalar(select(Article).where(Article.id == article_id, readable(reader)))
        if article is None:
            raise NotFound
        return {"title": article.title, "html": _for_strangers(desk, centre, rendered(article.body))}


async def _with_articles(request: Request[Any, Any, Any], desk: Desk, public_id: str) -> OpenChat:
    found = await opened(request, public_id)
    if not found.settings.articles:
        raise NotFound
    slow_down(request, "articles", f"{found.inbox.id} {counted_as(request)}", ASKED)
    slow_down(request, "articles", found.inbox.id, ASKED_OF_ALL)
    return found


async def _read_by(session: AsyncSession, found: OpenChat) -> tuple[Reader, HelpCentre | None]:
    """What anybody may read in the chat's help centre. Where one was chosen that is gone or switched off, nothing:
    brands must not see each other's."""
    chosen = found.settings.help_centre
    centre = await _belongs(session, found.inbox.id, chosen)
    if centre is None:
        return Reader() if chosen else Reader.public(), None
    return Reader(Reader.public().audiences, collections=tuple(centre.collection_ids)), centre


async def _belongs(session: AsyncSession, inbox_id: int, chosen: int) -> HelpCentre | None:
    """The one that was chosen and no other; else the brand of the inbox."""
    if not chosen:
        return await centres.of_inbox(session, inbox_id)
    found = await session.get(HelpCentre, chosen)
    return found if found and found.active else None


def _for_strangers(desk: Desk, centre: HelpCentre | None, html: str) -> str:
    """Links among articles lead to the help centre, and nowhere where there is none: the console is no place for
    visitors. What is replaced can only be in tags: in texts every `<` is escaped."""
    if centre is None:
        return WITHIN.sub("<a>", html)
    return INNER.sub(lambda m: f"{m[1]}{centre.url(desk.settings.url)}/articles/{m[2]}", html)
