"""Templates for new tickets: what is filled in before an agent begins to write."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.i18n import _
from helpdesk.texts import clean, written
from helpdesk.tickets import Priority


class TicketTemplate(Row):
    __tablename__ = "ticket_template"

    name: Mapped[str]
    subject: Mapped[str] = mapped_column(default="", server_default="")
    body: Mapped[str] = mapped_column(default="", server_default="")
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inbox.id", ondelete="SET NULL"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    type_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_type.id", ondelete="SET NULL"))
    priority: Mapped[Priority] = mapped_column(Choice(Priority), default=Priority.normal)
    tags: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Names: a tag that is gone is made again when the template is used."""
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Custom fields by key, as `helpdesk/fields.py` stores them; read again when the template is used."""
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (Index("uq_ticket_template_name", text("lower(name)"), unique=True),)


class Nameless(Invalid):
    message = _("Give the template a name of 1 to 80 characters.")


class NameTaken(Conflict):
    message = _("There is a template of this name already.")


async def offered(session: AsyncSession) -> Sequence[TicketTemplate]:
    query = select(TicketTemplate).where(~TicketTemplate.archived)
    return (await session.scalars(query.order_by(TicketTemplate.position, TicketTemplate.name))).all()


async def save(session: AsyncSession, template: TicketTemplate, **given: Any) -> TicketTemplate:
    """A new or changed one, by column; raises Nameless, NameTaken."""
    name = " ".join(clean(str(given.pop("name", template.name or ""))).split())
    if not 1 <= len(name) <= 80:
        raise Nameless
    template.name = name
    if "body" in given:
        given["body"] = written(given["body"])
    if "subject" in given:
        given["subject"] = " ".join(clean(given["subject"]).split())
    for column, value in given.items():
        setattr(template, column, value)
    try:
        async with session.begin_nested():
            session.add(template)
            await session.flush()
    except IntegrityError:
        raise NameTaken from None
    return template
