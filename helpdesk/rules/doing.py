"""One run of a rule on one ticket: what it changes, what was before, and what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.changes import Change, Verb, change_of
from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from helpdesk.events import Event, Kind, marked
from helpdesk.i18n import gettext
from helpdesk.rules.effects import EFFECTS, Deed, Effect
from helpdesk.rules.reading import Reading
from helpdesk.rules.rows import Rule, RuleRun
from helpdesk.sla import Policy, matching
from helpdesk.tickets import Ticket

log = structlog.get_logger(__name__)
Doing = Change | Effect


@dataclass(frozen=True)
class Step:
    verb: str
    given: dict[str, Any]
    doing: Doing


async def locked(session: AsyncSession, ticket_id: int, *, skip: bool = False) -> Ticket | None:
    """With all that changes need. `skip`: None where somebody else holds it."""
    found = await session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .with_for_update(of=Ticket, key_share=True, skip_locked=skip)
        .options(
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            selectinload(Ticket.clocks),
            selectinload(Ticket.tags),
            selectinload(Ticket.participants),
        )
        .execution_options(populate_existing=True)
    )
    ticket: Ticket | None = found.unique().one_or_none()
    return ticket


async def steps_of(session: AsyncSession, rule: Reading) -> list[Step]:
    """Raises NotThere: a rule is done whole, or not at all."""
    found = []
    for action in rule.actions:
        given = {name: value for name, value in action.items() if name != "verb"}
        if action["verb"] in set(Deed):
            effect = EFFECTS[Deed(action["verb"])](given)
            await effect.load(session)
            found.append(Step(action["verb"], given, effect))
        else:
            change = change_of(Verb(action["verb"]), given)
            await change.load(session, by=rule.rule)
            found.append(Step(action["verb"], given, change))
    return found


def would(steps: Sequence[Step], ticket: Ticket) -> bool:
    """Whether anything would be other than it is."""
    return any(not (isinstance(each.doing, Change) and each.doing.is_so(ticket)) for each in steps)


async def do(
    session: AsyncSession,
    rule: Reading,
    ticket: Ticket,
    *,
    once: str,
    cause_id: int | None = None,
    chain: Sequence[int] = (),
    always: bool = False,
) -> RuleRun | None:
    """The run, on a ticket that is `locked`; None where it ran for this already, or everything is so already.

    `always`: write that down, too, where the run itself is how the desk knows that it looked.
    """
    try:
        steps = await steps_of(session, rule)
    except HelpdeskError as error:
        rule.rule.trouble = str(error)
        return None
    if not always and not would(steps, ticket):
        return None
    if (run := await _begun(session, rule.rule, ticket, once, cause_id, chain)) is None:
        return None
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    with marked(session, "run", run.id) as events:
        for step in steps:
            await _step(session, step, ticket, rule.rule, run, done, failed)
        await session.flush()
        await matching.decide(session)
        await session.flush()
        if done or failed:
            ticket.events.add(_applied(rule.rule, run, done, failed))
            await session.flush()
    run.done, run.failed = done, failed
    ids = [event.id for event in events if event in session]
    run.first_event_id, run.last_event_id = min(ids, default=None), max(ids, default=None)
    await session.flush()
    return run


async def _begun(
    session: AsyncSession, rule: Rule, ticket: Ticket, once: str, cause_id: int | None, chain: Sequence[int]
) -> RuleRun | None:
    """The row itself says that it did not run for this before, whoever else tries."""
    values = {
        "rule_id": rule.id,
        "ticket_id": ticket.id,
        "once": once,
        "cause_id": cause_id,
        "chain": list(chain),
        "created_at": now(),
    }
    row = insert(RuleRun).values(values).on_conflict_do_nothing().returning(RuleRun)
    found: RuleRun | None = await session.scalar(row)
    return found


async def _step(
    session: AsyncSession,
    step: Step,
    ticket: Ticket,
    rule: Rule,
    run: RuleRun,
    done: list[dict[str, Any]],
    failed: list[dict[str, Any]],
) -> None:
    told: dict[str, Any] = {"verb": step.verb, "given": step.given}
    try:
        async with session.begin_nested():  # one that is refused takes no other with it
            if isinstance(step.doing, Effect):
                after = await step.doing.apply(session, ticket, by=rule, run=run)
                done.append({**told, "before": {}, "after": after})
            elif not step.doing.is_so(ticket):
                back, before = step.doing.before(ticket), step.doing.stands(ticket)
                step.doing.apply(ticket, by=rule)
                await session.flush()
                after = step.doing.stands(ticket)
                done.append({**told, "before": before, "after": after, "back": back})
    except HelpdeskError as error:
        failed.append({**told, "why": str(error)})
        await locked(session, ticket.id)
    except DBAPIError:
        raise
    except Exception:
        log.exception("rule failed", rule=rule.id, ticket=ticket.id, verb=step.verb)
        failed.append({**told, "why": gettext("Something went wrong here; the desk's log says what.")})
        await locked(session, ticket.id)


def _applied(rule: Rule, run: RuleRun, done: Sequence[Any], failed: Sequence[Any]) -> Event:
    """What it did, in the desk's own words: no text that anybody wrote."""
    did = [{"verb": each["verb"], "after": each["after"]} for each in done]
    refused = [each["verb"] for each in failed]
    return Event(
        Kind.rule_applied, by=rule, rule=rule.id, name=rule.name, run=run.id, did=did, refused=refused
    )
