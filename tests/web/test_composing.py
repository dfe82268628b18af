"""New tickets, merges, side conversations, replies for later and bulk changes, as a browser asks for them."""

import re
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.messages import Delivery, Direction, Message, Sender, Upload
from helpdesk.people import Agent
from helpdesk.statuses import Category
from helpdesk.templates import TicketTemplate
from helpdesk.tickets import Priority, Removal
from tests.scenes import mail
from tests.web.served import Console, Person

BEN = "ben@lumen.example"


async def new_ticket(person: Person, console: Console, **given: str) -> tuple[str, dict[str, str]]:
    page = (await person.look("/tickets/new")).text
    client_id = re.search(r'name="client_id" value="([^"]+)"', page)
    assert client_id
    form = {
        "requester": "new@person.example",
        "name": "New Person",
        "client_id": client_id[1],
        "inbox": str(console.scene.inbox.id),
        "subject": "Your order",
        "body": "We have news",
        "csrf": person.token,
    }
    return page, form | given


async def test_a_ticket_is_begun_for_somebody_new_and_only_once(console: Console):
    ada = await console.person("Ada")
    _, form = await new_ticket(ada, console, tags="refund, vip", copies="boss@person.example", assignee="me")
    for _ in range(2):
        answer = await ada.post("/tickets/new", data=form, files={"files": ("plan.txt", b"plan")})
        assert answer.status_code == 303, answer.text
    tickets = await console.scene.tickets()
    assert len(tickets) == 1
    message = (await console.scene.messages(tickets[0]))[0]
    assert (message.direction, message.delivery, message.recipients) == (
        Direction.outbound,
        Delivery.queued,
        ["new@person.example"],
    )
    assert [a.name for a in message.attachments][:1] == ["plan.txt"]
    page = (await ada.look(answer.headers["location"])).text
    assert "We have news" in page
    assert "boss@person.example" in page


async def test_who_could_be_meant_is_suggested_and_their_open_tickets_are_shown(console: Console):
    await console.scene.receives(mail("Hello", name="Marta Lindqvist", subject="Lost parcel"))
    ada = await console.person("Ada")
    headers = {"hx-request": "true", "hx-target": "div#people"}
    found = (await ada.get("/tickets/new/people?requester=Lindqv", headers=headers)).text
    assert 'data-address="marta@lumen.example"' in found
    exact = (await ada.get("/tickets/new/people?requester=marta@lumen.example", headers=headers)).text
    assert "Lost parcel" in exact
    assert "is new" in (await ada.get("/tickets/new/people?requester=x@y.example", headers=headers)).text


async def test_what_was_refused_keeps_every_word(console: Console):
    ada = await console.person("Ada")
    _, form = await new_ticket(ada, console, requester="no address", body="Long words")
    answer = await ada.post("/tickets/new", data=form)
    assert answer.status_code == 400
    assert "Long words" in answer.text
    assert "no address" in answer.text
    assert await console.scene.tickets() == []


async def test_a_template_fills_in_the_form(console: Console):
    async with committed(console.scene.desk.sessions) as session:
        template = TicketTemplate(name="Refund", subject="Your refund", body="Dear …", tags=["refund"])
        session.add(template)
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/new?template={template.id}")).text
    assert 'value="Your refund"' in page
    assert ">Dear …</textarea>" in page
    assert 'value="refund"' in page


async def test_templates_are_made_changed_and_archived_in_the_settings(console: Console):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    form = {
        "name": "Refund",
        "subject": "Your refund",
        "body": "Dear …",
        "priority": "high",
        "tags": "refund",
    }
    assert (await ada.post("/settings/templates", data=form | {"csrf": ada.token})).status_code == 303
    assert "Refund" in (await ada.look("/settings/templates")).text
    async with console.scene.desk.sessions() as session:
        made = await session.scalar(select(TicketTemplate))
    assert made
    assert (made.priority, made.tags) == (Priority.high, ["refund"])
    path = f"/settings/templates/{made.id}"
    changed = form | {"csrf": ada.token, "name": "Money back", "archived": "true"}
    assert (await ada.post(path, data=changed)).status_code == 303
    assert "Money back" not in (await ada.look("/tickets/new")).text
    again = await ada.post("/settings/templates", data=form | {"csrf": ada.token, "name": "money BACK"})
    assert again.status_code == 409
    assert (await liam.look("/settings/templates")).status_code == 403


