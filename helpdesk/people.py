"""Who is there: agents in teams on our side, contacts of companies on theirs."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, contains_eager, joinedload, mapped_column, relationship
from sqlalchemy.orm.strategy_options import _AbstractLoad

from helpdesk import maildomains
from helpdesk.clock import now
from helpdesk.database import Base, Choice, Row
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.identities import WRITTEN_TO
from helpdesk.messages import Proof, Sender


class Role(StrEnum):
    admin = "admin"
    lead = "lead"
    agent = "agent"
    light_agent = "light_agent"


class Reach(StrEnum):
    """Which tickets a role's permissions reach."""

    all = "all"
    teams = "teams"  # of the agent's teams, of none, assigned or followed
    assigned = "assigned"  # assigned or followed


class Availability(StrEnum):
    """What an agent says of themself; whoever has no console open is away from it, whatever they said."""

    online = "online"
    away = "away"
    offline = "offline"


class CustomRole(Row):
    """A role that a desk made itself: permissions by name, and how far they reach."""

    __tablename__ = "custom_role"

    name: Mapped[str] = mapped_column(unique=True)
    permissions: Mapped[list[str]] = mapped_column(server_default="{}")
    reach: Mapped[Reach] = mapped_column(Choice(Reach), default=Reach.teams)


class Membership(Base):
    """An agent in a team, perhaps with a role of its own for that team's tickets."""

    __tablename__ = "team_member"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    custom_role_id: Mapped[int | None] = mapped_column(ForeignKey("custom_role.id", ondelete="SET NULL"))

    custom_role: Mapped[CustomRole | None] = relationship(lazy="raise")


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
    custom_role_id: Mapped[int | None] = mapped_column(ForeignKey("custom_role.id", ondelete="SET NULL"))
    """Takes the place of what `role` allows."""
    availability: Mapped[Availability] = mapped_column(Choice(Availability), server_default="online")
    """As they set it by hand; `presence` is what colleagues see."""
    present_at: Mapped[datetime | None]
    """When a console of theirs was last known to be open; None since it was closed."""
    away_since: Mapped[datetime | None]
    """Since when they have not been there to take tickets; None while they are."""
    notices: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What they want to hear of, and how: helpdesk/notifications.py reads it."""

    custom_role: Mapped[CustomRole | None] = relationship(lazy="raise")
    teams: Mapped[list[Team]] = relationship(secondary="team_member", lazy="raise")
    memberships: Mapped[list[Membership]] = relationship(lazy="raise", viewonly=True)

    __table_args__ = (Index("uq_agent_email", text("lower(email)"), unique=True),)

    @property
    def token_id(self) -> int | None:
        """The API token by which this agent acts in the present request; None in person."""
        return self.__dict__.get("_token_id")

    @property
    def scopes(self) -> frozenset[str] | None:
        """What the token allows, by which this agent acts; None in person."""
        return self.__dict__.get("_scopes")

    def act_by(self, token_id: int, scopes: frozenset[str]) -> None:
        """From now on the agent may do what both the token and their own role allow."""
        self.__dict__["_token_id"], self.__dict__["_scopes"] = token_id, scopes

    @property
    def presence(self) -> Availability:
        return self.availability if self.present_at else Availability.offline

    @property
    def team_ids(self) -> list[int]:
        return [membership.team_id for membership in self.memberships]


def with_access() -> tuple[_AbstractLoad, ...]:
    """What must be loaded of an agent before `helpdesk.access` can be asked; one statement."""
    return (
        joinedload(Agent.custom_role),
        joinedload(Agent.memberships).joinedload(Membership.custom_role),
    )


class Company(Row):
    """A firm whose people write to us."""

    __tablename__ = "company"

    name: Mapped[str] = mapped_column(unique=True)
    notes: Mapped[str] = mapped_column(server_default="")
    time_zone: Mapped[str] = mapped_column(server_default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    shares_tickets: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Its people see each other's tickets in the help centre."""

    domains: Mapped[list["CompanyDomain"]] = relationship(lazy="raise", order_by="CompanyDomain.domain")

    __table_args__ = (
        Index(
            "ix_company_name_words", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}
        ),
        Index(
            "ix_company_fields", "fields", postgresql_using="gin", postgresql_ops={"fields": "jsonb_path_ops"}
        ),
    )


