"""Which policy applies to a ticket: the first active one whose condition holds.

Matched when a promise begins, and again before the commit of whatever changed a field that a condition may name.
Where somebody set a ticket's policy by hand (`policy_fixed`) it stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, event, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, joinedload, selectinload

from helpdesk import conditions
from helpdesk.clock import now
from helpdesk.conditions import BadCondition, Condition
from helpdesk.conditions.impersonal import impersonal
from helpdesk.errors import Conflict
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.fields import FieldKind
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent
from helpdesk.sla.later import ANYTHING, KEY, Fact, Waiting, reconsider
from helpdesk.sla.machine import begin, follow, hear
from helpdesk.sla.policies import Policy
from helpdesk.tickets import Ticket

FIELDS = frozenset(
    {"subject", "priority", "type", "tags", "team", "inbox", "channel", "requester", "requester_name",
     "requester_address", "requester_called", "company", "company_name"}
)  # fmt: skip
"""What a policy's condition may name, beside custom fields: what a ticket is, not how it stands or who looks."""
_ORDER = (Policy.position, Policy.id)


def read(given: object, custom: Mapping[str, FieldKind] | None = None) -> Condition:
    """A policy's condition, which may be empty. Raises BadCondition, which names the field."""
    if not given:
        return conditions.EVERYTHING
    found = conditions.parse(given, custom)
    for where in conditions.statements(found):
        if where.field not in FIELDS and "." not in where.field:
            raise BadCondition(
                gettext("A policy cannot depend on “%(field)s”.") % {"field": where.field}, where.field
            )
    return impersonal(found, gettext("A policy holds for everybody: choose a name."))


def active() -> Select[Policy]:
    return select(Policy).options(joinedload(Policy.calendar)).where(Policy.active).order_by(*_ORDER)


_ACTIVE = active()


async def policies(session: AsyncSession) -> Sequence[Policy]:
    """The active ones in order, with their calendars."""
    return (await session.scalars(_ACTIVE)).all()


def promise(ticket: Ticket, known: Sequence[Policy], at: Any, *, by: Actor = DESK) -> None:
    """The customer asked for something at `at`. The ticket is in the session; its commit asks conditions."""
    if known and known[0].is_for_all:
        begin(ticket, known[0], at, by=by)
    elif known:
        reconsider(ticket, since=at)


def matched(session: Session, known: Sequence[Policy], ids: Sequence[int]) -> dict[int, Policy | None]:
    """Ticket → the policy that applies; one statement for all of them, none where the first is for all."""
    asked: list[tuple[Policy, Any]] = []
    last: Policy | None = None
    for policy in known:
        if policy.is_for_all:
            last = policy
            break
        if (holds := _compiled(policy)) is not None:
            asked.append((policy, holds))
    if not asked:
        return dict.fromkeys(ids, last)
    query = select(Ticket.id, *(holds.label(f"p{policy.id}") for policy, holds in asked))
    found = session.execute(query.where(Ticket.id.in_(ids)))
    chosen = {
        number: next((policy for (policy, _), holds in zip(asked, answers, strict=True) if holds), last)
        for number, *answers in found
    }
    return {number: chosen.get(number, last) for number in ids}


def _compiled(policy: Policy) -> Any:
    """None where the condition names what is there no more: it holds for no ticket then."""
    try:
        return conditions.compile(read(policy.condition), Agent(name="", email=""), now())
    except BadCondition:
        return None


def named(known: Sequence[Policy]) -> set[str]:
    """Every field that any condition names."""
    names: set[str] = set()
    for policy in known:
        try:
            names |= {where.field for where in conditions.statements(read(policy.condition))}
        except BadCondition:
            continue
    return names


MEANS = {
    "requester": {
        "requester",
        "requester_name",
        "requester_address",
        "requester_called",
        "company",
        "company_name",
    },
    "inbox": {"inbox", "channel"},
}
"""A change of the one may change the others."""


