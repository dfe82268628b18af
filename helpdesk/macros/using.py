"""Using a macro: what it would say and do, doing it, and taking it back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, options
from helpdesk.access import may
from helpdesk.changes import Change, TooLate, Verb, action_of, change_of
from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from helpdesk.events import UNDONE, Event, Kind, marked
from helpdesk.fields import Subject
from helpdesk.macros.placeholders import FIELDS, Filled, fill, names_in
from helpdesk.macros.rows import Macro, MacroUse
from helpdesk.messages import Delivery, Message
from helpdesk.people import Agent, Company
from helpdesk.tickets import Ticket


@dataclass(frozen=True)
class Step:
    """One thing that a macro would do to this ticket."""

    place: int
    """In the macro; what an agent leaves out is named by it."""
    verb: Verb
    change: Change
    so_already: bool
    allowed: bool

    @property
    def counts(self) -> bool:
        return self.allowed and not self.so_already and not self.change.gone


@dataclass(frozen=True)
class Plan:
    text: str
    gaps: tuple[str, ...]
    steps: tuple[Step, ...]


async def foresee(session: AsyncSession, macro: Macro, ticket: Ticket, agent: Agent) -> Plan:
    """Changes nothing."""
    filled = await filled_in(session, macro.body, ticket, agent)
    return Plan(filled.text, filled.gaps, tuple(await steps(session, macro.actions, ticket, agent)))


async def steps(
    session: AsyncSession, actions: Sequence[Mapping[str, Any]], ticket: Ticket, agent: Agent
) -> list[Step]:
    """`actions`: see `Macro.actions`."""
    await _load(session, ticket, "tags", "participants", "clocks")
    found = []
    for place, action in enumerate(actions):
        verb = Verb(action["verb"])
        change = change_of(verb, {name: value for name, value in action.items() if name != "verb"})
        try:
            await change.load(session, by=agent)
        except HelpdeskError:
            change.gone = True
        so = not change.gone and change.is_so(ticket)
        found.append(Step(place, verb, change, so, may(agent, action_of(verb), ticket)))
    return found


async def apply(
    session: AsyncSession,
    macro: Macro,
    ticket: Ticket,
    *,
    by: Agent,
    without: Collection[int] = (),
    message: Message | None = None,
) -> MacroUse:
    """Do what it does, except the steps in `without`; what is so already, or refused, is left out.

    `message` is the reply that it goes with, flushed; where that waits for its time, this waits with it
    (`apply_waiting`). The ticket is locked, and its policy loaded.
    """
    use = MacroUse(
        macro_id=macro.id,
        ticket_id=ticket.id,
        agent_id=by.id,
        message_id=message.id if message else None,
        without=sorted(without),
        done=[],
    )
    session.add(use)
    wanted = [action for place, action in enumerate(macro.actions) if place not in without]
    await session.execute(
        update(Macro).where(Macro.id == macro.id).values(used=Macro.used + 1, used_at=now())
    )
    if message is None or message.delivery is not Delivery.scheduled:
        await _do(session, use, macro, wanted, ticket, by)
    else:
        use.done = [_planned(action) for action in wanted]
    return use


def _planned(action: Mapping[str, Any]) -> dict[str, Any]:
    return {"verb": action["verb"], "given": {name: each for name, each in action.items() if name != "verb"}}


async def apply_waiting(session: AsyncSession, ticket: Ticket, message: Message, *, by: Agent) -> None:
    """A reply that waited for its time has left: do what was to be done with it. The ticket is locked."""
    found = select(MacroUse, Macro).join(Macro, Macro.id == MacroUse.macro_id)
    rows = await session.execute(
        found.where(MacroUse.message_id == message.id, MacroUse.without.is_not(None)).order_by(MacroUse.id)
    )
    for use, macro in rows.all():
        wanted = [{"verb": each["verb"], **each["given"]} for each in use.done]
        await _do(session, use, macro, wanted, ticket, by)


async def _do(
    session: AsyncSession,
    use: MacroUse,
    macro: Macro,
    wanted: Sequence[Mapping[str, Any]],
    ticket: Ticket,
    by: Agent,
) -> None:
    done = []
    for step in await steps(session, wanted, ticket, by):
        if not step.counts:
            continue
        before = step.change.before(ticket)
        try:
            async with session.begin_nested():  # one that is refused takes no other with it
                step.change.apply(ticket, by=by)
        except HelpdeskError:
            continue
        done.append({"verb": step.verb.value, "given": dict(step.change.given), "before": before})
    ticket.events.add(Event(Kind.macro_used, by=by, macro=macro.id, name=macro.name))
    await session.flush()
    use.done, use.without = done, None
    use.event_id = await session.scalar(select(func.max(Event.id)).where(Event.ticket_id == ticket.id))
    await session.flush()


async def _load(session: AsyncSession, row: Any, *names: str) -> None:
    """What of a row is not loaded yet."""
    if missing := set(names) & inspect(row).unloaded:
        await session.refresh(row, attribute_names=sorted(missing))


async def last_use(
    session: AsyncSession, ticket: Ticket, *, of_message: int | None = None, use_id: int | None = None
) -> MacroUse | None:
    query = select(MacroUse).where(MacroUse.ticket_id == ticket.id)
    if of_message is not None:
        query = query.where(MacroUse.message_id == of_message)
    if use_id is not None:
        query = query.where(MacroUse.id == use_id)
    found: MacroUse | None = await session.scalar(query.order_by(MacroUse.id.desc()).limit(1))
    return found


async def take_back(session: AsyncSession, use: MacroUse, ticket: Ticket, *, by: Agent) -> int:
    """Give back what was before, last thing first; what somebody has changed since is left alone.

    Returns how many things stay as they are. Raises TooLate.
    """
    if not use.can_be_undone:
        raise TooLate
    await _load(session, ticket, "tags", "participants", "clocks")
    found = [change_of(Verb(each["verb"]), each["given"]) for each in use.done]
    free = [await _is_free(session, change, use, by) for change in found]
    with marked(session, UNDONE, use.id):
        for change, each, possible in reversed(list(zip(found, use.done, free, strict=True))):
            if possible:
                await change.restore(session, ticket, each["before"], by=by)
        use.undone_at = now()
        ticket.events.add(Event(Kind.macro_undone, by=by, macro=use.macro_id))
        await session.flush()
    return free.count(False)


async def _is_free(session: AsyncSession, change: Change, use: MacroUse, by: Agent) -> bool:
    """What it names is still there, and nobody has changed the same since."""
    try:
        await change.load(session, by=by)
    except HelpdeskError:
        return False
    later = select(Event.id).where(
        Event.ticket_id == use.ticket_id, Event.id > (use.event_id or 0), Event.kind.in_(change.kinds)
    )
    return await session.scalar(later.limit(1)) is None


async def filled_in(session: AsyncSession, body: str, ticket: Ticket, agent: Agent | None) -> Filled:
    """`agent` is who it is from; None where the desk itself writes."""
    names = names_in(body)
    if not names:
        return Filled(body, ())
    return fill(body, await _values(session, ticket, agent, fields_too=any(map(FIELDS.fullmatch, names))))


async def _values(
    session: AsyncSession, ticket: Ticket, agent: Agent | None, *, fields_too: bool
) -> dict[str, str]:
    await _load(session, ticket, "contact", "team", "inbox")
    contact = ticket.contact
    await _load(session, contact, "identities")
    company = await session.get(Company, contact.company_id) if contact.company_id else None
    desk = await options.load(session)
    values = {
        "contact.name": contact.name,
        "contact.first_name": contact.name.split()[0] if contact.name.strip() else "",
        "contact.address": contact.shown_address,
        "company.name": company.name if company else "",
        "ticket.number": f"{desk.ticket_prefix}{ticket.number}",
        "ticket.subject": ticket.subject,
        "agent.name": agent.name if agent else "",
        "agent.first_name": agent.name.split()[0] if agent else "",
        "team.name": ticket.team.name if ticket.team else "",
        "inbox.name": ticket.inbox.name,
        "desk.name": desk.desk_name or ticket.inbox.name,
    }
    if fields_too:
        for subject, kept in _holders(ticket, company):
            registry = await fields.load(session, subject)
            for filled in registry.filled(kept):
                values[f"{subject.value}.fields.{filled.field.key}"] = filled.text
    return values


def _holders(ticket: Ticket, company: Company | None) -> list[tuple[Subject, dict[str, Any]]]:
    return [
        (Subject.ticket, ticket.fields),
        (Subject.contact, ticket.contact.fields),
        (Subject.company, company.fields if company else {}),
    ]
