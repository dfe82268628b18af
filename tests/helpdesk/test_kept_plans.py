"""The server may keep one plan of a statement for all values: what that plan has to know stands in the statement."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import contact_lists, duplicate_pairs, views
from helpdesk.views import Order, Sorting, View
from tests.bench.recorded import Record
from tests.helpdesk.test_contacts import known
from tests.scenes import Scene, mail
from tests.web.test_statement_counts import counted

LIMITED_BY_A_VALUE = "LIMIT %"


async def plan_of(session: AsyncSession, statement: str, values: Any) -> str:
    """As on a desk whose tables are too long to be read through."""
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    connection = await session.connection()
    found = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
    return "\n".join(line for (line,) in found)


@pytest.mark.parametrize("view", View)
async def test_a_list_says_how_many_it_wants(scene: Scene, view: View):
    """Otherwise a plan for all values is one for a tenth of all tickets: on a large desk a hundred times the work, or
    a list that is planned anew each time, which takes longer than to find its tickets."""
    ticket = await scene.receives(mail())
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        ada = await known(scene, "Ada")
        with counted() as asked:
            for order in Order:
                page = await views.listed(session, ada, view, sorting=Sorting(order), limit=1)
                if page.after:
                    await views.listed(session, ada, view, after=page.after)
    assert len(asked) >= len(Order)
    assert all("LIMIT 2" in one for one in asked if "ORDER BY" in one)
    assert not [one for one in asked if LIMITED_BY_A_VALUE in one]


@pytest.mark.parametrize("falling", [True, False])
@pytest.mark.parametrize("order", [Order.created, Order.priority])
async def test_settled_tickets_are_read_in_their_order(scene: Scene, order: Order, falling: bool):
    """They are nearly all of a desk's tickets: sorted for each page, a million takes a third of a second."""
    ticket = await scene.receives(mail())
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        ada, record = await known(scene, "Ada"), Record()
        async with record.listening():
            await views.listed(session, ada, View.settled, sorting=Sorting(order, reverse=not falling))
        ((statement, heard),) = [each for each in record.statements.items() if "ORDER BY" in each[0]]
        await session.execute(text("SET LOCAL enable_sort = off"))
        plan = await plan_of(session, statement, heard.values[0])
    assert "ix_ticket_settled" in plan
    assert plan.count("Sort Key") <= 1, plan  # of the page alone


async def test_people_are_listed_by_the_index_of_their_names(scene: Scene):
    """`left(name, 60)` is what the index has, and `left(name, $1)` is not."""
    await scene.receives(mail())
    async with scene.desk.sessions() as session:
        with counted() as asked:
            await contact_lists.listed(session, await known(scene, "Ada"), limit=1)
    (listing,) = [one for one in asked if "AS place" in one]
    assert "ORDER BY lower(left(contact.name, 60)), contact.id LIMIT 2" in " ".join(listing.split())


async def test_the_desks_likely_duplicates_are_planned_for_where_the_page_begins(scene: Scene):
    """One plan for all pages sorts every contact's keys, wherever the page begins."""
    await scene.receives(mail())
    ada = await known(scene, "Ada")
    query = text(
        "SELECT sum(custom_plans), sum(generic_plans) FROM pg_prepared_statements WHERE statement LIKE :of_it"
    )
    async with scene.desk.sessions() as session:
        for _ in range(12):
            await duplicate_pairs.pairs(session, ada)
        custom, generic = (await session.execute(query, {"of_it": "%array_agg(DISTINCT%"})).one()
        mode = await session.scalar(text("SELECT current_setting('plan_cache_mode')"))
    assert custom >= 10
    assert generic == 0
    assert mode == "auto"
