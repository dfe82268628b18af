"""Macros at a ticket: chosen while typing, shown before anything is done, taken back."""

from typing import Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import macros
from helpdesk.access import Action
from helpdesk.errors import Conflict, NotFound
from helpdesk.i18n import _, gettext, ngettext
from helpdesk.macros import Macro
from helpdesk.macros.placeholders import label
from helpdesk.messages import Message
from helpdesk.people import Agent
from helpdesk.texts import clean
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.macro_words import does
from web.console.shell import Directory
from web.console.workplace import Undo, changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.pages import Html

MOST = 40


class Macros(Controller):
    path = "/tickets/{number:int}/macros"

    @get(opt=permits(Action.reply))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        q: FromQuery[str] = "",
    ) -> Html:
        """Every word has to occur in name, folder or text; most used first."""
        found = await macros.offered(session, agent, clean(q)[:200].split(), MOST)
        any_at_all = bool(found or await macros.offered(session, agent, most=1))
        return page("console/macros/_options.html", ticket=ticket, macros=found, any=any_at_all)

    @get("/{macro_id:int}", opt=permits(Action.reply))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        macro_id: FromPath[int],
    ) -> Html:
        """Its words for this ticket, and what it would do."""
        macro = await macros.one(session, agent, macro_id)
        plan = await macros.foresee(session, macro, ticket, agent)
        return page(
            "console/macros/_chosen.html",
            ticket=ticket,
            macro=macro,
            plan=plan,
            gaps=[label(name) for name in plan.gaps],
            directory=await Directory.load(session),
            does=does,
        )

    @post("/{macro_id:int}/uses", opt=permits(Action.reply), status_code=200)
    async def use(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        macro_id: FromPath[int],
    ) -> Response[Any]:
        """What it does, without a reply."""
        macro = await macros.one(session, agent, macro_id)
        left_out = left_out_of(macro, (await request.form()).getall("step", []))
        use = await macros.apply(session, macro, ticket, by=agent, without=left_out)
        words = gettext("Done: %(name)s") % {"name": macro.name}
        undo = Undo(words, "zap", f"macro-uses/{use.id}")
        return await changed(request, page, session, agent, ticket, undoing=undo)


class MacroUses(Controller):
    path = "/tickets/{number:int}/macro-uses/{use_id:int}"

    @delete(opt=permits(Action.reply), status_code=200)
    async def undo(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        use_id: FromPath[int],
    ) -> Response[Any]:
        use = await macros.last_use(session, ticket, use_id=use_id)
        if use is None or use.agent_id != agent.id:
            raise NotFound
        stay = await macros.take_back(session, use, ticket, by=agent)
        words = gettext("Taken back.")
        if stay:
            words = ngettext(
                "Taken back, but for %(num)s thing that somebody has changed since.",
                "Taken back, but for %(num)s things that somebody has changed since.",
                stay,
            ) % {"num": stay}
        return await changed(request, page, session, agent, ticket, toast=words)


async def go_with(
    session: AsyncSession,
    agent: Agent,
    ticket: Ticket,
    message: Message,
    macro_id: int | None,
    steps: list[Any],
) -> None:
    """What the macro that a reply was written with does; `message` is flushed. Raises NotAsShown."""
    if macro_id is None:
        return
    try:
        macro = await macros.one(session, agent, macro_id)
    except NotFound:
        raise NotAsShown from None
    left_out = left_out_of(macro, steps)
    await macros.apply(session, macro, ticket, by=agent, without=left_out, message=message)


async def taken_back_with(session: AsyncSession, agent: Agent, ticket: Ticket, message: Message) -> None:
    """Before its reply is taken back."""
    use = await macros.last_use(session, ticket, of_message=message.id)
    if use and use.can_be_undone:
        await macros.take_back(session, use, ticket, by=agent)


def left_out_of(macro: Macro, steps: list[Any]) -> set[int]:
    """All places that no ticked box names. Raises NotAsShown where something else stands there by now."""
    ticked = set()
    for step in map(str, steps):
        place, _dot, mark = step.partition(".")
        if not (place.isascii() and place.isdigit() and len(place) < 4):
            continue
        if int(place) >= len(macro.actions) or mark not in ("", macro.mark(int(place))):
            raise NotAsShown
        ticked.add(int(place))
    return set(range(len(macro.actions))) - ticked


class NotAsShown(Conflict):
    message = _("This macro was changed meanwhile. Choose it again to see what it does now, or leave it out.")
