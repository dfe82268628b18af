"""Why a rule did something to a ticket: after what, by which conditions, what it was before; and taking it back."""

from typing import Any

from litestar import Controller, Request, Response, delete, get
from litestar.params import FromPath

from helpdesk.access import Action, may
from helpdesk.errors import Forbidden, NotFound
from helpdesk.i18n import gettext, ngettext
from helpdesk.rules import RuleRun, undoing
from web.auth import permits
from web.console.shell import Shell
from web.console.workplace import changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage, opened_ticket
from web.pages import Html
from web.rules import runs
from web.rules.editing import Editor


class RuleRuns(Controller):
    path = "/tickets/{number:int}/rule-runs/{run_id:int}"

    @get(opt=permits(Action.read))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        run_id: FromPath[int],
    ) -> Html:
        editor = await Editor.load(session, agent)
        found = await runs.told(
            session, agent, editor.narrator, RuleRun.ticket_id == ticket.id, RuleRun.id == run_id
        )
        if not found:
            raise NotFound
        (ran,) = found
        context: dict[str, Any] = {
            "ticket": ticket,
            "ran": ran,
            "sentence": editor.sentence(ran.rule),
            "edited": bool(await runs.changed_since(session, found)),
            "can_be_undone": undoing.can_be_undone(ran.run) and runs.may_undo(agent, ran.run, ticket),
            "may_manage": may(agent, Action.manage_rules),
        }
        if page.is_partial:
            return page("console/rules/_beside.html", **context)
        return page("console/rules/show.html", shell=await Shell.load(session, agent), **context)

    @delete(opt=permits(Action.change), status_code=200)
    async def undo(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        run_id: FromPath[int],
    ) -> Response[Any]:
        run = await runs.one(session, agent, run_id, ticket_id=ticket.id)
        if not runs.may_undo(agent, run, ticket):
            raise Forbidden
        undone = await undoing.undo(session, run, by=agent)
        words = gettext("Taken back.")
        if kept := len(undone.kept):
            words = ngettext(
                "Taken back, but for %(num)s thing that was changed since or cannot be undone.",
                "Taken back, but for %(num)s things that were changed since or cannot be undone.",
                kept,
            ) % {"num": kept}
        return await changed(
            request, page, session, agent, await opened_ticket(session, agent, ticket.number), toast=words
        )
