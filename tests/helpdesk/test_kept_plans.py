"""The server may keep one plan of a statement for all values: what that plan has to know stands in the statement."""

import pytest
from sqlalchemy import select

from helpdesk import views
from helpdesk.people import Agent, with_access
from helpdesk.views import Order, Sorting, View
from tests.scenes import Scene, mail
from tests.web.test_statement_counts import counted

LIMITED_BY_A_VALUE = "LIMIT %"


@pytest.mark.parametrize("view", View)
async def test_a_list_says_how_many_it_wants(scene: Scene, view: View):
    """Otherwise the plan that is kept is one for a tenth of all tickets: on a large desk, a hundred times the work."""
    ticket = await scene.receives(mail())
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        found = await session.scalars(select(Agent).where(Agent.name == "Ada Novak").options(*with_access()))
        ada = found.unique().one()
        with counted() as asked:
            for order in Order:
                page = await views.listed(session, ada, view, sorting=Sorting(order), limit=1)
                if page.after:
                    await views.listed(session, ada, view, after=page.after)
    assert len(asked) >= len(Order)
    assert all("LIMIT 2" in one for one in asked if "ORDER BY" in one)
    assert not [one for one in asked if LIMITED_BY_A_VALUE in one]
