"""One change to many tickets, as one command that can be undone for ten minutes."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Controller, delete, get, post
from msgspec import Meta, field

from helpdesk import bulk, changes, conditions
from helpdesk.access import Action
from helpdesk.bulk import BulkChange, BulkState, Verb
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.search.values import vocabulary
from helpdesk.tickets import Ticket
from web.api.given import Given, PathId, Sent
from web.api.partaking import Number
from web.api.problems import Mistake, Unreadable
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

MOST = 1_000


class NewBulk(Sent):
    """Which tickets: `numbers`, or a `condition` in the language of saved views."""

    verb: Annotated[Verb, Meta(examples=["tag"])]
    value: Annotated[dict[str, Any], Meta(examples=[{"tags": ["refund"]}])] = field(default_factory=dict)
    """agent, team, status, type: an id; priority; tags: a list; until: an instant; into: a number."""
    numbers: Annotated[list[Number], Meta(max_length=MOST)] = field(default_factory=list)
    condition: Annotated[dict[str, Any] | None, Meta(examples=[None])] = None


class BulkView(Shape):
    id: int
    verb: Verb
    state: BulkState
    total: int
    changed: int
    unchanged: int
    restored: int
    kept: int
    """Somebody changed the same since, so undoing left it alone."""
    undo_until: At | None

    @classmethod
    def of(cls, made: BulkChange) -> "BulkView":
        return cls(**{name: getattr(made, name) for name in cls.__struct_fields__})


class BulkChanges(Controller):
    path = "/bulk-changes"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @post(opt=permits(Action.bulk), summary="Change many tickets")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewBulk]) -> BulkView:
        """Up to 200 are changed before this answers; more are `queued` and changed within moments."""
        if bool(given.numbers) == (given.condition is not None):
            raise Unreadable(
                [Mistake(field="numbers", message=gettext("Name either `numbers` or a `condition`."))]
            )
        where = Ticket.number.in_(given.numbers)
        if given.condition is not None:
            known = await vocabulary(session)
            where = conditions.compile(conditions.parse(given.condition, known.kinds), agent, now())
        made = await bulk.begin(session, agent, given.verb, checked(given.verb, given.value), where=where)
        return BulkView.of(made)

    @get("/{bulk_id:int}", opt=permits(Action.bulk), summary="Show how far a change of many tickets is")
    async def show(self, session: Session, agent: CurrentAgent, bulk_id: PathId) -> BulkView:
        made = await session.get(BulkChange, bulk_id)
        if made is None or made.agent_id != agent.id:
            raise NotFound
        return BulkView.of(made)

    @delete(
        "/{bulk_id:int}", opt=permits(Action.bulk), summary="Undo a change of many tickets", status_code=200
    )
    async def undo(self, session: Session, agent: CurrentAgent, bulk_id: PathId) -> BulkView:
        """Each ticket has what it had, unless somebody changed the same since."""
        return BulkView.of(await bulk.undo(session, bulk_id, by=agent))


def checked(verb: Verb, value: Mapping[str, Any], field: str = "value") -> dict[str, Any]:
    """What is stored is read again by a worker, so it is of the right kind from the start."""
    try:
        return changes.checked(verb, value)
    except changes.BadValue as error:
        raise Unreadable([Mistake(field=f"{field}.{error.name}", message=str(error))]) from None
