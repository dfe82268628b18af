"""What becomes of an article: published now or later, looked over, renamed, translated, archived, given back."""

from datetime import UTC, date, datetime
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.params import FromPath
from sqlalchemy import select

from helpdesk.access import Action, may, require
from helpdesk.errors import Forbidden, Invalid, NotFound
from helpdesk.i18n import gettext
from helpdesk.people import Agent, Company, with_access
from kb import copies, feedback, reviews, translations, writing
from kb.articles import Article, ArticleVersion, Audience, State
from kb.reviews import Decision
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import Fields, read
from web.knowledge.editing import number_of, to
from web.settings.frame import done
from web.words import zone

WRITES = permits(Action.write_knowledge)
PUBLISHES = permits(Action.publish_knowledge)
READS = permits(Action.read_knowledge)


class Publishing(Fields):
    at: str = ""
    note: str = ""


class Asking(Fields):
    reviewer: str = ""
    question: str = ""


class Deciding(Fields):
    decision: str = ""
    answer: str = ""
    version: int | None = None
    revision: int = 0
    """The text that was read."""


class Settings(Fields):
    category: str = ""
    audience: Audience = Audience.public
    companies: str = ""
    owner: str = ""
    review_due: str = ""


class Said(Fields):
    helpful: bool
    comment: str = ""


class One(Fields):
    value: str = ""


