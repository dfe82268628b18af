"""What work teaches, and what becomes of it: gaps, contradictions, articles that double each other, incidents."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from ai.learning.findings import AlreadyDecided, BeingWritten, Finding, Kind, State
from ai.learning.proposing import ChangedMeanwhile, article_from, edit_from, material, problem_of
from ai.providers import Purpose, Standing, standing
from helpdesk.access import Action, require
from helpdesk.errors import NotFound
from helpdesk.events import Event
from helpdesk.events import Kind as Happened
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from kb import writing
from web.auth import permits
from web.console.shell import Directory, Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.knowledge.editing import to
from web.knowledge.library import Asked, Library
from web.knowledge.taught import counts, in_order, known, said_otherwise, theirs, told
from web.pages import Html
from web.settings.frame import DONE, done

TEACHES = permits(Action.write_knowledge)


class Chosen(Fields):
    place: int = 0
    """Which of the answers that differ."""


class Wish(Fields):
    plain: bool = False
    """Without a language model, though there is one."""


class Findings(Controller):
    path = "/findings"

    @get(opt=TEACHES)
    async def index(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        kind: FromQuery[str] = "",
        put_away: FromQuery[bool] = False,
    ) -> Html:
        chosen = Kind(kind) if kind in set(Kind) else None
        state = Finding.state != State.open if put_away else Finding.state == State.open
        query = select(Finding).where(state, known(agent), Finding.kind == chosen if chosen else true())
        order = (Finding.kind != Kind.incident, Finding.cost.desc(), Finding.size.desc(), Finding.id.desc())
        found = (await session.scalars(query.order_by(*order).limit(100))).all()
        shell = await Shell.load(session, agent)
        return page(
            "findings/index.html",
            shell=shell,
            library=await Library.load(session, agent, Asked()),
            directory=await Directory.load(session),
            told=await told(session, agent, found),
            counts=await counts(session, agent),
            chosen=chosen,
            put_away=put_away,
            said=DONE.get(request.query_params.get("done", "")),
            looked_at=await session.scalar(select(func.max(Finding.seen_at))),
        )

    @post("/look", opt=TEACHES)
    async def look(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        session.add(Event(Happened.learning_wanted, by=agent))
        return done(request, "/findings", "looking")

    @get("/{number:int}", opt=TEACHES)
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, number: FromPath[int]
    ) -> Html:
        """One card, asked for again while a language model writes."""
        finding = await _open(session, agent, number, lock=False)
        (one,) = await told(session, agent, [finding])
        return page("findings/one.html", one=one, directory=await Directory.load(session))

    @post("/{number:int}/article", opt=TEACHES)
    async def article(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """A draft of what was answered, open to be edited; where a language model writes it, it comes later."""
        finding = await _undecided(session, agent, number, Kind.gap)
        form = await read(request, Wish)
        tickets = in_order(finding, await session.scalars(theirs(agent, [finding])))
        made_of = await material(session, tickets, by=agent)
        if not form.plain and await standing(session, Purpose.learn) is Standing.ready:
            session.add(finding.want_article(by=agent))
            return done(request, f"/findings?kind=gap#finding-{finding.id}", "writing")
        made = await article_from(session, made_of, by=agent)
        finding.made_id = made.id
        session.add(finding.decide(State.done, by=agent))
        return to(request, f"/knowledge/articles/{made.id}/edit")

    @post("/{number:int}/edit", opt=TEACHES)
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """The article's working copy says what people answer; nothing is published."""
        finding = await _undecided(session, agent, number, Kind.contradiction)
        form = await read(request, Chosen)
        visible = set(await session.scalars(theirs(agent, [finding]).with_only_columns(Ticket.id)))
        others = {place: other for place, other, _n in said_otherwise(finding, visible)}
        if finding.article_id is None or (other := others.get(form.place)) is None:
            raise NotFound
        article = await writing.opened(session, agent, str(finding.article_id), lock=True)
        if not article.is_published:
            raise ChangedMeanwhile
        sentence, instead = (finding.edit or {})["sentence"], other.get("instead", "")
        await edit_from(session, article, sentence, str(other["says"]), instead, by=agent)
        session.add(finding.decide(State.done, by=agent))
        return to(request, f"/knowledge/articles/{article.id}/edit")

    @post("/{number:int}/problem", opt=TEACHES)
    async def problem(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """The first of the tickets becomes the problem, the others its children."""
        require(agent, Action.change)
        finding = await _undecided(session, agent, number, Kind.incident)
        locked = theirs(agent, [finding], Action.change).with_for_update(of=Ticket)
        tickets = in_order(finding, await session.scalars(locked))
        parent = await problem_of(session, finding, tickets, by=agent)
        session.add(finding.decide(State.done, by=agent))
        return to(request, f"/tickets/{parent.number}")

    @post("/{number:int}/dismiss", opt=TEACHES)
    async def dismiss(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        finding = await _open(session, agent, number)
        session.add(finding.decide(State.dismissed, by=agent))
        return done(request, "/findings", "put_away")

    @post("/{number:int}/reopen", opt=TEACHES)
    async def reopen(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        finding = await _open(session, agent, number)
        session.add(finding.reopen(by=agent))
        return done(request, "/findings", "restored")


async def _open(session: AsyncSession, agent: Agent, number: int, *, lock: bool = True) -> Finding:
    if number >= 2**63:
        raise NotFound
    query = select(Finding).where(Finding.id == number, known(agent))
    finding = await session.scalar(query.with_for_update(of=Finding) if lock else query)
    if finding is None:
        raise NotFound
    return finding


async def _undecided(session: AsyncSession, agent: Agent, number: int, kind: Kind) -> Finding:
    finding = await _open(session, agent, number)
    if finding.kind is not kind:
        raise NotFound
    if finding.state is not State.open:
        raise AlreadyDecided
    if finding.is_being_written:
        raise BeingWritten
    return finding
