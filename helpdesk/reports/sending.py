"""Rounds of reports that are sent: each once for each colleague, those that nobody was there for are told of."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext, ngettext
from helpdesk.measures import Unit
from helpdesk.people import Agent
from helpdesk.reports import files, questions, sheets
from helpdesk.reports.saved import ReportMail, ReportRecipient, SavedReport
from helpdesk.reports.sheets import Sheet
from helpdesk.schedules import Schedule

BATCH = 20
MOST_DRAWN = 15


async def due(session: AsyncSession) -> list[int]:
    """Begin the rounds whose time has come; the mails that come of it wait in their rows. Safe for many at once."""
    waiting = (
        select(SavedReport).where(SavedReport.next_at <= now()).order_by(SavedReport.next_at).limit(BATCH)
    )
    begun: list[int] = []
    for report in (await session.scalars(waiting.with_for_update(skip_locked=True))).all():
        begun += await _round(session, report)
    return begun


async def _round(session: AsyncSession, report: SavedReport) -> list[int]:
    try:
        rhythm = report.rhythm
    except HelpdeskError:  # a zone that the host no longer knows
        rhythm = None
    if rhythm is None or report.next_at is None:
        report.next_at = None
        return []
    at, missed = latest(rhythm, report.next_at, now())
    report.next_at = rhythm.after(now())
    wanted = select(ReportRecipient.agent_id).where(
        ReportRecipient.report_id == report.id, ReportRecipient.declined_at.is_(None)
    )
    rows = [
        {"report_id": report.id, "agent_id": agent, "due_at": at, "missed": missed, "created_at": now()}
        for agent in await session.scalars(wanted)
    ]
    if not rows:
        return []
    made = insert(ReportMail).values(rows).on_conflict_do_nothing().returning(ReportMail.id)
    return list(await session.scalars(made))


def latest(rhythm: Schedule, first: datetime, until: datetime) -> tuple[datetime, int]:
    """The last round up to `until`, and how many before it nobody sent."""
    at, missed = first, 0
    while (following := rhythm.after(at)) <= until:
        at, missed = following, missed + 1
    return at, missed


@dataclass(frozen=True)
class Drawn:
    """What the picture of a report shows; plain enough for another process."""

    title: str
    labels: list[str]
    values: list[float | None]
    over_time: bool
    unit: str


@dataclass(frozen=True)
class Written:
    """A report as its mail holds it, in the recipient's language and as far as they may know."""

    subject: str
    text: str
    html_rows: list[tuple[str, str, str]]
    """Measure, value, how sure."""
    days: str
    note: str
    sheet: Sheet
    csv: bytes | None
    """Only for who may take numbers along."""
    drawn: Drawn | None


async def written(session: AsyncSession, mail: ReportMail, agent: Agent) -> Written | None:
    """None where the recipient may not read reports any more, or does not want this one."""
    report = await session.get_one(SavedReport, mail.report_id)
    recipient = await session.get(ReportRecipient, (report.id, agent.id))
    owner = await session.get_one(Agent, report.owner_id)
    if recipient is None or recipient.declined_at or not owner.active or not may(agent, Action.report):
        return None
    sheet = sheets.sheet(await questions.answer(session, agent, report.asked))
    rows = [
        (str(each), sheets.words(each, value.value) or "–", sheets.sure(each, value))
        for each in sheet.measures
        for value in [sheet.answer.total[each]]
    ]
    days = files.days(sheet.answer.period)
    note = ""
    if mail.missed:
        note = ngettext(
            "%(num)s earlier round of this report was skipped, because the desk was not running then.",
            "%(num)s earlier rounds of this report were skipped, because the desk was not running then.",
            mail.missed,
        ) % {"num": mail.missed}
    lines = [f"{name}: {value} {sure}".rstrip() for name, value, sure in rows]
    text = "\n\n".join(part for part in (report.name, days, "\n".join(lines), note) if part)
    csv = files.as_csv(sheet) if may(agent, Action.export) else None
    subject = gettext("Report: %(name)s") % {"name": report.name}
    return Written(subject, text, rows, days, note, sheet, csv, _drawn(sheet))


def _drawn(sheet: Sheet) -> Drawn | None:
    measure, by = sheet.measures[0], sheet.answer.by
    if by is None:
        return None
    rows = sheet.rows[1:] if by.is_time else sheet.rows[1 : MOST_DRAWN + 1]
    scale = {Unit.seconds: 1 / 3600, Unit.share: 100.0}.get(measure.unit, 1.0)
    unit = {Unit.seconds: gettext("hours"), Unit.share: "%"}.get(measure.unit, "")
    found = [row.line[measure].value for row in rows]
    values = [None if value is None else value * scale for value in found]
    if not any(value is not None for value in values):
        return None
    return Drawn(str(measure), [row.label for row in rows], values, by.is_time, unit)
