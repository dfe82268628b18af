"""The audit of millions of events: what is rare is found by an index of its own, by the plan for all values as well."""

from typing import Any

import pytest
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from sqlalchemy import Select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.events import FREQUENT, Event, Kind
from helpdesk.statements import literally
from tests.bench.recorded import Record
from tests.helpdesk.test_contacts import known
from tests.scenes import Scene, mail
from web.api.events import _filtered
from web.settings.audit_query import Filter, wanted

RARE = [
    ({"kind": "merged"}, "ix_event_kind"),
    ({"actor": "agent-3"}, "ix_event_agent"),
    ({"actor": "rule"}, "ix_event_actor"),
    ({"actor": "assistant"}, "ix_event_actor"),
    ({"actor": "token"}, "ix_event_token"),
    ({"about": "team"}, "ix_event_about"),
    ({"about": "security"}, "ix_event_"),
]


async def kept_plan(session: AsyncSession, query: Select[Any]) -> str:
    """The one for all values, as if there were too many rows to read or to sort them all."""
    record = Record()
    async with record.listening():
        await session.execute(query.order_by(Event.id.desc()).limit(literally(51)))
    ((statement, heard),) = record.statements.items()
    asked = PostgresQuery(Transformer())
    asked.convert(statement, heard.values[0])
    for way in ("enable_seqscan", "enable_bitmapscan"):
        await session.execute(text(f"SET LOCAL {way} = off"))
    connection = await session.connection()
    found = await connection.exec_driver_sql("EXPLAIN (GENERIC_PLAN) " + asked.query.decode())
    return "\n".join(line for (line,) in found)


@pytest.mark.parametrize(("chosen", "index"), RARE)
async def test_the_console_finds_what_is_rare_by_its_index(scene: Scene, chosen: dict[str, str], index: str):
    await scene.receives(mail())
    async with scene.desk.sessions() as session:
        plan = await kept_plan(session, wanted(Filter(**chosen), await known(scene, "Ada")))
    assert index in plan, plan


@pytest.mark.parametrize(
    ("kinds", "agent_id", "token_id", "index"),
    [
        (None, 3, None, "ix_event_agent"),
        (None, None, 5, "ix_event_token"),
        ([Kind.merged, Kind.tagged], None, None, "ix_event_kind"),
    ],
)
async def test_programs_find_what_is_rare_by_its_index(
    scene: Scene, kinds: list[Kind] | None, agent_id: int | None, token_id: int | None, index: str
):
    await scene.receives(mail())
    async with scene.desk.sessions() as session:
        ada = await known(scene, "Ada")
        plan = await kept_plan(session, _filtered(ada, kinds, agent_id, token_id, None, None))
    assert index in plan, plan


async def test_what_is_frequent_stands_in_no_index_that_every_message_pays_for(scene: Scene):
    await scene.receives(mail())
    async with scene.desk.sessions() as session:
        held = await session.scalar(
            text("SELECT pg_get_indexdef(oid) FROM pg_class WHERE relname = 'ix_event_kind'")
        )
    assert all(f"'{kind.value}'" in held for kind in FREQUENT)
    assert Kind.message_received in FREQUENT
