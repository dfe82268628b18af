"""Out of sight and back: snoozing, spam, trash, deletion for good; and notes put right by their authors."""

from typing import Any, Literal

from litestar import Controller, Request, Response, delete, post
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import select

from helpdesk import deletion, erasing
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.messages import Message
from helpdesk.snoozing import chosen
from helpdesk.tickets import Removal
from web.auth import permits
from web.console.workplace import Undo, changed
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.settings.frame import confirmed
from web.words import zone

Form = Request[Any, Any, Any]


class SnoozeForm(Fields):
    until: str = ""
    """A preset's name, or a local time."""
    at: str = ""
    """The field in which a time is picked; counts where no preset was pressed."""


class RemovalForm(Fields):
    why: Literal["spam", "trash"]


class DeletionForm(Fields):
    confirmation: str


class NoteForm(Fields):
    body: str


class Snoozes(Controller):
    path = "/tickets/{number:int}/snooze"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        form = await read(request, SnoozeForm)
        ticket.snooze(chosen(form.until or form.at, now(), zone(agent.time_zone)), by=agent)
        words = gettext("Snoozed")
        return await changed(
            request, page, session, agent, ticket, undoing=Undo(words, "alarm-clock", "snooze")
        )

    @delete(opt=permits(Action.change), status_code=200)
    async def remove(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        ticket.wake(by=agent)
        return await changed(request, page, session, agent, ticket)


class Removals(Controller):
    path = "/tickets/{number:int}/removal"

    @post(opt=permits(Action.remove), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        why = Removal((await read(request, RemovalForm)).why)
        ticket.remove(why, by=agent)
        spam = why is Removal.spam
        words = gettext("Marked as spam") if spam else gettext("Moved to the trash")
        undo = Undo(words, "ban" if spam else "trash-2", "removal")
        return await changed(request, page, session, agent, ticket, undoing=undo)

    @delete(opt=permits(Action.remove), status_code=200)
    async def remove(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        ticket.restore(by=agent)
        return await changed(request, page, session, agent, ticket, toast=gettext("Restored"))


class Deletions(Controller):
    path = "/tickets/{number:int}/deletion"

    @post(opt=permits(Action.delete), status_code=200)
    async def create(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        """For good, with everything said in it; its number has to be typed."""
        given = (await read(request, DeletionForm)).confirmation
        confirmed(str(page.typed_number(given) or ""), str(ticket.number))
        gone = await deletion.delete_for_good(session, ticket, by=agent)
        await session.commit()
        await erasing.remove_files(desk, session, gone.files)
        if page.is_partial:
            return Response("", status_code=204, headers={"hx-redirect": "/tickets"})
        return Redirect("/tickets", status_code=303)


class NoteTexts(Controller):
    path = "/tickets/{number:int}/notes/{note_id:int}"

    @post(opt=permits(Action.note), status_code=200)
    async def save(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        note_id: FromPath[int],
    ) -> Response[Any]:
        note = await session.scalar(
            select(Message).where(Message.id == note_id, Message.ticket_id == ticket.id).with_for_update()
        )
        if note is None:
            raise NotFound
        ticket.edit_note(note, (await read(request, NoteForm)).body, by=agent)
        return await changed(request, page, session, agent, ticket)


ROUTES: list[Any] = [Snoozes, Removals, Deletions, NoteTexts]
