"""Reports: the same question that the console's reports and the board ask."""

from litestar import Controller, get, post

from helpdesk import measures
from helpdesk.access import Action, require
from helpdesk.measures import ALL, MEASURES
from helpdesk.measures.asking import BadQuestion
from helpdesk.ordering import Order, Sorting
from helpdesk.reports import questions, tickets
from web.api import listing
from web.api.answers import Listed
from web.api.given import Given, cursor, resume
from web.api.once import READS
from web.api.report_views import BehindGiven, FactsGiven, FactView, MeasureView, ReportGiven, ReportView
from web.api.ticket_views import TicketView
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.reports.asked import read_key
from web.reports.pages import BadLine

ASKS = permits(Action.report) | {READS: True}
TAKES = permits(Action.export) | {READS: True}


class Reports(Controller):
    path = "/reports"
    opt = {"resource": "reports"}  # noqa: RUF012 - Litestar's own declaration

    @get("/measures", opt=permits(Action.report), summary="List what can be measured")
    async def measured(self) -> Listed[MeasureView]:
        """Each with the sentence that defines it."""
        return Listed(items=[MeasureView.of(measure) for measure in MEASURES.values()])

    @post("/query", opt=ASKS, summary="Ask for a report", status_code=200)
    async def query(self, session: Session, agent: CurrentAgent, given: Given[ReportGiven]) -> ReportView:
        """Over the tickets that the caller may have reports of."""
        asked = given.question(agent)
        return ReportView.of(await questions.answer(session, agent, asked, zone=given.zone))

    @post("/tickets", opt=ASKS, summary="List the tickets behind a number", status_code=200)
    async def tickets(
        self, session: Session, agent: CurrentAgent, given: Given[BehindGiven]
    ) -> Listed[TicketView]:
        asked, period = given.asked(agent, measures=(given.measure,))
        if given.measure not in MEASURES:
            raise BadQuestion
        try:
            key = read_key(given.by, given.key) if given.by and given.key is not None else ALL
        except ValueError:
            raise BadLine from None
        measure = MEASURES[given.measure]
        where = measures.tickets(agent, measure, period, asked.scope, by=given.by, key=key, part=given.part)
        newest = Sorting(Order.created)
        return await listing.page(session, agent, where, newest, after=given.after, limit=given.limit)

    @post("/facts", opt=TAKES, summary="List all that is measured of each ticket", status_code=200)
    async def facts(
        self, session: Session, agent: CurrentAgent, given: Given[FactsGiven]
    ) -> Listed[FactView]:
        """One row per ticket that was created or resolved in the period, in the order of their making."""
        require(agent, Action.report)
        asked, period = given.asked(agent)
        found = resume(given.after, int)
        rows = await tickets.page(
            session, agent, period, asked.scope, after=found[0] if found else 0, limit=given.limit + 1
        )
        more = len(rows) > given.limit
        kept = rows[: given.limit]
        return Listed(items=[FactView(**row) for _, row in kept], next=cursor(kept[-1][0]) if more else None)
