"""Reports that somebody keeps for themselves or shares, and whom they are sent to, when."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk import schedules
from helpdesk.access import Action, may, require
from helpdesk.clock import now
from helpdesk.database import Base, Row
from helpdesk.errors import Conflict, Forbidden, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent, Team, with_access
from helpdesk.reports import questions
from helpdesk.reports.questions import Question
from helpdesk.schedules import Schedule
from helpdesk.sharing import NoTeam, Shared, Visibility
from helpdesk.texts import clean

LONGEST_NAME = 80
MOST = 100
"""Reports of one agent's own."""
MOST_RECIPIENTS = 50


class SavedReport(Shared, Row):
    __tablename__ = "saved_report"
    sharing = Action.share_views

    name: Mapped[str]
    question: Mapped[dict[str, Any]]
    schedule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """When it is sent, as helpdesk/schedules.py writes it; None: it is not."""
    next_at: Mapped[datetime | None]

    @property
    def asked(self) -> Question:
        """Raises BadReport where a later version wrote it."""
        return questions.kept(self.question)

    @property
    def rhythm(self) -> Schedule | None:
        return schedules.read(self.schedule) if self.schedule else None


class ReportRecipient(Base):
    __tablename__ = "report_recipient"

    report_id: Mapped[int] = mapped_column(
        ForeignKey("saved_report.id", ondelete="CASCADE"), primary_key=True
    )
    agent_id: Mapped[int] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    declined_at: Mapped[datetime | None]
    """Since when they do not want it any more; only they themselves can change that."""


class ReportMail(Row):
    """One report for one colleague in one round: sent once, whatever happens to who sends it."""

    __tablename__ = "report_mail"

    report_id: Mapped[int] = mapped_column(ForeignKey("saved_report.id", ondelete="CASCADE"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    due_at: Mapped[datetime]
    missed: Mapped[int] = mapped_column(default=0, server_default="0")
    """Rounds before this one that were skipped because the desk did not run."""
    mailed_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(default="", server_default="")

    __table_args__ = (UniqueConstraint("report_id", "agent_id", "due_at", name="uq_report_mail_report_id"),)


class Unnamed(Invalid):
    message = _("Give the report a name, of at most 80 characters.")


class TooMany(Conflict):
    message = _("You have 100 reports. Delete one that you no longer use, then save this one.")


class NotAColleague(Invalid):
    message = _("A report is sent only to colleagues who may read reports, at most 50 of them.")


async def seen_by(session: AsyncSession, agent: Agent) -> Sequence[SavedReport]:
    query = select(SavedReport).where(SavedReport.seen_by(agent))
    return (await session.scalars(query.order_by(SavedReport.name, SavedReport.id))).all()


async def one(session: AsyncSession, agent: Agent, number: int, *, to_change: bool = False) -> SavedReport:
    """Raises NotFound, or Forbidden where it can be seen but not changed."""
    query = select(SavedReport).where(SavedReport.id == number, SavedReport.seen_by(agent))
    found = await session.scalar(query.with_for_update() if to_change else query)
    if found is None:
        raise NotFound
    if to_change and not found.may_be_changed_by(agent):
        raise Forbidden
    return found


async def named(session: AsyncSession, agent: Agent, number: int) -> SavedReport | None:
    """Where the agent may see it."""
    if not 0 < number < 1 << 62:
        return None
    return await session.scalar(
        select(SavedReport).where(SavedReport.id == number, SavedReport.seen_by(agent))
    )


async def keep(
    session: AsyncSession,
    agent: Agent,
    question: Question,
    *,
    name: str,
    visibility: Visibility = Visibility.me,
    team_id: int | None = None,
    report: SavedReport | None = None,
) -> SavedReport:
    """A new one, or `report` changed. Raises Unnamed, TooMany, MayNotShare, NoTeam."""
    called = " ".join(clean(name).split())
    if not called or len(called) > LONGEST_NAME:
        raise Unnamed
    if team_id is not None and await session.get(Team, team_id) is None:
        raise NoTeam
    what = "changed"
    if report is None:
        await _room(session, agent)
        report, what = SavedReport(owner_id=agent.id), "added"
    report.name, report.question = called, questions.stored(question)
    report.share(agent, visibility, team_id)
    session.add(report)
    await session.flush()
    if report.visibility is not Visibility.me:
        session.add(Event(Kind.report_edited, by=agent, about=report, what=what))
    return report


async def _room(session: AsyncSession, agent: Agent) -> None:
    own = await session.scalars(select(SavedReport.id).where(SavedReport.owner_id == agent.id).limit(MOST))
    if len(own.all()) >= MOST:
        raise TooMany


async def remove(session: AsyncSession, report: SavedReport, *, by: Agent) -> None:
    """For good; whom it was sent to gets it no more."""
    if report.visibility is not Visibility.me or report.schedule:
        session.add(Event(Kind.report_edited, by=by, about=report, what="removed"))
    await session.delete(report)


async def send_to(
    session: AsyncSession, report: SavedReport, agents: Iterable[int], when: object, *, by: Agent
) -> None:
    """`when`: a schedule as JSON, None to send it no more. Who declined stays so.

    Numbers leave the desk, so it takes the permission to export. Raises Forbidden, BadSchedule, NotAColleague.
    """
    require(by, Action.export)
    wanted = set(agents)
    known = await colleagues(session)
    if len(wanted) > MOST_RECIPIENTS or not wanted <= set(known):
        raise NotAColleague
    rhythm = schedules.read(when) if when is not None and wanted else None
    report.schedule = None if rhythm is None else schedule_json(rhythm)
    report.next_at = rhythm.after(now()) if rhythm else None
    await session.execute(
        delete(ReportRecipient)
        .where(ReportRecipient.report_id == report.id, ReportRecipient.agent_id.not_in(wanted))
        .execution_options(synchronize_session=False)
    )
    there = set(await recipients(session, report.id))
    session.add_all(ReportRecipient(report_id=report.id, agent_id=each) for each in wanted - there)
    session.add(Event(Kind.report_sent_to, by=by, about=report, to=sorted(wanted), when=report.schedule))
    await session.flush()


def schedule_json(rhythm: Schedule) -> dict[str, Any]:
    return {"every": rhythm.every.value, "days": list(rhythm.days), "at": rhythm.at, "zone": rhythm.zone}


async def recipients(session: AsyncSession, number: int) -> Mapping[int, datetime | None]:
    """Agent → since when they do not want it."""
    query = select(ReportRecipient.agent_id, ReportRecipient.declined_at)
    return dict((await session.execute(query.where(ReportRecipient.report_id == number))).tuples().all())


async def colleagues(session: AsyncSession) -> Mapping[int, Agent]:
    """Who may read reports, and so may be sent one."""
    found = await session.scalars(
        select(Agent).where(Agent.active).options(*with_access()).order_by(Agent.name)
    )
    return {agent.id: agent for agent in found.unique() if may(agent, Action.report)}


async def decline(session: AsyncSession, agent: Agent, number: int, *, again: bool = False) -> None:
    """The recipient's own choice. Raises NotFound where it is not sent to them."""
    row = await session.get(ReportRecipient, (number, agent.id), with_for_update=True)
    if row is None:
        raise NotFound
    row.declined_at = None if again else row.declined_at or now()
