"""What a filled desk asks its database: every statement of pages and of background work, as the driver gets it."""

import re
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import uuid4

from psycopg.pq import TransactionStatus
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import intake, snoozing
from helpdesk.database import Cursor
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.ordering import Order
from helpdesk.people import Contact, ContactIdentity
from helpdesk.portal import tickets as customers_tickets
from helpdesk.portal.centres import HelpCentre
from helpdesk.routing import assigning
from helpdesk.settings import Settings
from helpdesk.sla import due
from helpdesk.views import View
from tests.bench.console import PASSWORD
from tests.bench.operations import saved
from tests.bench.views import SEARCHES
from tests.scenes import mail
from tests.web.served import Person, served
from web.audience import Audience
from workers.dispatch import dispatch_batch

MORE = re.compile(r'id="more">.*?href="([^"]*)"', re.DOTALL)
MORE_ALONE = {"hx-request": "true", "hx-target": "div#more"}
PANE = {"hx-request": "true", "hx-target": "div#work"}
BOARD = {"hx-request": "true", "hx-target": "div#board-now"}
WHO = ("ada@desk.example", "liam@desk.example", "agent7@desk.example")
"""An admin, an agent of one team, and one of none."""
Work = Callable[[AsyncSession], Awaitable[Any]]


@dataclass
class Asked:
    """One statement: where it was first asked, and the values that it was asked with."""

    where: str
    own_plans: bool
    """Its transaction wants plans for their own values anyway."""
    values: list[Any] = field(default_factory=list)


class Record:
    def __init__(self) -> None:
        self.statements: dict[str, Asked] = {}
        self.where = ""
        self._own: dict[int, bool] = defaultdict(bool)

    def heard(self, cursor: Cursor, query: Any, values: Any) -> None:
        line = id(cursor.connection)
        if cursor.connection.info.transaction_status == TransactionStatus.IDLE:
            self._own[line] = False
        given = list((values or {}).values()) if isinstance(values, dict) else list(values or ())
        statement = query.decode() if isinstance(query, bytes) else str(query)
        if statement.lstrip("( \n").partition(" ")[0].upper() in {"SELECT", "WITH", "UPDATE", "DELETE"}:
            asked = self.statements.setdefault(statement, Asked(self.where, self._own[line]))
            asked.own_plans = asked.own_plans and self._own[line]
            if values not in asked.values:
                asked.values.append(values)
        if "force_custom_plan" in given or "auto" in given:
            self._own[line] = "force_custom_plan" in given

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        really = Cursor.execute

        async def heard(cursor: Cursor, query: Any, values: Any = None, **options: Any) -> Any:
            self.heard(cursor, query, values)
            return await really(cursor, query, values, **options)

        with patch.object(Cursor, "execute", heard):
            yield


async def recorded(url: str) -> Record:
    """Of a desk whose agents have the password of benchmarks. Nothing of the background work is kept."""
    settings = Settings(home=Path(tempfile.mkdtemp()), database_url=url, log_level="warning")
    views = await saved(settings)
    desk, record = Desk.open(settings), Record()
    try:
        async with desk.sessions() as session:
            few = await _examples(session)
        async with served(desk) as (_, address, _server):
            for email in WHO:
                headers = {"sec-fetch-site": "same-origin"}
                async with Person(base_url=address, headers=headers, timeout=120) as person:
                    assert (await person.sign_in(email, PASSWORD)).status_code == 303
                    async with record.listening():
                        for name, path, more in _pages(few, views):
                            record.where = name
                            answer = await person.get(path, headers={"accept": "text/html", **more})
                            assert answer.status_code < 500, (path, answer.text[:300])
                            assert answer.status_code == 200 or email != WHO[0], (path, answer.status_code)
                            if more_of_it := MORE.search(answer.text):
                                record.where = f"{name}, next page"
                                await person.get(unescape(more_of_it[1]), headers=MORE_ALONE)
        async with record.listening():
            for name, work in _background(few):
                record.where = name
                async with desk.sessions() as session:
                    await work(session)
                    await session.rollback()
            for contact_id in few["contacts"]:
                record.where = "a mail comes in"
                async with desk.sessions() as session:
                    await _intake(desk, session, contact_id)
                    await session.rollback()
    finally:
        await desk.close()
    return record


EXAMPLES = {
    "teams": "SELECT team_id FROM ticket_count WHERE team_id IS NOT NULL GROUP BY 1 ORDER BY sum(n)",
    "inboxes": "SELECT inbox_id FROM ticket_count GROUP BY 1 ORDER BY sum(n)",
    "tags": "SELECT tag_id FROM ticket_tag GROUP BY 1 ORDER BY count(*)",
    "contacts": "SELECT contact_id FROM ticket GROUP BY 1 ORDER BY count(*), 1",
    "companies": "SELECT company_id FROM contact WHERE company_id IS NOT NULL GROUP BY 1 ORDER BY count(*), 1",
    "tickets": "SELECT number FROM ticket TABLESAMPLE SYSTEM (0.1) WHERE removed IS NULL ORDER BY 1",
}


