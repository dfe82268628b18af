"""What tickets are sorted by beside status and priority: one type, any number of tags."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Row

MOST_TAGS = 50  # of one ticket

ticket_tag = Table(
    "ticket_tag",
    Base.metadata,
    Column("ticket_id", BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", BigInteger, ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(Row):
    __tablename__ = "tag"

    name: Mapped[str]
    colour: Mapped[str] = mapped_column(server_default="grey")

    __table_args__ = (Index("uq_tag_name", text("lower(name)"), unique=True),)


class TicketType(Row):
    """Question, problem, order, …: what sort of thing a ticket is."""

    __tablename__ = "ticket_type"

    name: Mapped[str]
    colour: Mapped[str] = mapped_column(server_default="grey")
    position: Mapped[int] = mapped_column(server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (Index("uq_ticket_type_name", text("lower(name)"), unique=True),)
