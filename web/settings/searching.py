"""The search: which model reads, how far the index is, which languages it knows, and which words mean the same."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from babel import Locale, UnknownLocaleError
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.comparing import Comparison
from ai.evaluation.handing import refused
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from kb import serving, words
from kb.precedents import Precedent
from kb.words import MOST_GROUPS, WordGroup
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, done

HOME = "/settings/search"
MANAGES = permits(Action.manage_desk)
RECENT = timedelta(days=30)
Form = Request[Any, Any, Any]

KNOWS = {"all-minilm": {"en"}, "bge-small-en": {"en"}, "bge-base-en": {"en"}, "bge-large-en": {"en"}}
"""Beginnings of models' names → the languages that they read; others are trusted to know their desk's."""


class GroupForm(Fields):
    words: Annotated[str, Meta(max_length=2000)]
    one_way: bool = False


class NothingWaits(Conflict):
    message = _("No other model waits to answer.")


@dataclass(frozen=True)
class Spoken:
    """A language in which customers write."""

    name: str
    tickets: int
    known: bool


class Searching(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(
        self, session: Session, settings: ThisSettings, agent: CurrentAgent, desk: CurrentDesk
    ) -> Html:
        status = await serving.status(session)
        name = status.wanted.name if status.wanted else desk.settings.embedding_model
        return await settings(
            "settings/search/index.html",
            index=status,
            refused=await _refused(session, status),
            model=shown(name),
            remote=desk.settings.remote_embedding_url,
            precedents=await _precedents(session),
            languages=await spoken(session, name, agent.locale),
            groups=await words.groups(session),
        )

    @get("/progress", opt=MANAGES)
    async def progress(self, session: Session, page: ThisPage) -> Html:
        """The index alone, asked again while it grows."""
        return page(
            "settings/search/_progress.html",
            index=(status := await serving.status(session)),
            refused=await _refused(session, status),
            precedents=await _precedents(session),
        )

    @post("/overruling", opt=MANAGES)
    async def overrule(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        """The model that waits answers, although answers come out worse with it."""
        await read(request, Fields)
        if not await serving.overrule(session):
            raise NothingWaits
        session.add(Event(Kind.options_changed, by=agent, options=["embedding_model"]))
        return done(request, HOME)

    @post("/words", opt=MANAGES)
    async def create(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        form = await read(request, GroupForm)
        if (await session.scalar(select(func.count()).select_from(WordGroup)) or 0) >= MOST_GROUPS:
            raise Invalid(_("There are 500 groups already: delete one that is of no use."))
        session.add(WordGroup.of(form.words.split(","), one_way=form.one_way))
        _tell(session, agent)
        return done(request, HOME, "added")

    @post("/words/{group_id:int}", opt=MANAGES)
    async def save(
        self, group_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, GroupForm)
        group = await _found(session, group_id)
        group.words, group.one_way = words.checked(form.words.split(",")), form.one_way
        _tell(session, agent)
        return done(request, HOME)

    @get("/words/{group_id:int}", opt=MANAGES)
    async def show(self, group_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        return await settings("settings/search/group.html", group=await _found(session, group_id))

    @post("/words/{group_id:int}/removal", opt=MANAGES)
    async def remove(
        self, group_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await session.delete(await _found(session, group_id))
        _tell(session, agent)
        return done(request, HOME, "removed")


async def _refused(session: AsyncSession, index: serving.Status) -> Comparison | None:
    """Why the model that has read everything does not answer."""
    wanted, answers = index.wanted, index.answering
    if wanted is None or answers is None or wanted.name == answers.name or not index.is_complete:
        return None
    waiting = await serving.waiting(session)
    return None if waiting is None or waiting.overruled else await refused(session, answers.name, wanted.name)


def _tell(session: AsyncSession, agent: Agent) -> None:
    session.add(Event(Kind.options_changed, by=agent, options=["search_words"]))


async def _found(session: AsyncSession, group_id: int) -> WordGroup:
    group = await session.get(WordGroup, group_id)
    if group is None:
        raise NotFound
    return group


async def _precedents(session: AsyncSession) -> tuple[int, int]:
    """Solved tickets and macros that are found."""
    counted = await session.execute(
        select(func.count(Precedent.ticket_id), func.count(Precedent.macro_id)).select_from(Precedent)
    )
    tickets, macros = counted.one()
    return tickets, macros


def shown(name: str) -> str:
    """Without the hash of its weights: `all-MiniLM-L6-v2@53aa5117` → `all-MiniLM-L6-v2`."""
    return name.partition("@")[0].replace("--", "/")


async def spoken(session: AsyncSession, model: str, locale: str) -> list[Spoken]:
    """In which languages customers wrote lately, most frequent first."""
    count = func.count()
    rows = await session.execute(
        select(Ticket.language, count)
        .where(Ticket.created_at > now() - RECENT, Ticket.language.is_not(None), Ticket.removed.is_(None))
        .group_by(Ticket.language)
        .order_by(count.desc())
        .limit(12)
    )
    known = next((languages for start, languages in KNOWS.items() if model.lower().startswith(start)), None)
    return [
        Spoken(named(language or "", locale), tickets, known is None or (language or "")[:2] in known)
        for language, tickets in rows
    ]


def named(language: str, locale: str) -> str:
    try:
        return Locale.parse(language.replace("-", "_")).get_display_name(locale.replace("-", "_")) or language
    except (UnknownLocaleError, ValueError):
        return language
