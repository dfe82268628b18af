"""Imports of contacts: uploaded, checked, run, and taken back; each in one transaction, so all of it or nothing."""

import asyncio
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.clock import now
from helpdesk.contact_csv import columns, reading, reverting, staging
from helpdesk.contact_csv.applying import APPLYING, COMPANIES
from helpdesk.contact_csv.models import ContactImport, RefusedRow, State
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent
from helpdesk.texts import clean

PATIENCE = "15min"  # for one statement over a whole file
EMPTY: dict[str, Any] = {"new": 0, "changed": 0, "unchanged": 0, "bad": 0, "companies": 0}


class NotReady(Conflict):
    message = _("This import is not at a point where that can be done. Reload the page to see where it is.")


class TooBig(Invalid):
    message = _("This file has more than 64 MB. Split it, and import the parts one after the other.")


async def upload(desk: Desk, session: AsyncSession, name: str, content: bytes, *, by: Actor) -> ContactImport:
    """Keeps the file and guesses what its columns mean. Raises NoTable, TooBig."""
    if len(content) > reading.LARGEST:
        raise TooBig
    key = await desk.files.put(content)
    form = await asyncio.to_thread(reading.form, desk.files.path(key))
    registry = await fields.load(session, Subject.contact)
    made = ContactImport(
        agent_id=by.id if isinstance(by, Agent) else None,
        name=clean(name)[:200],
        key=key,
        size=len(content),
        encoding=form.encoding,
        delimiter=form.delimiter,
        columns=form.columns,
        mapping=columns.guessed(form.columns, registry),
        state=State.uploaded,
        report={},
    )
    session.add(made)
    await session.flush()
    return made


async def want(session: AsyncSession, wanted: ContactImport, state: State, *, by: Actor) -> None:
    """Ask a worker for a check, a run or a revert; raises NotReady. The import is locked."""
    possible = {
        State.check_wanted: {State.uploaded, State.checked, State.failed, State.reverted},
        State.run_wanted: {State.checked},
        State.revert_wanted: {State.done},
    }
    if wanted.state not in possible[state]:
        raise NotReady
    wanted.state, wanted.done, wanted.trouble = state, 0, ""
    session.add(Event(Kind.contacts_import_wanted, by=by, about=wanted, now=state))


async def do(desk: Desk, import_id: int) -> ContactImport:
    """What is refused for a reason ends as `failed` with that reason; whatever else goes wrong rises."""
    try:
        return await _do(desk, import_id)
    except Invalid as refused:
        async with committed(desk.sessions) as session:
            failed = await _locked(session, import_id)
            failed.state, failed.trouble, failed.finished_at = State.failed, str(refused), now()
            return failed


async def give_up(desk: Desk, import_id: int) -> None:
    async with committed(desk.sessions) as session:
        failed = await _locked(session, import_id)
        failed.state, failed.finished_at = State.failed, now()
        failed.trouble = gettext(
            "Something went wrong on our side, and nothing was changed. The log has the rest."
        )


async def _do(desk: Desk, import_id: int) -> ContactImport:
    async with committed(desk.sessions) as session:
        await session.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("contact import", 0))))
        wanted = await session.get_one(ContactImport, import_id)  # unlocked: progress is written meanwhile
        actor: Actor = await session.get(Agent, wanted.agent_id) if wanted.agent_id else DESK  # type: ignore[assignment]
        if wanted.state is State.revert_wanted:
            wanted.report = wanted.report | await reverting.revert(session, wanted)
            wanted.state = State.reverted
            counts: dict[str, Any] = {
                key: count for key, count in wanted.report.items() if key != "company_ids"
            }
            session.add(Event(Kind.contacts_import_reverted, by=actor, about=wanted, **counts))
        elif wanted.state.is_waiting:
            await _read(desk, session, wanted, actor)
        wanted.finished_at = now()
        return wanted


async def _read(desk: Desk, session: AsyncSession, wanted: ContactImport, by: Actor) -> None:
    registry = await fields.load(session, Subject.contact)
    mapping = columns.checked(wanted.mapping, wanted.columns, registry)
    form = reading.Form(wanted.encoding, wanted.delimiter, wanted.columns)

    async def progress(done: int) -> None:
        async with desk.engine.begin() as connection:  # seen at once, while the transaction goes on
            await connection.execute(
                update(ContactImport).where(ContactImport.id == wanted.id).values(done=done)
            )

    lines = reading.lines(desk.files.path(wanted.key), form)
    await staging.staged(session, lines, mapping, registry, progress)
    wanted.report = EMPTY | await staging.judged(session)
    await _keep_refused(session, wanted)
    if wanted.state is State.run_wanted:
        await session.execute(
            text("DELETE FROM contact_import_change WHERE import_id = :import"), {"import": wanted.id}
        )
        made = (await session.scalars(text(COMPANIES))).all()
        for statement in APPLYING:
            await session.execute(text(statement), {"import": wanted.id} if ":import" in statement else {})
        session.add(Event(Kind.contacts_imported, by=by, about=wanted, **wanted.report))
        wanted.report = wanted.report | {"company_ids": sorted(made)}
        wanted.state = State.done
    else:
        wanted.state = State.checked


async def _keep_refused(session: AsyncSession, wanted: ContactImport) -> None:
    await session.execute(delete(RefusedRow).where(RefusedRow.import_id == wanted.id))
    await session.execute(
        text("""
            INSERT INTO contact_import_error (import_id, line, cells, error)
            SELECT :import, line, cells, error FROM import_row WHERE status = 'bad' ORDER BY line
        """),
        {"import": wanted.id},
    )


async def _locked(session: AsyncSession, import_id: int) -> ContactImport:
    found = await session.scalars(
        select(ContactImport).where(ContactImport.id == import_id).with_for_update(of=ContactImport)
    )
    return found.one()


async def next_wanted(desk: Desk) -> int | None:
    """The oldest import that waits for a worker."""
    waiting = [state for state in State if state.is_waiting]
    async with desk.sessions() as session:
        return await session.scalar(
            select(ContactImport.id)
            .where(ContactImport.state.in_(waiting))
            .order_by(ContactImport.id)
            .limit(1)
        )
