"""The console's work: lists, threads, answers, and everything that is done to a ticket."""

import re
from datetime import timedelta

from helpdesk import clock
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.messages import Delivery, Upload
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from tests.scenes import mail
from tests.web.served import Console, Person

SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'


async def test_a_new_ticket_stands_unread_in_its_queue_until_it_is_opened(console: Console):
    ticket = await console.scene.receives(mail("Where is it?", subject="Lost parcel"))
    liam = await console.person("Liam")
    page = (await liam.look("/tickets?view=unassigned")).text
    assert "Lost parcel" in page
    assert "row unread" in page
    assert "Lost parcel" not in (await liam.look("/tickets?view=mine")).text
    await liam.look(f"/tickets/{ticket.number}")
    assert "row unread" not in (await liam.look("/tickets?view=unassigned")).text
    ada = await console.person("Ada")
    assert "row unread" in (await ada.look("/tickets?view=unassigned")).text


async def test_pages_follow_each_other_without_gap_or_repetition(console: Console):
    for n in range(55):
        await console.scene.receives(mail(f"Question {n}", sender=f"p{n}@there.example"))
    ada = await console.person("Ada")
    first = (await ada.look("/tickets?view=all")).text
    more = re.search(r'href="(/tickets\?[^"]*after=[^"]+)"', first)
    assert more
    headers = {"hx-request": "true", "hx-target": "div#more"}
    second = (await ada.get(more[1].replace("&amp;", "&"), headers=headers)).text
    numbers = [re.findall(r'id="row-(\d+)"', text) for text in (first, second)]
    assert [len(part) for part in numbers] == [50, 5]
    assert len(set(numbers[0] + numbers[1])) == 55
    assert "<html" not in second


async def test_what_people_write_is_never_markup(console: Console):
    ticket = await console.scene.receives(
        mail(SCRIPT + " https://a.example/?q=<b>", subject=SCRIPT, name=SCRIPT, visible_text=SCRIPT)
    )
    ada = await console.person("Ada")
    for path in (f"/tickets/{ticket.number}", "/tickets?view=all"):
        text = (await ada.look(path)).text
        assert "<script>alert" not in text
        assert "<img" not in text
    assert "&lt;script&gt;" in text


async def test_a_reply_is_queued_once_however_often_the_form_is_sent(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "Here it is.\r\n\r\nAda"}
    for _ in range(3):
        answer = await ada.does(f"/tickets/{ticket.number}/replies", data=form)
        assert answer.status_code == 200
        assert "undo-toast" in answer.text
    messages = await console.scene.messages(ticket)
    assert [message.text for message in messages] == ["Where is my invoice?", "Here it is.\n\nAda"]
    assert messages[1].delivery is Delivery.queued
    other = form | {"body": "Something quite different"}
    assert (await ada.does(f"/tickets/{ticket.number}/replies", data=other)).status_code == 409


async def test_a_reply_can_be_taken_back_until_it_leaves(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "Too early"}
    await ada.does(f"/tickets/{ticket.number}/replies", data=form)
    reply = (await console.scene.messages(ticket))[1]
    answer = await ada.does(f"/tickets/{ticket.number}/replies/{reply.id}", "DELETE")
    assert answer.status_code == 200
    assert re.search(r"<textarea[^>]*autofocus>Too early</textarea>", answer.text)
    assert f'id="message-{reply.id}"' not in answer.text
    assert (await console.scene.ticket(ticket.id)).category is Category.new
    again = await ada.does(f"/tickets/{ticket.number}/replies/{reply.id}", "DELETE")
    assert again.status_code == 409
    assert 'hx-target="#toasts"' in again.text


async def test_nobody_answers_over_a_colleague(console: Console):
    """Liam looks, Ada answers, Liam sends: he is shown what she wrote, and loses no word of his own."""
    ticket = await console.scene.receives()
    ada, liam = await console.person("Ada"), await console.person("Liam")
    his = await liam.composer(ticket.number) | {"body": "My answer"}
    await ada.does(
        f"/tickets/{ticket.number}/replies", data=await ada.composer(ticket.number) | {"body": "Her answer"}
    )
    refused = await liam.does(f"/tickets/{ticket.number}/replies", data=his)
    assert refused.status_code == 409
    assert "Her answer" in refused.text
    assert ">My answer</textarea>" in refused.text
    seen = re.findall(r'name="seen" value="(\d+)"', refused.text)[0]
    anyway = await liam.does(f"/tickets/{ticket.number}/replies", data=his | {"seen": seen})
    assert anyway.status_code == 200
    assert [m.text for m in await console.scene.messages(ticket)][1:] == ["Her answer", "My answer"]


async def test_a_customer_who_writes_meanwhile_is_shown_first(console: Console):
    ticket = await console.scene.receives(mail(external_id="first@lumen.example"))
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "Here it is"}
    await console.scene.receives(mail("Never mind, found it", thread=("first@lumen.example",)))
    refused = await ada.does(f"/tickets/{ticket.number}/replies", data=form)
    assert refused.status_code == 409
    assert "Never mind, found it" in refused.text


