"""What a person may ask for: a copy of everything that is theirs, and to be forgotten."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from litestar import Controller, Request, Response, get, post
from sqlalchemy import func, select

from helpdesk import persons, retention
from helpdesk.access import Action
from helpdesk.errors import Conflict
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.messages import Message
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.people.finding import CONTACT, CurrentContact
from web.settings.frame import confirmed, done

CHANGES = permits(Action.manage_data, confirmed=True)
LARGEST = 2 << 30  # bytes of a copy that a browser is sent


class ErasureForm(Fields):
    confirmation: str


class TooLarge(Conflict):
    message = _("This copy is too large for a browser. `helpdesk retention person` writes it into a file.")


class Erasure(Controller):
    path = "/contacts/{number:int}/erasure"
    dependencies = CONTACT

    @get(opt=permits(Action.manage_data))
    async def ask(
        self, session: Session, agent: CurrentAgent, page: ThisPage, contact: CurrentContact
    ) -> Html:
        tickets = await session.scalar(select(func.count()).where(Ticket.contact_id == contact.id))
        messages = await session.scalar(
            select(func.count())
            .select_from(Message)
            .join(Ticket, Ticket.id == Message.ticket_id)
            .where((Message.contact_id == contact.id) | (Ticket.contact_id == contact.id))
        )
        last = await session.scalar(
            select(Event)
            .where(Event.about == "contact", Event.about_id == contact.id, Event.kind == Kind.contact_erased)
            .order_by(Event.id.desc())
            .limit(1)
        )
        return page(
            "people/erasure.html",
            shell=await Shell.load(session, agent),
            contact=contact,
            tickets=tickets,
            messages=messages,
            proof=last,
        )

    @post(opt=CHANGES)
    async def erase(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        contact: CurrentContact,
    ) -> Response[Any]:
        given = await read(request, ErasureForm)
        confirmed(given.confirmation, contact.shown_address or contact.name)
        await retention.erase(session, desk, contact, by=agent)
        return done(request, f"/contacts/{contact.id}/erasure", "removed")

    @get("/copy", opt=CHANGES)
    async def copy(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, contact: CurrentContact
    ) -> Response[bytes]:
        """A ZIP, made where it is asked for."""
        with tempfile.TemporaryDirectory(prefix="helpdesk-person-") as folder:
            target = Path(folder) / "person.zip"
            await persons.copy_out(session, desk, contact, target, by=agent)
            if target.stat().st_size > LARGEST:
                raise TooLarge
            content = await asyncio.to_thread(target.read_bytes)
        headers = {
            "content-disposition": f'attachment; filename="person-{contact.id}.zip"',
            "cache-control": "no-store",
        }
        return Response(content, media_type="application/zip", headers=headers)
