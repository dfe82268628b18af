"""Answers to the customer: sent once, taken back within ten seconds, never over what others have just said."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from litestar import Controller, Request, Response, delete, post
from litestar.params import FromPath
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.suggestions import State, Suggestion, outdate
from channels import registry
from channels.chat import answering
from helpdesk import copying, scheduling
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.copying import Copied
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.messages import Attachment, Direction, Message
from helpdesk.people import Agent
from helpdesk.reading import rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import UNDO, Ticket
from web.auth import permits
from web.console import macros, thread
from web.console.later import chosen_time
from web.console.tickets import Draft, changed, work
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session, ThisPage
from web.forms import MOST_TOGETHER, Fields, files, read


class ReplyForm(Fields):
    body: str
    client_id: str
    """Names this attempt of this composer: the same form sent twice is one reply."""
    seen: int = 0
    """The last public message its author had before them."""
    suggestion_id: int | None = None
    macro: int | None = None
    """The macro whose words it began with; `step`, as often as needed: what of it is to be done."""
    step: str = ""
    later: str = ""
    """A preset's name, or `at` for the time that was picked: the reply leaves then, not now."""
    at: str = ""
    copies: str = ""
    """The numbers of contacts in copy; a form without any of it copies all of them. `_copied()` reads several."""
    files: str = ""
    """What a browser sends where no file was chosen; chosen ones are read by `files()`."""


class SentOtherwise(Conflict):
    message = _(
        "A reply from this page was sent already, with other words. Reload the page; your text is kept there."
    )


class Replies(Controller):
    path = "/tickets/{number:int}/replies"

    @post(opt=permits(Action.reply), request_max_body_size=MOST_TOGETHER * 2, status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        form = await read(request, ReplyForm)
        attempts, news, in_copy, offered = await rows(
            session,
            (_attempts(), {"ticket": ticket.id, "attempt": form.client_id}),
            thread.news(ticket, form.seen, agent),
            copying.asked(ticket),
            (_offered(), {"ticket": ticket.id}),
        )
        if sent := await _sent_before(session, attempts, form):
            return await changed(request, page, session, agent, ticket, sent=sent, undo=_seconds(sent))
        if news:
            draft = Draft(
                text=form.body, suggestion_id=form.suggestion_id, news=news, seen=news[-1].id, focus=True
            )
            context = await work(session, agent, ticket, draft=draft)
            name = "console/tickets/_composer.html" if page.is_partial else "console/tickets/conflict.html"
            return page(name, status=409, **context)
        copies = await _copied(copying.told(in_copy), request)
        if form.later:
            at = chosen_time(agent, form.later, form.at)
            message = scheduling.schedule(ticket, form.body, by=agent, at=at, client_id=form.client_id)
            given: dict[str, Any] = {"toast": gettext("This reply leaves later: see the thread.")}
        else:
            message = ticket.reply(form.body, by=agent, client_id=form.client_id, wait=_wait(ticket))
            answering.take(desk, ticket, agent)
            given = {"sent": message, "undo": _seconds(message)}
        message.copies = copies
        message.attachments = await kept(desk, request)
        if offered:
            await _settle_suggestion(session, ticket, form, agent, message)
        await session.flush()
        steps = (await request.form()).getall("step", [])
        await macros.go_with(session, agent, ticket, message, form.macro, steps)
        return await changed(request, page, session, agent, ticket, **given)

    @delete("/{reply_id:int}", opt=permits(Action.reply), status_code=200)
    async def withdraw(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        reply_id: FromPath[int],
    ) -> Response[Any]:
        """Back into the composer it came from."""
        message = await _reply(session, ticket, reply_id)
        await macros.taken_back_with(session, agent, ticket, message)
        ticket.withdraw(message, by=agent)
        return await changed(
            request, page, session, agent, ticket, draft=Draft(text=message.text, focus=True)
        )


class Deliveries(Controller):
    path = "/tickets/{number:int}/replies/{reply_id:int}/delivery"

    @post(opt=permits(Action.reply), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        reply_id: FromPath[int],
    ) -> Response[Any]:
        """Once more, what the other side has refused."""
        ticket.retry(await _reply(session, ticket, reply_id), by=agent)
        return await changed(request, page, session, agent, ticket, toast=gettext("It is on its way again."))


async def _copied(everybody: list[Copied], request: Request[Any, Any, Any]) -> list[str]:
    """Addresses of people who are in copy: no form can name others."""
    form = await request.form()
    chosen = form.getall("copies", None)
    return [each.address for each in everybody if chosen is None or str(each.contact_id) in chosen]


async def _reply(session: AsyncSession, ticket: Ticket, reply_id: int) -> Message:
    """Locked: whoever delivers it must not do so at the same moment."""
    message = await session.scalar(
        select(Message)
        .where(
            Message.id == reply_id,
            Message.ticket_id == ticket.id,
            Message.direction == Direction.outbound,
        )
        .with_for_update()
    )
    if message is None:
        raise NotFound
    return message


@once
def _attempts() -> AnySelect:
    return select(Message.id, Message.text).where(
        Message.ticket_id == bindparam("ticket"), Message.client_id == bindparam("attempt")
    )


async def _sent_before(session: AsyncSession, found: Sequence[Any], form: ReplyForm) -> Message | None:
    if not found:
        return None
    if found[0].text.split() != form.body.split():
        raise SentOtherwise
    return await session.get_one(Message, found[0].id)


@once
def _offered() -> AnySelect:
    return select(Suggestion.id).where(
        Suggestion.ticket_id == bindparam("ticket"), Suggestion.state == State.offered
    )


async def _settle_suggestion(
    session: AsyncSession, ticket: Ticket, form: ReplyForm, agent: Agent, message: Message
) -> None:
    """Record how far the suggestion that this reply began with was changed; any other is out of date now."""
    if form.suggestion_id:
        used = await session.scalar(
            select(Suggestion).where(Suggestion.id == form.suggestion_id, Suggestion.ticket_id == ticket.id)
        )
        if used and used.is_usable:
            used.use(by=agent, sent=form.body, reply=message)
    await outdate(session, ticket)


async def kept(desk: Desk, request: Request[Any, Any, Any]) -> list[Attachment]:
    """Bytes are on disk before any row points at them."""
    return [
        Attachment(
            name=upload.name,
            content_type=upload.content_type,
            size=len(upload.content),
            key=await desk.files.put(upload.content),
        )
        for upload in await files(request)
    ]


def _wait(ticket: Ticket) -> timedelta:
    """Nobody in a chat waits ten seconds so that words could be taken back that they would have read by then."""
    kind = registry.all().get(ticket.inbox.channel)
    return timedelta(0) if kind and kind.capabilities.realtime else UNDO


def _seconds(message: Message) -> int:
    """How long it can still be taken back; 0 when it cannot."""
    left = (message.send_after - now()).total_seconds() if message.send_after else 0
    return max(0, min(round(left), int(UNDO.total_seconds())))
