"""Why a ticket is due when it is, and the page on which a desk says what it promises."""

from datetime import timedelta

from helpdesk import clock
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
