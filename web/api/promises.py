"""What is promised: policies, and the clocks and the ledger of a ticket."""

from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.access import Action
from helpdesk.events import ActorKind, Kind
from helpdesk.search.values import vocabulary
from helpdesk.sla import Clock, Entry, Metric, Policy, Step, arranging, matching, recomputing
from helpdesk.tickets import Priority
from web.api.answers import Answer, Listed
from web.api.given import Given, Patch, PathId, Sent
from web.api.openapi import PREFIX
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session

ARRANGES = permits(Action.manage_sla)
PolicyName = Annotated[str, Meta(min_length=1, max_length=arranging.NAME, examples=["Standard"])]
Minutes = Annotated[int, Meta(ge=1, le=arranging.LONGEST, examples=[60])]
Wanted = Annotated[dict[str, Any], Meta(examples=[{}])]
Targets = Annotated[
    dict[Priority, dict[Metric, Minutes]],
    Meta(examples=[{"normal": {"first_response": 240, "resolution": 1440}}]),
]
Pauses = Annotated[
    dict[Metric, list[Annotated[str, Meta(max_length=40)]]],
    Meta(examples=[{"resolution": ["waiting", "on_hold"]}]),
]


class Escalation(Sent):
    """Who else is told so many minutes after a promise was not kept: an agent or a team."""

    after: Annotated[int, Meta(ge=0, le=arranging.LONGEST, examples=[60])] = 0
    agent: Annotated[int | None, Meta(examples=[None])] = None
    team: Annotated[int | None, Meta(examples=[1])] = None


Escalations = Annotated[list[Escalation], Meta(max_length=arranging.MOST_ESCALATIONS, examples=[[]])]


class PolicyView(Shape):
    id: int
    name: PolicyName
    position: int
    """Policies are asked in this order; the first that fits a ticket holds."""
    active: bool
    condition: dict[str, Any]
    """As in saved views; empty for every ticket."""
    calendar_id: int
    targets: dict[str, Any]
    """Minutes of working time, by priority and metric."""
    pauses: dict[str, Any]
    """In which categories, and whether `snoozed`, a metric rests."""
    warn_minutes: int | None
    escalations: list[Any]

    @classmethod
    def of(cls, policy: Policy) -> "PolicyView":
        return cls(**{name: getattr(policy, name) for name in cls.__struct_fields__})


class NewPolicy(Sent):
    name: PolicyName
    calendar_id: Annotated[int, Meta(ge=1, le=2**63 - 1, examples=[1])]
    targets: Targets
    condition: Wanted = field(default_factory=dict)
    pauses: Pauses = field(default_factory=dict)
    warn_minutes: Minutes | None = None
    escalations: Escalations = field(default_factory=list)
    active: bool = True


class PolicyPatch(Patch):
    name: PolicyName | UnsetType = UNSET
    calendar_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | UnsetType = UNSET
    targets: Targets | UnsetType = UNSET
    """All of them."""
    condition: Wanted | UnsetType = UNSET
    pauses: Pauses | UnsetType = UNSET
    warn_minutes: Minutes | UnsetType | None = UNSET
    escalations: Escalations | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class ChangeView(Shape):
    number: int
    metric: Metric
    was: At | None
    now: At | None


class PreviewView(Shape):
    """What an edit would change for open tickets."""

    looked_at: int
    of: int
    """How many open tickets have a promise. Those that are due first are looked at first, for a few seconds."""
    more: bool
    """Time was up before all of them were looked at."""
    tickets: int
    earlier: int
    later: int
    added: int
    dropped: int
    overdue: int
    examples: list[ChangeView]


class ClockView(Shape):
    id: int
    metric: Metric
    policy_id: int | None
    target: int | None
    """Minutes of working time."""
    started_at: At
    due_at: At | None
    """Null while it rests, and where nothing is promised at this priority."""
    breaks: list[Any]
    """Pairs of instants; the last one has no end while the clock rests."""
    warned_at: At | None
    breached_at: At | None
    met_at: At | None
    ended_at: At | None

    @classmethod
    def of(cls, clock: Clock) -> "ClockView":
        return cls(**{name: getattr(clock, name) for name in cls.__struct_fields__})


