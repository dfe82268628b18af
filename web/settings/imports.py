"""Imports of other products: order one, see how it goes, take it back."""

import asyncio
import re
import secrets
from pathlib import Path
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import PathParameter
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from helpdesk.access import Action
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.imports import ordering
from helpdesk.imports.fetching import Access
from helpdesk.imports.reports import KINDS, Report
from helpdesk.imports.reverting import NotRevertible
from helpdesk.imports.rows import ImportRun, State
from helpdesk.imports.vendors import all_of_them
from helpdesk.inboxes import Inbox
from helpdesk.settings import Settings
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

DONE["import"] = _("The import waits for a worker, which begins within seconds.")
DONE["import-back"] = _("The import is being taken back.")

SEES = permits(Action.manage_data)
CHANGES = permits(Action.manage_data, confirmed=True)
LARGEST = 512 << 20  # bytes of an uploaded ZIP; larger ones are put into the folder
FOLDER = re.compile(r"[\w][\w.-]{0,80}")
WORDS = ("vendor", "name", "inbox", "folder", "url", "user", "key")
Number = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class NoSource(Invalid):
    message = _("Choose a ZIP, name a folder, or give the address and the key of the API.")


class Again(Fields):
    dry: bool = False


class Imports(Controller):
    path = "/settings/data/imports"

    @get(opt=SEES)
    async def show(self, session: Session, settings: ThisSettings, desk: CurrentDesk) -> Html:
        runs = await ordering.runs(session)
        reports = {run.id: Report.read(run.report) for run in runs}
        return await settings("settings/data/imports.html", runs=runs, reports=reports, vendors=all_of_them())

    @get("/new", opt=SEES)
    async def new(self, session: Session, settings: ThisSettings, desk: CurrentDesk) -> Html:
        inboxes = (await session.scalars(select(Inbox).order_by(Inbox.address))).all()
        return await settings(
            "settings/data/import_new.html",
            vendors=all_of_them(),
            targets=inboxes,
            folder=incoming(desk.settings),
        )

    @post(opt=CHANGES, request_max_body_size=LARGEST + 2**20)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        form = await request.form()
        told = {
            key: str(form.get(key, "")).strip()
            for key in ("vendor", "name", "inbox", "folder", "url", "user", "key")
        }
        inbox = (
            await session.get(Inbox, int(told["inbox"]))
            if told["inbox"].isascii() and told["inbox"].isdigit()
            else None
        )
        if inbox is None:
            raise NotFound
        place, access = await _place(form.get("file"), told, desk.settings)
        run = await ordering.order(
            desk,
            session,
            vendor=told["vendor"],
            name=told["name"] or "main",
            place=place,
            inbox=inbox,
            by=agent,
            dry=form.get("dry") == "true",
            access=access,
        )
        return done(request, f"{self.path}/{run.id}", "import")

    @get("/{number:int}", opt=SEES)
    async def one(self, session: Session, settings: ThisSettings, page: ThisPage, number: Number) -> Html:
        run = await _run(session, number)
        told: dict[str, Any] = {"run": run, "report": Report.read(run.report), "kinds": KINDS}
        if page.asks_for("import-run"):
            return page("settings/data/_import.html", **told)
        return await settings("settings/data/import.html", **told)

    @post("/{number:int}/again", opt=CHANGES)
    async def again(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        number: Number,
    ) -> Response[Any]:
        given = await read(request, Again)
        run = await ordering.again(desk, session, await _run(session, number), dry=given.dry, by=agent)
        return done(request, f"{self.path}/{run.id}", "import")

    @post("/{number:int}/revert", opt=CHANGES)
    async def revert(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Response[Any]:
        await read(request, Again)
        run = await _run(session, number)
        if run.dry or run.state not in {State.done, State.failed}:
            raise NotRevertible
        run.state = State.reverting
        session.add(Event(Kind.import_wanted, by=agent, about=run, vendor=run.vendor, revert=True))
        return done(request, f"{self.path}/{number}", "import-back")


def incoming(settings: Settings) -> Path:
    """The one folder whose folders may be named in the console."""
    return settings.home / "incoming"


async def _place(file: object, told: dict[str, str], settings: Settings) -> tuple[str, Access | None]:
    if isinstance(file, UploadFile) and file.filename:
        target = incoming(settings) / f"upload-{secrets.token_hex(8)}.zip"
        await asyncio.to_thread(_keep, target, await file.read())
        return str(target), None
    if told["url"]:
        if not told["key"] or not told["url"].startswith(("https://", "http://")):
            raise NoSource
        return told["url"], Access(told["url"], told["key"], told["user"])
    if not FOLDER.fullmatch(told["folder"]):
        raise NoSource
    return str(incoming(settings) / told["folder"]), None


def _keep(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(content)


async def _run(session: Session, number: int) -> ImportRun:
    query = select(ImportRun).where(ImportRun.id == number).options(joinedload(ImportRun.agent))
    if (found := await session.scalar(query.options(joinedload(ImportRun.inbox)))) is None:
        raise NotFound
    return found
