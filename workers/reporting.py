"""Reports are sent when their time has come."""

import asyncio
from dataclasses import dataclass, replace
from html import escape

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.i18n import gettext, speak_to_colleague
from helpdesk.messages import OutboundMessage, Upload
from helpdesk.people import Agent, with_access
from helpdesk.reports import sending
from helpdesk.reports.saved import ReportMail
from helpdesk.reports.sending import Drawn, Written
from workers import jobs
from workers.picture import picture

LOOK = 20.0  # seconds
PICTURE = "picture@report"
_PLACE = "<!-- the picture -->"
"""Where it goes in the HTML, if it can be drawn; no text of ours or theirs says this, since all are escaped."""


@dataclass(frozen=True)
class ReportLetter:
    """Complete but for its picture, which takes a second to draw and waits for no database."""

    to: Agent
    subject: str
    text: str
    html: str
    files: tuple[Upload, ...]
    drawn: Drawn | None


async def reporting(desk: Desk) -> None:
    """For ever; several workers at once do no harm: a round is begun by one of them."""
    while True:
        async with committed(desk.sessions) as session:
            begun = await sending.due(session)
            await jobs.defer(session, [jobs.letter(ReportMail.__tablename__, mail) for mail in begun])
        await asyncio.sleep(0 if begun else LOOK)


async def letter(desk: Desk, session: AsyncSession, mail: ReportMail) -> ReportLetter | None:
    """None where it is not wanted any more."""
    agent = await session.get_one(Agent, mail.agent_id, options=list(with_access()), populate_existing=True)
    speak_to_colleague(agent.locale)
    told = await sending.written(session, mail, agent)
    if told is None:
        return None
    links = {
        "report": f"{desk.settings.url}/reports/kept/{mail.report_id}",
        "stop": f"{desk.settings.url}/reports/kept",
    }
    after = gettext(
        "Open the report: %(report)s\nYou get it because a colleague sends it to you. Stop it: %(stop)s"
    )
    text = f"{told.text}\n\n{after % links}"
    files = (Upload(name="report.csv", content_type="text/csv", content=told.csv),) if told.csv else ()
    return ReportLetter(agent, told.subject, text, _html(told, links), files, told.drawn)


async def illustrated(outbound: OutboundMessage, drawn: Drawn | None) -> OutboundMessage:
    """With its picture; without where there is none or it cannot be drawn. Not to be called in a transaction."""
    content = await picture(drawn) if drawn else None
    if drawn is None or content is None:
        return replace(outbound, html=outbound.html and outbound.html.replace(_PLACE, ""))
    upload = Upload(
        name="report.png", content_type="image/png", content=content, content_id=PICTURE, inline=True
    )
    shown = f'<p><img src="cid:{PICTURE}" alt="{escape(drawn.title)}" width="100%"></p>'
    html = outbound.html and outbound.html.replace(_PLACE, shown)
    return replace(outbound, html=html, attachments=(upload, *outbound.attachments))


def _html(told: Written, links: dict[str, str]) -> str:
    cell = 'style="padding:4px 12px 4px 0"'
    rows = "".join(
        f"<tr><td {cell}>{escape(name)}</td><td {cell}><b>{escape(value)}</b></td><td {cell}>{escape(sure)}</td></tr>"
        for name, value, sure in told.html_rows
    )
    parts = [
        f"<h2>{escape(told.subject)}</h2><p>{escape(told.days)}</p>",
        f"<table>{rows}</table>",
        _PLACE,
        f"<p>{escape(told.note)}</p>" if told.note else "",
        f'<p><a href="{escape(links["report"])}">{escape(gettext("Open the report"))}</a> · '
        f'<a href="{escape(links["stop"])}">{escape(gettext("Stop getting it"))}</a></p>',
    ]
    return "".join(parts)
