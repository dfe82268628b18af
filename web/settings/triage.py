"""Triage: which topics there are, how far each reading goes, what each reader is worth."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Kind
from ai.triage import figures
from ai.triage.policy import DEEDS, Rule, allow, policy, usual
from ai.triage.promotion import go_back
from ai.triage.rows import Learned, Mode
from helpdesk import topics
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.i18n import Text, _
from helpdesk.labels import Tag, TicketType, ticket_tag
from helpdesk.people import Team
from helpdesk.search.values import WORDS
from helpdesk.topics import Topic
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, done
from web.triage_words import KINDS, NOTHING, kind_name

HOME = "/settings/triage"
MANAGES = permits(Action.manage_rules)
Form = Request[Any, Any, Any]
PROPOSED = 12
ELSEWHERE = ""
MODES: dict[str, tuple[Text, Text]] = {
    Mode.off: (_("Off"), _("It is not read at all.")),
    Mode.suggest: (_("Suggest"), _("Shown beside the ticket; a person decides.")),
    Mode.do: (_("Do"), _("Written on the ticket where the reader is sure enough.")),
}


class TopicForm(Fields):
    name: Annotated[str, Meta(max_length=200)]
    description: Annotated[str, Meta(max_length=2000)] = ""
    examples: Annotated[str, Meta(max_length=100_000)] = ""


class RuleForm(Fields):
    mode: Annotated[str, Meta(pattern="^(|off|suggest|do)$")] = ""
    sure: Annotated[int, Meta(ge=50, le=100)] = 90


class Triage(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        rules = await policy(session)
        return await settings(
            "settings/triage/index.html",
            kinds=KINDS,
            figures=await figures.figures(session),
            rules={kind: rules.of(kind, None) for kind in KINDS},
            modes=MODES,
            topics=await topics.topics(session, all_=True),
            proposed=await _proposed(session),
            days=figures.DAYS,
        )

    @get("/readers/{kind:str}", opt=MANAGES)
    async def reader(
        self, kind: FromPath[str], session: Session, agent: CurrentAgent, settings: ThisSettings
    ) -> Html:
        which = _kind(kind)
        rules = await policy(session)
        teams = (await session.scalars(select(Team).order_by(Team.name))).all()
        own = {team_id for of, team_id in rules.rules if of is which and team_id}
        return await settings(
            "settings/triage/reader.html",
            kind=which,
            name=kind_name(which),
            hint=KINDS[which][1],
            rule=rules.of(which, None),
            usual=usual(which),
            teams=[(team, rules.of(which, team.id) if team.id in own else None) for team in teams],
            modes=MODES,
            acts=which in DEEDS,
            figures=(await figures.figures(session))[which],
            nights=await figures.nights(session, which),
            recent=await figures.recent(session, which, agent),
            names=await figures.names(session, which) | {k: str(v) for k, v in WORDS.get(kind, {}).items()},
            nothing=NOTHING,
            days=figures.DAYS,
        )

    @post("/readers/{kind:str}", opt=MANAGES)
    async def allow(
        self, kind: FromPath[str], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await _allow(session, request, _kind(kind), None, agent)
        return done(request, f"{HOME}/readers/{kind}")

    @post("/readers/{kind:str}/teams/{team_id:int}", opt=MANAGES)
    async def allow_team(
        self,
        kind: FromPath[str],
        team_id: FromPath[int],
        request: Form,
        session: Session,
        agent: CurrentAgent,
    ) -> Response[Any]:
        if await session.get(Team, team_id) is None:
            raise NotFound
        await _allow(session, request, _kind(kind), team_id, agent)
        return done(request, f"{HOME}/readers/{kind}")

    @post("/learned/{learned_id:int}/return", opt=MANAGES)
    async def go_back(
        self, learned_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        row = await session.get(Learned, learned_id)
        if row is None:
            raise NotFound
        await go_back(session, row, by=agent)
        return done(request, f"{HOME}/readers/{row.kind.value}")


class Topics(Controller):
    path = f"{HOME}/topics"

    @get("/new", opt=MANAGES)
    async def new(self, settings: ThisSettings) -> Html:
        return await settings("settings/triage/topic.html", topic=None)

    @get("/{topic_id:int}", opt=MANAGES)
    async def edit(self, topic_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        return await settings("settings/triage/topic.html", topic=await _one(session, topic_id))

    @post(opt=MANAGES)
    async def create(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        await _fill(session, Topic(), await read(request, TopicForm), agent)
        return done(request, HOME, "added")

    @post("/{topic_id:int}", opt=MANAGES)
    async def change(
        self, topic_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await _fill(session, await _one(session, topic_id), await read(request, TopicForm), agent)
        return done(request, HOME)

    @post("/{topic_id:int}/archive", opt=MANAGES)
    async def archive(
        self, topic_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """And back again."""
        topic = await _one(session, topic_id)
        back = topic.archived
        await topics.archive(session, topic, by=agent, back=back)
        return done(request, HOME, "restored" if back else "removed")


async def _allow(session: AsyncSession, request: Form, kind: Kind, team_id: int | None, by: Any) -> None:
    form = await read(request, RuleForm)
    rule = Rule(Mode(form.mode), form.sure / 100) if form.mode else None
    await allow(session, kind, team_id, rule, by=by)


async def _fill(session: AsyncSession, topic: Topic, form: TopicForm, by: Any) -> None:
    await topics.fill(
        session,
        topic,
        by=by,
        name=form.name,
        description=form.description,
        examples=form.examples.splitlines(),
    )


async def _proposed(session: AsyncSession) -> list[str]:
    """Names that the desk sorts by already, the most used first; none that is a topic."""
    known = select(func.lower(Topic.name))
    tags = await session.scalars(
        select(Tag.name)
        .join(ticket_tag, ticket_tag.c.tag_id == Tag.id)
        .where(func.lower(Tag.name).not_in(known))
        .group_by(Tag.id)
        .order_by(func.count().desc(), Tag.name)
        .limit(PROPOSED)
    )
    types = await session.scalars(
        select(TicketType.name)
        .where(~TicketType.archived, func.lower(TicketType.name).not_in(known))
        .order_by(TicketType.position)
    )
    return list(dict.fromkeys([*tags, *types]))[:PROPOSED]


async def _one(session: AsyncSession, number: int) -> Topic:
    if (found := await session.get(Topic, number)) is None:
        raise NotFound
    return found


def _kind(name: str) -> Kind:
    if name not in set(Kind):
        raise NotFound
    return Kind(name)
