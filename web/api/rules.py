"""Rules: what the desk does by itself, what it would have done, what it did, and taking it back."""

from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post, put
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.errors import Forbidden
from helpdesk.rules import MOST_ACTIONS, MOST_RULES, BadRule, Rule, RuleRun, shelf, undoing
from helpdesk.rules.foreseeing import Foreseen, foresee
from helpdesk.rules.reading import MOST_TRIGGERS
from helpdesk.tickets import Ticket
from web.api.answers import Answer, Listed
from web.api.given import PAGE, After, Given, Id, Limit, Patch, PathId, Sent, cursor, resume
from web.api.openapi import PREFIX
from web.api.problems import Mistake, Unreadable
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session
from web.rules import runs
from web.rules.editing import Editor

MAY = permits(Action.manage_rules)
RuleName = Annotated[str, Meta(min_length=1, max_length=shelf.LONGEST_NAME, examples=["Refunds first"])]
Description = Annotated[
    str, Meta(max_length=shelf.LONGEST_DESCRIPTION, examples=["Finance answers within a day."])
]
Triggers = Annotated[
    list[dict[str, Any]],
    Meta(
        max_length=MOST_TRIGGERS,
        examples=[[{"on": "created"}, {"on": "changed", "field": "priority", "now": ["urgent"]}]],
    ),
]
"""`on`: created, received, replied, noted, changed (`field`, `was`, `now`), triaged, warned and breached (`metric`),
rated, idle (`minutes`, `silence`), schedule (`schedule`)."""
Wanted = Annotated[dict[str, Any], Meta(examples=[{}])]
Actions = Annotated[
    list[dict[str, Any]],
    Meta(max_length=MOST_ACTIONS, examples=[[{"verb": "tag", "tags": ["refund"]}]]),
]
"""A macro's, and `field`, `policy`, `reply`, `note`, `notify`, `webhook`, `survey`, `draft` beside."""


class RuleView(Shape):
    id: int
    name: RuleName
    description: str
    position: int
    """Rules are asked in this order."""
    active: bool
    triggers: list[Any]
    """Any of them."""
    condition: dict[str, Any]
    """As in saved views; empty for every ticket."""
    actions: list[Any]
    """Done in this order."""
    stops: bool
    """Where its condition holds, no later rule is asked about the same event."""
    next_at: At | None
    """When one with a schedule comes round next."""
    trouble: str
    """Why it is not asked, in words: what it names is not there any more."""
    sentence: str
    """All of it in one sentence."""

    @classmethod
    def of(cls, rule: Rule, editor: Editor) -> "RuleView":
        same = {name: getattr(rule, name) for name in cls.__struct_fields__ if name != "sentence"}
        return cls(**same, sentence=str(editor.sentence(rule)))


class NewRule(Sent):
    name: RuleName
    triggers: Triggers
    actions: Actions
    condition: Wanted = field(default_factory=dict)
    description: Description = ""
    stops: bool = False


class RulePatch(Patch):
    name: RuleName | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    triggers: Triggers | UnsetType = UNSET
    condition: Wanted | UnsetType = UNSET
    actions: Actions | UnsetType = UNSET
    """All of them."""
    stops: bool | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Order(Sent):
    rules: Annotated[list[Id], Meta(max_length=MOST_RULES, examples=[[1]])]
    """Those that are left out stay behind the others."""


class DoneView(Shape):
    verb: str
    given: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @classmethod
    def of(cls, done: dict[str, Any]) -> "DoneView":
        return cls(verb=done["verb"], given=done["given"], before=done.get("before"), after=done.get("after"))


class RefusedView(Shape):
    verb: str
    given: dict[str, Any]
    why: str

    @classmethod
    def of(cls, failed: dict[str, Any]) -> "RefusedView":
        return cls(verb=failed["verb"], given=failed["given"], why=failed["why"])


