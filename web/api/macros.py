"""Macros: what is said and done often, used at a ticket and taken back."""

from typing import Annotated, Any

from litestar import Controller, delete, get, post, put
from msgspec import Meta, field

from helpdesk import macros
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.macros import Macro, MacroUse
from helpdesk.sharing import Visibility
from web.api.answers import Listed
from web.api.given import Given, Id, PathId, Sent
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

MacroName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Refund is on its way"])]
Folder = Annotated[str, Meta(max_length=120, examples=["Billing / Refunds"])]
Words = Annotated[str, Meta(max_length=20_000, examples=["Hello {{contact.first_name|there}}, "])]
Actions = Annotated[
    list[dict[str, Any]],
    Meta(
        max_length=20,
        examples=[[{"verb": "tag", "tags": ["refund"]}, {"verb": "priority", "priority": "high"}]],
    ),
]
"""Each is a bulk change's `verb` with its value beside it; all but `merge`."""


class MacroView(Shape):
    id: int
    name: MacroName
    folder: Folder
    text: Words
    actions: Actions
    visibility: Visibility
    team_id: int | None
    owner_id: int
    used: int
    archived: bool

    @classmethod
    def of(cls, macro: Macro) -> "MacroView":
        same = {name: getattr(macro, name) for name in cls.__struct_fields__ if name != "text"}
        return cls(**same, text=macro.body)


class MacroGiven(Sent):
    name: MacroName
    folder: Folder = ""
    text: Words = ""
    actions: Actions = field(default_factory=list)
    visibility: Visibility = Visibility.me
    team_id: Id | None = None
    archived: bool = False


class StepView(Shape):
    place: int
    verb: str
    will_be_done: bool
    """False where it is so already, is not the caller's to do, or names what is not there any more."""


class PlanView(Shape):
    text: str
    gaps: list[str]
    """Placeholders for which nothing is known: `[…]` stands in the text."""
    steps: list[StepView]


class UseGiven(Sent):
    without: Annotated[list[Annotated[int, Meta(ge=0, le=100)]], Meta(max_length=20)] = field(
        default_factory=list
    )
    """Places of steps to leave out."""


class UseView(Shape):
    id: int
    macro_id: int
    done: int
    """How many of its steps changed something."""
    undone_at: At | None

    @classmethod
    def of(cls, use: MacroUse) -> "UseView":
        return cls(id=use.id, macro_id=use.macro_id, done=len(use.done), undone_at=use.undone_at)


class Macros(Controller):
    path = "/macros"
    opt = {"resource": "macros"}  # noqa: RUF012

    @get(opt=permits(Action.reply), summary="List macros")
    async def list(self, session: Session, agent: CurrentAgent) -> Listed[MacroView]:
        """One's own and those that are shared, by folder and name."""
        return Listed(items=[MacroView.of(macro) for macro in await macros.seen_by(session, agent)])

    @post(opt=permits(Action.reply), summary="Make a macro")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[MacroGiven]) -> MacroView:
        """Sharing it needs `template:write`."""
        made = await macros.keep(session, None, _given(given), by=agent)
        made.archived = given.archived
        return MacroView.of(made)

    @get("/{macro_id:int}", opt=permits(Action.reply), summary="Show a macro")
    async def show(self, session: Session, agent: CurrentAgent, macro_id: PathId) -> MacroView:
        return MacroView.of(await macros.one(session, agent, macro_id))

    @put("/{macro_id:int}", opt=permits(Action.reply), summary="Change a macro")
    async def change(
        self, session: Session, agent: CurrentAgent, macro_id: PathId, given: Given[MacroGiven]
    ) -> MacroView:
        found = await macros.one(session, agent, macro_id, to_change=True)
        await macros.keep(session, found, _given(given), by=agent)
        found.archived = given.archived
        return MacroView.of(found)

    @delete("/{macro_id:int}", opt=permits(Action.reply), summary="Delete a macro")
    async def remove(self, session: Session, agent: CurrentAgent, macro_id: PathId) -> None:
        found = await macros.one(session, agent, macro_id, to_change=True)
        await macros.remove(session, found, by=agent)


class MacroPlans(Controller):
    path = "/tickets/{number:int}/macros/{macro_id:int}"
    opt = {"resource": "macros"}  # noqa: RUF012

    @get(opt=permits(Action.reply), summary="Show what a macro would say and do")
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        macro_id: PathId,
    ) -> PlanView:
        macro = await macros.one(session, agent, macro_id)
        plan = await macros.foresee(session, macro, ticket, agent)
        steps = [StepView(place=s.place, verb=s.verb.value, will_be_done=s.counts) for s in plan.steps]
        return PlanView(text=plan.text, gaps=[*plan.gaps], steps=steps)

    @post("/uses", opt=permits(Action.reply), summary="Do what a macro does")
    async def use(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        macro_id: PathId,
        given: Given[UseGiven],
    ) -> UseView:
        """Its text is not sent: reply with the plan's."""
        macro = await macros.one(session, agent, macro_id)
        return UseView.of(await macros.apply(session, macro, ticket, by=agent, without=given.without))


class MacroUses(Controller):
    path = "/tickets/{number:int}/macro-uses/{use_id:int}"
    opt = {"resource": "macros"}  # noqa: RUF012

    @delete(opt=permits(Action.reply), summary="Take a use of a macro back", status_code=200)
    async def undo(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId, use_id: PathId
    ) -> UseView:
        """Within ten minutes, by who used it; what somebody changed since stays as it is."""
        use = await macros.last_use(session, ticket, use_id=use_id)
        if use is None or use.agent_id != agent.id:
            raise NotFound
        await macros.take_back(session, use, ticket, by=agent)
        return UseView.of(use)


def _given(given: MacroGiven) -> macros.Given:
    return macros.Given(given.name, given.text, given.folder, given.actions, given.visibility, given.team_id)
