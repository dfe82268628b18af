"""Why a ticket is due when it is, and the page on which a desk says what it promises."""

from datetime import timedelta

from sqlalchemy import select

from helpdesk import clock
from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.sla import Policy
from tests.scenes import mail
from tests.web.served import Console


async def test_a_ticket_says_why_it_is_due_step_by_step(console: Console):
    scene = console.scene
    ticket = await scene.receives()
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert f'href="/tickets/{ticket.number}/promises"' in page
    await scene.does(ticket, "hold", by=scene.agents["Ada"])
    why = (await ada.look(f"/tickets/{ticket.number}/promises")).text
    assert "Standard promises this within 4h for normal priority" in why
    assert "Ada Novak changed the status to On hold. The clock rests." in why
    assert "Not due while it is paused." in why
    assert "24h of working time left" in why
    assert why.count('class="clock-picture"') == 2
    await scene.replies(ticket)
    why = (await ada.look(f"/tickets/{ticket.number}/promises")).text
    assert "Ada Novak answered. In time." in why
    assert "One promise that is over" in why


async def test_a_breach_is_told_where_it_happened(console: Console):
    scene = console.scene
    ticket = await scene.receives()
    with clock.moved(timedelta(days=10)):
        await scene.replies(ticket)
    ada = await console.person("Ada")
    why = (await ada.look(f"/tickets/{ticket.number}/promises")).text
    assert "The time was over, and it had not happened." in why
    assert "Ada Novak answered. Too late." in why


async def test_nobody_reads_the_promises_of_a_ticket_that_is_not_theirs(console: Console):
    ticket = await console.scene.receives()
    tess = await console.person("Tess")
    assert (await tess.get(f"/tickets/{ticket.number}/promises")).status_code == 404


async def test_a_ticket_to_which_nothing_was_promised_says_so(console: Console):
    ticket = await console.scene.receives(mail("I am away", automatic=True))
    ada = await console.person("Ada")
    assert "Nothing is promised" in (await ada.look(f"/tickets/{ticket.number}/promises")).text


async def test_a_policy_is_chosen_by_hand_and_given_back_to_conditions(console: Console):
    scene = console.scene
    async with committed(scene.desk.sessions) as session:
        calendar, nothing = await session.scalar(select(Calendar)), {"kind": "any", "of": []}
        assert calendar
        targets = {"normal": {"first_response": 15}}
        gold = Policy(name="Gold <b>", position=9, condition=nothing, calendar=calendar, targets=targets)
        off = Policy(name="Off", position=8, active=False, calendar=calendar, targets=targets)
        session.add_all([gold, off])
    ticket = await scene.receives()
    ada, tess = await console.person("Ada"), await console.person("Tess")
    at = f"/tickets/{ticket.number}"
    choices = (await ada.look(f"{at}/policy/choices")).text
    assert "By conditions" in choices
    assert "Gold &lt;b&gt;" in choices
    assert ">Off<" not in choices
    assert "Standard" not in (await ada.look(f"{at}/policy/choices?q=GOLD")).text
    answer = await ada.does(f"{at}/policy", data={"policy": gold.id})
    assert answer.status_code == 200, answer.text
    assert "Ada Novak chose the policy Gold &lt;b&gt; by hand" in answer.text
    assert "by hand</span>" in answer.text
    assert "The policy was chosen by hand." in (await ada.look(f"{at}/promises")).text
    assert (await scene.ticket(ticket.id)).policy_id == gold.id
    answer = await ada.does(f"{at}/policy", data={"policy": ""})
    assert "left the policy to its conditions again" in answer.text
    assert "Policy by conditions: Standard" in answer.text
    found = await scene.ticket(ticket.id)
    assert (found.policy_id, found.policy_fixed) == (ticket.policy_id, False)
    for wrong in (str(off.id), "999", "x", "9" * 30, "-1"):
        assert (await ada.does(f"{at}/policy", data={"policy": wrong})).status_code in {400, 404}, wrong
    assert (await tess.does(f"{at}/policy", data={"policy": gold.id})).status_code == 404