def _touches(waiting: Waiting, names: set[str]) -> bool:
    if ANYTHING in waiting.fields:
        return True
    changed = set().union(*(MEANS.get(field, {field}) for field in waiting.fields))
    others = any(name.startswith(("contact.", "company.")) for name in names) and "requester" in changed
    return bool(names & changed) or others


@event.listens_for(Session, "before_commit")
def _before_commit(session: Session) -> None:
    waiting: dict[Ticket, Waiting] | None = session.info.pop(KEY, None)
    if not waiting:
        return
    told = {ticket: one for ticket, one in waiting.items() if ticket in session}
    session.flush()
    _load(session, [ticket.id for ticket, one in told.items() if one.facts])
    for ticket, one in told.items():
        for fact in one.facts:
            hear(ticket, fact)
    for ticket, more in session.info.pop(KEY, {}).items():  # what was heard may ask for a policy
        told.setdefault(ticket, Waiting()).ask(*more.fields, since=more.since)
    _match(session, told)
    session.info.pop(KEY, None)


async def decide(session: AsyncSession) -> None:
    """What waits for the commit is worked off now, for an answer that shows what came of it."""
    await session.run_sync(_before_commit)


@event.listens_for(Session, "after_rollback")
def _after_rollback(session: Session) -> None:
    session.info.pop(KEY, None)  # what was told did not happen


def _load(session: Session, ids: Sequence[int]) -> None:
    if ids:
        session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(ids))
            .options(selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar))
        ).all()


def _match(session: Session, told: Mapping[Ticket, Waiting]) -> None:
    asked = {
        ticket: one
        for ticket, one in told.items()
        if (one.fields or one.since) and not ticket.policy_fixed and not _owes_nothing(ticket)
    }
    if not asked:
        return
    known = session.scalars(_ACTIVE).all()
    names = named(known)
    new = {ticket: one for ticket, one in asked.items() if one.since or _touches(one, names)}
    if not new:
        return
    session.flush()
    _load(session, [ticket.id for ticket in new])
    chosen = matched(session, known, [ticket.id for ticket in new])
    for ticket, one in new.items():
        switch(ticket, chosen[ticket.id], since=one.since or ticket.waiting_since)


def _owes_nothing(ticket: Ticket) -> bool:
    """Put away before anything was promised, as a blocked sender's mail is: not before it is restored."""
    return ticket.removed is not None and ticket.policy_id is None


def fix(ticket: Ticket, policy: Policy | None, *, by: Actor) -> None:
    """Somebody chose it, and what the ticket is changes it no more; None gives the choice back to conditions.

    Everything is loaded. Raises PolicyOff.
    """
    fixed = policy is not None
    if ticket.policy_fixed == fixed and (policy is None or ticket.policy_id == policy.id):
        return
    if policy and not policy.active:
        raise PolicyOff
    was, ticket.policy_fixed = ticket.policy_id, fixed
    if policy is None:
        reconsider(ticket, ANYTHING, since=ticket.waiting_since)
    elif policy.id != was:
        follow(ticket, policy, Fact(Kind.policy_changed, now(), by, None), since=ticket.waiting_since)
    ticket.events.add(_changed(was, policy, by, fixed=fixed))


def switch(ticket: Ticket, policy: Policy | None, *, since: Any = None, by: Actor = DESK) -> None:
    """Another policy for the ticket, from now on; nothing where it is the same. Everything is loaded."""
    if ticket.policy_id == (policy.id if policy else None) and (ticket.clocks or policy is None):
        return
    was = ticket.policy_id
    follow(ticket, policy, Fact(Kind.policy_changed, now(), by, None), since=since)
    if was is not None:
        ticket.events.add(_changed(was, policy, by))


def _changed(was: int | None, policy: Policy | None, by: Actor, **more: Any) -> Event:
    now_id, name = (policy.id, policy.name) if policy else (None, None)
    return Event(Kind.policy_changed, by=by, was=was, now=now_id, name=name, **more)


class PolicyOff(Conflict):
    message = _("This policy is switched off. Choose another one, or switch it on in the settings.")
