"""Who gets which tickets, as an admin arranges it, the desk does it, and a ticket tells it."""

import asyncio
import re

from sqlalchemy import select

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.people import Agent
from helpdesk.routing import AgentRouting, TeamRouting
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
    assert "they had 0 of at most 3 tickets open, nobody else could take it" in shown
    assert await give_back(console.scene.desk) == 0


async def test_who_was_given_a_ticket_gives_it_back(console: Console):
    """It goes to somebody else; a page that is older than that takes it from nobody."""
    await arranged(console)
    ada, liam = await console.person("Ada"), await console.person("Liam")
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Liam"].id)).present_at = now()
    ticket = await console.scene.receives(mail())
    await share_out(console.scene.desk)
    liams = console.scene.agents["Liam"].id
    path = f"/tickets/{ticket.number}/assignment?of={liams}"
    assert path in (await liam.look(f"/tickets/{ticket.number}")).text
    answer = await liam.does(path, method="DELETE")
    assert "Liam Osei gave the ticket back to the team" in answer.text
    assert path not in answer.text
    assert "Undo" in answer.text
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Ada"].id)).present_at = now()
    await share_out(console.scene.desk)
    assert (await console.scene.ticket(ticket.id)).assignee_id == console.scene.agents["Ada"].id
    assert (await liam.does(path, method="DELETE")).status_code == 409
    undone = await liam.does(
        f"/tickets/{ticket.number}/assignment", data={"agent": str(liams), "while_free": "true"}
    )
    assert undone.status_code == 409, "to undo it comes too late: Ada has it"
    assert (await console.scene.ticket(ticket.id)).assignee_id == console.scene.agents["Ada"].id
    adas = path.replace(f"={liams}", f"={console.scene.agents['Ada'].id}")
    shown = (await liam.look(f"/tickets/{ticket.number}")).text
    assert adas in shown, "who may assign may also give back what a colleague was given"
    assert (await liam.does(adas, method="DELETE")).status_code == 200
    shown = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "Liam Osei gave Ada Novak’s ticket back to the team" in shown


async def test_what_somebody_chose_is_not_given_back(console: Console):
    """Only the desk's own choice offers it: a colleague's is changed where they made it."""
    ada = await console.person("Ada")
    ticket = await console.scene.receives(mail())
    await console.scene.does(ticket, "assign", console.scene.agents["Ada"], by=console.scene.agents["Liam"])
    assert "Give back" not in (await ada.look(f"/tickets/{ticket.number}")).text


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


async def test_two_who_arrange_the_same_for_the_first_time_do_not_get_in_each_others_way(console: Console):
    ada = await console.person("Ada")
    team, liam = console.scene.teams["Billing"].id, console.scene.agents["Liam"].id
    answers = await asyncio.gather(
        *(ada.does(f"/settings/assignment/teams/{team}", data=IN_TURN) for _ in range(5)),
        *(ada.does(f"/settings/assignment/agents/{liam}", data={"skills": "refund"}) for _ in range(5)),
    )
    assert {answer.status_code for answer in answers} == {204}


async def test_a_limit_that_is_no_number_is_refused_rather_than_taken_for_none(console: Console):
    ada = await console.person("Ada")
    path = f"/settings/assignment/agents/{console.scene.agents['Liam'].id}"
    for wrong in ({"channel-email": "-1"}, {"channel-email": "ten"}, {"cap": "٣"}, {"cap": "1000000000"}):
        answer = await ada.does(path, data={"skills": "refund", **wrong})
        assert answer.status_code == 400, wrong
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(AgentRouting)) is None


async def test_limits_out_of_reach_are_refused(console: Console):
    ada = await console.person("Ada")
    path = f"/settings/assignment/teams/{console.scene.teams['Billing'].id}"
    for wrong in ({"cap": "-1"}, {"cap": "100000"}, {"relax_minutes": "999999"}, {"method": "by_magic"}):
        assert (await ada.does(path, data={**IN_TURN, **wrong})).status_code == 400
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(TeamRouting)) is None