class RunView(Shape):
    """What a rule did to one ticket, and what was before."""

    id: int
    rule_id: int
    rule: RuleName
    ticket: int
    """Its number."""
    created_at: At
    cause: str
    """After what, in words."""
    cause_event_id: int | None
    chain: list[int]
    """Rules whose runs led to this one, first to last."""
    done: list[DoneView]
    refused: list[RefusedView]
    can_be_undone: bool
    undone_at: At | None
    undone_by_id: int | None

    @classmethod
    def of(cls, ran: runs.Ran) -> "RunView":
        run = ran.run
        return cls(
            id=run.id,
            rule_id=run.rule_id,
            rule=ran.rule.name,
            ticket=ran.number,
            created_at=run.created_at,
            cause=ran.cause,
            cause_event_id=run.cause_id,
            chain=run.chain,
            done=[DoneView.of(each) for each in run.done],
            refused=[RefusedView.of(each) for each in run.failed],
            can_be_undone=undoing.can_be_undone(run),
            undone_at=run.undone_at,
            undone_by_id=run.undone_by_id,
        )


class HitView(Shape):
    number: int
    subject: str
    at: At
    """The newest time that it would have been changed."""
    times: int
    done: list[DoneView]


class ForeseenView(Shape):
    """What a rule would have done. Nothing was changed, and it was played alone."""

    since: At
    moments: int
    """How often it would have been asked."""
    matched: int
    """How often its condition held."""
    tickets: int
    """How many would have become different, or had somebody written to."""
    hits: list[HitView]
    """The newest of them."""
    judged_by_today: list[str]
    """Statements that were judged by what tickets are now, since nothing tells what they were."""
    cut: bool
    """There was more than was looked at: this is the newest part of the time."""

    @classmethod
    def of(cls, found: Foreseen, editor: Editor) -> "ForeseenView":
        return cls(
            since=found.since,
            moments=found.moments,
            matched=found.matched,
            tickets=found.tickets,
            hits=[
                HitView(
                    number=hit.number,
                    subject=hit.subject,
                    at=hit.moment.at,
                    times=hit.times,
                    done=[DoneView.of(each) for each in hit.done],
                )
                for hit in found.hits
            ],
            judged_by_today=[editor.known.describe(each) for each in found.by_today],
            cut=found.cut,
        )


class UndoneView(Shape):
    given_back: int
    kept: list[str]
    """Verbs of what stays as it is: somebody changed the same since, or it has left the house."""


class Rules(Controller):
    path = "/rules"
    opt = {"resource": "rules"}  # noqa: RUF012 - Litestar's own declaration

    @get(opt=MAY, summary="List rules")
    async def list(self, session: Session, agent: CurrentAgent) -> Listed[RuleView]:
        """In the order in which they are asked."""
        editor = await Editor.load(session, agent)
        return Listed(items=[RuleView.of(rule, editor) for rule in await shelf.all_rules(session)])

    @post(opt=MAY, summary="Make a rule")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewRule]) -> Answer[RuleView]:
        """It is asked after all others, and switched off: see what it would have done, then switch it on."""
        rule = await _kept(session, None, _given(given), agent)
        view = RuleView.of(rule, await Editor.load(session, agent))
        return Answer(view, status_code=201, headers={"location": f"{PREFIX}/rules/{rule.id}"})

    @put("/order", opt=MAY, summary="Put rules in order")
    async def order(self, session: Session, agent: CurrentAgent, given: Given[Order]) -> Listed[RuleView]:
        await shelf.reorder(session, given.rules, by=agent)
        await session.flush()
        return await self._listed(session, agent)

    @post("/dry-run", opt=MAY, summary="Show what a rule would have done", status_code=200)
    async def dry_run(self, session: Session, agent: CurrentAgent, given: Given[NewRule]) -> ForeseenView:
        """Over the last 30 days. Nothing is kept or changed."""
        return await _foreseen(session, agent, await _checked(session, _given(given), agent))

    @get("/{rule_id:int}", opt=MAY, summary="Show a rule")
    async def show(self, session: Session, agent: CurrentAgent, rule_id: PathId) -> RuleView:
        return RuleView.of(await shelf.one(session, rule_id), await Editor.load(session, agent))

    @patch("/{rule_id:int}", opt=MAY, summary="Change a rule, switch it on or off")
    async def change(
        self, session: Session, agent: CurrentAgent, rule_id: PathId, given: Given[RulePatch]
    ) -> RuleView:
        rule = await shelf.one(session, rule_id, lock=True)
        changed = given.given()
        active = changed.pop("active", None)
        if changed:
            kept = {name: getattr(rule, name) for name in shelf.KEPT}
            await _kept(session, rule, shelf.Given(**(kept | changed)), agent)
        if active is not None:
            await _in_words(shelf.switch(session, rule, active, by=agent))
        return RuleView.of(rule, await Editor.load(session, agent))

    @delete("/{rule_id:int}", opt=MAY, summary="Remove a rule")
    async def remove(self, session: Session, agent: CurrentAgent, rule_id: PathId) -> None:
        """With its runs: what it changed stays, and cannot be undone any more."""
        await shelf.remove(session, await shelf.one(session, rule_id), by=agent)

    @get("/{rule_id:int}/dry-run", opt=MAY, summary="Show what a kept rule would have done")
    async def look(self, session: Session, agent: CurrentAgent, rule_id: PathId) -> ForeseenView:
        """Over the last 30 days, as it stands now. Nothing is changed."""
        return await _foreseen(session, agent, await shelf.one(session, rule_id))

    @get("/{rule_id:int}/runs", opt=MAY, summary="List what a rule did")
    async def runs(
        self,
        session: Session,
        agent: CurrentAgent,
        rule_id: PathId,
        after: After = "",
        limit: Limit = PAGE,
    ) -> Listed[RunView]:
        """Newest first, of tickets that the caller may know of."""
        rule = await shelf.one(session, rule_id)
        (before,) = resume(after, int) or (None,)
        found = await _ran(session, agent, RuleRun.rule_id == rule.id, before=before, limit=limit)
        more = cursor(found[-1].run.id) if len(found) == limit else None
        return Listed(items=[RunView.of(ran) for ran in found], next=more)

    async def _listed(self, session: AsyncSession, agent: Any) -> Listed[RuleView]:
        editor = await Editor.load(session, agent)
        return Listed(items=[RuleView.of(rule, editor) for rule in await shelf.all_rules(session)])


