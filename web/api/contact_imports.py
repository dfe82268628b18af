"""Contacts in and out as CSV: upload, look at what would happen, do it, take it back."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.access import Action
from helpdesk.contact_csv import columns, exporting, imports, reading
from helpdesk.contact_csv.models import ContactImport, State
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from web.api.answers import Listed
from web.api.files import Empty
from web.api.given import Given, PathId, Sent
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.people.imports import refused_rows

IMPORTS = permits(Action.import_contacts)
SHOWN = 100
CSV = {"media_type": "text/csv"}


class ImportView(Shape):
    id: int
    name: Annotated[str, Meta(examples=["customers.csv"])]
    state: State
    columns: list[str]
    mapping: list[str]
    """What each column means; empty leaves it out."""
    meanings: Annotated[dict[str, str], Meta(examples=[{"email": "E-mail address"}])]
    """Everything a column can mean, with its words."""
    rows_read: int
    report: Annotated[dict[str, int], Meta(examples=[{"new": 10, "changed": 2, "unchanged": 3, "bad": 1}])]
    """new, changed, unchanged, bad; after a revert also removed, restored, kept."""
    trouble: Annotated[str, Meta(examples=[""])]
    created_at: At
    finished_at: At | None


class Check(Sent):
    mapping: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=500)] | None = None
    """A meaning for each column; left out, as the desk guessed or was told before."""


class ContactImports(Controller):
    path = "/contact-imports"
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=IMPORTS, summary="List imports of contacts")
    async def list(self, session: Session) -> Listed[ImportView]:
        """Newest first."""
        rows = await session.scalars(select(ContactImport).order_by(ContactImport.id.desc()).limit(SHOWN))
        meanings = await _meanings(session)
        return Listed(items=[_view(row, meanings) for row in rows])

    @post(
        opt=IMPORTS | {"bytes": True},
        summary="Upload contacts as CSV",
        request_max_body_size=reading.LARGEST,
    )
    async def upload(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        name: Annotated[str, QueryParameter(min_length=1, max_length=200, description="The file's name.")],
    ) -> ImportView:
        """The body is the file. Nothing changes yet: the desk guesses what the columns mean."""
        if not (content := await request.body()):
            raise Empty
        made = await imports.upload(desk, session, name, content, by=agent)
        await session.flush()
        return _view(made, await _meanings(session))

    @get("/{import_id:int}", opt=IMPORTS, summary="Show an import, how far it is, and what it did")
    async def show(self, session: Session, import_id: PathId) -> ImportView:
        return _view(await _one(session, import_id), await _meanings(session))

    @post("/{import_id:int}/check", opt=IMPORTS, summary="Look at what an import would do", status_code=200)
    async def check(
        self, session: Session, agent: CurrentAgent, import_id: PathId, given: Given[Check]
    ) -> ImportView:
        """A dry run by a worker: `state` is `checked` when its report is there."""
        found = await _one(session, import_id, lock=True)
        registry = await fields.load(session, Subject.contact)
        mapping = found.mapping if given.mapping is None else given.mapping
        found.mapping = columns.checked(mapping, found.columns, registry)
        return await _wanted(session, found, State.check_wanted, agent)

    @post("/{import_id:int}/run", opt=IMPORTS, summary="Carry an import out", status_code=200)
    async def run(self, session: Session, agent: CurrentAgent, import_id: PathId) -> ImportView:
        """Once it is checked; `state` is `done` when a worker has done it."""
        found = await _one(session, import_id, lock=True)
        return await _wanted(session, found, State.run_wanted, agent)

    @post("/{import_id:int}/revert", opt=IMPORTS, summary="Take an import back", status_code=200)
    async def revert(self, session: Session, agent: CurrentAgent, import_id: PathId) -> ImportView:
        """What somebody changed since is kept."""
        found = await _one(session, import_id, lock=True)
        return await _wanted(session, found, State.revert_wanted, agent)

    @get("/{import_id:int}/refused", opt=IMPORTS | CSV, summary="Download the rows that were not taken")
    async def refused(self, session: Session, import_id: PathId) -> Response[bytes]:
        """As they were, each with what is wrong: mend them and import this file."""
        return await refused_rows(session, await _one(session, import_id))


class ContactExports(Controller):
    path = "/contact-export"
    opt = {"resource": "contacts"}  # noqa: RUF012

    @get(opt=permits(Action.export_contacts) | CSV, summary="Download contacts as CSV")
    async def show(self, session: Session, agent: CurrentAgent, desk: CurrentDesk) -> Stream:
        """As far as the agent may know of them; importing that file again changes nothing."""
        session.add(Event(Kind.contacts_exported, by=agent))

        async def chunks() -> AsyncIterator[bytes]:
            async with desk.sessions() as own:  # the request's own ends before the last row is sent
                async for chunk in exporting.exported(own, agent):
                    yield chunk

        headers = {"content-disposition": 'attachment; filename="contacts.csv"'}
        return Stream(chunks(), media_type="text/csv; charset=utf-8", headers=headers)


def _view(found: ContactImport, meanings: dict[str, str]) -> ImportView:
    return ImportView(
        id=found.id,
        name=found.name,
        state=found.state,
        columns=found.columns,
        mapping=found.mapping,
        meanings=meanings,
        rows_read=found.done or 0,
        report={key: count for key, count in (found.report or {}).items() if isinstance(count, int)},
        trouble=found.trouble or "",
        created_at=found.created_at,
        finished_at=found.finished_at,
    )


async def _wanted(
    session: AsyncSession, found: ContactImport, state: State, agent: CurrentAgent
) -> ImportView:
    await imports.want(session, found, state, by=agent)
    await session.flush()
    return _view(found, await _meanings(session))


async def _meanings(session: AsyncSession) -> dict[str, str]:
    return columns.meanings(await fields.load(session, Subject.contact))


async def _one(session: AsyncSession, import_id: int, *, lock: bool = False) -> ContactImport:
    if (found := await session.get(ContactImport, import_id, with_for_update=lock or None)) is None:
        raise NotFound
    return found
