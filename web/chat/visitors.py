"""Visitors come, say who they are, look at pages, and go."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, delete, post
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat.identity import vouched
from helpdesk import chat
from helpdesk.access import Action
from helpdesk.chat import Known, Visitor, conversations
from helpdesk.chat.visitors import MOST_PAGES
from helpdesk.clock import now
from helpdesk.database import CHANNEL
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from helpdesk.texts import clean
from web.addresses import counted_as
from web.auth import permits
from web.chat import addresses, puzzles
from web.chat.inbox import LANGUAGE, OpenChat, asked, body, opened, slow_down
from web.chat.puzzles import Solution, Unsolved
from web.dependencies import CurrentDesk, Session
from web.portal import chatting

PUBLIC = permits(Action.public)
NEW, NEW_OF_ALL = 12, 600  # visitors a minute of one address, and of a chat those who are unknown
PAGES = 40  # a minute of one visitor

Url = Annotated[str, Meta(max_length=1000)]


class SignedInOnly(HelpdeskError):
    status = 403
    message = _("This chat is for customers who have signed in on the site.")


class Arrival(Struct, forbid_unknown_fields=True):
    jwt: Annotated[str, Meta(max_length=10_000)] = ""
    """The site's word for who it is; without it somebody unknown comes."""
    language: Annotated[str, Meta(max_length=20)] = ""
    puzzle: Solution | None = None
    page: "Seen | None" = None


class Seen(Struct, forbid_unknown_fields=True):
    url: Url
    title: Annotated[str, Meta(max_length=300)] = ""
    referrer: Url = ""


class Visitors(Controller):
    path = "/chat/{public_id:str}/visitors"

    @post(opt=PUBLIC, status_code=201)
    async def arrive(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
    ) -> dict[str, Any]:
        """The token is told this once. It is worth what its browser is."""
        found = await opened(request, public_id)
        slow_down(request, "new", f"{found.inbox.id} {counted_as(request)}", NEW)
        request.app.state.rates.take(f"chat new {found.inbox.id}", puzzles.BUSY)
        arrival = await body(request, Arrival)
        known = await _known(desk, session, found, arrival.jwt) if arrival.jwt else None
        if known is None and not found.settings.anonymous:
            raise SignedInOnly
        used = None
        if known is None and (arrival.puzzle or puzzles.asked(request, found)):
            used = puzzles.solved(desk.keys, found, arrival.puzzle)
        if known is None:  # nobody who has solved nothing yet keeps others away, and no stranger a customer
            slow_down(request, "met", found.inbox.id, NEW_OF_ALL)
        language = arrival.language if LANGUAGE.fullmatch(arrival.language) else ""
        try:
            visitor, token = await chat.meet(
                session, found.inbox.id, known=known, language=language, puzzle=used
            )
        except IntegrityError:
            raise Unsolved from None  # somebody came with this one already
        if arrival.page:
            visitor.pages = _visited([], arrival.page, now())
        return {"token": token, "vouched": visitor.is_vouched, "name": visitor.name}

    @delete("/me", opt=PUBLIC, status_code=200)
    async def leave(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        """The token opens nothing from now on; what was said stays with the desk."""
        _found, visitor = await asked(request, public_id, "leave", PAGES)
        await chat.revoke(session, visitor)
        return {}

    @post("/me/pages", opt=PUBLIC, status_code=200)
    async def look(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        """Where on the site they are, as far as the site's own page says."""
        _found, visitor = await asked(request, public_id, "page", PAGES)
        page = await body(request, Seen)
        visitor.pages = _visited(visitor.pages, page, now())
        visitor.referrer = visitor.referrer or addresses.shown(page.referrer)
        visitor.seen_at = now()
        await tell_agents(session, visitor)
        return {}

    @post("/me/typing", opt=PUBLIC, status_code=200)
    async def write(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        _found, visitor = await asked(request, public_id, "typing", 40)
        visitor.typing_at = now()
        await tell_agents(session, visitor, typing=True)
        return {}

    @post("/me/reading", opt=PUBLIC, status_code=200)
    async def read(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        """They have had everything up to here before their eyes; it only ever goes on."""
        _found, visitor = await asked(request, public_id, "read", 90)
        upto = (await body(request, Reading)).upto
        if visitor.read_id < (reached := await conversations.read(session, visitor, upto)):
            visitor.read_id = reached
            await tell_agents(session, visitor)
        return {}


class Reading(Struct, forbid_unknown_fields=True):
    upto: Annotated[int, Meta(ge=0, le=2**62)]


async def tell_agents(session: AsyncSession, visitor: Visitor, *, typing: bool = False) -> None:
    """Whoever has their conversation open looks again at who is there."""
    theirs = await conversations.of(session, visitor)
    if theirs:
        kinds = ("chat", "writing") if typing else ("chat",)
        said = (func.pg_notify(CHANNEL, f"{kind}-{theirs[0].ticket_id}") for kind in kinds)
        await session.execute(select(*said))


async def _known(desk: Desk, session: AsyncSession, found: OpenChat, jwt: str) -> Known:
    """Raises NotVouched. An address that the site says is theirs makes them that customer."""
    if known := await chatting.known_by(session, desk.keys, found.inbox, jwt):
        return known
    said = vouched(jwt, found.settings.keys(now()), now())
    if said.email:
        return Known("email", said.email, said.name or said.email, said.until)
    return Known("external", f"{said.subject}/{found.inbox.address}", said.name or said.subject, said.until)


def _visited(before: list[Any], page: Seen, at: datetime) -> list[Any]:
    """Newest first; the same page again is the same visit, and what is no page of the web is none."""
    url, title = addresses.shown(page.url), clean(page.title)
    if not url:
        return before
    rest = [each for each in before if each.get("url") != url]
    return [{"url": url, "title": title, "at": at.isoformat()}, *rest][:MOST_PAGES]


ROUTES: list[Any] = [Visitors]
__all__ = ["ROUTES", "Visitors", "tell_agents"]