class CompanyDomain(Row):
    """A mail domain whose people belong to a company, those of its subdomains included."""

    __tablename__ = "company_domain"

    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"), index=True)
    domain: Mapped[str] = mapped_column(unique=True)


class Contact(Row):
    """Somebody who wrote to us, by whatever channel."""

    __tablename__ = "contact"
    actor: ClassVar[ActorKind] = ActorKind.contact

    name: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)
    language: Mapped[str] = mapped_column(server_default="")
    time_zone: Mapped[str] = mapped_column(server_default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Custom fields by key, as `helpdesk/fields.py` stores them."""
    blocked_at: Mapped[datetime | None]
    """Since when what they write goes straight to spam."""
    erased_at: Mapped[datetime | None]
    """Since when nothing is known of them."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    """The contact that everything of this one belongs to now, until that is undone."""

    company: Mapped[Company | None] = relationship(lazy="raise")
    identities: Mapped[list["ContactIdentity"]] = relationship(
        back_populates="contact", lazy="raise", order_by="ContactIdentity.id"
    )

    __table_args__ = (
        Index(
            "ix_contact_by_name",
            text("lower(left(name, 60))"),  # names of 10 kB exist, index rows of 10 kB do not
            "id",
            postgresql_where=text("merged_into_id IS NULL"),
        ),
        Index(
            "ix_contact_name_words", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}
        ),
        Index(
            "ix_contact_fields", "fields", postgresql_using="gin", postgresql_ops={"fields": "jsonb_path_ops"}
        ),
        Index(
            "ix_contact_field_words",
            text("field_words(fields) gin_trgm_ops"),
            postgresql_using="gin",
            postgresql_where=text("fields <> '{}'"),
        ),
        Index("ix_contact_merged", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    @property
    def is_blocked(self) -> bool:
        return self.blocked_at is not None

    @property
    def token_id(self) -> None:
        """Contacts have no API tokens."""

    @property
    def address(self) -> str:
        """The first known e-mail address, or whatever else they are known by."""
        mails = [i.value for i in self.identities if i.kind == "email"]
        return (mails or [i.value for i in self.identities] or [""])[0]

    @property
    def shown_address(self) -> str:
        """As `address`, for people: empty where only programs know them by anything."""
        found = {i.kind: i.value for i in reversed(self.identities)}
        return next((found[kind] for kind in WRITTEN_TO if kind in found), "")


class Origin(StrEnum):
    """How the desk came to know an identity."""

    message = "message"  # somebody wrote from it
    agent = "agent"  # a colleague added it
    imported = "import"
    api = "api"


class ContactIdentity(Row):
    """One way a contact is known: an e-mail address, a phone number, a Slack user, a visitor."""

    __tablename__ = "contact_identity"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    kind: Mapped[str]
    value: Mapped[str]
    """As `helpdesk.identities.normal` writes it, so that the same address is the same text."""
    proof: Mapped[Proof] = mapped_column(Choice(Proof), default=Proof.none)
    origin: Mapped[Origin] = mapped_column(
        Choice(Origin), default=Origin.message, server_default=Origin.message.value
    )
    verified_at: Mapped[datetime | None]
    """When a channel first proved that it is theirs."""

    contact: Mapped[Contact] = relationship(back_populates="identities", lazy="raise")

    __table_args__ = (
        UniqueConstraint("kind", "value"),
        Index(
            "ix_contact_identity_value_words",
            "value",
            postgresql_using="gin",
            postgresql_ops={"value": "gin_trgm_ops"},
        ),
        Index("ix_contact_identity_phone", text("right(value, 9)"), postgresql_where=text("kind = 'phone'")),
    )


async def known_as(session: AsyncSession, sender: Sender) -> Contact:
    """The contact with this address, made when it is new. A display name never identifies anyone.

    The caller holds `sender_lock` on the address, so nobody else can be making the same contact.
    """
    return await recognised(session, sender, await identified(session, [sender]))


async def identified(
    session: AsyncSession, senders: Collection[Sender]
) -> dict[tuple[str, str], "ContactIdentity"]:
    """By kind and address, with their contacts, as far as they are known."""
    given = {
        "kinds": list({sender.kind for sender in senders}),
        "values": [sender.address for sender in senders],
    }
    found = await session.scalars(_identities(), given)
    return {(identity.kind, identity.value): identity for identity in found}


async def recognised(
    session: AsyncSession, sender: Sender, known: Mapping[tuple[str, str], "ContactIdentity"]
) -> Contact:
    """`known_as`, where what is `identified` was asked for many at once."""
    identity = known.get((sender.kind, sender.address))
    if identity is None:
        return await _met(session, sender)
    if sender.proof is Proof.authenticated and identity.verified_at is None:
        identity.proof, identity.verified_at = Proof.authenticated, now()
    return identity.contact


@cache
def _identities() -> Any:
    return (
        select(ContactIdentity)
        .join(ContactIdentity.contact)
        .options(contains_eager(ContactIdentity.contact))
        .where(
            ContactIdentity.kind == any_(bindparam("kinds", type_=ARRAY(Text))),
            ContactIdentity.value == any_(bindparam("values", type_=ARRAY(Text))),
        )
    )


async def _met(session: AsyncSession, sender: Sender) -> Contact:
    at = now()
    found = await session.scalars(
        _introduction(),
        {
            "called": sender.name or sender.address,
            "domains": company_domains_of(sender),
            "of_kind": sender.kind,
            "address": sender.address,
            "proven": sender.proof,
            "verified": at if sender.proof is Proof.authenticated else None,
            "at": at,
        },
    )
    new: Contact = found.one()
    why: dict[str, Any] = {"company": new.company_id, "because": "domain"} if new.company_id else {}
    session.add(Event(Kind.contact_created, by=new, about=new, **why))
    return new


@cache
def _introduction() -> Any:
    """A new contact, of the company whose mail domain the address has: found and made in one statement."""
    company = (
        select(CompanyDomain.company_id)
        .where(CompanyDomain.domain == any_(bindparam("domains", type_=ARRAY(Text))))
        .order_by(func.length(CompanyDomain.domain).desc())
        .limit(1)
        .scalar_subquery()
    )
    at: Any = bindparam("at", type_=DateTime(timezone=True))
    given = {"name": bindparam("called", type_=Text), "company_id": company, "created_at": at}
    contact = insert(Contact).values(given).returning(Contact).cte("made")
    identity = {
        "contact_id": contact.c.id,
        "kind": bindparam("of_kind", type_=Text),
        "value": bindparam("address", type_=Text),
        "proof": bindparam("proven", type_=Choice(Proof)),
        "origin": literal(Origin.message, Choice(Origin)),
        "verified_at": bindparam("verified", type_=DateTime(timezone=True)),
        "created_at": at,
    }
    known = insert(ContactIdentity).from_select(list(identity), select(*identity.values())).cte("known")
    return select(Contact).from_statement(select(contact).add_cte(known))


def company_domains_of(sender: Sender) -> list[str]:
    """Domains by which a sender may be given a company: none of a public provider's, none of a mail that its
    own domain disowns."""
    if sender.kind != "email" or sender.proof is Proof.failed:
        return []
    return maildomains.companies(sender.address)


def sender_lock(kind: str, value: str) -> ColumnElement[None]:
    """Held until the transaction ends: what concerns this address happens one after the other."""
    return func.pg_advisory_xact_lock(func.hashtextextended(f"{kind}:{value}", 0))


async def team_called(session: AsyncSession, name: str) -> Team:
    """The team of this name, made when it is new."""
    return await session.scalar(select(Team).where(Team.name == name)) or Team(name=name)
