"""What was said with a contact, and who may be the same person."""

from typing import Annotated

from litestar import Controller, get, post
from msgspec import Meta

from helpdesk import contact_history, contacts, duplicates
from helpdesk.access import Action
from helpdesk.events import ActorKind
from helpdesk.messages import Direction
from helpdesk.people import Contact
from helpdesk.views import Cursor
from web.api import choices
from web.api.answers import Listed
from web.api.contacts import CONTACT
from web.api.given import PAGE, After, Given, Id, Limit, PathId, Sent
from web.api.shapes import Address, At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.people.finding import CurrentContact


class SaidView(Shape):
    id: int
    ticket: Annotated[int, Meta(examples=[42])]
    subject: str
    direction: Direction
    author: ActorKind
    name: str | None
    """Of whom it is from."""
    channel: Annotated[str, Meta(examples=["email"])]
    inbox: str
    text: str
    """Its first 600 characters."""
    is_cut: bool
    automatic: bool
    sent_at: At


class DuplicateView(Shape):
    id: int
    name: str
    address: Address
    score: float
    """0 to 100; only to order them."""
    reason: Annotated[str, Meta(examples=["m.lind@lumen.example and mlind@lumen.example are alike."])]


class Different(Sent):
    other: Id


class History(Controller):
    path = "/contacts/{number:int}/history"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=permits(Action.read_contacts), summary="List what was said with a contact")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[SaidView]:
        """Newest first, over all channels and tickets, as far as the agent may see them."""
        begin = Cursor.read(after) if after else None
        found = await contact_history.stream(session, agent, contact, after=begin, limit=limit)
        rows = [
            SaidView(
                id=row.id,
                ticket=row.number,
                subject=row.subject,
                direction=row.direction,
                author=row.author,
                name=row.agent or row.contact,
                channel=row.channel,
                inbox=row.inbox,
                text=row.text,
                is_cut=row.is_cut,
                automatic=row.automatic,
                sent_at=row.sent_at,
            )
            for row in found.messages
        ]
        return Listed(items=rows, next=str(found.after) if found.after else None)


class Duplicates(Controller):
    path = "/contacts/{number:int}/duplicates"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=permits(Action.read_contacts), summary="List who may be the same person")
    async def list(
        self, session: Session, agent: CurrentAgent, contact: CurrentContact, number: PathId
    ) -> Listed[DuplicateView]:
        """The likeliest first, each with its reason. Nothing is merged by itself."""
        found = await duplicates.like(session, agent, contact)
        return Listed(
            items=[
                DuplicateView(
                    id=each.contact.id,
                    name=each.contact.name,
                    address=each.contact.address,
                    score=each.score,
                    reason=each.reason,
                )
                for each in found
            ]
        )


class Differences(Controller):
    path = "/contacts/{number:int}/differences"
    dependencies = CONTACT
    opt = {"resource": "contacts"}  # noqa: RUF012

    @post(opt=permits(Action.change_contacts), summary="Say that two contacts are two people")
    async def create(
        self,
        session: Session,
        agent: CurrentAgent,
        contact: CurrentContact,
        number: PathId,
        given: Given[Different],
    ) -> None:
        """They are never offered as duplicates again."""
        query = contacts.visible_contacts(agent, Action.change_contacts).where(Contact.id == given.other)
        other = await session.scalar(query)
        if other is None or other.id == contact.id:
            raise choices.unknown("other", given.other)
        await duplicates.call_distinct(session, contact, other, by=agent)
