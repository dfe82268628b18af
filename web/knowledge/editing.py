"""The editor: a new article, its working copy as it is typed, the same beside it as readers will see it, pictures."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from markupsafe import Markup
from msgspec import field
from msgspec.json import encode

from helpdesk.access import Action
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from kb import copies, images, writing
from kb.articles import Audience
from kb.copies import SavedMeanwhile
from kb.diffs import diff
from kb.markup import rendered
from kb.shelves import Tree
from web.auth import permits
from web.console.shell import Directory, Shell
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import done

LARGEST = 1024**2
"""Bytes of a saving: 200,000 characters in any script, and what a form puts around them."""
WRITES = permits(Action.write_knowledge)


class New(Fields):
    title: str = ""
    category: str = ""
    language: str = "en"
    audience: Audience = Audience.public


class Typed(Fields):
    title: str = ""
    body: str = ""
    note: str = ""
    revision: int = 0
    version: int = 0
    over: bool = False
    settle: str = field(default="")
    """Set by the button of the form, where no script saves what is typed."""


class Editing(Controller):
    path = "/knowledge/articles"

    @get("/new", opt=WRITES)
    async def new(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        category: FromQuery[str] = "",
        title: FromQuery[str] = "",
    ) -> Html:
        tree = await Tree.load(session)
        shell = await Shell.load(session, agent)
        return page("knowledge/new.html", shell=shell, tree=tree, chosen=category, title=title[:200])

    @post(opt=WRITES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, New)
        article = await writing.write(
            session,
            form.title,
            by=agent,
            category_id=number_of(form.category),
            locale=form.language,
            audience=form.audience,
        )
        return to(request, f"/knowledge/articles/{article.id}/edit")

    @get("/{number:int}/edit", opt=WRITES)
    async def edit(
        self, session: Session, agent: CurrentAgent, page: ThisPage, number: FromPath[int]
    ) -> Html:
        article = await writing.opened(session, agent, str(number))
        copy = await copies.of(session, article)
        body = copy.body if copy else article.body
        return page(
            "knowledge/edit.html",
            shell=await Shell.load(session, agent),
            article=article,
            copy=copy,
            title=copy.title if copy else article.title,
            text=body,
            preview=Markup(rendered(body)),  # noqa: S704 - sanitised
            directory=await Directory.load(session),
        )

    @post("/{number:int}/copy", opt=WRITES, request_max_body_size=LARGEST, status_code=200)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        number: FromPath[int],
    ) -> Response[Any]:
        """What was typed, kept; answers with its revision and the text as readers will see it. Where somebody else
        saved meanwhile, with both texts and where they differ."""
        form = await read(request, Typed)
        article = await writing.opened(session, agent, str(number), lock=True)
        title, body = writing.text_of(form.title or article.title, form.body)
        try:
            revision = await copies.save(
                session,
                article,
                title,
                body,
                by=agent,
                revision=form.revision,
                version=form.version,
                note=form.note[:300],
                over=form.over,
            )
        except SavedMeanwhile as crossed:
            return await self._crossed(session, page, article, title, body, crossed)
        if form.settle:
            return done(request, f"/knowledge/{article.slug}")
        return told({"revision": revision, "version": article.version, "preview": rendered(body)})

    async def _crossed(
        self, session: Session, page: ThisPage, article: Any, title: str, body: str, crossed: SavedMeanwhile
    ) -> Response[Any]:
        copy = await copies.of(session, article)
        theirs = copy or article
        notice = page(
            "knowledge/_crossed.html",
            crossed=str(crossed),
            copy=copy,
            article=article,
            titles=diff(theirs.title, title),
            lines=diff(theirs.body, body),
            directory=await Directory.load(session),
        ).content
        revision = copy.revision if copy else 0
        return told({"notice": notice, "revision": revision, "version": article.version}, status=409)

    @post("/{number:int}/images", opt=WRITES, request_max_body_size=images.LARGEST + 2**16, status_code=200)
    async def upload(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        number: FromPath[int],
    ) -> Response[Any]:
        """One picture; answers with how it stands in the text."""
        article = await writing.opened(session, agent, str(number), lock=True)
        file = (await request.form()).get("image")
        if not isinstance(file, UploadFile):
            raise Invalid(gettext("Choose a picture."))
        image = await images.add(session, desk.files, article, file.filename, await file.read(), by=agent)
        return told({"markdown": images.markdown(image)})


def told(what: dict[str, Any], status: int = 200) -> Response[Any]:
    """For the script of the editor."""
    return Response(encode(what), status_code=status, media_type=MediaType.JSON)


def to(request: Request[Any, Any, Any], path: str) -> Response[Any]:
    """There, without saying anything."""
    if "hx-request" in request.headers:
        return Response("", status_code=204, headers={"hx-redirect": path})
    return Response("", status_code=303, headers={"location": path})


def number_of(text: str) -> int | None:
    """A chosen row, nothing where nothing is chosen."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(gettext("Choose one of the list."))
    return int(text)
