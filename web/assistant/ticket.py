"""At a ticket: taking it from the assistant or giving it back, allowing what it asks for, and everything it did."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import trying
from ai.assistant.rows import Act, ActState, Run
from ai.embedding import ModelNotReady
from ai.providers import Purpose, language_model
from helpdesk import engagements
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import Conflict, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext, ngettext
from helpdesk.tickets import Ticket
from web.assistant.telling import Step, told
from web.auth import permits
from web.console.shell import Shell
from web.console.workplace import Draft, changed, work
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session, ThisPage, opened_ticket
from web.pages import Html

Sent = Request[Any, Any, Any]


class NotWaiting(Conflict):
    message = _("This was decided already.")


@dataclass(frozen=True)
class Difference:
    before: Step
    after: Step
    words: str

    @property
    def is_same(self) -> bool:
        return (self.before.kind, self.before.words) == (self.after.kind, self.after.words)


class AtTicket(Controller):
    path = "/tickets/{number:int}/assistant"

    @get(opt=permits(Action.read))
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Html:
        """What it was asked, what it saw, what it decided and why; newest first."""
        runs = await session.scalars(
            select(Run).where(Run.ticket_id == ticket.id).order_by(Run.id.desc()).limit(50)
        )
        acts = await session.scalars(select(Act).where(Act.ticket_id == ticket.id).order_by(Act.id))
        by_run: dict[int, list[Act]] = {}
        for act in acts:
            by_run.setdefault(act.run_id, []).append(act)
        steps = [told(run, by_run.get(run.id, [])) for run in runs]
        if page.is_partial:
            return page("assistant/_beside.html", ticket=ticket, steps=steps)
        shell = await Shell.load(session, agent)
        return page("assistant/show.html", ticket=ticket, steps=steps, shell=shell)

    @post("/stop", opt=permits(Action.reply), status_code=200)
    async def stop(
        self, request: Sent, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        """From here on a colleague: what the assistant wrote and has not left yet is taken back."""
        ticket = await _held(session, agent, ticket)
        back = await engagements.take_over(session, ticket, by=agent)
        if ticket.assignee_id is None:
            ticket.assign(agent, by=agent)
        words = gettext("The ticket is yours. The assistant says nothing more here.")
        if back:
            words = ngettext(
                "The ticket is yours. %(num)s message of the assistant was taken back.",
                "The ticket is yours. %(num)s messages of the assistant were taken back.",
                back,
            ) % {"num": back}
        return await changed(request, page, session, agent, ticket, toast=words)

    @post("/hand-back", opt=permits(Action.reply), status_code=200)
    async def hand_back(
        self, request: Sent, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        ticket = await _held(session, agent, ticket)
        await engagements.hand_back(session, ticket, by=agent)
        words = gettext("The assistant answers from here on. You can take over at any time.")
        return await changed(request, page, session, agent, ticket, toast=words)

    @get("/runs/{run_id:int}/composer", opt=permits(Action.reply))
    async def compose(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        run_id: FromPath[int],
    ) -> Html:
        """The composer with what the assistant would say in it; nothing is sent."""
        run = await _run(session, ticket, run_id)
        draft = Draft(text=trying.would_say(run), focus=True)
        context = await work(session, agent, ticket, draft=draft)
        name = "console/tickets/_composer.html" if page.is_partial else "console/tickets/conflict.html"
        return page(name, **context)

    @get("/runs/{run_id:int}/again", opt=permits(Action.read))
    async def again(
        self,
        request: Sent,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        desk: CurrentDesk,
        ticket: CurrentTicket,
        run_id: FromPath[int],
    ) -> Html:
        """The same question once more, with the articles and models as they are now; nobody is told."""
        run = await _run(session, ticket, run_id)
        context: dict[str, Any] = {"ticket": ticket, "difference": None, "trouble": ""}
        try:
            embedder = await request.app.state.lookup.embedder(session)
            model = await language_model(session, desk.settings, Purpose.assist, ticket_id=ticket.id)
            found = await trying.again(session, embedder, run, model)
            context["difference"] = Difference(told(run, []), told(found.run, []), found.words)
        except ModelNotReady as error:
            context["trouble"] = str(error)
        if page.is_partial:
            return page("assistant/_again.html", **context)
        return page("assistant/again.html", shell=await Shell.load(session, agent), **context)

    @post("/acts/{act_id:int}/permission", opt=permits(Action.reply), status_code=200)
    async def allow(
        self,
        request: Sent,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        act_id: FromPath[int],
    ) -> Response[Any]:
        """A colleague's word: the call is made apart from this request, and its answer comes as a note; the reply is
        theirs to write."""
        act = await _act(session, ticket, act_id)
        act.begin()
        act.agent_id = agent.id
        ticket.events.add(Event(Kind.assistant_acted, by=agent, tool=act.tool, state=act.state))
        words = gettext("%(tool)s is being asked. A note will say what came of it.") % {"tool": act.tool}
        return await changed(request, page, session, agent, ticket, toast=words)

    @post("/acts/{act_id:int}/refusal", opt=permits(Action.reply), status_code=200)
    async def refuse(
        self,
        request: Sent,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        act_id: FromPath[int],
    ) -> Response[Any]:
        act = await _act(session, ticket, act_id)
        act.state, act.agent_id, act.ended_at = ActState.refused, agent.id, now()
        ticket.events.add(Event(Kind.assistant_acted, by=agent, tool=act.tool, state=act.state))
        return await changed(request, page, session, agent, ticket, toast=gettext("Nothing was done."))


async def _held(session: AsyncSession, agent: CurrentAgent, ticket: Ticket) -> Ticket:
    """Locked first, so that the assistant either has spoken or does not speak any more."""
    await session.execute(select(Ticket.id).where(Ticket.id == ticket.id).with_for_update(key_share=True))
    return await opened_ticket(session, agent, ticket.number)


async def _run(session: AsyncSession, ticket: Ticket, number: int) -> Run:
    found = await session.scalar(select(Run).where(Run.id == number, Run.ticket_id == ticket.id))
    if found is None:
        raise NotFound
    return found


async def _act(session: AsyncSession, ticket: Ticket, number: int) -> Act:
    found = await session.scalar(
        select(Act).where(Act.id == number, Act.ticket_id == ticket.id).with_for_update()
    )
    if found is None:
        raise NotFound
    if found.state is not ActState.asked_agent:
        raise NotWaiting
    return found
