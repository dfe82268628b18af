"""Articles brought in from a file: looked at first, then written; and all of them taken along."""

import tempfile
from typing import Any, BinaryIO, cast

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from helpdesk.access import Action, may
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import Text, _
from helpdesk.people import Agent
from kb import writing
from kb.imports import exporting, ordering, reading, running
from kb.imports.documents import Read
from kb.imports.rows import ImportedArticle, KnowledgeImport, Stage
from kb.imports.running import Fate
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, done

BRINGS = permits(Action.publish_knowledge)
HERE = "/knowledge/imports"
LISTED = 300
FATES: dict[Fate, Text] = {
    Fate.new: _("New"),
    Fate.changed: _("Changed there: updated here, the old text stays a version"),
    Fate.edited: _("Edited here since: left alone"),
    Fate.gone: _("Not there any more: left alone"),
    Fate.unchanged: _("Unchanged"),
}


class NoFile(Invalid):
    message = _("Choose a file.")


class SiteForm(Fields):
    address: str = ""
    source: str = ""


class WriteForm(Fields):
    publish: bool = False
    overwrite: bool = False


class Imports(Controller):
    path = HERE

    @get(opt=BRINGS)
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        query = select(KnowledgeImport).options(defer(KnowledgeImport.found, raiseload=True))
        runs = await session.scalars(query.order_by(KnowledgeImport.id.desc()).limit(ordering.KEPT))
        sources = await session.scalars(
            select(ImportedArticle.source).distinct().order_by(ImportedArticle.source).limit(50)
        )
        return page(
            "knowledge/imports.html",
            shell=await Shell.load(session, agent),
            runs=runs.all(),
            sources=sources.all(),
            said=DONE.get(page.request.query_params.get("done", "")),
        )

    @post(opt=BRINGS, request_max_body_size=reading.LARGEST + 2**20)
    async def upload(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        """Changes nothing: a worker reads it."""
        form = await request.form()
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise NoFile
        source = str(form.get("source", ""))
        run = await ordering.from_file(
            desk, session, file.filename, await file.read(), source=source, by=agent
        )
        return done(request, f"{HERE}/{run.id}")

    @post("/sites", opt=BRINGS)
    async def site(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        """A website, by its sitemap."""
        form = await read(request, SiteForm)
        run = await ordering.from_site(desk, session, form.address, source=form.source, by=agent)
        return done(request, f"{HERE}/{run.id}")

    @get("/{import_id:int}", opt=BRINGS)
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, import_id: FromPath[int]
    ) -> Html:
        """How far it is; once it is read, what it would do now: articles may have changed since."""
        run = await _run(session, import_id)
        told: dict[str, Any] = {"run": run, "why": run.trouble}
        if run.stage is Stage.read:
            told |= await _foreseen(session, run)
        if page.asks_for("import-run"):
            return page("knowledge/_import.html", **told)
        return page("knowledge/import.html", shell=await Shell.load(session, agent), **told)

    @post("/{import_id:int}/writing", opt=BRINGS)
    async def write(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, import_id: FromPath[int]
    ) -> Response[Any]:
        """All of it, or nothing where one of them cannot be written."""
        form = await read(request, WriteForm)
        run = await _run(session, import_id, lock=True)
        await ordering.write(session, run, publish=form.publish, overwrite=form.overwrite, by=agent)
        return done(request, f"{HERE}/{run.id}")

    @post("/{import_id:int}/again", opt=BRINGS)
    async def again(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, import_id: FromPath[int]
    ) -> Response[Any]:
        """What could not be read is tried anew; a website that was read before is read as it is now."""
        run = await _run(session, import_id, lock=True)
        await ordering.again(session, run, by=agent)
        return done(request, f"{HERE}/{run.id}")

    @post("/{import_id:int}/removal", opt=BRINGS)
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, desk: CurrentDesk, import_id: FromPath[int]
    ) -> Response[Any]:
        run = await _run(session, import_id, lock=True)
        if run.stage is Stage.written:
            raise NotFound
        await ordering.remove(desk, session, run)
        return done(request, HERE, "removed")

    @get("/articles.zip", opt=BRINGS)
    async def export(self, session: Session, agent: CurrentAgent, desk: CurrentDesk) -> Stream:
        """Those that the agent knows of, as Markdown, with their pictures."""
        if not may(agent, Action.publish_knowledge):
            raise NotFound
        return await _zip(session, desk, agent)


async def _zip(session: AsyncSession, desk: Desk, agent: Agent) -> Stream:
    file = tempfile.SpooledTemporaryFile(max_size=8 << 20)  # noqa: SIM115 - closed when it is sent
    await exporting.export(session, desk.files, cast("BinaryIO", file), which=writing.seen(agent))
    file.seek(0)

    async def pieces() -> Any:
        with file:
            while piece := file.read(1 << 16):
                yield piece

    named = {"content-disposition": 'attachment; filename="articles.zip"'}
    return Stream(pieces(), media_type="application/zip", headers=named)


async def _foreseen(session: AsyncSession, run: KnowledgeImport) -> dict[str, Any]:
    found = msgspec.convert(run.found, Read)
    steps = await running.foresee(session, run.source, found.documents)
    told = [
        (
            str(words),
            sum(step.fate is fate for step in steps),
            [s for s in steps if s.fate is fate][:LISTED],
        )
        for fate, words in FATES.items()
    ]
    return {
        "told": [each for each in told if each[1]],
        "not_read": found.troubles[:LISTED],
        "pictures": sum(len(document.pictures) for document in found.documents),
        "published": sum(document.published for document in found.documents),
        "edited": any(step.fate is Fate.edited for step in steps),
        "nothing": all(step.fate in (Fate.unchanged, Fate.gone) and not step.adopted for step in steps),
    }


async def _run(session: AsyncSession, import_id: int, *, lock: bool = False) -> KnowledgeImport:
    run = await session.get(KnowledgeImport, import_id, with_for_update=lock or None)
    if run is None:
        raise NotFound
    return run
