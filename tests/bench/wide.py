"""python -m tests.bench.wide URL [--only WORDS] [--plans]: what lists, pictures and exports of a filled desk ask.

A desk that tests/bench/filling.py has filled; the customer who asked most stands for one with many tickets. Every
statement of each page runs with the values that it was asked with, planned for them and by the plan that PostgreSQL
may keep for all, as in tests/bench/plans.py. Prints for each page its statements, the buffers of 8 KB and the
milliseconds of the server's process of all of them, and the dearest one's; `--plans` prints the dearest plans.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import tokens
from helpdesk.chat import conversations
from helpdesk.chat.rows import Visitor
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Agent
from helpdesk.settings import Settings
from tests.bench.__main__ import signable
from tests.bench.console import PASSWORD
from tests.bench.plans import Planner, Run
from tests.bench.recorded import Record, _customers
from tests.web.served import Person, served

DEAR = 2_500
"""Buffers of a statement whose plan is worth a look."""
PAGES_ON = 500


@dataclass
class Examples:
    contact: int
    company: int
    visitor: int
    """A contact whose address stands for a visitor of the chat."""


async def main(url: str, only: str, plans: bool) -> None:
    settings = Settings(home=Path(tempfile.mkdtemp()), database_url=url, log_level="warning", api_rate=10**6)
    await signable(settings)
    pages = await heard(settings, only)
    planner = Planner(url)
    print(
        "| page | statements | buffers, ms: planned for their values | by the plans for all | the dearest |"
    )
    print("|---|---|---|---|---|")
    for name, record in pages.items():
        tell(planner, name, record, plans=plans)


def tell(planner: Planner, name: str, record: Record, *, plans: bool) -> None:
    custom, generic, dearest = Run(0, 0), Run(0, 0), (Run(0, 0), "", None)
    for statement, asked in record.statements.items():
        compared = next(iter(planner.compared(replace(asked, values=asked.values[-1:]), statement)))
        by_all = compared.custom if asked.own_plans else compared.generic
        custom, generic = _sum(custom, compared.custom), _sum(generic, by_all)
        dearest = max(dearest, (by_all, statement, asked.values[-1]), key=lambda each: each[0].buffers)
        if plans and (by_all.buffers > DEAR or by_all.cpu > DEAR / 50):
            mode = "force_custom_plan" if asked.own_plans else "force_generic_plan"
            print(f"\n{name}: {by_all}, own plans: {asked.own_plans}, kept: {compared.kept}")
            print(f"{statement}\n{asked.values[-1]}\n{planner.plan(statement, asked.values[-1], mode)}\n")
    print(f"| {name} | {len(record.statements)} | {custom} | {generic} | {dearest[0]} |", flush=True)


def _sum(one: Run, other: Run) -> Run:
    return Run(one.buffers + other.buffers, one.cpu + other.cpu)


async def heard(settings: Settings, only: str) -> dict[str, Record]:
    desk = Desk.open(settings)
    found: dict[str, Record] = {}
    try:
        few, secret = await _examples(desk), await _token(desk)
        async with served(desk) as (_, address, _server):
            headers = {"sec-fetch-site": "same-origin"}
            async with Person(base_url=address, headers=headers, timeout=300) as person:
                assert (await person.sign_in("ada@desk.example", PASSWORD)).status_code == 303
                for name, path in _pages(few).items():
                    if only in name:
                        found[name] = await _asked(person, path, {"accept": "text/html"})
            async with Person(
                base_url=address, headers={"authorization": f"Bearer {secret}"}, timeout=300
            ) as it:
                for name, path in _lists(few).items():
                    if only in name:
                        found[name] = await _asked(it, path, {})
                        further = await _far(it, path)
                        found[f"{name}, page {further[0]}"] = await _asked(it, further[1], {})
        async with desk.sessions() as session:
            for name, work in _others(few).items():
                if only in name:
                    record = found[name] = Record()
                    async with record.listening():
                        await work(session)
                    await session.rollback()
    finally:
        await desk.close()
    return found


async def _asked(person: Person, path: str, headers: dict[str, str]) -> Record:
    record = Record()
    await person.get(path, headers=headers)  # what a process learns once is no part of it
    async with record.listening():
        answer = await person.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return record


async def _far(person: Person, path: str) -> tuple[int, str]:
    """The 500th page, or the last one before."""
    at = path
    for page in range(1, PAGES_ON):
        after = (await person.get(at)).json()["next"]
        if after is None:
            return page, at
        at = f"{path}{'&' if '?' in path else '?'}{urlencode({'after': after})}"
    return PAGES_ON, at


async def _token(desk: Desk) -> str:
    async with committed(desk.sessions) as session:
        admin = (await session.scalars(select(Agent).where(Agent.email == "ada@desk.example"))).one()
        scopes = sorted(tokens.GRANTABLE)
        _, secret = await tokens.issue(
            session, "Benchmark", agent=admin, by=admin, scopes=scopes, lasts=timedelta(hours=2)
        )
    return secret


async def _examples(desk: Desk) -> Examples:
    async with desk.sessions() as session:
        most = "SELECT contact_id FROM ticket GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        contact = await session.scalar(text(most))
        company = await session.scalar(text("SELECT company_id FROM contact WHERE id = :id"), {"id": contact})
        return Examples(contact or 0, company or 0, contact or 0)


def _pages(few: Examples) -> dict[str, str]:
    day = (now() - timedelta(days=7)).date()
    return {
        "contact with many tickets": f"/contacts/{few.contact}",
        "company of theirs": f"/companies/{few.company}",
        "contacts": "/contacts",
        "contacts, search: name": "/contacts?q=mira+nov",
        "contacts, search: one word": "/contacts?q=marta",
        "contacts, search: address": "/contacts?q=person4711@",
        "contacts, search: nobody": "/contacts?q=zzyzx+qwrt",
        "contacts, blocked": "/contacts?blocked=true",
        "companies": "/companies",
        "companies, search": "/companies?q=Company+17",
        "audit": "/settings/audit",
        "audit of a kind that is rare": "/settings/audit?kind=team_created",
        "audit of a kind that is frequent": "/settings/audit?kind=replied",
        "audit of an agent": "/settings/audit?actor=agent-3",
        "audit of programs": "/settings/audit?actor=token",
        "audit of security": "/settings/audit?about=security",
        "audit of teams": "/settings/audit?about=team",
        "audit of a ticket": "/settings/audit?number=4711",
        "audit of a week": f"/settings/audit?until={day}",
        "audit, far back": "/settings/audit?before=100000",
        "macros": "/settings/macros",
        "report by day": "/reports?by=day",
        "report by agent": "/reports?by=agent",
        "report by company": "/reports?by=company",
        "tickets behind a report's number": "/reports/tickets?by=day&show=created",
    }


def _lists(few: Examples) -> dict[str, str]:
    return {
        "API: tickets": "/api/v1/tickets",
        "API: settled tickets": "/api/v1/tickets?view=settled",
        "API: settled tickets by creation": "/api/v1/tickets?view=settled&sort=created",
        "API: tickets of a requester": f"/api/v1/tickets?requester={few.contact}",
        "API: tickets, search": "/api/v1/tickets?q=refund",
        "API: contacts": "/api/v1/contacts",
        "API: contacts, search": "/api/v1/contacts?q=marta",
        "API: contact's history": f"/api/v1/contacts/{few.contact}/history",
        "API: companies": "/api/v1/companies",
        "API: audit": "/api/v1/audit",
        "API: audit of a rare kind": "/api/v1/audit?kind=team_created",
        "API: audit of an agent": "/api/v1/audit?agent_id=3",
        "API: ratings": "/api/v1/ratings",
        "API: macros": "/api/v1/macros",
        "API: messages of a ticket": "/api/v1/tickets/4711/messages",
    }


def _others(few: Examples) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for settled in (False, True):
        for company in (False, True):
            name = f"customer's own, {'resolved' if settled else 'open'}{', of the company' * company}"
            found[name] = _customers(few.contact, settled, company)

    async def before(session: AsyncSession) -> None:
        row = await session.execute(
            text("SELECT kind, value FROM contact_identity WHERE contact_id = :id LIMIT 1"),
            {"id": few.visitor},
        )
        kind, address = row.one()
        inbox = await session.scalar(
            text("SELECT inbox_id FROM ticket WHERE contact_id = :id LIMIT 1"), {"id": few.visitor}
        )
        visitor = Visitor(inbox_id=inbox, kind=kind, address=address)
        await conversations.of(session, visitor)

    found["chat: conversations of a visitor"] = before
    return found


if __name__ == "__main__":
    given = argparse.ArgumentParser(prog="python -m tests.bench.wide", description=__doc__)
    given.add_argument("url")
    given.add_argument("--only", default="", help="pages with these words")
    given.add_argument("--plans", action="store_true")
    arguments = given.parse_args()
    asyncio.run(main(arguments.url, arguments.only, arguments.plans))
