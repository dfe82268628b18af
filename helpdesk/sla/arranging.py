"""How policies change: by whom, in which order, and what they may say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import conditions
from helpdesk.calendars import Calendar
from helpdesk.conditions import Condition
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent, Team
from helpdesk.sla.clocks import Clock
from helpdesk.sla.metrics import Metric
from helpdesk.sla.policies import SNOOZED, Policy
from helpdesk.statuses import Category
from helpdesk.texts import clean
from helpdesk.tickets import Priority, Ticket

LONGEST = 366 * 24 * 60  # minutes
MOST_ESCALATIONS = 5
NAME = 200
RESTFUL = (Category.new, Category.open, Category.waiting, Category.on_hold)
"""What a metric may rest in; a ticket that is settled or put away owes no answer anyway."""


class Nameless(Invalid):
    message = _("A policy needs a name.")


class NameTaken(Conflict):
    message = _("There is a policy with this name already.")


class NoCalendar(Invalid):
    message = _("Choose a calendar. Promises are counted in its working hours.")


class NothingPromised(Invalid):
    message = _("Fill in at least one time. A policy that promises nothing has no use.")


class InUse(Conflict):
    message = _(
        "Something was promised by this policy, so it is kept with its history. Switch it off instead."
    )


@dataclass(frozen=True, kw_only=True)
class Given:
    """A policy as a form or a program brings it."""

    name: str
    calendar_id: int
    condition: Condition = conditions.EVERYTHING
    targets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pauses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    warn_minutes: int | None = None
    escalations: Sequence[Mapping[str, int]] = ()
    active: bool = True


async def all_of(session: AsyncSession) -> Sequence[Policy]:
    """In order, with their calendars."""
    query = select(Policy).options(joinedload(Policy.calendar)).order_by(Policy.position, Policy.id)
    return (await session.scalars(query)).all()


async def one(session: AsyncSession, policy_id: int) -> Policy:
    """Raises NotFound."""
    query = select(Policy).where(Policy.id == policy_id).options(joinedload(Policy.calendar))
    if (found := await session.scalar(query)) is None:
        raise NotFound
    return found


async def fill(session: AsyncSession, policy: Policy, given: Given) -> list[str]:
    """Puts it into the policy; returns which fields are other than before. Raises Invalid or Conflict in words."""
    with session.no_autoflush:
        values: dict[str, Any] = {
            "name": await _name(session, policy, given.name),
            "calendar": await _calendar(session, given.calendar_id),
            "condition": {}
            if given.condition == conditions.EVERYTHING
            else conditions.as_json(given.condition),
            "targets": _targets(given.targets),
            "pauses": _pauses(given.pauses),
            "warn_minutes": _minutes(given.warn_minutes) if given.warn_minutes else None,
            "escalations": await _escalations(session, given.escalations),
            "active": given.active,
        }
        changed = [
            name for name, value in values.items() if policy.id is None or getattr(policy, name) != value
        ]
        for name in changed:
            setattr(policy, name, values[name])
        policy.calendar_id = values["calendar"].id
    return changed


async def make(session: AsyncSession, given: Given, *, by: Actor) -> Policy:
    """A new one, asked last. Raises what `fill` does."""
    last = await session.scalar(select(func.max(Policy.position)))
    policy = Policy(
        position=0 if last is None else last + 1, condition={}, pauses={}, escalations=[], targets={}
    )
    await fill(session, policy, given)
    session.add(policy)
    await session.flush()
    session.add(Event(Kind.policy_edited, by=by, about=policy, fields=["created"]))
    return policy


async def change(session: AsyncSession, policy: Policy, given: Given, *, by: Actor) -> None:
    """What is promised already is reckoned anew by a worker. Raises what `fill` does."""
    if changed := await fill(session, policy, given):
        session.add(Event(Kind.policy_edited, by=by, about=policy, fields=changed))


async def place(session: AsyncSession, policy: Policy, step: int, *, by: Actor) -> None:
    """One place up (-1) or down (1) in the order in which policies are asked."""
    order = list(await all_of(session))
    at = order.index(policy)
    to = min(max(at + step, 0), len(order) - 1)
    if at == to:
        return
    order[at], order[to] = order[to], order[at]
    for number, one in enumerate(order):
        one.position = number
    session.add(Event(Kind.policy_edited, by=by, about=policy, fields=["position"]))


async def remove(session: AsyncSession, policy: Policy, *, by: Actor) -> None:
    """Raises InUse where a ticket was ever promised something by it."""
    promised = select(Ticket.id).where(Ticket.policy_id == policy.id).limit(1)
    counted = select(Clock.id).where(Clock.policy_id == policy.id).limit(1)
    if await session.scalar(promised) or await session.scalar(counted):
        raise InUse
    session.add(Event(Kind.policy_edited, by=by, about=policy, fields=["removed"]))
    await session.flush()
    await session.delete(policy)


async def _name(session: AsyncSession, policy: Policy, given: str) -> str:
    if not (wanted := " ".join(clean(given).split())[:NAME]):
        raise Nameless
    same = func.lower(Policy.name) == wanted.lower()
    if await session.scalar(select(Policy.id).where(same, Policy.id.is_distinct_from(policy.id))):
        raise NameTaken
    return wanted


async def _calendar(session: AsyncSession, calendar_id: int) -> Calendar:
    if (found := await session.get(Calendar, calendar_id)) is None:
        raise NoCalendar
    return found


def _targets(given: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    found = {
        Priority(priority).value: {
            Metric(metric).value: _minutes(value) for metric, value in by_metric.items()
        }
        for priority, by_metric in given.items()
        if by_metric
    }
    if not found:
        raise NothingPromised
    return found


def _pauses(given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    order = [*(category.value for category in RESTFUL), SNOOZED]
    if unknown := {each for resting in given.values() for each in resting} - {*order, *Category}:
        words = gettext("A promise cannot rest in “%(name)s”, only in: %(known)s.")
        raise Invalid(words % {"name": min(unknown)[:40], "known": ", ".join(order)})
    return {
        Metric(metric).value: kept
        for metric, resting in given.items()
        if (kept := [each for each in order if each in resting])
    }


def _minutes(given: int) -> int:
    if not 0 < given <= LONGEST:
        raise Invalid(gettext("A time lies between one minute and a year."))
    return given


async def _escalations(session: AsyncSession, given: Sequence[Mapping[str, int]]) -> list[dict[str, int]]:
    """By time; who is not there any more is refused."""
    if len(given) > MOST_ESCALATIONS:
        raise Invalid(gettext("A policy tells others at most %(most)s times.") % {"most": MOST_ESCALATIONS})
    found = []
    for each in given:
        agent, team = each.get("agent"), each.get("team")
        known = await session.get(Agent, agent) if agent else await session.get(Team, team) if team else None
        if bool(agent) == bool(team) or known is None:
            raise Invalid(gettext("Choose who is told when a promise stays late."))
        whom = {"agent": agent} if agent else {"team": team}
        after = each.get("after", 0)
        found.append(
            {"after": after and _minutes(after), **{key: value for key, value in whom.items() if value}}
        )
    return sorted(found, key=lambda one: one["after"])