class StepView(Shape):
    id: int
    clock_id: int
    metric: Metric
    step: Step
    at: At
    due_at: At | None
    cause: Kind
    """The kind of event that brought it about."""
    actor: ActorKind
    actor_id: int | None
    data: dict[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> "StepView":
        return cls(**{name: getattr(entry, name) for name in cls.__struct_fields__})


class SlaView(Shape):
    policy_id: int | None
    policy_fixed: bool
    next_due_at: At | None
    clocks: list[ClockView]
    ledger: list[StepView]
    """Every step of every clock, in the order of their times."""


class TicketPromises(Controller):
    path = "/tickets/{number:int}/sla"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="Show what is promised about a ticket, and why it is due then")
    async def show(self, session: Session, ticket: CurrentTicket, number: PathId) -> SlaView:
        clocks = await session.scalars(select(Clock).where(Clock.ticket_id == ticket.id).order_by(Clock.id))
        entries = select(Entry).where(Entry.ticket_id == ticket.id).order_by(Entry.at, Entry.id)
        return SlaView(
            policy_id=ticket.policy_id,
            policy_fixed=ticket.policy_fixed,
            next_due_at=ticket.next_due_at,
            clocks=[ClockView.of(clock) for clock in clocks],
            ledger=[StepView.of(entry) for entry in await session.scalars(entries)],
        )


class SlaPolicies(Controller):
    path = "/sla-policies"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=ARRANGES, summary="List SLA policies")
    async def list(self, session: Session) -> Listed[PolicyView]:
        """In the order in which they are asked."""
        return Listed(items=[PolicyView.of(policy) for policy in await arranging.all_of(session)])

    @post(opt=ARRANGES, summary="Make an SLA policy")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewPolicy]
    ) -> Answer[PolicyView]:
        """It is asked after all others."""
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        policy = await arranging.make(session, await _given(session, values), by=agent)
        headers = {"location": f"{PREFIX}/sla-policies/{policy.id}"}
        return Answer(PolicyView.of(policy), status_code=201, headers=headers)

    @get("/{policy_id:int}", opt=ARRANGES, summary="Show an SLA policy")
    async def show(self, session: Session, policy_id: PathId) -> PolicyView:
        return PolicyView.of(await arranging.one(session, policy_id))

    @patch("/{policy_id:int}", opt=ARRANGES, summary="Change an SLA policy")
    async def change(
        self, session: Session, agent: CurrentAgent, policy_id: PathId, given: Given[PolicyPatch]
    ) -> PolicyView:
        """What is promised already is counted anew shortly after."""
        policy = await arranging.one(session, policy_id)
        await arranging.change(session, policy, await _patched(session, policy, given), by=agent)
        return PolicyView.of(policy)

    @post("/{policy_id:int}/preview", opt=ARRANGES, summary="Show what a change would do", status_code=200)
    async def preview(self, desk: CurrentDesk, policy_id: PathId, given: Given[PolicyPatch]) -> PreviewView:
        """Nothing is kept."""
        async with desk.sessions() as session:
            policy = await arranging.one(session, policy_id)
            await arranging.fill(session, policy, await _patched(session, policy, given))
            found = await recomputing.preview(session, policy)
            session.expunge_all()
        examples = [
            ChangeView(number=e.number, metric=e.metric, was=e.was, now=e.now) for e in found.examples
        ]
        counts = {name: getattr(found, name) for name in PreviewView.__struct_fields__ if name != "examples"}
        return PreviewView(**counts, examples=examples)

    @delete("/{policy_id:int}", opt=ARRANGES, summary="Remove an SLA policy")
    async def remove(self, session: Session, agent: CurrentAgent, policy_id: PathId) -> None:
        """409 where anything was ever promised by it: switch it off instead."""
        await arranging.remove(session, await arranging.one(session, policy_id), by=agent)


async def _patched(session: AsyncSession, policy: Policy, given: PolicyPatch) -> arranging.Given:
    names = ("name", "calendar_id", "targets", "condition", "pauses", "warn_minutes", "escalations", "active")
    return await _given(session, {name: getattr(policy, name) for name in names} | given.given())


async def _given(session: AsyncSession, values: dict[str, Any]) -> arranging.Given:
    known = await vocabulary(session)
    escalations = [
        {"after": one.after, "agent": one.agent, "team": one.team} if isinstance(one, Escalation) else one
        for one in values.pop("escalations")
    ]
    wanted = matching.read(values.pop("condition"), known.kinds)
    return arranging.Given(
        **values,
        condition=conditions.EVERYTHING if wanted == conditions.All() else wanted,
        escalations=[{k: v for k, v in one.items() if v is not None} for one in escalations],
    )
