"""What tests of rules say: there is a rule, something happens, rules have done what they do."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from helpdesk import rules
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.people import Agent, with_access
from helpdesk.rules import Given, Rule, RuleRun
from helpdesk.tickets import Ticket
from tests.scenes import Scene
from workers.dispatch import dispatch_batch
from workers.ruling import apply_rules

CREATED = {"on": "created"}
URGENT = {"verb": "priority", "priority": "urgent"}


def tag(*names: str) -> dict[str, Any]:
    return {"verb": "tag", "tags": list(names)}


def untag(*names: str) -> dict[str, Any]:
    return {"verb": "untag", "tags": list(names)}


def where(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"kind": "where", "field": field, "operator": operator, "value": value}


async def there_is(
    scene: Scene,
    name: str,
    on: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *does: Mapping[str, Any],
    when: Mapping[str, Any] | None = None,
    stops: bool = False,
    active: bool = True,
) -> Rule:
    """A rule, kept by Ada."""
    triggers = [on] if isinstance(on, Mapping) else list(on)
    given = Given(name, triggers, does, when or {}, stops=stops, active=active)
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        return await rules.keep(session, None, given, by=ada)


async def settle(scene: Scene) -> None:
    """Everything that happened is dispatched and ruled about, and what follows from that."""
    dispatched = 1
    while dispatched:
        async with committed(scene.desk.sessions) as session:
            dispatched = await dispatch_batch(session)
        await apply_rules(scene.desk)


async def runs(scene: Scene, ticket: Ticket | None = None) -> list[RuleRun]:
    async with scene.desk.sessions() as session:
        query = select(RuleRun).order_by(RuleRun.id)
        if ticket is not None:
            query = query.where(RuleRun.ticket_id == ticket.id)
        return list(await session.scalars(query))


async def names(scene: Scene, ticket: Ticket) -> list[str]:
    """Of the rules that ran, in their order."""
    async with scene.desk.sessions() as session:
        query = select(Rule.name).join(RuleRun, RuleRun.rule_id == Rule.id)
        return list(await session.scalars(query.where(RuleRun.ticket_id == ticket.id).order_by(RuleRun.id)))


async def stands(scene: Scene, ticket: Ticket) -> Ticket:
    """As it is now, with its tags."""
    async with scene.desk.sessions() as session:
        return await session.get_one(Ticket, ticket.id, options=[selectinload(Ticket.tags)])


async def told(scene: Scene, ticket: Ticket, kind: Kind) -> list[Event]:
    async with scene.desk.sessions() as session:
        query = select(Event).where(Event.ticket_id == ticket.id, Event.kind == kind)
        return list(await session.scalars(query.order_by(Event.id)))


def tags_of(ticket: Ticket) -> list[str]:
    return [tag.name for tag in ticket.tags]
