"""What is changed from beside a ticket: every picker, its undo, its permission, and ids of other teams."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import func, select

from helpdesk import fields, labels, statuses
from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.inboxes import Inbox
from helpdesk.messages import Message, Sender
from helpdesk.people import Agent, Contact, CustomRole, Reach, Role, known_as
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import NEXT_REPLY, Ticket
from tests.scenes import Scene, mail
from tests.web.served import HASH, Console, Person, served


@pytest.fixture
async def console(scene: Scene) -> AsyncIterator[Console]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = HASH
        await statuses.save(
            session,
            None,
            category=Category.on_hold,
            name="Waiting for parts",
            customer_name="",
            colour="teal",
            by=DESK,
        )
        await labels.save_type(session, None, name="Defect", colour="red", by=DESK)
        for kind in FieldKind:
            given = Description(
                name=kind.value.title(), kind=kind, choices=["Red", "Green"], pattern=r"[A-Z]-\d+"
            )
            await fields.add(session, Subject.ticket, given, by=DESK)
    async with AsyncExitStack() as stack, served(scene.desk) as (app, url, _server):
        yield Console(scene, app, url, stack)


@pytest.fixture
async def ada(console: Console) -> Person:
    return await console.person("Ada")


async def test_status_type_and_priority_are_picked_and_undone(console: Console, ada: Person):
    ticket = await console.scene.receives()
    at = f"/tickets/{ticket.number}"
    async with console.scene.desk.sessions() as session:
        parts = await session.scalar(
            select(statuses.Status.id).where(statuses.Status.name == "Waiting for parts")
        )
        defect = await session.scalar(select(labels.TicketType.id))
    answer = await ada.does(f"{at}/status", data={"status": parts})
    assert answer.status_code == 200, answer.text
    assert "set the status to Waiting for parts" in answer.text
    assert f'hx-post="{at}/status" hx-vals="{{&#34;status&#34;: &#34;1&#34;}}"' in answer.text
    assert (await console.scene.ticket(ticket.id)).status_id == parts
    assert (await ada.does(f"{at}/type", data={"type": defect})).status_code == 200
    assert "Defect" in (await ada.look(at)).text
    await ada.does(f"{at}/type", data={"type": ""})
    assert (await console.scene.ticket(ticket.id)).type_id is None
    for wrong in ("0", "999", "x", "9" * 30):
        refused = await ada.does(f"{at}/status", data={"status": wrong})
        assert refused.status_code in {400, 404}, wrong


async def test_settling_by_status_asks_for_the_permission_to_settle(console: Console):
    ticket = await console.scene.receives()
    async with committed(console.scene.desk.sessions) as session:
        changes = [Action.read, Action.change]
        role = CustomRole(name="Sorter", permissions=[a.value for a in changes], reach=Reach.all)
        session.add(role)
        (await session.get_one(Agent, console.scene.agents["Liam"].id)).custom_role = role
    liam = await console.person("Liam")
    at = f"/tickets/{ticket.number}/status"
    assert (await liam.does(at, data={"status": BUILT_IN[Category.resolved]})).status_code == 403
    assert (await liam.does(at, data={"status": BUILT_IN[Category.on_hold]})).status_code == 200


async def test_tags_are_found_made_and_taken_off(console: Console, ada: Person):
    ticket = await console.scene.receives()
    at = f"/tickets/{ticket.number}/tags"
    assert "New tag: VIP" in (await ada.look(f"{at}/choices?q=VIP")).text
    assert (await ada.does(at, data={"name": "VIP, Berlin"})).status_code == 200
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "Ada Novak added the tag VIP" in page
    assert "New tag" not in (await ada.look(f"{at}/choices?q=vip")).text
    other = await console.scene.receives()
    assert ">Berlin<" not in (await ada.look(f"/tickets/{other.number}/tags/choices?q=ber%25")).text
    assert ">Berlin<" in (await ada.look(f"/tickets/{other.number}/tags/choices?q=BER")).text
    async with console.scene.desk.sessions() as session:
        number = await session.scalar(select(labels.Tag.id).where(labels.Tag.name == "VIP"))
    answer = await ada.does(f"{at}/{number}", "DELETE")
    assert "Removed the tag VIP" in answer.text
    for wrong in ("", " , ", "x" * 51):
        assert (await ada.does(at, data={"name": wrong})).status_code == 400, wrong


async def test_each_kind_of_field_is_filled_in_and_refused_by_name(console: Console, ada: Person):
    ticket = await console.scene.receives()
    at = f"/tickets/{ticket.number}/fields"
    given = {
        "text": "<script>alert(1)</script>",
        "number": "12.5",
        "boolean": "no",
        "date": "2026-03-31",
        "choice": "Red",
        "choices": ["", "Green", "Red"],
        "link": "https://lumen.example/",
        "pattern": "A-1",
    }
    for key, value in given.items():
        answer = await ada.does(at, data={f"field.{key}": value})
        assert answer.status_code == 200, (key, answer.text)
    stored = (await console.scene.ticket(ticket.id)).fields
    assert stored == given | {"number": 12.5, "boolean": False, "choices": ["Red", "Green"]}
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "<script>alert" not in page
    assert "set Choice to Red" in page
    assert "alert(1)" not in page[page.index('id="thread"') : page.index('id="composer"')]
    refused = await ada.does(at, data={"field.number": "many"})
    assert refused.status_code == 400
    assert "Number cannot be this" in refused.text
    assert (await ada.does(at, data={"field.nope": "x"})).status_code == 400
    await ada.does(at, data={"field.choices": ""})
    assert "choices" not in (await console.scene.ticket(ticket.id)).fields


async def test_what_is_required_is_named_when_resolving(console: Console, ada: Person):
    async with committed(console.scene.desk.sessions) as session:
        await fields.add(session, Subject.ticket, Description(name="Root cause", required=True), by=DESK)
    ticket = await console.scene.receives()
    answer = await ada.does(f"/tickets/{ticket.number}/resolution")
    assert answer.status_code == 409
    assert "filled in: Root cause" in answer.text
    await ada.does(f"/tickets/{ticket.number}/fields", data={"field.root_cause": "Rain"})
    assert (await ada.does(f"/tickets/{ticket.number}/resolution")).status_code == 200


async def test_a_ticket_is_snoozed_and_woken(console: Console, ada: Person):
    ticket = await console.scene.receives()
    at = f"/tickets/{ticket.number}/snooze"
    answer = await ada.does(at, data={"until": "tomorrow"})
    assert "Snoozed until" in answer.text
    assert f'hx-delete="{at}"' in answer.text
    assert (await ada.does(at, "DELETE")).status_code == 200
    assert (await ada.does(at, "DELETE")).status_code == 409
    await ada.does(at, data={"until": "next_reply"})
    assert (await console.scene.ticket(ticket.id)).snoozed_until == NEXT_REPLY
    assert "Snoozed until the customer writes" in (await ada.look(f"/tickets/{ticket.number}")).text
    for wrong in ("2020-01-01T00:00", "9999-12-31T00:00", "soon"):
        assert (await ada.does(at, data={"at": wrong})).status_code == 400, wrong


async def test_spam_and_trash_and_gone_for_good(console: Console, ada: Person):
    ticket = await console.scene.receives(mail(recipients=("jan@lumen.example",)))
    kept = await console.scene.receives()
    await console.scene.replies(ticket)
    await console.scene.does(ticket, "note", "Mine", by=console.scene.agents["Ada"])
    at = f"/tickets/{ticket.number}"
    assert (await ada.does(f"{at}/deletion", data={"confirmation": str(ticket.number)})).status_code == 409
    for why in ("spam", "trash"):
        assert f'hx-delete="{at}/removal"' in (await ada.does(f"{at}/removal", data={"why": why})).text
    assert (await ada.does(f"{at}/removal", data={"why": "merged"})).status_code == 400
    assert "In the trash since" in (await ada.look(at)).text
    assert (await ada.does(f"{at}/removal", "DELETE")).status_code == 200
    await ada.does(f"{at}/removal", data={"why": "trash"})
    liam = await console.person("Liam")
    assert (await liam.does(f"{at}/deletion", data={"confirmation": str(ticket.number)})).status_code == 403
    assert (await ada.does(f"{at}/deletion", data={"confirmation": "yes"})).status_code == 400
    gone = await ada.does(f"{at}/deletion", data={"confirmation": f"#{ticket.number}"})
    assert (gone.status_code, gone.headers["hx-redirect"]) == (204, "/tickets")
    assert (await ada.look(at)).status_code == 404
    async with console.scene.desk.sessions() as session:
        assert (await session.scalars(select(Message.ticket_id))).all() == [kept.id]
        assert await session.scalar(select(func.count()).where(Event.ticket_id == ticket.id))
        assert (
            await session.scalar(
                select(Event.data["number"].as_integer()).where(Event.kind == Kind.ticket_deleted)
            )
            == ticket.number
        )


async def test_people_are_put_in_copy_and_written_to_unless_taken_back(console: Console, ada: Person):
    ticket = await console.scene.receives(mail(recipients=("jan@lumen.example",)))
    at = f"/tickets/{ticket.number}"
    assert "Put jan@lumen.example in copy" in (await ada.look(at)).text
    assert (await ada.does(f"{at}/copies", data={"address": "jan@lumen.example"})).status_code == 200
    await ada.does(f"{at}/copies", data={"address": "kim@elsewhere.example"})
    assert (await ada.does(f"{at}/copies", data={"address": "ada@desk.example"})).status_code == 409
    found = await ada.look(f"{at}/people/choices?q=kim&new=true")
    assert "kim@elsewhere.example" in found.text
    fields_ = await ada.composer(ticket.number)
    async with console.scene.desk.sessions() as session:
        jan = await session.scalar(select(Contact.id).where(Contact.name == "jan@lumen.example"))
    sent = await ada.does(
        f"{at}/replies", data=fields_ | {"body": "Hello", "copies": ["", str(jan), "999999"]}
    )
    assert sent.status_code == 200
    assert (await console.scene.messages(ticket))[-1].copies == ["jan@lumen.example"]
    await ada.does(f"{at}/copies/{jan}", "DELETE")
    page = (await ada.look(at)).text
    assert "took jan@lumen.example out of copy" in page


async def test_colleagues_follow_by_themselves_or_by_who_may_assign(console: Console, ada: Person):
    ticket = await console.scene.receives()
    at = f"/tickets/{ticket.number}/followers"
    tess = console.scene.agents["Tess"]
    await ada.does(at, data={"agent": "me"})
    await ada.does(at, data={"agent": tess.id})
    assert "had Tess Varga follow the ticket" in (await ada.look(f"/tickets/{ticket.number}")).text
    other = await console.person("Tess")
    assert (await other.look(f"/tickets/{ticket.number}")).status_code == 200
    assert (await other.does(f"{at}/me", "DELETE")).status_code in {200, 404}
    assert (await other.look(f"/tickets/{ticket.number}")).status_code == 404
    for wrong in ("0", "99999", "-1", "x"):
        assert (await ada.does(at, data={"agent": wrong})).status_code == 400, wrong


async def test_another_requester_is_chosen(console: Console, ada: Person):
    ticket = await console.scene.receives()
    async with committed(console.scene.desk.sessions) as session:
        jan = await known_as(session, Sender(address="jan@lumen.example", name="Jan"))
    at = f"/tickets/{ticket.number}/requester"
    answer = await ada.does(at, data={"contact": jan.id, "keep": "true"})
    assert answer.status_code == 200, answer.text
    assert "Jan is the requester now" in answer.text
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "made Jan the requester" in page
    assert (await ada.does(at, data={"contact": 99999})).status_code == 400


async def test_links_are_made_by_number_and_read_from_both_sides(console: Console, ada: Person):
    one, two = await console.scene.receives(mail(subject="First")), await console.scene.receives()
    at = f"/tickets/{one.number}/links"
    assert f'value="{two.number}"' in (await ada.look(f"{at}/choices?q=%23{two.number}")).text
    assert "A question" in (await ada.look(f"{at}/choices?q=quest")).text
    assert (await ada.does(at, data={"other": f"#{two.number}", "side": "parent"})).status_code == 200
    assert "Child" in (await ada.look(f"/tickets/{two.number}")).text
    assert (await ada.does(at, data={"other": str(two.number), "side": "child"})).status_code == 409
    assert (await ada.does(f"{at}/parent/{two.number}", "DELETE")).status_code == 200
    assert (await ada.does(f"{at}/parent/{two.number}", "DELETE")).status_code == 409
    assert (await ada.does(f"{at}/uncle/{two.number}", "DELETE")).status_code == 404
    for other in ("", "0", "99999", "x", str(2**70)):
        assert (await ada.does(at, data={"other": other, "side": "parent"})).status_code == 400, other


async def test_subject_and_inbox_are_changed(console: Console, ada: Person):
    ticket = await console.scene.receives()
    async with committed(console.scene.desk.sessions) as session:
        for name, active in (("Sales", True), ("Old", False)):
            session.add(
                Inbox(
                    name=name,
                    channel="loopback",
                    address=f"{name.lower()}@desk.example",
                    sealed_settings=console.scene.desk.keys.seal({}),
                    active=active,
                )
            )
    async with console.scene.desk.sessions() as session:
        numbers = {row.name: row.id for row in await session.scalars(select(Inbox))}
    at = f"/tickets/{ticket.number}"
    assert "sales@desk.example" in (await ada.does(f"{at}/inbox", data={"inbox": numbers["Sales"]})).text
    assert (await ada.does(f"{at}/inbox", data={"inbox": numbers["Old"]})).status_code == 409
    assert (await ada.does(f"{at}/subject", data={"subject": "  Another\n one "})).status_code == 200
    assert (await console.scene.ticket(ticket.id)).subject == "Another one"
    assert (await ada.does(f"{at}/subject", data={"subject": " "})).status_code == 400


async def test_a_note_is_edited_by_its_author(console: Console, ada: Person):
    ticket = await console.scene.receives()
    await console.scene.does(ticket, "note", "The cabel.", by=console.scene.agents["Ada"])
    note = (await console.scene.messages(ticket))[-1]
    at = f"/tickets/{ticket.number}/notes/{note.id}"
    answer = await ada.does(at, data={"body": "The cable."})
    assert "as it was first" in answer.text
    assert "The cabel." in answer.text
    liam = await console.person("Liam")
    assert (await liam.does(at, data={"body": "Mine"})).status_code == 403
    other = await console.scene.receives()
    wrong = f"/tickets/{other.number}/notes/{note.id}"
    assert (await ada.does(wrong, data={"body": "Mine"})).status_code == 404


CHANGES = [
    ("status", {"status": "2"}),
    ("type", {"type": ""}),
    ("tags", {"name": "x"}),
    ("fields", {"field.text": "x"}),
    ("subject", {"subject": "x"}),
    ("inbox", {"inbox": "1"}),
    ("snooze", {"until": "tomorrow"}),
    ("removal", {"why": "trash"}),
    ("deletion", {"confirmation": "1"}),
    ("copies", {"address": "x@y.example"}),
    ("followers", {"agent": "me"}),
    ("requester", {"contact": "1"}),
    ("links", {"other": "1", "side": "related"}),
    ("notes/1", {"body": "x"}),
]


async def test_nothing_of_it_is_possible_on_another_teams_ticket(console: Console):
    ticket = await console.scene.receives()
    tess = await console.person("Tess")
    await tess.look("/tickets")
    for path, data in CHANGES:
        answer = await tess.does(f"/tickets/{ticket.number}/{path}", data=data)
        assert answer.status_code in {403, 404}, path
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Tess"].id)).role = Role.light_agent
    await console.scene.does(ticket, "assign", console.scene.agents["Tess"], by=DESK)
    for path, data in CHANGES:
        if path not in {"followers", "notes/1"}:
            answer = await tess.does(f"/tickets/{ticket.number}/{path}", data=data)
            assert answer.status_code == 403, path
    async with console.scene.desk.sessions() as session:
        after = await session.get_one(Ticket, ticket.id)
        assert (after.removed, after.snoozed_until, after.fields) == (None, None, {})


async def test_a_ticket_moves_to_no_inbox_that_would_reach_nobody(console: Console, ada: Person):
    """By a chat, who wrote by mail never hears an answer: the move is refused, and says why."""
    ticket = await console.scene.receives()
    async with committed(console.scene.desk.sessions) as session:
        chat = Inbox(
            name="Shop",
            channel="chat",
            address="shop@desk.example",
            sealed_settings=console.scene.desk.keys.seal({}),
        )
        session.add(chat)
    answer = await ada.does(f"/tickets/{ticket.number}/inbox", data={"inbox": chat.id})
    assert answer.status_code == 409
    assert "“Shop” answers only who wrote there" in answer.text
    assert (await console.scene.ticket(ticket.id)).inbox_id != chat.id
