"""Contacts from a CSV file: upload, say what its columns mean, look at what would happen, do it, take it back."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.response import Redirect, Stream
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import fields
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.contact_csv import columns, exporting, imports, reading
from helpdesk.contact_csv.cells import bare, harmless
from helpdesk.contact_csv.models import ContactImport, RefusedRow, State
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import _
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.people.finding import Number

SHOWN = 30
SAMPLE = 3
PREVIEWED = 20  # refused rows that the page itself shows
CSV = "text/csv; charset=utf-8"


class NoFile(Invalid):
    message = _("Choose a CSV file first.")


class Press(Fields):
    """A button without fields of its own."""


class Imports(Controller):
    path = "/contacts/import"

    @get(opt=permits(Action.import_contacts))
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        found = await session.scalars(
            select(ContactImport)
            .options(joinedload(ContactImport.agent))
            .order_by(ContactImport.id.desc())
            .limit(SHOWN)
        )
        return page("people/imports.html", shell=await Shell.load(session, agent), imports=found.all())

    @post(opt=permits(Action.import_contacts), request_max_body_size=reading.LARGEST + 2**20)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Redirect:
        form = await request.form()
        file = form.get("file")
        if isinstance(file, str) or file is None or not file.filename:
            raise NoFile
        made = await imports.upload(desk, session, file.filename, await file.read(), by=agent)
        return Redirect(f"/contacts/import/{made.id}", status_code=303)

    @get("/{number:int}", opt=permits(Action.import_contacts))
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, desk: CurrentDesk, number: Number
    ) -> Html:
        found = await _found(session, number)
        if page.asks_for("import"):
            return page("people/_import.html", **await _seen(session, desk, found))
        shell = await Shell.load(session, agent)
        return page("people/import.html", shell=shell, **await _seen(session, desk, found))

    @post("/{number:int}/check", opt=permits(Action.import_contacts))
    async def check(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Redirect:
        """With what the columns mean."""
        found = await _found(session, number, lock=True)
        form = await request.form()
        chosen = [str(form.get(f"column.{index}", "")) for index in range(len(found.columns))]
        registry = await fields.load(session, Subject.contact)
        found.mapping = columns.checked(chosen, found.columns, registry)
        await imports.want(session, found, State.check_wanted, by=agent)
        return _back(found)

    @post("/{number:int}/run", opt=permits(Action.import_contacts))
    async def run(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Redirect:
        await read(request, Press)
        found = await _found(session, number, lock=True)
        await imports.want(session, found, State.run_wanted, by=agent)
        return _back(found)

    @post("/{number:int}/revert", opt=permits(Action.import_contacts))
    async def revert(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Redirect:
        await read(request, Press)
        found = await _found(session, number, lock=True)
        await imports.want(session, found, State.revert_wanted, by=agent)
        return _back(found)

    @get("/{number:int}/refused.csv", opt=permits(Action.import_contacts))
    async def refused(self, session: Session, number: Number) -> Response[bytes]:
        """The rows that were not taken, with what is wrong: mend them and import this file.

        Cells that a spreadsheet would run have a quote in front, which importing takes away again: the same is read.
        """
        return await refused_rows(session, await _found(session, number))


@get("/contacts/export.csv", opt=permits(Action.export_contacts))
async def export(session: Session, agent: CurrentAgent, desk: CurrentDesk) -> Stream:
    session.add(Event(Kind.contacts_exported, by=agent))

    async def chunks() -> AsyncIterator[bytes]:
        async with desk.sessions() as own:  # the request's own session ends before the last row is sent
            async for chunk in exporting.exported(own, agent):
                yield chunk

    name = f'attachment; filename="contacts-{now():%Y-%m-%d}.csv"'
    return Stream(chunks(), media_type=CSV, headers={"content-disposition": name})


async def refused_rows(session: AsyncSession, found: ContactImport) -> Response[bytes]:
    rows = await session.scalars(
        select(RefusedRow).where(RefusedRow.import_id == found.id).order_by(RefusedRow.line)
    )
    out = io.StringIO(newline="")
    written = csv.writer(out)
    written.writerow([*map(harmless, found.columns), "error"])
    for row in rows:
        cells = ([*row.cells] + [""] * len(found.columns))[: max(len(found.columns), len(row.cells))]
        written.writerow([*(harmless(bare(cell)) for cell in cells), harmless(row.error)])
    return _file(b"\xef\xbb\xbf" + out.getvalue().encode(), f"refused-{found.id}.csv")


async def _found(session: AsyncSession, number: int, *, lock: bool = False) -> ContactImport:
    query = select(ContactImport).where(ContactImport.id == number).options(joinedload(ContactImport.agent))
    found = await session.scalar(query.with_for_update(of=ContactImport) if lock else query)
    if found is None:
        raise NotFound
    return found


async def _seen(session: AsyncSession, desk: CurrentDesk, found: ContactImport) -> dict[str, Any]:
    registry = await fields.load(session, Subject.contact)
    refused = await session.scalars(
        select(RefusedRow).where(RefusedRow.import_id == found.id).order_by(RefusedRow.line).limit(PREVIEWED)
    )
    return {
        "found": found,
        "meanings": columns.meanings(registry),
        "sample": _sample(desk, found)
        if found.state in {State.uploaded, State.checked, State.failed}
        else [],
        "refused": refused.all(),
    }


def _sample(desk: CurrentDesk, found: ContactImport) -> list[list[str]]:
    """The first values of every column, so that its meaning can be told."""
    form = reading.Form(found.encoding, found.delimiter, found.columns)
    try:
        rows = [
            line.cells
            for _, line in zip(range(SAMPLE), reading.lines(desk.files.path(found.key), form), strict=False)
        ]
    except FileNotFoundError:  # cleared away by retention
        return []
    return [[row[index] for row in rows if index < len(row)] for index in range(len(found.columns))]


def _back(found: ContactImport) -> Redirect:
    return Redirect(f"/contacts/import/{found.id}", status_code=303)


def _file(content: bytes, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=CSV, headers=headers)
