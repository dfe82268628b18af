"""What a PATCH of a ticket asks for, verb by verb."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from channels import reaching
from helpdesk import contacts, copying, fields
from helpdesk.access import Action, require
from helpdesk.labels import LONGEST, MOST_TAGS, tags_called
from helpdesk.people import Agent, Contact
from helpdesk.sla import matching
from helpdesk.tickets import NEXT_REPLY, Priority, Ticket
from web.api import choices
from web.api.choices import Named
from web.api.given import Id, Line, Patch
from web.api.shapes import At

TagName = Annotated[str, Meta(min_length=1, max_length=LONGEST, examples=["refund"])]
Tags = Annotated[list[TagName], Meta(max_length=MOST_TAGS)]


class TicketPatch(Patch):
    subject: Line | UnsetType = UNSET
    status: Named | UnsetType = UNSET
    """A status' id or name, or a category: its own status then."""
    priority: Priority | UnsetType = UNSET
    type: Named | UnsetType | None = UNSET
    team: Named | UnsetType | None = UNSET
    assignee: Named | UnsetType | None = UNSET
    """A colleague's id or address, `me`, or null for nobody."""
    tags: Tags | UnsetType = UNSET
    """All of them: those left out are taken off. See also `add_tags` and `remove_tags`."""
    add_tags: Tags | UnsetType = UNSET
    remove_tags: Tags | UnsetType = UNSET
    fields: Annotated[dict[str, Any], Meta(examples=[{"order_number": "A-17"}])] | UnsetType = UNSET
    """Custom fields by key; null empties one, those left out stay."""
    inbox: Named | UnsetType = UNSET
    policy: Named | UnsetType | None = UNSET
    """An SLA policy that holds whatever the ticket is; null for the first whose condition fits."""
    requester: Id | UnsetType = UNSET
    """A contact's id."""
    keep_requester_in_copy: bool = False
    snoozed_until: At | UnsetType | None = UNSET
    """Out of sight until then; null wakes it."""
    snoozed_for_reply: Literal[True] | UnsetType = UNSET
    """Out of sight until the customer writes."""


async def apply(session: AsyncSession, ticket: Ticket, given: TicketPatch, *, by: Agent) -> None:
    """Every change that was asked for, or none: the first that is refused ends the request.

    The team comes last, since it may take the ticket out of the agent's sight.
    """
    if given.assignee is not UNSET:
        require(by, Action.assign, ticket)
        ticket.assign(await choices.colleague(session, given.assignee, by), by=by)
    await _sort(session, ticket, given, by)
    if given.requester is not UNSET:
        query = contacts.visible_contacts(by).where(Contact.id == given.requester)
        if (contact := await session.scalar(query)) is None:
            raise choices.unknown("requester", given.requester)
        await copying.hand_to(session, ticket, contact, keep=given.keep_requester_in_copy, by=by)
    if given.inbox is not UNSET:
        inbox = await choices.inbox(session, given.inbox)
        ticket.transfer(inbox, by=by)
        await reaching.require(session, ticket, inbox)
    await _stand(session, ticket, given, by)
    if given.policy is not UNSET:
        matching.fix(ticket, await choices.policy(session, given.policy), by=by)
        await matching.decide(session)
    if given.team is not UNSET:
        require(by, Action.assign, ticket)
        ticket.move(await choices.team(session, given.team), by=by)


async def _sort(session: AsyncSession, ticket: Ticket, given: TicketPatch, by: Agent) -> None:
    if given.subject is not UNSET:
        ticket.rename(given.subject, by=by)
    if given.priority is not UNSET:
        ticket.prioritise(given.priority, by=by)
    if given.type is not UNSET:
        ticket.classify(await choices.ticket_type(session, given.type), by=by)
    if given.tags is not UNSET:
        wanted = await tags_called(session, given.tags, by=by)
        ticket.untag(*[tag for tag in ticket.tags if tag not in wanted], by=by)
        ticket.tag(*wanted, by=by)
    if given.add_tags is not UNSET:
        ticket.tag(*await tags_called(session, given.add_tags, by=by), by=by)
    if given.remove_tags is not UNSET:
        names = {name.strip().lower() for name in given.remove_tags}
        ticket.untag(*[tag for tag in ticket.tags if tag.name.lower() in names], by=by)
    if given.fields is not UNSET:
        registry = await fields.load(session, fields.Subject.ticket)
        ticket.fill(registry, given.fields, by=by)


async def _stand(session: AsyncSession, ticket: Ticket, given: TicketPatch, by: Agent) -> None:
    if given.status is not UNSET:
        status = await choices.status(session, given.status)
        if status.category.is_settled != ticket.is_settled:
            require(by, Action.settle, ticket)
        ticket.become(status, by=by)
    if given.snoozed_for_reply is not UNSET:
        ticket.snooze(NEXT_REPLY, by=by)
    elif given.snoozed_until is None:
        ticket.wake(by=by)
    elif given.snoozed_until is not UNSET:
        ticket.snooze(given.snoozed_until, by=by)
