"""Contacts: the people who write to us, how they can be reached, and what is noted about them."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import contact_lists, contact_merges, contacts, fields
from helpdesk.access import Action
from helpdesk.contact_merges import ContactMerge
from helpdesk.contacts import ContactNote
from helpdesk.errors import NotFound
from helpdesk.fields import Subject
from helpdesk.identities import IdentityKind
from helpdesk.messages import Proof
from helpdesk.people import Contact, ContactIdentity, Origin
from web.api import choices
from web.api.answers import Answer, Listed, expect
from web.api.choices import Named
from web.api.given import BIG, PAGE, After, Given, Id, Limit, Patch, PathId, Sent, Word
from web.api.openapi import PREFIX
from web.api.shapes import Address, AgentRef, At, Ref, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.people.finding import CurrentContact, visible_contact

PersonName = Annotated[Word, Meta(examples=["Marta Lind"])]
FieldValues = Annotated[dict[str, Any], Meta(examples=[{"customer_number": "K-204"}])]


class IdentityView(Shape):
    id: int
    kind: Annotated[str, Meta(examples=["email"])]
    value: Address
    proof: Proof
    origin: Origin
    verified_at: At | None

    @classmethod
    def of(cls, found: ContactIdentity) -> "IdentityView":
        return cls(
            id=found.id,
            kind=found.kind,
            value=found.value,
            proof=found.proof,
            origin=found.origin,
            verified_at=found.verified_at,
        )


class ContactRow(Shape):
    id: int
    name: PersonName
    title: str
    address: Address | None
    company: Ref | None
    blocked: bool
    open_tickets: int
    """As far as the agent may see them."""
    last_message_at: At | None


class ContactView(Shape):
    id: int
    name: PersonName
    title: str
    company: Ref | None
    language: Annotated[str, Meta(examples=["de"])]
    time_zone: Annotated[str, Meta(examples=["Europe/Berlin"])]
    fields: FieldValues
    identities: list[IdentityView]
    blocked_at: At | None
    merged_into: Annotated[int | None, Meta(examples=[None])]
    created_at: At

    @classmethod
    def of(cls, contact: Contact) -> "ContactView":
        return cls(
            id=contact.id,
            name=contact.name,
            title=contact.title,
            company=Ref.of(contact.company),
            language=contact.language,
            time_zone=contact.time_zone,
            fields=contact.fields,
            identities=[IdentityView.of(each) for each in contact.identities],
            blocked_at=contact.blocked_at,
            merged_into=contact.merged_into_id,
            created_at=contact.created_at,
        )


async def contact_of_address(
    request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: PathId
) -> Contact:
    """As the console finds it; where the request changes something, it is what `If-Match` expects."""
    contact = await visible_contact(request, session, agent, number)
    if request.method != "GET" and "if-match" in request.headers:
        expect(request, ContactView.of(contact))
    return contact


CONTACT = {"contact": Provide(contact_of_address)}


class NoteView(Shape):
    id: int
    text: str
    agent: AgentRef | None
    created_at: At


class NewContact(Sent):
    name: PersonName = ""
    email: Annotated[str, Meta(max_length=320, examples=["marta@lumen.example"])] = ""
    company: Named | None = None


class ContactPatch(Patch):
    name: PersonName | UnsetType = UNSET
    title: Word | UnsetType = UNSET
    company: Named | UnsetType | None = UNSET
    language: Annotated[str, Meta(max_length=20, examples=["pt-BR"])] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])] | UnsetType = UNSET
    fields: FieldValues | UnsetType = UNSET
    """Custom fields by key; null empties one, those left out stay."""


class NewIdentity(Sent):
    value: Annotated[str, Meta(min_length=1, max_length=400, examples=["+49 30 1234567"])]
    kind: IdentityKind = IdentityKind.email


class NewContactNote(Sent):
    text: Annotated[
        str, Meta(min_length=1, max_length=contacts.LONGEST_NOTE, examples=["Prefers the phone."])
    ]


class NewContactMerge(Sent):
    other: Id
    """The contact that becomes part of this one."""


class Contacts(Controller):
    path = "/contacts"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=permits(Action.read_contacts), summary="List contacts")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        q: Annotated[str, QueryParameter(max_length=100, description="Name, address or company.")] = "",
        company: Annotated[int | None, QueryParameter(ge=1, le=BIG, description="A company's id.")] = None,
        blocked: Annotated[bool, QueryParameter(description="Only those who are blocked.")] = False,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[ContactRow]:
        """By name from A to Z; with `q` by likeness, so that slips of the finger are forgiven."""
        found = await contact_lists.listed(
            session, agent, q=q, company_id=company, blocked=blocked, after=after, limit=limit
        )
        rows = [
            ContactRow(
                id=row.id,
                name=row.name,
                title=row.title,
                address=row.address,
                company=Ref(id=row.company_id, name=row.company) if row.company_id else None,
                blocked=row.blocked_at is not None,
                open_tickets=row.open,
                last_message_at=row.last_at,
            )
            for row in found.rows
        ]
        return Listed(items=rows, next=found.after or None)

    @post(opt=permits(Action.change_contacts), summary="Make a contact")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewContact]
    ) -> Answer[ContactView]:
        company = await choices.company(session, given.company)
        made = await contacts.create(session, given.name, by=agent, email=given.email, company=company)
        headers = {"location": f"{PREFIX}/contacts/{made.id}"}
        return Answer(await _view(session, made), status_code=201, headers=headers)

    @get("/{number:int}", opt=permits(Action.read_contacts), summary="Show a contact")
    async def show(self, contact: CurrentContact, number: PathId) -> ContactView:
        """One that was merged says into which."""
        return ContactView.of(contact)

    @patch(
        "/{number:int}", opt=permits(Action.change_contacts) | {"versioned": True}, summary="Change a contact"
    )
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        given: Given[ContactPatch],
    ) -> ContactView:
        values = given.given()
        if given.fields is not UNSET:
            registry = await fields.load(session, Subject.contact)
            await contacts.change_fields(session, contact, registry.read(values.pop("fields")), by=agent)
        if given.company is not UNSET:
            company = await choices.company(session, values.pop("company"))
            values["company_id"] = company.id if company else None
        await contacts.change(session, contact, values, by=agent)
        return await _view(session, contact)


class Identities(Controller):
    path = "/contacts/{number:int}/identities"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @post(opt=permits(Action.change_contacts), summary="Add an address to a contact")
    async def add(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        given: Given[NewIdentity],
    ) -> ContactView:
        """Mail, phone, Slack, chat, or the id in another program. 409 where it is somebody else's."""
        await contacts.add_identity(session, contact, given.kind, given.value, by=agent, origin=Origin.api)
        return await _view(session, contact)

    @delete(
        "/{identity_id:int}",
        opt=permits(Action.change_contacts),
        summary="Remove an address from a contact",
        status_code=200,
    )
    async def remove(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        identity_id: PathId,
    ) -> ContactView:
        found = next((each for each in contact.identities if each.id == identity_id), None)
        if found is None:
            raise NotFound
        await contacts.remove_identity(session, contact, found, by=agent)
        return await _view(session, contact)


