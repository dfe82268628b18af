"""Who is there: agents in teams on our side, contacts of companies on theirs."""

from enum import StrEnum
from typing import ClassVar

from sqlalchemy import Column, ForeignKey, Index, Table, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Base, Choice, Row
from helpdesk.events import ActorKind
from helpdesk.messages import Proof, Sender


class Role(StrEnum):
    admin = "admin"
    lead = "lead"
    agent = "agent"
    light_agent = "light_agent"


team_member = Table(
    "team_member",
    Base.metadata,
    Column("team_id", ForeignKey("team.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Team(Row):
    __tablename__ = "team"

    name: Mapped[str] = mapped_column(unique=True)
    colour: Mapped[str] = mapped_column(server_default="blue")
    description: Mapped[str] = mapped_column(server_default="")
    examples: Mapped[list[str]] = mapped_column(server_default="{}")
    """Phrases of customers whose tickets belong here; triage learns from them on the first day."""


class Agent(Row):
    __tablename__ = "agent"
    actor: ClassVar[ActorKind] = ActorKind.agent

    name: Mapped[str]
    email: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[Role] = mapped_column(Choice(Role), default=Role.agent)
    active: Mapped[bool] = mapped_column(default=True)
    locale: Mapped[str] = mapped_column(server_default="en")
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    signature: Mapped[str] = mapped_column(server_default="")

    teams: Mapped[list[Team]] = relationship(secondary=team_member, lazy="raise")

    __table_args__ = (Index("uq_agent_email", text("lower(email)"), unique=True),)

    @property
    def team_ids(self) -> list[int]:
        return [team.id for team in self.teams]


class Company(Row):
    """A firm whose people write to us."""

    __tablename__ = "company"

    name: Mapped[str] = mapped_column(unique=True)


class Contact(Row):
    """Somebody who wrote to us, by whatever channel."""

    __tablename__ = "contact"
    actor: ClassVar[ActorKind] = ActorKind.contact

    name: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)

    company: Mapped[Company | None] = relationship(lazy="raise")
    identities: Mapped[list["ContactIdentity"]] = relationship(
        back_populates="contact", lazy="raise", order_by="ContactIdentity.id"
    )

    @property
    def address(self) -> str:
        """The first known e-mail address, or whatever else they are known by."""
        mails = [i.value for i in self.identities if i.kind == "email"]
        return (mails or [i.value for i in self.identities] or [""])[0]


class ContactIdentity(Row):
    """One way a contact is known: an e-mail address, a Slack user, a visitor."""

    __tablename__ = "contact_identity"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    kind: Mapped[str]
    value: Mapped[str]
    proof: Mapped[Proof] = mapped_column(Choice(Proof), default=Proof.none)

    contact: Mapped[Contact] = relationship(back_populates="identities", lazy="raise")

    __table_args__ = (UniqueConstraint("kind", "value"),)


async def known_as(session: AsyncSession, sender: Sender) -> Contact:
    """The contact with this address, made when it is new. A display name never identifies anyone."""
    found = await session.scalar(
        select(Contact)
        .join(Contact.identities)
        .where(ContactIdentity.kind == sender.kind, ContactIdentity.value == sender.address)
    )
    if found:
        return found
    contact = Contact(name=sender.name or sender.address)
    session.add(contact)
    await session.flush()
    identity = insert(ContactIdentity).values(
        contact_id=contact.id, kind=sender.kind, value=sender.address, proof=sender.proof
    )
    # The intake holds a lock on the address, so nobody else can be making the same contact.
    await session.execute(identity)
    return contact


async def team_called(session: AsyncSession, name: str) -> Team:
    """The team of this name, made when it is new."""
    return await session.scalar(select(Team).where(Team.name == name)) or Team(name=name)


async def addresses_of(session: AsyncSession, contact_id: int) -> list[str]:
    rows = await session.scalars(
        select(ContactIdentity.value).where(ContactIdentity.contact_id == contact_id)
    )
    return list(rows)
