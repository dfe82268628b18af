"""Ordering an import, and finding the folder that it reads."""

import asyncio
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.imports.fetching import Access, fetch
from helpdesk.imports.places import unpack
from helpdesk.imports.rows import ImportRun, State
from helpdesk.imports.vendors import get
from helpdesk.inboxes import Inbox
from helpdesk.outbound import Outbound, Policy
from helpdesk.people import Agent
from helpdesk.settings import Settings

SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


class BadSource(Invalid):
    message = _("Give the former desk a short name of letters, digits, dots and hyphens, such as acme.")


async def order(
    desk: Desk,
    session: AsyncSession,
    *,
    vendor: str,
    name: str,
    place: str,
    inbox: Inbox,
    by: Actor,
    dry: bool = False,
    access: Access | None = None,
) -> ImportRun:
    """A run that waits for a worker. `place` is a folder, a ZIP, or the API's address, which needs `access`."""
    get(vendor)
    if not SOURCE.fullmatch(name.lower()):
        raise BadSource
    if access is None and not await asyncio.to_thread(Path(place).exists):
        raise NotFound(
            gettext("There is no folder or file %(place)s on the desk's machine.") % {"place": place}
        )
    run = ImportRun(
        vendor=vendor,
        source=f"{vendor}:{name.lower()}",
        place=place,
        sealed_access=desk.keys.seal(msgspec.to_builtins(access)) if access else None,
        inbox_id=inbox.id,
        agent_id=by.id if isinstance(by, Agent) else None,
        dry=dry,
    )
    session.add(run)
    await session.flush()
    session.add(Event(Kind.import_wanted, by=by, about=run, vendor=vendor, dry=dry))
    return run


async def again(desk: Desk, session: AsyncSession, run: ImportRun, *, dry: bool, by: Actor) -> ImportRun:
    """The same once more: for real after a dry run, or on behind what an interrupted one did."""
    if dry is run.dry and run.state is State.failed:
        run.state = State.waiting
        session.add(Event(Kind.import_wanted, by=by, about=run, vendor=run.vendor, dry=dry))
        return run
    copy = ImportRun(
        vendor=run.vendor,
        source=run.source,
        place=run.place,
        sealed_access=run.sealed_access,
        inbox_id=run.inbox_id,
        agent_id=by.id if isinstance(by, Agent) else None,
        dry=dry,
    )
    session.add(copy)
    await session.flush()
    session.add(Event(Kind.import_wanted, by=by, about=copy, vendor=run.vendor, dry=dry))
    return copy


async def folder_of(
    desk: Desk, run: ImportRun, *, told: Callable[[str, int], None] = lambda name, page: None
) -> Path:
    """Where the run's files lie: as they are, unpacked, or fetched first; what is fetched stays until it is in."""
    working = working_folder(desk.settings, run.source)
    if run.place.startswith(("http://", "https://")):
        if run.sealed_access is None and not working.exists():
            raise Invalid(gettext("The key for this import is gone: start it again with one."))
        if run.sealed_access is not None:
            access = msgspec.convert(cast("dict[str, Any]", desk.keys.unseal(run.sealed_access)), Access)
            outbound = Outbound(Policy.of(desk.settings.allow_hosts))
            await fetch(outbound, run.vendor, access, working, told=told)
        return working
    return await asyncio.to_thread(_unpacked, Path(run.place), working)


def _unpacked(place: Path, working: Path) -> Path:
    if place.is_dir():
        return place
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    return unpack(place, working)


def working_folder(settings: Settings, source: str) -> Path:
    """What was fetched or unpacked, until it is in."""
    return settings.home / "imports" / source.replace(":", "-")


async def runs(session: AsyncSession, limit: int = 50) -> list[ImportRun]:
    """Newest first."""
    found = await session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(limit))
    return list(found)
