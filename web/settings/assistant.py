"""The assistant: what it may do in each inbox and about each topic, how it does, and a place to try it."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import agreeing, policies
from ai.assistant.figures import figures
from ai.assistant.rows import Mode, Policy, Tool
from ai.evaluation import trials
from ai.evaluation.rows import EvaluationRun
from helpdesk import topics
from helpdesk.access import Action
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import Text, _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Team
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.evaluation import HOME as EVALUATIONS
from web.settings.frame import ThisSettings, confirmed, done

HOME = "/settings/assistant"
MANAGES = permits(Action.manage_rules)
DAYS = 30
MODES: dict[Mode, tuple[Text, Text]] = {
    Mode.off: (_("Off"), _("It does nothing here.")),
    Mode.shadow: (
        _("Shadow"),
        _(
            "It writes down what it would have said. Nobody is told; you see how often colleagues say the same."
        ),
    ),
    Mode.suggest: (_("Suggest"), _("Colleagues see its answer beside the ticket and decide.")),
    Mode.answer: (
        _("Answer"),
        _("Customers get its answer, with the source, and can ask for a person at any time."),
    ),
}
Words = Annotated[str, Meta(max_length=2_000)]
Line = Annotated[str, Meta(max_length=120)]
Number = Annotated[str, Meta(max_length=19)]


class PolicyForm(Fields):
    inbox: Number = ""
    topic: Number = ""
    mode: Mode = Mode.shadow
    team: Number = ""
    turns: Annotated[int, Meta(ge=1, le=20)] = 6
    seconds: Annotated[int, Meta(ge=3, le=120)] = 20
    tokens: Annotated[int, Meta(ge=500, le=30_000)] = 30_000
    cost: Annotated[float, Meta(ge=0, le=1_000)] = 0.5
    per_contact: Annotated[int, Meta(ge=1, le=200)] = 20
    per_day: Annotated[int, Meta(ge=1, le=100_000)] = 500
    name: Line = ""
    tone: Line = ""
    language: Annotated[str, Meta(max_length=12, pattern=r"^([a-z]{2,3})?$")] = ""
    instructions: Words = ""
    announcement: Words = ""
    overrule: bool = False
    """Other words for its model count at once, untried."""


class ModeForm(Fields):
    mode: Mode


class RemovalForm(Fields):
    confirmation: str = ""


class Assistant(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(
        self, session: Session, settings: ThisSettings, inbox: FromQuery[int | None] = None
    ) -> Html:
        rows = (await session.scalars(select(Policy).order_by(Policy.inbox_id, Policy.topic))).all()
        names = await _names(session)
        records = {policy.id: await agreeing.record(session, policy) for policy in rows}
        inbox_id = inbox if inbox in names.inboxes else None
        return await settings(
            "settings/assistant/index.html",
            policies=sorted(
                rows, key=lambda p: (names.inboxes.get(p.inbox_id, ""), p.topic != "", names.topic(p.topic))
            ),
            names=names,
            modes=MODES,
            records=records,
            offers={p.id: records[p.id].may_become(p.mode) for p in rows},
            enough=agreeing.ENOUGH,
            figures=await figures(session, days=DAYS, inbox_id=inbox_id),
            inbox_id=inbox_id,
            tools=(await session.scalars(select(Tool).order_by(Tool.name))).all(),
        )

    @get("/policies/new", opt=MANAGES)
    async def new(
        self, session: Session, settings: ThisSettings, inbox: FromQuery[int | None] = None
    ) -> Html:
        policy = Policy(inbox_id=inbox or 0, topic="", mode=Mode.shadow, **_defaults())
        return await settings("settings/assistant/policy.html", policy=policy, **await _choices(session))

    @post("/policies", opt=MANAGES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, PolicyForm)
        policy = Policy(inbox_id=0, topic="", mode=Mode.off, **_defaults())
        await _fill(session, policy, form, by=agent)
        return done(request, HOME, "added")

    @get("/policies/{policy_id:int}", opt=MANAGES)
    async def show(self, session: Session, settings: ThisSettings, policy_id: FromPath[int]) -> Html:
        policy = await _policy(session, policy_id)
        latest = await trials.newest(session, policy)
        return await settings(
            "settings/assistant/policy.html",
            policy=policy,
            trial=latest,
            tried=trials.trial_of(latest) if latest else None,
            **await _choices(session),
        )

    @post("/policies/{policy_id:int}", opt=MANAGES)
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, policy_id: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, PolicyForm)
        policy = await _policy(session, policy_id)
        run = await _fill(session, policy, form, by=agent)
        return done(request, f"{EVALUATIONS}/{run.id}", "trial") if run else done(request, HOME)

    @post("/policies/{policy_id:int}/mode", opt=MANAGES)
    async def switch(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, policy_id: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, ModeForm)
        await policies.change(session, await _policy(session, policy_id), form.mode, by=agent)
        return done(request, HOME)

    @post("/policies/{policy_id:int}/removal", opt=MANAGES)
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, policy_id: FromPath[int]
    ) -> Response[Any]:
        policy = await _policy(session, policy_id)
        names = await _names(session)
        confirmed((await read(request, RemovalForm)).confirmation, names.inboxes.get(policy.inbox_id, ""))
        session.add(Event(Kind.assistant_edited, by=agent, about=policy, was=policy.mode, now="removed"))
        await session.delete(policy)
        return done(request, HOME, "removed")


class Names(msgspec.Struct):
    inboxes: dict[int, str]
    topics: dict[str, str]
    teams: dict[int, str]

    def topic(self, key: str) -> str:
        return self.topics.get(key, gettext("a topic that is gone")) if key else gettext("Any topic")


async def _names(session: AsyncSession) -> Names:
    inboxes = await session.execute(select(Inbox.id, Inbox.name).order_by(Inbox.name))
    teams = await session.execute(select(Team.id, Team.name).order_by(Team.name))
    known = {str(topic.id): topic.name for topic in await topics.topics(session, all_=True)}
    return Names(dict(inboxes.tuples().all()), known, dict(teams.tuples().all()))


async def _choices(session: AsyncSession) -> dict[str, Any]:
    names = await _names(session)
    offered = [(str(topic.id), topic.name) for topic in await topics.topics(session)]
    return {
        "names": names,
        "modes": MODES,
        "inboxes": [(str(key), name) for key, name in names.inboxes.items()],
        "teams": [("", _("The ticket's own team")), *((str(k), name) for k, name in names.teams.items())],
        "topics": [("", _("Any topic without a line of its own")), *offered],
    }


def _defaults() -> dict[str, Any]:
    form = PolicyForm()
    kept = {"csrf", "inbox", "topic", "mode", "team", "overrule"}
    return {name: getattr(form, name) for name in form.__struct_fields__ if name not in kept}


async def _policy(session: AsyncSession, number: int) -> Policy:
    found = await session.get(Policy, number, with_for_update=True) if number < 2**63 else None
    if found is None:
        raise NotFound
    return found


async def _fill(
    session: AsyncSession, policy: Policy, form: PolicyForm, *, by: Agent
) -> EvaluationRun | None:
    """The trial of other words for a language model, where one was ordered: they do not count yet. Raises Invalid for
    what is not there, TopicThere for a second line of the same."""
    names = await _names(session)
    inbox_id, team_id = _number(form.inbox), _number(form.team)
    if inbox_id not in names.inboxes:
        raise Invalid(_("Choose an inbox."))
    if (team_id and team_id not in names.teams) or (form.topic and form.topic not in names.topics):
        raise Invalid(_("This team or topic is not there any more."))
    with session.no_autoflush:
        twin = await session.scalar(
            select(Policy.id).where(
                Policy.inbox_id == inbox_id, Policy.topic == form.topic, Policy.id.is_distinct_from(policy.id)
            )
        )
    if twin:
        raise policies.TopicThere
    new, was = policy.id is None, policy.mode
    words = {name: getattr(form, name).strip() for name in trials.WORDS}
    model = None if form.overrule else await trials.model_for(session, policy, words)
    run = await trials.order(session, policy, words, model, by=by) if model else None
    overruled = words != trials.words_of(policy) and form.overrule and not new
    policy.inbox_id, policy.topic, policy.team_id = inbox_id, form.topic, team_id or None
    for name in _defaults().keys() - (trials.WORDS if run else ()):
        given = getattr(form, name)
        setattr(policy, name, given.strip() if isinstance(given, str) else given)
    session.add(policy)
    await session.flush()
    if form.mode is not policy.mode:
        await policies.change(session, policy, form.mode, by=by)
    elif not new:
        more: dict[str, Any] = {"overruled": True} if overruled else {}
        session.add(Event(Kind.assistant_edited, by=by, about=policy, was=was, now=policy.mode, **more))
    return run


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
