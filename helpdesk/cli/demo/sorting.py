"""Types, tags, fields, links and sleep for the demo's tickets, told as colleagues would have done it."""

from datetime import UTC
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import clock, fields, labels, links, macros, snoozing, statuses
from helpdesk.cli.demo.content import FOLDER, Told, toml
from helpdesk.events import DESK
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.labels import tags_called
from helpdesk.links import Side
from helpdesk.macros import Given
from helpdesk.people import Agent, Role, with_access
from helpdesk.sharing import Visibility
from helpdesk.sla import Policy
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket


class Named(Told, frozen=True):
    name: str
    colour: str


class Status(Named, frozen=True, kw_only=True):
    customer_name: str
    category: Category


class Field(Told, frozen=True):
    name: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    pattern: str = ""
    hint: str = ""
    customer_can_see: bool = False


class Sorted(Told, frozen=True):
    subject: str
    type: str
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    status: str | None = None
    snoozed: str | None = None
    """A preset of `helpdesk.snoozing`."""
    related: str | None = None
    """Another ticket's subject."""


class Saying(Told, frozen=True):
    """A macro that everybody has."""

    name: str
    folder: str
    body: str
    tags: tuple[str, ...] = ()


class Sorting(Told, frozen=True):
    macros: tuple[Saying, ...]
    types: tuple[Named, ...]
    statuses: tuple[Status, ...]
    fields: tuple[Field, ...]
    sorted: tuple[Sorted, ...]


async def sort(session: AsyncSession) -> None:
    """After the tickets are told."""
    told = toml(FOLDER / "sorting.toml", Sorting)
    agents = (await session.scalars(select(Agent).order_by(Agent.id).options(*with_access()))).unique().all()
    types = {
        one.name: await labels.save_type(session, None, name=one.name, colour=one.colour, by=DESK)
        for one in told.types
    }
    own = {
        one.name: await statuses.save(
            session,
            None,
            category=one.category,
            name=one.name,
            customer_name=one.customer_name,
            colour=one.colour,
            by=DESK,
        )
        for one in told.statuses
    }
    admin = next(agent for agent in agents if agent.role is Role.admin)
    for said in told.macros:
        actions = [{"verb": "tag", "tags": list(said.tags)}] if said.tags else []
        given = Given(said.name, said.body, said.folder, actions, Visibility.all)
        await macros.keep(session, None, given, by=admin)
    for one in told.fields:
        described = Description(
            name=one.name,
            kind=one.kind,
            choices=one.choices,
            pattern=one.pattern,
            hint=one.hint,
            customer_can_see=one.customer_can_see,
        )
        await fields.add(session, Subject.ticket, described, by=DESK)
    registry = await fields.load(session, Subject.ticket)
    for number, each in enumerate(told.sorted):
        ticket, by = await _ticket(session, each.subject), agents[number % len(agents)]
        ticket.classify(types[each.type], by=by)
        ticket.tag(*await tags_called(session, each.tags, by=by), by=by)
        ticket.fill(registry, each.fields, by=by)
        if each.status:
            ticket.become(own[each.status], by=by)
        if each.snoozed:
            ticket.snooze(snoozing.chosen(each.snoozed, clock.now(), UTC), by=by)
        if each.related:
            await links.link(session, ticket, await _ticket(session, each.related), Side.related, by=by)


async def _ticket(session: AsyncSession, subject: str) -> Ticket:
    query = select(Ticket).where(Ticket.subject == subject)
    found = await session.scalars(
        query.options(
            selectinload(Ticket.tags),
            selectinload(Ticket.clocks),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
        ).limit(1)
    )
    return found.one()
