"""Small changes to a contact, each a resource of its own: addresses, notes, blocking."""

from typing import Any

from litestar import Controller, Request, post
from litestar.response import Redirect

from helpdesk import contacts, satisfaction
from helpdesk.access import Action
from helpdesk.contacts import ContactNote
from helpdesk.errors import NotFound
from helpdesk.identities import IdentityKind
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.people.finding import CONTACT, CurrentContact, Number, back


class IdentityForm(Fields):
    kind: IdentityKind
    value: str


class NoteForm(Fields):
    text: str


class Identities(Controller):
    path = "/contacts/{number:int}/identities"
    dependencies = CONTACT

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, contact: CurrentContact
    ) -> Redirect:
        form = await read(request, IdentityForm)
        await contacts.add_identity(session, contact, form.kind, form.value, by=agent)
        return back(contact)

    @post("/{identity:int}/removal", opt=permits(Action.change_contacts))
    async def remove(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, identity: Number
    ) -> Redirect:
        found = next((each for each in contact.identities if each.id == identity), None)
        if found is None:
            raise NotFound
        await contacts.remove_identity(session, contact, found, by=agent)
        return back(contact)


class Surveys(Controller):
    """Whether they may be asked how it was, after they had said no."""

    path = "/contacts/{number:int}/surveys"
    dependencies = CONTACT

    @post(opt=permits(Action.change_contacts))
    async def welcome(self, session: Session, agent: CurrentAgent, contact: CurrentContact) -> Redirect:
        await satisfaction.welcome(session, contact, by=agent)
        return back(contact)


class Notes(Controller):
    path = "/contacts/{number:int}/notes"
    dependencies = CONTACT

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, contact: CurrentContact
    ) -> Redirect:
        form = await read(request, NoteForm)
        await contacts.note(session, contact, form.text, by=agent)
        return back(contact, "#notes")

    @post("/{note:int}/removal", opt=permits(Action.change_contacts))
    async def remove(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, note: Number
    ) -> Redirect:
        found = await session.get(ContactNote, note)
        if found is None or found.contact_id != contact.id:
            raise NotFound
        await contacts.remove_note(session, contact, found, by=agent)
        return back(contact, "#notes")


class Blocking(Controller):
    path = "/contacts/{number:int}/block"
    dependencies = CONTACT

    @post(opt=permits(Action.change_contacts))
    async def create(self, session: Session, agent: CurrentAgent, contact: CurrentContact) -> Redirect:
        contacts.block(session, contact, by=agent)
        return back(contact)

    @post("/removal", opt=permits(Action.change_contacts))
    async def remove(self, session: Session, agent: CurrentAgent, contact: CurrentContact) -> Redirect:
        contacts.unblock(session, contact, by=agent)
        return back(contact)