async def _examples(session: AsyncSession) -> dict[str, list[int]]:
    """Of each the rarest, one in the middle, and the most common."""
    found = {}
    for name, query in EXAMPLES.items():
        every = list(await session.scalars(text(query)))
        found[name] = list(dict.fromkeys([every[0], every[len(every) // 2], every[-1]])) if every else []
    return found


def _pages(few: dict[str, list[int]], views: dict[str, int]) -> list[tuple[str, str, dict[str, str]]]:
    """Name, address and headers."""
    found: list[tuple[str, str, dict[str, str]]] = []

    def page(name: str, path: str, *headers: dict[str, str], **query: Any) -> None:
        found.append((name, f"{path}?{urlencode(query)}" if query else path, dict(*headers)))

    for view in View:
        page(f"queue: {view}", "/tickets", view=view)
    for order in Order:
        page(f"all open by {order}", "/tickets", view="all", sort=order)
        page(f"resolved by {order}", "/tickets", view="settled", sort=order)
    for kind in ("team", "inbox"):
        for one in few["teams" if kind == "team" else "inboxes"]:
            for shown in ("all", "unassigned", "settled"):
                page(f"{shown} of one {kind}", "/tickets", view=shown, **{kind: one})
    for name, one in views.items():
        page(name, "/tickets", saved=one)
    page("counts of views", "/views/counts")
    for number in few["tickets"]:
        page("ticket page", f"/tickets/{number}", view="all")
        page("ticket pane", f"/tickets/{number}", PANE)
    for name, typed in SEARCHES.items():
        page(name, "/search", q=typed)
        page(f"people, {name}", "/contacts", q=typed)
    page("people", "/contacts")
    page("duplicates", "/contacts/duplicates")
    for one in few["contacts"]:
        page("a contact", f"/contacts/{one}")
    for one in few["companies"]:
        page("a company", f"/companies/{one}")
    page("board", "/board", BOARD)
    page("board: what came and went", "/board/trends")
    for one in few["teams"]:
        page("board of a team", "/board", BOARD, team=one)
        page("board of a team: what came and went", "/board/trends", team=one)
    for by in ("day", "team", "agent", "inbox", "tag", "company"):
        page(f"report of 30 days by {by}", "/reports", by=by)
    for name in ("teams", "inboxes", "tags"):
        for one in few[name]:
            page(f"report of 30 days, of some {name}", "/reports", by="day", **{name: one})
    page("the bell", "/notices/bell")
    page("outbox", "/outbox")
    return found


def _background(few: dict[str, list[int]]) -> list[tuple[str, Work]]:
    found: list[tuple[str, Work]] = [
        ("promises: when the next is due", due.next_at),
        ("promises: what is due", due.record),
        ("snoozed: what wakes", snoozing.wake_due),
        ("routing: teams that wait", assigning.teams_waiting),
        ("dispatching", dispatch_batch),
        ("live: who hears of tickets", lambda session: Audience().of(session, [1, 2, 3], few["tickets"])),
    ]
    found += [("routing: a team's queue", _queue_of(team)) for team in few["teams"]]
    for contact in few["contacts"]:
        for settled in (False, True):
            for company in (False, True):
                name = f"customer's own, {'resolved' if settled else 'open'}{', of the company' * company}"
                found.append((name, _customers(contact, settled, company)))
    return found


def _queue_of(team_id: int) -> Work:
    return lambda session: assigning._queue(session, team_id, None)


def _customers(contact_id: int, settled: bool, company: bool) -> Work:
    async def work(session: AsyncSession) -> None:
        centre = HelpCentre(inbox_ids=[])
        found = await session.scalars(
            select(Contact).where(Contact.id == contact_id).options(joinedload(Contact.company))
        )
        contact = found.one()
        if contact.company:
            contact.company.shares_tickets = company
        with session.no_autoflush:
            await customers_tickets.listed(session, centre, contact, settled=settled, company=company)

    return work


async def _intake(desk: Desk, session: AsyncSession, contact_id: int) -> None:
    """From somebody who is known, and from somebody who is not."""
    inbox = (await session.scalars(select(Inbox).options(joinedload(Inbox.team)).order_by(Inbox.id))).first()
    address = await session.scalar(
        select(ContactIdentity.value).where(ContactIdentity.contact_id == contact_id)
    )
    assert inbox
    assert address
    for sender in (address, f"new-{uuid4().hex}@customers.example"):
        await intake.receive(desk, session, inbox, mail(sender=sender))
