"""What becomes of a suggested reply: taken into the composer, asked for otherwise, or turned down."""

import asyncio
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting import proposing, similar
from ai.drafting.answering import Wish
from ai.drafting.proposing import INSTEAD, SHORT, NothingElse, Task
from ai.embedding import ModelNotReady
from ai.suggestions import AlreadyDecided, Rejection, State, Suggestion
from ai.writing import ModelFailed
from helpdesk.access import Action
from helpdesk.errors import Conflict, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.tickets import Draft, changed, work
from web.dependencies import (
    CurrentAgent,
    CurrentDesk,
    CurrentTicket,
    Session,
    ThisPage,
    opened_ticket,
)
from web.forms import Fields, read
from web.pages import Html

PATIENCE = 40.0  # seconds for another draft


class RejectionForm(Fields):
    why: Rejection | None = None


class WishForm(Fields):
    wish: Annotated[str, Meta(pattern="^(short|instead|ask|words)$")]
    what: Annotated[str, Meta(max_length=300)] = ""
    """What the customer is to be asked for, or a wish in the agent's own words."""


class NoWriter(Conflict):
    message = _(
        "No language model can write this draft: none serves drafts here at the moment, or a second model that "
        "checks them is used, which works in the background only."
    )


class NothingProved(Conflict):
    message = _(
        "What the language model wrote is not what the articles say, nor what you wished for. The draft stays as it is."
    )


class TooSlow(ModelFailed):
    status = 504
    message = _("The language model took too long. The draft is as it was; try again in a minute.")


class Suggestions(Controller):
    path = "/tickets/{number:int}"

    @get("/composer", opt=permits(Action.reply))
    async def compose(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        suggestion: FromQuery[int],
    ) -> Html:
        """The composer with the suggested words in it; nothing is sent and nothing decided yet."""
        found = await of_ticket(session, ticket, suggestion)
        draft = Draft(text=found.body, suggestion_id=found.id, focus=True)
        context = await work(session, agent, ticket, draft=draft)
        name = "console/tickets/_composer.html" if page.is_partial else "console/tickets/conflict.html"
        return page(name, **context)

    @post("/suggestions/{suggestion:int}/dismissal", opt=permits(Action.reply), status_code=200)
    async def dismiss(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        suggestion: FromPath[int],
    ) -> Response[Any]:
        found = await of_ticket(session, ticket, suggestion)
        found.dismiss(by=agent, why=(await read(request, RejectionForm)).why)
        words = gettext("Noted. The desk learns from what was not right.")
        return await changed(request, page, session, agent, ticket, toast=words)

    @post("/suggestions/{suggestion:int}/successor", opt=permits(Action.reply), status_code=200)
    async def another(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
        suggestion: FromPath[int],
    ) -> Response[Any]:
        """Shorter, from another article, with a question of the agent's, or as a language model understands it."""
        form = await read(request, WishForm)
        found = await of_ticket(session, ticket, suggestion)
        if not found.is_open and not await _was_followed(session, found):
            raise AlreadyDecided
        embedder = await request.app.state.lookup.embedder(session)
        wish = await _wish(session, form, found)
        task = await proposing.task_of(session, desk.settings, embedder, ticket, wish)
        if task is None or task.found.draft is None:
            raise NothingElse
        writes = task.model and not desk.settings.entailment_model  # asked in the models' process only
        if wish.words and not writes:
            raise NoWriter
        if writes:
            answer, model = await _written(session, task, embedder)
            ticket = await opened_ticket(session, agent, ticket.number, lock=True)
        else:
            answer, model = task.found, f"{proposing.EXTRACTIVE}{embedder.name}"
        if wish.words and answer.draft is task.found.draft:
            raise NothingProved
        hint = form.wish if not form.what else f"{form.wish}: {form.what}"
        await proposing.keep(session, ticket, task, answer, model=model, hint=hint, by=agent)
        return await changed(request, page, session, agent, ticket, toast=gettext("Here is another draft."))

    @get("/similar", opt=permits(Action.read))
    async def similar(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Html:
        """Solved tickets like this one; an empty answer where there are none, or the model is not ready yet."""
        try:
            embedder = await request.app.state.lookup.embedder(session)
            found = await similar.similar(session, embedder, agent, ticket)
        except ModelNotReady:
            found = []
        return page("console/drafting/_similar.html", ticket=ticket, similar=found)


async def of_ticket(session: AsyncSession, ticket: Ticket, suggestion: int) -> Suggestion:
    found = await session.scalar(
        select(Suggestion).where(Suggestion.id == suggestion, Suggestion.ticket_id == ticket.id)
    )
    if found is None:
        raise NotFound
    return found


async def _was_followed(session: AsyncSession, found: Suggestion) -> bool:
    """Another draft for the same letter took its place while somebody looked at it: a wish is for either."""
    if found.state is not State.replaced:
        return False
    return (
        await session.scalar(
            select(
                exists().where(Suggestion.message_id == found.message_id, Suggestion.state == State.offered)
            )
        )
        or False
    )


async def _wish(session: AsyncSession, form: WishForm, found: Suggestion) -> Wish:
    if form.wish == INSTEAD:
        return Wish(instead=1 + await proposing.passed_over(session, found.message_id))
    if form.wish == "ask":
        return Wish(ask=" ".join(form.what.split()))
    return Wish(short=form.wish == SHORT, words=form.what if form.wish == "words" else "")


async def _written(session: AsyncSession, task: Task, embedder: Any) -> Any:
    """Nobody waits for a lock of ours while a model thinks."""
    await session.commit()
    session.expunge_all()
    try:
        async with asyncio.timeout(PATIENCE):
            return await task.done(embedder)
    except TimeoutError:
        raise TooSlow from None
