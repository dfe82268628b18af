"""The small parts that answers are made of. What is shown is listed here, never taken from a model as it is."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from helpdesk.people import Agent, Company, Contact, Team
from helpdesk.statuses import Category, Status

At = Annotated[datetime, Meta(tz=True, examples=["2026-01-31T09:00:00Z"])]
Name = Annotated[str, Meta(examples=["Billing"])]
Address = Annotated[str, Meta(examples=["marta@lumen.example"])]


class Shape(msgspec.Struct, kw_only=True):
    """What the API gives."""


class Ref(Shape):
    id: int
    name: Name

    @classmethod
    def of(cls, row: Team | Company | None) -> "Ref | None":
        return cls(id=row.id, name=row.name) if row else None


class AgentRef(Shape):
    id: int
    name: Annotated[str, Meta(examples=["Ada Novak"])]
    email: Annotated[str, Meta(examples=["ada@desk.example"])]

    @classmethod
    def of(cls, agent: Agent | None) -> "AgentRef | None":
        return cls(id=agent.id, name=agent.name, email=agent.email) if agent else None


class ContactRef(Shape):
    id: int
    name: Annotated[str, Meta(examples=["Marta Lind"])]
    address: Address
    """The first e-mail address, or whatever else they are known by."""

    @classmethod
    def of(cls, contact: Contact) -> "ContactRef":
        """`identities` are loaded."""
        return cls(id=contact.id, name=contact.name, address=contact.address)


class StatusRef(Shape):
    id: int
    name: Annotated[str, Meta(examples=["Waiting for customer"])]
    category: Category

    @classmethod
    def of(cls, status: Status) -> "StatusRef":
        return cls(id=status.id, name=status.name, category=status.category)