class Deeds(Controller):
    path = "/knowledge/articles/{number:int}"

    @post("/publish", opt=PUBLISHES)
    async def publish(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """Now, or at a local time of the agent's."""
        form = await read(request, Publishing)
        article = await writing.opened(session, agent, str(number), lock=True)
        await writing.publish(session, article, by=agent, at=instant(agent, form.at), note=form.note[:300])
        return done(request, f"/knowledge/{article.slug}", "published" if not form.at else "saved")

    @post("/unpublish", opt=PUBLISHES)
    async def unpublish(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        article = await writing.opened(session, agent, str(number), lock=True)
        await writing.unpublish(session, article, by=agent)
        return done(request, f"/knowledge/{article.slug}")

    @post("/archive", opt=PUBLISHES)
    async def archive(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, Publishing)
        article = await writing.opened(session, agent, str(number), lock=True)
        await writing.archive(session, article, by=agent, at=instant(agent, form.at))
        return done(request, f"/knowledge/{article.slug}")

    @post("/unschedule", opt=PUBLISHES)
    async def unschedule(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        article = await writing.opened(session, agent, str(number), lock=True)
        await writing.unschedule(session, article, by=agent)
        return done(request, f"/knowledge/{article.slug}")

    @post("/discard", opt=WRITES)
    async def discard(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """What is being written goes; what is shown stays."""
        article = await writing.opened(session, agent, str(number), lock=True)
        await copies.discard(session, article)
        return done(request, f"/knowledge/{article.slug}")

    @post("/restore", opt=WRITES)
    async def restore(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """A former version becomes what is being written; somebody publishes it, or goes on from it."""
        form = await read(request, One)
        article = await writing.opened(session, agent, str(number), lock=True)
        if (version := number_of(form.value)) is None:
            raise Invalid(gettext("Choose one of the list."))
        old = await session.scalar(
            select(ArticleVersion).where(
                ArticleVersion.article_id == article.id, ArticleVersion.version == version
            )
        )
        if old is None:
            raise NotFound
        note = gettext("As in version %(version)s") % {"version": old.version}
        await copies.save(
            session, article, old.title, old.body, by=agent, revision=0, version=0, note=note, over=True
        )
        return to(request, f"/knowledge/articles/{article.id}/edit")

    @post("/review", opt=WRITES)
    async def ask(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, Asking)
        article = await writing.opened(session, agent, str(number), lock=True)
        chosen = number_of(form.reviewer)
        reviewer = await session.get(Agent, chosen, options=list(with_access())) if chosen else None
        if chosen and reviewer is None:
            raise NotFound
        await reviews.ask(session, article, by=agent, reviewer=reviewer, question=form.question)
        return done(request, f"/knowledge/{article.slug}", "sent")

    @post("/decision", opt=WRITES)
    async def decide(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """Approve, approve and publish at once, send back with words, or withdraw the question."""
        form = await read(request, Deciding)
        article = await writing.opened(session, agent, str(number), lock=True)
        publishes = form.decision == "publish"
        if not publishes and form.decision not in set(Decision):
            raise Invalid(gettext("Choose one of the list."))
        if publishes:
            require(agent, Action.publish_knowledge)
        decision = Decision.approved if publishes else Decision(form.decision)
        seen = None if form.version is None else (form.version, form.revision)
        await reviews.decide(session, article, decision, by=agent, answer=form.answer, seen=seen)
        if publishes:
            await writing.publish(session, article, by=agent)
        return done(request, f"/knowledge/{article.slug}", "published" if publishes else "saved")

    @post("/settings", opt=WRITES)
    async def settings(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """Where it stands and who reads it; of what is published, whoever publishes decides."""
        form = await read(request, Settings)
        article = await writing.opened(session, agent, str(number), lock=True)
        if article.state is State.published and not may(agent, Action.publish_knowledge):
            raise Forbidden
        names = [name.strip() for name in form.companies.replace(";", "\n").splitlines() if name.strip()]
        known = dict(
            (await session.execute(select(Company.name, Company.id).where(Company.name.in_(names)))).all()
        )
        if unknown := [name for name in names if name not in known]:
            raise Invalid(gettext("No company is called %(name)s.") % {"name": unknown[0]})
        await writing.arrange(
            session,
            article,
            by=agent,
            audience=form.audience,
            companies=known.values(),
            category_id=number_of(form.category),
            owner_id=number_of(form.owner),
            review_due=day(form.review_due),
        )
        return done(request, f"/knowledge/{article.slug}")

    @post("/slug", opt=WRITES)
    async def rename(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, One)
        article = await writing.opened(session, agent, str(number), lock=True)
        if article.state is State.published and not may(agent, Action.publish_knowledge):
            raise Forbidden
        await writing.rename(session, article, form.value, by=agent)
        return done(request, f"/knowledge/{article.slug}")

    @post("/translations", opt=WRITES)
    async def translate(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """A draft in another language, or a link to an article that is there already: its address."""
        form = await read(request, One)
        article = await writing.opened(session, agent, str(number), lock=True)
        made = await translations.begin(session, article, form.value, by=agent)
        return to(request, f"/knowledge/articles/{made.id}/edit")

    @post("/translation-of", opt=WRITES)
    async def link(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """The article says the same as another one in another language; nothing given: it does not any more."""
        form = await read(request, One)
        article = await writing.opened(session, agent, str(number), lock=True)
        if form.value.strip():
            other = await writing.opened(session, agent, form.value.strip().rpartition("/")[2])
            await translations.link(session, article, other, by=agent)
        else:
            await translations.unlink(session, article, by=agent)
        return done(request, f"/knowledge/{article.slug}")

    @post("/translated", opt=WRITES)
    async def caught_up(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: FromPath[int]
    ) -> Response[Any]:
        """The translation says what its source says now."""
        article = await writing.opened(session, agent, str(number), lock=True)
        if article.source_id:
            article.source_version = (await session.get_one(Article, article.source_id)).version
        return done(request, f"/knowledge/{article.slug}")

    @post("/feedback", opt=READS)
    async def say(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        number: FromPath[int],
    ) -> Response[Any]:
        """Colleagues are readers, too."""
        form = await read(request, Said)
        article = await writing.opened(session, agent, str(number))
        reader = feedback.who(desk.settings.sign_key, f"agent {agent.id}")
        await feedback.give(session, article, reader=reader, helpful=form.helpful, comment=form.comment)
        return done(request, f"/knowledge/{article.slug}", "thanks")


def instant(agent: Agent, typed: str) -> datetime | None:
    """A local time in the agent's own zone. Raises BadTime."""
    if not typed.strip():
        return None
    try:
        local = datetime.fromisoformat(typed.strip())
        return (local if local.tzinfo else local.replace(tzinfo=zone(agent.time_zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise writing.BadTime from None


def day(typed: str) -> date | None:
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise Invalid(gettext("Choose a day.")) from None
