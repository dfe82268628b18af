"""Macros in the console and by the API: made, shared, chosen at a ticket, done with a reply, taken back."""

import re

from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.macros import Macro, MacroUse
from helpdesk.messages import Delivery, Message
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Priority, Ticket
from tests.scenes import Scene, mail
from tests.web.served import Console, Person
from workers.scheduled import leave

REFUND = {
    "name": "Refund",
    "folder": "Billing/Refunds",
    "body": "Hello {{contact.first_name|there}}, your refund for {{ticket.subject}} is on its way.",
    "priority": "high",
    "tag": "refund, 2026",
    "status": str(BUILT_IN[Category.on_hold]),
}


async def made(console: Console, person: Person, **given: str) -> int:
    answer = await person.does("/settings/macros", data={**REFUND, **given})
    assert answer.status_code in {204, 303}, answer.text[:400]
    async with console.scene.desk.sessions() as session:
        return max(await session.scalars(select(Macro.id)))


async def standing(scene: Scene, ticket: Ticket) -> tuple[Priority, Category]:
    now = await scene.ticket(ticket.id)
    return now.priority, now.category


async def test_a_macro_is_made_shown_changed_shared_and_deleted(console: Console):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    macro = await made(console, ada, visibility="all")
    page = (await liam.look("/settings/macros")).text
    assert "Billing / Refunds" in page
    assert "Add tags: refund, 2026" in page
    form = (await ada.look(f"/settings/macros/{macro}")).text
    assert re.search(r'name="tag"[^>]* value="refund, 2026"', form)
    assert "duplicate" in (await liam.look(f"/settings/macros/{macro}")).text.lower()
    assert (await liam.does(f"/settings/macros/{macro}", data=REFUND)).status_code == 403
    refused = await liam.does("/settings/macros", data={**REFUND, "visibility": "all"})
    assert "may keep this for yourself" in refused.text
    bad = await ada.does(f"/settings/macros/{macro}", data={**REFUND, "body": "{{contact.password}}"})
    assert bad.status_code == 400
    assert "means nothing here" in bad.text
    await ada.does(f"/settings/macros/{macro}", data={**REFUND, "name": "Money back", "visibility": "all"})
    assert "Money back" in (await liam.look("/settings/macros")).text
    await ada.does(f"/settings/macros/{macro}/removal", data={})
    assert "Money back" not in (await liam.look("/settings/macros")).text


async def test_what_it_says_and_does_is_shown_before_anything_is_done(console: Console):
    ada = await console.person("Ada")
    macro = await made(console, ada)
    ticket = await console.scene.receives(mail(subject="<b>Charged</b>", name="Marta Silva"))
    options = (await ada.does(f"/tickets/{ticket.number}/macros?q=billing+refund", "GET")).text
    assert f"/macros/{macro}" in options
    assert "No macro has these words" in (await ada.does(f"/tickets/{ticket.number}/macros?q=x9", "GET")).text
    chosen = (await ada.does(f"/tickets/{ticket.number}/macros/{macro}", "GET")).text
    assert "Hello Marta, your refund for &lt;b&gt;Charged&lt;/b&gt;" in chosen
    assert chosen.count('name="step"') == 3
    assert await standing(console.scene, ticket) == (Priority.normal, Category.new)


async def test_it_is_done_with_the_reply_and_taken_back_with_it(console: Console):
    ada = await console.person("Ada")
    macro = await made(console, ada)
    ticket = await console.scene.receives()
    reply = {"body": "On its way.", "client_id": "one", "seen": "99999", "macro": str(macro)}
    sent = await ada.does(f"/tickets/{ticket.number}/replies", data={**reply, "step": ["0", "2"]})
    assert sent.status_code == 200, sent.text[:500]
    assert await standing(console.scene, ticket) == (Priority.high, Category.on_hold)
    async with console.scene.desk.sessions() as session:
        message = await session.scalar(select(Message).where(Message.client_id == "one"))
        use = await session.scalar(select(MacroUse))
    assert message
    assert use
    assert [done["verb"] for done in use.done] == ["priority", "status"], "what was not ticked is left out"
    await ada.does(f"/tickets/{ticket.number}/replies/{message.id}", "DELETE")
    assert await standing(console.scene, ticket) == (Priority.normal, Category.new)


async def test_nothing_is_done_that_was_not_shown(console: Console):
    """A colleague edits a macro between the moment at which it was chosen and the sending."""
    ada = await console.person("Ada")
    macro = await made(console, ada)
    ticket = await console.scene.receives()
    path = f"/tickets/{ticket.number}"
    chosen = (await ada.does(f"{path}/macros/{macro}", "GET")).text
    steps = re.findall(r'name="step" value="([^"]+)"', chosen)
    assert len(steps) == 3
    await ada.does(f"/settings/macros/{macro}", data={**REFUND, "priority": "urgent"})
    reply = {"body": "On its way.", "client_id": "three", "seen": "99999", "macro": str(macro), "step": steps}
    refused = await ada.does(f"{path}/replies", data=reply)
    assert refused.status_code == 409
    assert "changed meanwhile" in refused.text
    assert await standing(console.scene, ticket) == (Priority.normal, Category.new)
    assert [m.text for m in await console.scene.messages(ticket)] == ["Where is my invoice?"], "nothing left"
    await ada.does(f"/settings/macros/{macro}/removal")
    assert (await ada.does(f"{path}/replies", data=reply)).status_code == 409
    assert (
        await ada.does(f"{path}/replies", data={k: v for k, v in reply.items() if k not in {"macro", "step"}})
    ).status_code == 200


async def test_without_words_it_is_done_at_once_and_undone(console: Console):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    macro = await made(console, ada, body="", visibility="all")
    ticket = await console.scene.receives()
    path = f"/tickets/{ticket.number}"
    done = await ada.does(f"{path}/macros/{macro}/uses", data={"step": ["0", "1", "2"]})
    undo = re.search(rf'hx-delete="({path}/macro-uses/\d+)"', done.text)
    assert undo, done.text[-800:]
    assert await standing(console.scene, ticket) == (Priority.high, Category.on_hold)
    assert (await liam.does(undo[1], "DELETE")).status_code == 404, "somebody else's"
    assert "Taken back" in (await ada.does(undo[1], "DELETE")).text
    assert await standing(console.scene, ticket) == (Priority.normal, Category.new)
    assert (await ada.does(undo[1], "DELETE")).status_code == 409


async def test_a_reply_for_later_takes_its_macro_along(console: Console):
    ada = await console.person("Ada")
    macro = await made(console, ada)
    ticket = await console.scene.receives()
    reply = {"body": "Soon.", "client_id": "two", "seen": "99999", "macro": str(macro), "later": "tomorrow"}
    await ada.does(f"/tickets/{ticket.number}/replies", data={**reply, "step": ["0", "1", "2"]})
    assert await standing(console.scene, ticket) == (Priority.normal, Category.new)
    await ada.does(f"/settings/macros/{macro}", data={**REFUND, "priority": "low", "away": "trash"})
    async with committed(console.scene.desk.sessions) as session:
        message = await session.scalar(select(Message).where(Message.client_id == "two"))
        assert message
        message.send_after = message.created_at
    await leave(console.scene.desk, message.id)
    async with console.scene.desk.sessions() as session:
        delivery = await session.scalar(select(Message.delivery).where(Message.id == message.id))
    assert delivery is Delivery.queued
    assert await standing(console.scene, ticket) == (Priority.high, Category.on_hold)