async def test_merging_is_foreseen_done_followed_and_undone(console: Console):
    old = await console.scene.receives(mail("The first", sender=BEN, name="Ben"))
    new = await console.scene.receives(mail("The second", subject="Second"))
    ada = await console.person("Ada")
    path = f"/tickets/{new.number}"
    seen = (await ada.get(f"{path}/merge?into={old.number}", headers={"hx-request": "true"})).text
    assert "two different customers" in seen
    assert "in copy</label>" in seen
    visitor = replace(mail("By chat"), sender=Sender(kind="chat", address="8f1c2ab94d", name="Visitor"))
    chat = await console.scene.receives(visitor)
    at = f"/tickets/{chat.number}/merge?into={old.number}"
    told = (await ada.get(at, headers={"hx-request": "true"})).text
    assert "no e-mail address to put in copy" in told
    assert "in copy</label>" not in told
    answer = await ada.does(f"{path}/merge", data={"into": f"#{old.number}", "copy_requester": "true"})
    assert answer.headers["hx-redirect"] == f"/tickets/{old.number}"
    page = (await ada.look(f"/tickets/{old.number}")).text
    assert "The second" in page
    assert "was merged into this" in page
    followed = await ada.get(path, headers={"accept": "text/html"})
    assert followed.headers["location"] == f"/tickets/{old.number}"
    refused = await ada.does(f"{path}/notes", data={"body": "Too late", "client_id": "x"})
    assert refused.status_code == 409
    assert f"#{new.number} was merged into #{old.number}" in refused.text
    again = await ada.does(f"{path}/merge", data={"into": str(old.number)})
    assert again.status_code == 409
    merge = re.search(r"/merges/(\d+)", page)
    assert merge
    undone = await ada.does(f"/tickets/{old.number}/merges/{merge[1]}", "DELETE")
    assert undone.status_code == 200
    assert "The second" not in undone.text
    assert (await ada.look(path)).status_code == 200
    assert (await ada.does(f"/tickets/{old.number}/merges/{merge[1]}", "DELETE")).status_code == 409


async def test_a_message_is_split_off_and_put_back(console: Console):
    ticket = await console.scene.receives(mail("One", external_id="a@lumen.example"))
    await console.scene.receives(mail("Another matter", thread=("a@lumen.example",)))
    other = (await console.scene.messages(ticket))[1]
    ada = await console.person("Ada")
    path = f"/tickets/{ticket.number}/messages/{other.id}/split"
    assert "Another matter" in (await ada.get(path, headers={"hx-request": "true"})).text
    made = await ada.does(path, data={"subject": "Matter two"})
    place = made.headers["hx-redirect"]
    page = (await ada.look(place)).text
    assert "Matter two" in page
    assert f"<b>#{ticket.number}</b>" in page
    split = re.search(r"/merges/(\d+)", page)
    assert split
    back = await ada.does(f"{place}/merges/{split[1]}", "DELETE")
    assert back.headers["hx-redirect"] == f"/tickets/{ticket.number}"
    assert len(await console.scene.messages(ticket)) == 2


