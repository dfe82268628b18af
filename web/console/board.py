"""The board of a team lead: what stands on the desk now, live; and the same for a wall."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, get
from litestar.di import Provide
from litestar.params import FromQuery, QueryParameter, SkipValidation
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.board import Scope
from helpdesk.board.picture import Boards
from helpdesk.clock import now
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from helpdesk.texts import clean
from web import board as words
from web import loads
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html, Page

RISKS, ON_WALL = 10, 5
CALM, AT_ONCE = 15_000, 1_500  # ms until a board that nothing happens on is asked for again
AnId = Annotated[str, QueryParameter(pattern=r"^[0-9]{0,18}$")]


@dataclass(frozen=True)
class Choice:
    """What the board can be limited to."""

    teams: list[tuple[int, str]]
    inboxes: list[tuple[int, str]]
    channels: list[str]


def chosen_scope(team: AnId = "", inbox: AnId = "", channel: FromQuery[str] = "") -> Scope:
    return Scope(int(team or 0) or None, int(inbox or 0) or None, clean(channel).strip()[:40] or None)


ThisScope = SkipValidation[Scope]


class Board(Controller):
    path = "/board"
    dependencies = {"about": Provide(chosen_scope, sync_to_thread=False)}  # noqa: RUF012 - Litestar's own

    @get(opt=permits(Action.report))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        about: ThisScope,
        wall: FromQuery[bool] = False,
    ) -> Html:
        context = await _now(session, agent, page, about, wall=wall)
        if page.asks_for("board-now"):
            return page("board/_now.html", **context)
        context |= await _trends(session, agent, page, about)
        if wall:
            return page("board/wall.html", **context)
        shell = await Shell.load(session, agent)
        return page("board/index.html", shell=shell, choice=await _choice(session, shell), **context)

    @get("/trends", opt=permits(Action.report))
    async def trends(self, session: Session, agent: CurrentAgent, page: ThisPage, about: ThisScope) -> Html:
        return page(
            "board/_trends.html", scope=about, words=words, **await _trends(session, agent, page, about)
        )


async def _now(
    session: AsyncSession, agent: Agent, page: Page, scope: Scope, *, wall: bool
) -> dict[str, Any]:
    boards: Boards = page.request.app.state.boards
    asked_at = now()
    board = await boards.now(session, agent, scope)
    return {
        "board": board,
        # A shared one may be older than what the page was told of, and asks for it
        "again": CALM if board.at >= asked_at else AT_ONCE,
        "scope": scope,
        "wall": wall,
        "words": words,
        "loads": loads,
        "shown": ON_WALL if wall else RISKS,
    }


async def _trends(session: AsyncSession, agent: Agent, page: Page, scope: Scope) -> dict[str, Any]:
    boards: Boards = page.request.app.state.boards
    found = await boards.trends(session, agent, scope)
    return {"figures": words.figures(found, agent.locale), "week": words.week(found, agent.locale)}


async def _choice(session: AsyncSession, shell: Shell) -> Choice:
    """Teams and inboxes as the navigation names them to this agent."""
    channels = await session.scalars(
        select(Inbox.channel).where(Inbox.active).distinct().order_by(Inbox.channel)
    )
    return Choice(
        [(team.id, team.name) for team in shell.teams.values()],
        [(inbox.id, inbox.name) for inbox in shell.inboxes.values()],
        list(channels),
    )
