"""Who gets which tickets, as an admin arranges it, the desk does it, and a ticket tells it."""

import re

from sqlalchemy import select

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.people import Agent
from helpdesk.routing import TeamRouting
from tests.scenes import mail
from tests.web.served import Console
from workers.sharing import give_back, share_out

IN_TURN = {"method": "in_turn", "cap": "3", "match_skills": "true", "relax_minutes": "30"}


async def arranged(console: Console, **more: str) -> None:
    ada = await console.person("Ada")
    team = console.scene.teams["Billing"].id
    answer = await ada.does(f"/settings/assignment/teams/{team}", data={**IN_TURN, **more})
    assert answer.status_code in {204, 303}, answer.text[:500]


async def test_a_team_shares_out_and_a_ticket_says_why(console: Console):
    await arranged(console, give_back_minutes="15")
    ada = await console.person("Ada")
    page = (await ada.look("/settings/assignment")).text
    assert "In turn" in page
    assert "comes back when somebody is away" in page
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Liam"].id)).present_at = now()
    ticket = await console.scene.receives(mail())
    await share_out(console.scene.desk)
    shown = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "Given to Liam Osei" in shown
    assert "it was their turn" in shown
    assert "0 of 3 open" in shown
    assert await give_back(console.scene.desk) == 0


async def test_what_a_colleague_can_take_is_kept(console: Console):
    ada = await console.person("Ada")
    path = f"/settings/assignment/agents/{console.scene.agents['Liam'].id}"
    sent = {"skills": "refund,  API ,refund", "languages": "de, EN", "cap": "4", "channel-email": "2"}
    assert (await ada.does(path, data=sent)).status_code in {204, 303}
    form = (await ada.look(path)).text
    assert re.search(r'name="skills"[^>]* value="refund, API"', form)
    assert re.search(r'name="languages"[^>]* value="de, en"', form)
    assert re.search(r'name="channel-email"[^>]* value="2"', form)
    assert (await ada.does(path, data={"languages": "German, please"})).status_code == 400
    liam = await console.person("Liam")
    assert (await liam.does(path, data=sent)).status_code == 403


async def test_limits_out_of_reach_are_refused(console: Console):
    ada = await console.person("Ada")
    path = f"/settings/assignment/teams/{console.scene.teams['Billing'].id}"
    for wrong in ({"cap": "-1"}, {"cap": "100000"}, {"relax_minutes": "999999"}, {"method": "by_magic"}):
        assert (await ada.does(path, data={**IN_TURN, **wrong})).status_code == 400
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(TeamRouting)) is None
