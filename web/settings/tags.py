"""Tags: renamed, merged, deleted. They are made by using them."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import func, select

from helpdesk import labels
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.labels import Tag, tags_called, ticket_tag
from helpdesk.texts import clean
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, confirmed, done

HOME = "/settings/tags"
MANAGES = permits(Action.manage_desk)
SHOWN = 100
Form = Request[Any, Any, Any]


class TagForm(Fields):
    name: Annotated[str, Meta(max_length=400)]
    colour: str = "grey"


class MergeForm(Fields):
    into: Annotated[str, Meta(max_length=400)]
    """The other tag's name, made where it is new."""


class RemovalForm(Fields):
    confirmation: str


class Tags(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(
        self, session: Session, settings: ThisSettings, q: FromQuery[str] = "", after: FromQuery[str] = ""
    ) -> Html:
        """By name, a page at a time: a desk may have thousands."""
        name = func.lower(Tag.name)
        words = " ".join(clean(q).split())[:50].lower()
        query = select(Tag).where(name.contains(words, autoescape=True)).order_by(name).limit(SHOWN + 1)
        if after:
            query = query.where(name > clean(after)[:100].lower())
        tags = (await session.scalars(query)).all()
        counted = await session.execute(
            select(ticket_tag.c.tag_id, func.count())
            .where(ticket_tag.c.tag_id.in_([tag.id for tag in tags[:SHOWN]]))
            .group_by(ticket_tag.c.tag_id)
        )
        return await settings(
            "settings/words/tags.html",
            tags=tags[:SHOWN],
            counts=dict(counted.tuples().all()),
            more=tags[SHOWN - 1].name if len(tags) > SHOWN else "",
            q=q,
        )

    @post(opt=MANAGES)
    async def create(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        form = await read(request, TagForm)
        (tag,) = await tags_called(session, [form.name], by=agent)
        await labels.change_tag(session, tag, name=form.name, colour=form.colour, by=agent)
        return done(request, HOME, "added")

    @get("/new", opt=MANAGES)
    async def new(self, settings: ThisSettings) -> Html:
        return await settings("settings/words/tag.html", tag=None, used=0)

    @get("/{tag_id:int}", opt=MANAGES)
    async def show(self, tag_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        tag = await _found(session, tag_id)
        return await settings("settings/words/tag.html", tag=tag, used=await labels.used(session, tag))

    @post("/{tag_id:int}", opt=MANAGES)
    async def save(
        self, tag_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, TagForm)
        tag = await _found(session, tag_id)
        await labels.change_tag(session, tag, name=form.name, colour=form.colour, by=agent)
        return done(request, HOME)

    @post("/{tag_id:int}/merge", opt=MANAGES)
    async def merge(
        self, tag_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        tag = await _found(session, tag_id)
        (into,) = await tags_called(session, [(await read(request, MergeForm)).into], by=agent)
        await labels.merge_tags(session, tag, into, by=agent)
        return done(request, HOME)

    @post("/{tag_id:int}/removal", opt=MANAGES)
    async def remove(
        self, tag_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        tag = await _found(session, tag_id)
        confirmed((await read(request, RemovalForm)).confirmation, tag.name)
        await labels.delete_tag(session, tag, by=agent)
        return done(request, HOME, "removed")


async def _found(session: Session, number: int) -> Tag:
    tag = await session.get(Tag, number, with_for_update=True) if number < 2**63 else None
    if tag is None:
        raise NotFound
    return tag