async def test_forwarding_asks_before_it_goes_to_the_customer_and_shows_answers_apart(console: Console):
    upload = Upload(name="label.pdf", content_type="application/pdf", content=b"pdf")
    ticket = await console.scene.receives(mail("It is lost", attachments=(upload,)))
    asked = (await console.scene.messages(ticket))[0]
    ada = await console.person("Ada")
    path = f"/tickets/{ticket.number}/sides"
    form_page = (await ada.get(f"{path}?message={asked.id}", headers={"hx-request": "true"})).text
    assert f'name="message-{asked.id}" value="true" checked' in form_page
    form = {
        "to": "marta@lumen.example",
        "client_id": "side-1",
        "body": "Where is it?",
        f"message-{asked.id}": "true",
        f"file-{asked.attachments[0].id}": "true",
    }
    warned = await ada.does(path, data=form)
    assert warned.status_code == 409
    assert "This is the customer" in warned.text
    sent = await ada.does(path, data=form | {"to": "carrier@parcels.example"})
    assert sent.status_code == 200, sent.text
    assert "With carrier@parcels.example" in sent.text
    async with console.scene.desk.sessions() as session:
        message = await session.scalar(select(Message).where(Message.side_id.is_not(None)))
    assert message
    assert message.recipients == ["carrier@parcels.example"]
    answer = await ada.does(f"{path}/{message.side_id}", data={"body": "And now?", "client_id": "side-2"})
    assert "And now?" in answer.text
    taken = await ada.does(f"{path}/{message.side_id}/messages/{message.id}", "DELETE")
    assert taken.status_code == 200
    assert "Where is it?" not in taken.text
    other = await console.scene.receives(mail("Not theirs", sender=BEN))
    stray = await ada.does(
        f"/tickets/{other.number}/sides/{message.side_id}", data={"body": "x", "client_id": "y"}
    )
    assert stray.status_code == 404