class RuleRuns(Controller):
    path = "/rule-runs/{run_id:int}"
    opt = {"resource": "rules"}  # noqa: RUF012 - Litestar's own declaration

    @post("/undo", opt=permits(Action.change), summary="Take back what a rule did", status_code=200)
    async def undo(self, session: Session, agent: CurrentAgent, run_id: PathId) -> UndoneView:
        """Within a day, by whoever may do the same by hand; what somebody changed since stays as it is."""
        run = await runs.one(session, agent, run_id)
        if not runs.may_undo(agent, run, await session.get_one(Ticket, run.ticket_id)):
            raise Forbidden
        undone = await undoing.undo(session, run, by=agent)
        return UndoneView(given_back=undone.given_back, kept=[str(each) for each in undone.kept])


class TicketRuleRuns(Controller):
    path = "/tickets/{number:int}/rule-runs"
    opt = {"resource": "rules"}  # noqa: RUF012 - Litestar's own declaration

    @get(opt=permits(Action.read), summary="List what rules did to a ticket")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        limit: Limit = PAGE,
    ) -> Listed[RunView]:
        """Newest first."""
        found = await _ran(session, agent, RuleRun.ticket_id == ticket.id, before=None, limit=limit)
        return Listed(items=[RunView.of(ran) for ran in found])


async def _ran(
    session: AsyncSession, agent: Any, which: Any, *, before: int | None, limit: int
) -> list[runs.Ran]:
    editor = await Editor.load(session, agent)
    return await runs.told(
        session, agent, editor.narrator, which, runs.did_something(), before=before, limit=limit
    )


def _given(given: NewRule) -> shelf.Given:
    return shelf.Given(**{name: getattr(given, name) for name in given.__struct_fields__})


async def _kept(session: AsyncSession, rule: Rule | None, given: shelf.Given, agent: Any) -> Rule:
    return await _in_words(shelf.keep(session, rule, given, by=agent))  # type: ignore[no-any-return]


async def _checked(session: AsyncSession, given: shelf.Given, agent: Any) -> Rule:
    return await _in_words(shelf.checked(session, given, by=agent))  # type: ignore[no-any-return]


async def _foreseen(session: AsyncSession, agent: Any, rule: Rule) -> ForeseenView:
    found = await _in_words(foresee(session, rule, agent=agent))
    return ForeseenView.of(found, await Editor.load(session, agent))


async def _in_words(doing: Any) -> Any:
    """A rule that is wrong is refused with the name of the field; raises Unreadable."""
    try:
        return await doing
    except BadRule as error:
        raise Unreadable([Mistake(field=error.field, message=str(error))]) from None
