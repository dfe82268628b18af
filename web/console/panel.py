"""What stands beside a ticket's thread, in one statement: tags, people, links; and what can be chosen there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    any_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from ai.learning.findings import Finding, Kind, State
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.identities import IdentityKind
from helpdesk.labels import Tag, ticket_tag
from helpdesk.links import Side, TicketLink, side_of
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Contact, ContactIdentity
from helpdesk.satisfaction import Rating
from helpdesk.snoozing import Offer, offers
from helpdesk.statements import as_list
from helpdesk.tickets import Ticket
from web.words import zone


@dataclass(frozen=True)
class Panel:
    tags: list[dict[str, Any]]
    """id, name, colour; by name."""
    copies: list[dict[str, Any]]
    """id, name, address of the contacts in copy."""
    followers: list[dict[str, Any]]
    """id, name of colleagues."""
    links: list[dict[str, Any]]
    """side, number, subject, status of tickets that this agent may see."""
    offers: list[Offer]
    ratings: list[dict[str, Any]]
    """What was asked and answered: kind, score, comment, message, and when."""
    incidents: list[dict[str, Any]]
    """id, letters of those that it belongs to and nobody has decided about."""

    @property
    def questions(self) -> set[int]:
        """Messages that asked the customer how it was."""
        return {each["message_id"] for each in self.ratings if each["message_id"]}

    def is_followed_by(self, agent: Agent) -> bool:
        return any(each["id"] == agent.id for each in self.followers)

    @property
    def addresses(self) -> set[str]:
        return {each["address"] for each in self.copies if each["address"]}


def lists(agent: Agent) -> list[ColumnElement[Any]]:
    """For a statement that is given `ticket`."""
    return [
        as_list(_tags()).label("tags"),
        as_list(_copies()).label("copies"),
        as_list(_followers()).label("followers"),
        as_list(_links(agent)).label("links"),
        as_list(_ratings()).label("ratings"),
        as_list(_incidents()).label("incidents"),
    ]


def read(found: Row[Any], agent: Agent) -> Panel:
    """`found` has the columns of `lists`."""
    links: list[dict[str, Any]] = found.links
    for link in links:
        link["side"] = side_of(link["kind"], link["mine"])
    order = list(Side)
    links.sort(key=lambda link: (order.index(link["side"]), link["number"]))
    for rating in found.ratings:
        for name in ("asked_at", "answered_at"):
            rating[name] = rating[name] and datetime.fromisoformat(rating[name])
    offered = offers(now(), zone(agent.time_zone))
    return Panel(found.tags, found.copies, found.followers, links, offered, found.ratings, found.incidents)


def _tags() -> Select[*tuple[Any, ...]]:
    return (
        select(Tag.id, Tag.name, Tag.colour)
        .join(ticket_tag)
        .where(ticket_tag.c.ticket_id == bindparam("ticket"))
        .order_by(Tag.name)
    )


def _copies() -> Select[*tuple[Any, ...]]:
    address = (
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == Contact.id, ContactIdentity.kind == IdentityKind.email)
        .order_by(ContactIdentity.id)
        .limit(1)
    )
    return (
        select(Contact.id, Contact.name, address.scalar_subquery().label("address"))
        .join(Participant, Participant.contact_id == Contact.id)
        .where(Participant.ticket_id == bindparam("ticket"), Participant.part == Part.copy)
        .order_by(Participant.id)
    )


def _followers() -> Select[*tuple[Any, ...]]:
    return (
        select(Agent.id, Agent.name)
        .join(Participant, Participant.agent_id == Agent.id)
        .where(Participant.ticket_id == bindparam("ticket"))
        .order_by(Agent.name)
    )


def _ratings() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Rating.kind,
            Rating.score,
            Rating.comment,
            Rating.asked_at,
            Rating.answered_at,
            Rating.why_not,
            Rating.message_id,
        )
        .where(Rating.ticket_id == bindparam("ticket"))
        .order_by(Rating.id)
    )


def _incidents() -> Select[*tuple[Any, ...]]:
    return select(Finding.id, func.cardinality(Finding.tickets).label("letters")).where(
        Finding.kind == Kind.incident,
        Finding.state == State.open,
        bindparam("ticket", type_=BigInteger) == any_(Finding.tickets),
    )


def _links(agent: Agent) -> Select[*tuple[Any, ...]]:
    mine = select(TicketLink.other_id.label("of"), TicketLink.kind, literal(True).label("mine"))
    theirs = select(TicketLink.ticket_id, TicketLink.kind, literal(False))
    both = union_all(
        mine.where(TicketLink.ticket_id == bindparam("ticket")),
        theirs.where(TicketLink.other_id == bindparam("ticket")),
    ).subquery()
    return (
        select(Ticket.number, Ticket.subject, Ticket.category, Ticket.status_id, both.c.kind, both.c.mine)
        .join(both, both.c.of == Ticket.id)
        .where(is_visible(agent))
    )
