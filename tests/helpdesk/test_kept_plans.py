"""The server may keep one plan of a statement for all values: what that plan has to know stands in the statement."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import contact_lists, duplicate_pairs, duplicates, views
from helpdesk.people import Agent, Contact
from helpdesk.views import Order, Sorting, View
from tests.helpdesk.test_contacts import known
from tests.scenes import Scene, mail
from tests.web.test_statement_counts import counted

LIMITED_BY_A_VALUE = "LIMIT %"


@pytest.mark.parametrize("view", View)
async def test_a_list_says_how_many_it_wants(scene: Scene, view: View):
    """Otherwise the plan that is kept is one for a tenth of all tickets: on a large desk, a hundred times the work."""
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


async def test_people_are_listed_by_the_index_of_their_names(scene: Scene):
    """`left(name, 60)` is what the index has, and `left(name, $1)` is not."""
    await scene.receives(mail())
    async with scene.desk.sessions() as session:
        with counted() as asked:
            await contact_lists.listed(session, await known(scene, "Ada"), limit=1)
    (listing,) = [one for one in asked if "AS place" in one]
    assert "ORDER BY lower(left(contact.name, 60)), contact.id LIMIT 2" in " ".join(listing.split())


async def _like(session: AsyncSession, agent: Agent) -> Any:
    whole = selectinload(Contact.identities), joinedload(Contact.company)
    contact = (await session.scalars(select(Contact).options(*whole))).one()
    return await duplicates.like(session, agent, contact)


async def _pairs(session: AsyncSession, agent: Agent) -> Any:
    return await duplicate_pairs.pairs(session, agent)


@pytest.mark.parametrize(("ask", "of_it"), [(_like, "%contact_distinct%"), (_pairs, "%array_agg(DISTINCT%")])
async def test_likely_duplicates_are_planned_for_the_person(
    scene: Scene, ask: Callable[[AsyncSession, Agent], Awaitable[Any]], of_it: str
):
    """How many have a name or address like theirs decides between milliseconds and seconds."""
    await scene.receives(mail())
    ada = await known(scene, "Ada")
    query = text(
        "SELECT sum(custom_plans), sum(generic_plans) FROM pg_prepared_statements WHERE statement LIKE :of_it"
    )
    async with scene.desk.sessions() as session:
        for _ in range(12):
            await ask(session, ada)
        custom, generic = (await session.execute(query, {"of_it": of_it})).one()
        mode = await session.scalar(text("SELECT current_setting('plan_cache_mode')"))
    assert custom >= 10
    assert generic == 0
    assert mode == "auto"