async def test_plain_forms_do_without_a_script(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "By hand"}
    answer = await ada.post(f"/tickets/{ticket.number}/replies", files={"files": ("", b"")}, data=form)
    assert answer.status_code == 303
    assert "By hand" in (await ada.look(answer.headers["location"])).text


async def test_files_go_out_and_come_back_as_they_were(console: Console):
    name = "../../Rechnung\u202e‮ März\r\nX-Evil: 1.pdf"
    upload = Upload(name=name, content_type="text/html", content=b"<script>alert(1)</script>")
    ticket = await console.scene.receives(mail(attachments=(upload,)))
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number) | {"body": "See the file"}
    files = {"files": ("Antwort.txt", b"contents", "text/plain")}
    assert (await ada.does(f"/tickets/{ticket.number}/replies", data=form, files=files)).status_code == 200
    theirs, ours = [(await console.scene.messages(ticket))[i].attachments[0] for i in (0, 1)]
    got = await ada.get(f"/tickets/{ticket.number}/attachments/{theirs.id}")
    assert got.content == upload.content
    assert got.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in got.headers["content-security-policy"]
    disposition = got.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=")
    assert "/" not in disposition.replace("UTF-8''", "").replace("..", "")
    assert "%E2%80%AE" not in disposition
    assert "x-evil" not in got.headers
    assert (await ada.get(f"/tickets/{ticket.number}/attachments/{ours.id}")).content == b"contents"


async def test_each_change_is_made_and_told(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    liam, technical = console.scene.agents["Liam"], console.scene.teams["Technical"]
    path = f"/tickets/{ticket.number}"
    told = [
        ("notes", {"body": "Look at #3", "client_id": "n1"}, "Look at #3"),
        ("assignment", {"agent": "me"}, "Ada Novak took the ticket"),
        ("assignment", {"agent": str(liam.id)}, "Ada Novak assigned the ticket to Liam Osei"),
        ("team", {"team": str(technical.id)}, "Ada Novak moved the ticket to Technical"),
        ("priority", {"priority": "urgent"}, "Ada Novak set the priority to Urgent"),
        ("resolution", {}, "Ada Novak resolved the ticket"),
    ]
    for resource, data, words in told:
        answer = await ada.does(f"{path}/{resource}", data=data)
        assert answer.status_code == 200, answer.text
        assert words in answer.text
    after = await console.scene.ticket(ticket.id)
    assert (after.assignee_id, after.team_id) == (liam.id, technical.id)
    assert (after.priority, after.category) == (Priority.urgent, Category.resolved)
    assert (await ada.does(f"{path}/resolution")).status_code == 409
    assert "opened the ticket again" in (await ada.does(f"{path}/resolution", "DELETE")).text
    assert (await ada.does(f"{path}/assignment", data={"agent": "999"})).status_code == 400


async def test_what_is_due_counts_down_and_turns_red(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    assert "First response due" in (await ada.look(f"/tickets/{ticket.number}")).text
    async with committed(console.scene.desk.sessions) as session:
        clock_of = (await console.scene.ticket(ticket.id, session)).clocks[0]
        clock_of.due_at = clock.now() - timedelta(minutes=22)
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert 'data-state="late"' in page
    assert "22 min late" in page


async def test_a_long_thread_shows_its_end_and_offers_the_rest(console: Console):
    ticket = await console.scene.receives(mail("The very first words"))
    for n in range(60):
        await console.scene.does(ticket, "note", f"Note {n}.", by=console.scene.agents["Ada"])
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    thread = page[page.index('id="thread"') : page.index('id="composer"')]
    assert "Note 59." in thread
    assert "The very first words" not in thread
    assert "Show 11 earlier messages" in thread
    assert "The very first words" in (await ada.look(f"/tickets/{ticket.number}?whole=true")).text


async def test_parts_and_pages_come_from_one_address(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    path = f"/tickets/{ticket.number}"
    part = await ada.get(path, headers={"hx-request": "true", "hx-target": "div#work"})
    assert part.text.lstrip().startswith('<div id="work"')
    assert part.headers["vary"] == "hx-request"
    restored = await ada.get(
        path, headers={"hx-request": "true", "hx-target": "div#work", "hx-history-restore-request": "true"}
    )
    assert restored.text.startswith("<!doctype html>")


async def test_a_number_is_jumped_to_and_words_are_searched_for(console: Console):
    ticket = await console.scene.receives()
    ada: Person = await console.person("Ada")
    assert (await ada.get(f"/search?q=%23{ticket.number}")).headers["location"] == f"/tickets/{ticket.number}"
    assert "Nothing found" in (await ada.look("/search?q=lost%20parcel")).text
    assert (await ada.look("/search?q=99999999")).status_code == 200


async def test_the_outbox_shows_what_waits(console: Console):
    ticket = await console.scene.receives()
    await console.scene.replies(ticket, "On its way")
    ada, liam = await console.person("Ada"), await console.person("Liam")
    await console.scene.does(ticket, "reply", "How was it?", by=DESK)
    shown = (await ada.look("/outbox")).text
    assert "On its way" in shown
    assert "by Ada" in shown
    assert "by the desk" in shown
    assert (await liam.look("/outbox")).status_code == 403
