"""Whoever only looks changes nothing: every page and every GET of the API, with all tables before and after."""

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from helpdesk.events import Kind
from helpdesk.messages import Upload
from tests.scenes import Scene, mail
from tests.web.matrix import ENDLESS, UNKNOWN, Matrix
from tests.web.matrix_cast import Cast
from web.api.rates import Rates
from web.app import create_app

MARKS = {
    # table        what looking may write to rows of whoever looks; how far they have read a ticket, besides
    "web_session": "{last_seen_at}",
    "api_token": "{last_used_at,last_used_from}",
    "notification": "{read_at}",
}
AUDITED = (Kind.contacts_exported.value, Kind.audit_exported.value, Kind.contact_copied_out.value)
"""Who takes everything out at once is written down: these addresses are links, and pass this on purpose."""
FIRST = {
    # what stands in addresses    where the first of these is found
    "message_id": "message",
    "attachment_id": "attachment",
    "agent_id": "agent",
    "team_id": "team",
    "inbox_id": "inbox",
    "status_id": "ticket_status",
    "role_id": "custom_role",
    "identity_id": "contact_identity",
}


async def test_looking_changes_no_table(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    engine = scene.desk.engine
    app = create_app(scene.desk)
    file = Upload(name="invoice.txt", content_type="text/plain", content=b"Sum: 12")
    ticket = await scene.receives(mail(attachments=(file,)))
    cast = await Cast.of(scene, app)
    cast.share("ticket", "own", ticket.number)
    matrix, children = Matrix(app, cast), await _first(engine)
    routes = [route for route in matrix.routes if route.method == "GET" and route.path not in ENDLESS]
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    changed, shown = [], 0
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        for role in ("admin", "agent"):
            before = await _everything(engine, cast.ids[role])
            for route in routes:
                app.state["rates"] = Rates()
                number = cast.number(route.subject, role, "own")
                address = route.at(number or UNKNOWN, cast.ids[role], children)
                answer = await client.get(address, headers=matrix.headers(route, role))
                shown += answer.status_code == 200
                after = await _everything(engine, cast.ids[role])
                if tables := _differing(before, after):
                    changed.append(f"{address} as {role}: {', '.join(sorted(tables))}")
                before = after
    with capsys.disabled():
        print(f"\n{len(routes)} addresses looked at by two people, {shown} with something to see")
    assert changed == []
    brands = sum(route.path.startswith("/help/") for route in routes)  # there are none
    assert shown > len(routes) - brands


async def test_the_comparison_sees_a_change(scene: Scene) -> None:
    ticket = await scene.receives()
    before = await _everything(scene.desk.engine, 0)
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    assert {"ticket", "event"} <= _differing(before, await _everything(scene.desk.engine, 0))


async def _first(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        return {
            name: await connection.scalar(text(f'SELECT min(id) FROM "{table}"')) or UNKNOWN
            for name, table in FIRST.items()
        }


async def _everything(engine: AsyncEngine, reader: int) -> dict[str, tuple[int, int]]:
    """Of every table how many rows it has and a sum over what they hold, but for the reader's own marks."""
    async with engine.connect() as connection:
        tables = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        rows = await connection.execute(text(" UNION ALL ".join(_summed(t, reader) for t in tables.all())))
        return {name: (count, held) for name, count, held in rows}


def _summed(table: str, reader: int) -> str:
    row, counted = "to_jsonb(t)", "true"
    if table in MARKS:
        row = f"CASE agent_id WHEN {reader} THEN {row} - '{MARKS[table]}'::text[] ELSE {row} END"
    if table == "ticket_read":
        counted = f"agent_id <> {reader}"
    if table == "event":
        counted = f"kind NOT IN {AUDITED}"
    if table == "event_dispatch":
        counted = f"event_id NOT IN (SELECT id FROM event WHERE kind IN {AUDITED})"
    held = f"coalesce(sum(hashtextextended(({row})::text, 0)), 0)"
    return f"SELECT '{table}', count(*), {held} FROM public.\"{table}\" t WHERE {counted}"


def _differing(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    return {table for table, held in after.items() if held != before[table]}
