"""A message as callers read it."""

from typing import Annotated

from msgspec import Meta
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.events import ActorKind
from helpdesk.messages import Attachment, Delivery, Direction, Message
from web.api.shapes import Address, AgentRef, At, Ref, Shape


class FileView(Shape):
    id: int
    name: Annotated[str, Meta(examples=["invoice.pdf"])]
    content_type: Annotated[str, Meta(examples=["application/pdf"])]
    size: int
    inline: bool

    @classmethod
    def of(cls, file: Attachment) -> "FileView":
        return cls(
            id=file.id, name=file.name, content_type=file.content_type, size=file.size, inline=file.inline
        )


class MessageView(Shape):
    id: int
    direction: Direction
    author: ActorKind
    agent: AgentRef | None
    contact: Ref | None
    sender: Address | None
    recipients: list[Address]
    copies: list[Address]
    text: Annotated[str, Meta(examples=["Where is my invoice?"])]
    """What was written, without quotes."""
    quoted: str | None
    """All of it, where something was cut."""
    has_html: bool
    automatic: bool
    attachments: list[FileView]
    sent_at: At
    delivery: Delivery | None
    send_after: At | None
    """A reply can be taken back until then."""
    delivered_at: At | None
    trouble: str | None
    withdrawn_at: At | None
    edited_at: At | None
    original: str | None
    """A note's first words, once it was edited."""
    side: int | None
    """The side conversation with a third party that it belongs to; the customer never sees it."""

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        contact = message.contact
        return cls(
            id=message.id,
            direction=message.direction,
            author=message.author,
            agent=AgentRef.of(message.agent),
            contact=Ref(id=contact.id, name=contact.name) if contact else None,
            sender=message.sender,
            recipients=message.recipients,
            copies=message.copies,
            text=message.text,
            quoted=message.quoted,
            has_html=message.html is not None,
            automatic=message.automatic,
            attachments=[FileView.of(file) for file in message.attachments],
            sent_at=message.sent_at,
            delivery=message.delivery,
            send_after=message.send_after,
            delivered_at=message.delivered_at,
            trouble=message.trouble,
            withdrawn_at=message.withdrawn_at,
            edited_at=message.edited_at,
            original=message.original,
            side=message.side_id,
        )


def viewed() -> Select[Message]:
    return (
        select(Message)
        .options(joinedload(Message.agent), joinedload(Message.contact), selectinload(Message.attachments))
        .execution_options(populate_existing=True)
    )