async def test_a_reply_leaves_later_is_changed_held_and_sent(console: Console):
    ticket = await console.scene.receives(mail(external_id="a@lumen.example"))
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "Good morning", "later": "tomorrow"}
    answer = await ada.does(f"/tickets/{ticket.number}/replies", data=form)
    assert answer.status_code == 200, answer.text
    assert "unless the customer writes first" in answer.text
    message = (await console.scene.messages(ticket))[1]
    assert message.delivery is Delivery.scheduled
    assert (await console.scene.ticket(ticket.id)).category is Category.new
    path = f"/tickets/{ticket.number}/replies/{message.id}"
    at = (now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    changed = await ada.does(f"{path}/schedule", data={"body": "Other words", "at": at})
    assert "Other words" in changed.text
    assert (
        await ada.does(f"{path}/schedule", data={"body": "x", "at": "2020-01-01T10:00"})
    ).status_code == 400
    await console.scene.receives(mail("Wait", thread=("a@lumen.example",)))
    held = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "Held." in held
    assert "Send anyway" in held
    assert (await ada.does(f"{path}/release")).status_code == 200
    assert (await console.scene.messages(ticket))[1].delivery is Delivery.queued
    assert (await ada.does(f"{path}/release")).status_code == 409


async def test_a_discarded_reply_is_in_the_composer_again(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "Not yet", "later": "tomorrow"}
    await ada.does(f"/tickets/{ticket.number}/replies", data=form)
    message = (await console.scene.messages(ticket))[1]
    answer = await ada.does(f"/tickets/{ticket.number}/replies/{message.id}/schedule", "DELETE")
    assert re.search(r"<textarea[^>]*autofocus>Not yet</textarea>", answer.text)


async def test_a_selection_is_changed_and_taken_back(console: Console):
    tickets = [await console.scene.receives(mail(f"Q{n}", sender=f"p{n}@there.example")) for n in range(3)]
    ada = await console.person("Ada")
    ids = " ".join(str(ticket.id) for ticket in tickets[:2])
    done = await ada.does("/bulk?view=all", data={"ids": ids, "verb": "priority", "value": "urgent"})
    assert "2 tickets changed" in done.text
    assert [t.priority for t in await console.scene.tickets()].count(Priority.urgent) == 2
    bulk = re.search(r"hx-delete=\"(/bulk/\d+)\"", done.text)
    assert bulk
    assert "Priority set to Urgent" in (await ada.look("/bulk")).text
    undone = await ada.does(bulk[1], "DELETE")
    assert "2 tickets are as they were" in undone.text
    assert (await ada.does(bulk[1], "DELETE")).status_code == 409
    liam = await console.person("Liam")
    assert (await liam.does(bulk[1], "DELETE")).status_code == 404


async def test_a_whole_view_says_its_numbers_first(console: Console):
    for n in range(3):
        await console.scene.receives(mail(f"Q{n}", sender=f"p{n}@there.example"))
    ada = await console.person("Ada")
    form = {"scope": "view", "verb": "trash"}
    asked = await ada.does("/bulk?view=all", data=form)
    assert "This changes 3 tickets." in asked.text
    assert {t.removed for t in await console.scene.tickets()} == {None}
    done = await ada.does("/bulk?view=all", data=form | {"sure": "true"})
    assert "3 tickets changed" in done.text
    assert {t.removed for t in await console.scene.tickets()} == {Removal.trash}
    nothing = await ada.does("/bulk?view=all", data={"verb": "trash", "ids": ""})
    assert nothing.status_code == 400


async def test_every_verb_of_the_bar_is_understood(console: Console):
    ticket = await console.scene.receives()
    other = await console.scene.receives(mail("Another", sender=BEN))
    ada = await console.person("Ada")
    assert "Liam Osei" in (await ada.get("/bulk/choices", headers={"hx-request": "true"})).text
    technical = console.scene.teams["Technical"].id
    for verb, value in (
        ("assign", "me"),
        ("assign", ""),
        ("team", str(technical)),
        ("status", "4"),
        ("tag", "refund, vip"),
        ("untag", "vip"),
        ("snooze", "tomorrow"),
        ("spam", ""),
    ):
        done = await ada.does("/bulk?view=all", data={"ids": str(ticket.id), "verb": verb, "value": value})
        assert "1 ticket changed" in done.text, (verb, done.text)
    asked = await ada.does(
        "/bulk", data={"ids": str(other.id), "verb": "merge", "value": f"#{other.number}", "sure": "true"}
    )
    assert asked.status_code == 400  # into itself: nothing is left to merge


async def test_who_may_only_read_composes_nothing(console: Console):
    ticket = await console.scene.receives()
    async with committed(console.scene.desk.sessions) as session:
        lou = await session.scalar(select(Agent).where(Agent.email == "lou@desk.example"))
        assert lou
        console.scene.agents["Lou"] = lou
        (await console.scene.ticket(ticket.id, session)).assign(lou, by=console.scene.agents["Ada"])
    person = await console.person("Lou")
    page = (await person.look(f"/tickets/{ticket.number}")).text
    assert "<ticket-selection" not in page
    assert "/tickets/new" not in page
    for path in (
        f"/tickets/{ticket.number}/merge",
        f"/tickets/{ticket.number}/sides",
        "/bulk",
        "/tickets/new",
    ):
        assert (await person.does(path, data={"into": "1"})).status_code == 403, path


async def test_what_was_split_off_says_nothing_of_a_ticket_of_another_team(console: Console):
    """The old ticket went its own way, to a team whose tickets this agent does not see."""
    scene, ada, liam = console.scene, await console.person("Ada"), await console.person("Liam")
    ticket = await scene.receives(mail("First", subject="Acquisition of Fern"))
    await scene.replies(ticket)
    async with scene.desk.sessions() as session:
        message = (await session.scalars(select(Message).where(Message.ticket_id == ticket.id))).first()
    assert message
    path = f"/tickets/{ticket.number}/messages/{message.id}/split"
    made = await ada.does(path, data={"subject": "Printer"})
    new = made.headers["hx-redirect"]
    assert "Acquisition of Fern" in (await liam.look(new)).text
    await scene.does(ticket, "move", scene.teams["Technical"], by=scene.agents["Ada"])
    assert (await liam.look(f"/tickets/{ticket.number}")).status_code == 404
    page = await liam.look(new)
    assert page.status_code == 200
    assert "Acquisition of Fern" not in page.text


async def test_who_is_switched_off_is_offered_nothing_to_do(console: Console):
    """Neither for a new ticket nor for many at once; teams are offered in both."""
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Tess"].id)).active = False
    ada = await console.person("Ada")
    for path in ("/tickets/new", "/bulk/choices"):
        page = (await ada.look(path)).text
        assert "Liam Osei" in page, path
        assert "Tess Varga" not in page, path
        assert "Technical" in page, path
    new = (await ada.does("/tickets/new/people?requester=somebody@new.example", "GET")).text
    assert "data-new" in new, "only then the form asks for a name"
    assert "data-new" not in (await ada.does("/tickets/new/people?requester=some", "GET")).text