class Blocking(Controller):
    path = "/contacts/{number:int}/blocking"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @post(opt=permits(Action.change_contacts), summary="Block a contact", status_code=200)
    async def block(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, number: PathId
    ) -> ContactView:
        """What they write from now on goes straight to spam."""
        contacts.block(session, contact, by=agent)
        return await _view(session, contact)

    @delete(opt=permits(Action.change_contacts), summary="Unblock a contact", status_code=200)
    async def unblock(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, number: PathId
    ) -> ContactView:
        contacts.unblock(session, contact, by=agent)
        return await _view(session, contact)


class ContactNotes(Controller):
    path = "/contacts/{number:int}/notes"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=permits(Action.read_contacts), summary="List notes about a contact")
    async def list(self, session: Session, contact: CurrentContact, number: PathId) -> Listed[NoteView]:
        """Newest first; the contact never sees them."""
        return await _notes(session, contact)

    @post(opt=permits(Action.change_contacts), summary="Note something about a contact")
    async def add(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        given: Given[NewContactNote],
    ) -> Listed[NoteView]:
        await contacts.note(session, contact, given.text, by=agent)
        return await _notes(session, contact)

    @delete("/{note_id:int}", opt=permits(Action.change_contacts), summary="Remove a note", status_code=200)
    async def remove(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        note_id: PathId,
    ) -> Listed[NoteView]:
        found = await session.get(ContactNote, note_id)
        if found is None or found.contact_id != contact.id:
            raise NotFound
        await contacts.remove_note(session, contact, found, by=agent)
        return await _notes(session, contact)


class ContactMerges(Controller):
    path = "/contacts/{number:int}/merges"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=permits(Action.merge_contacts), summary="List what was merged into a contact")
    async def list(self, session: Session, contact: CurrentContact, number: PathId) -> Listed[Ref]:
        """Merges that can be undone: the id of each, and who was merged."""
        rows = await contact_merges.merges_into(session, contact)
        return Listed(items=[Ref(id=row.id, name=row.name) for row in rows])

    @post(opt=permits(Action.merge_contacts), summary="Merge another contact into this one", status_code=200)
    async def create(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        given: Given[NewContactMerge],
    ) -> ContactView:
        query = contacts.visible_contacts(agent, Action.merge_contacts).where(Contact.id == given.other)
        if (other := await session.scalar(query)) is None:
            raise choices.unknown("other", given.other)
        await contact_merges.merge(session, contact, other, by=agent)
        return await _view(session, contact)

    @delete("/{merge_id:int}", opt=permits(Action.merge_contacts), summary="Undo a merge", status_code=200)
    async def undo(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, number: PathId, merge_id: PathId
    ) -> ContactView:
        """Answers the contact that is alive again."""
        done = await session.get(ContactMerge, merge_id)
        if done is None or done.winner_id != contact.id:
            raise NotFound
        return await _view(session, await contact_merges.unmerge(session, done, by=agent))


async def _view(session: AsyncSession, contact: Contact) -> ContactView:
    await session.flush()
    found = await session.scalar(
        select(Contact)
        .where(Contact.id == contact.id)
        .options(selectinload(Contact.identities), joinedload(Contact.company))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return ContactView.of(found)


async def _notes(session: AsyncSession, contact: Contact) -> Listed[NoteView]:
    await session.flush()
    rows = await session.scalars(
        select(ContactNote)
        .where(ContactNote.contact_id == contact.id)
        .options(joinedload(ContactNote.agent))
        .order_by(ContactNote.id.desc())
        .limit(500)
    )
    return Listed(
        items=[
            NoteView(id=n.id, text=n.text, agent=AgentRef.of(n.agent), created_at=n.created_at) for n in rows
        ]
    )
