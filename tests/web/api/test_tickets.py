"""Tickets by the API: what the console does, with the same rules."""

from ai.predictions import Classification, Kind
from ai.triage.correcting import correct
from ai.triage.keeping import keep, write
from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.messages import Message
from helpdesk.people import Agent, CustomRole, Reach
from helpdesk.tickets import Priority, Ticket
from helpdesk.topics import Topic
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console


async def test_a_ticket_is_listed_shown_and_changed(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail(subject="Lost parcel"))
    ada = await caller()
    listed = (await ada.get("/tickets")).json()
    assert [row["number"] for row in listed["items"]] == [ticket.number]
    assert listed["next"] is None
    shown = await ada.get(f"/tickets/{ticket.number}")
    assert shown.json()["subject"] == "Lost parcel"
    assert shown.json()["requester"]["address"] == "marta@lumen.example"
    changes = {"priority": "urgent", "assignee": "me", "team": "technical", "status": "on_hold"}
    changed = await ada.patch(f"/tickets/{ticket.number}", json=changes)
    assert changed.status_code == 200, changed.text
    after = await console.scene.ticket(ticket.id)
    assert after.priority is Priority.urgent
    assert after.assignee_id == console.scene.agents["Ada"].id
    assert after.team_id == console.scene.teams["Technical"].id
    assert changed.json() == (await ada.get(f"/tickets/{ticket.number}")).json()


async def test_a_reply_that_waits_to_leave_goes_to_nobody_else(console: Console, caller: Calls):
    """Whoever it was written to gets it, or nobody: the requester changes only when nothing waits."""
    scene = console.scene
    ticket = await scene.receives(mail(sender="marta@lumen.example"))
    other = await scene.receives(mail(sender="noor@fern.example"))
    await scene.replies(ticket, "Your new password is 7fgh.")
    ada = await caller()
    answer = await ada.patch(f"/tickets/{ticket.number}", json={"requester": other.contact_id})
    assert answer.status_code == 409, answer.text
    assert (await scene.ticket(ticket.id)).contact_id == ticket.contact_id


async def test_who_may_not_assign_shows_a_ticket_to_no_other_team_or_colleague(
    console: Console, caller: Calls
):
    ticket = await console.scene.receives()
    few = [Action.read, Action.change]
    ada, tess = await caller("Ada", only=few), console.scene.agents["Tess"].id
    for method, path, sent in (
        ("PATCH", "", {"team": "technical"}),
        ("POST", "/participants", {"agent": tess}),
    ):
        answer = await ada.request(method, f"/tickets/{ticket.number}{path}", json=sent)
        assert answer.status_code == 403, (path, answer.text)
    myself = await ada.post(f"/tickets/{ticket.number}/participants", json={"agent": "me"})
    assert myself.status_code == 200, myself.text


async def test_a_ticket_is_given_back_to_its_team(console: Console, caller: Calls):
    scene = console.scene
    ticket = await scene.receives()
    await scene.does(ticket, "assign", scene.agents["Ada"], by=scene.agents["Liam"])
    ada, few = await caller(), await caller("Ada", only=[Action.read, Action.change])
    path = f"/tickets/{ticket.number}/assignment"
    assert (await few.delete(path)).status_code == 403
    given = await ada.delete(path)
    assert given.status_code == 200, given.text
    assert given.json()["assignee"] is None
    assert (await ada.delete(path)).status_code == 409
    listed = (await ada.get(f"/tickets/{ticket.number}/events")).json()["items"]
    because = {"given_back": scene.agents["Ada"].id}
    assert because in [event["data"].get("because") for event in listed if event["kind"] == "assigned"]


async def test_the_audit_tells_of_tickets_as_far_as_the_role_reaches(console: Console, caller: Calls):
    scene = console.scene
    await scene.receives()  # Billing's
    async with committed(scene.desk.sessions) as session:
        role = CustomRole(name="Reviewer", permissions=["audit:read", "ticket:read"], reach=Reach.teams)
        session.add(role)
        (await session.get_one(Agent, scene.agents["Tess"].id)).custom_role = role
    tess, ada = await caller("Tess"), await caller("Ada")
    everything = {event["kind"] for event in (await ada.get("/audit")).json()["items"]}
    assert "ticket_created" in everything
    for path in ("/audit", "/audit/export"):
        answer = await tess.get(path)
        assert answer.status_code == 200, answer.text
        assert "token_created" in answer.text
        assert "ticket_created" not in answer.text, path


async def test_a_ticket_tells_how_it_was_read(console: Console, caller: Calls):
    """With how sure, and whether a model or a colleague says so; readings of a topic need no other place."""
    scene = console.scene
    ticket = await scene.receives(mail("Where is it?"))
    await scene.receives(mail("It is gone!", sender="noor@fern.example"))
    first = (await scene.messages(ticket))[0]
    async with committed(scene.desk.sessions) as session:
        topic = Topic(name="Delivery")
        session.add(topic)
        await session.flush()
        rows = [(Kind.topic, str(topic.id), 0.9), (Kind.urgency, "urgent", 0.8), (Kind.tag, None, 0.2)]
        await keep(session, [read(first.id, *each) for each in rows])
        row = await session.get_one(Ticket, ticket.id)
        write(row, Kind.topic, str(topic.id))
        write(row, Kind.urgency, "urgent")
    ada = await caller()
    shown = (await ada.get(f"/tickets/{ticket.number}")).json()
    assert shown["topic"] == {"id": topic.id, "name": "Delivery"}
    assert (shown["urgency"], shown["sentiment"]) == ("urgent", None)
    about = {"label": str(topic.id), "confidence": 0.9, "source": "model", "message": first.id}
    readings = {each.pop("kind"): each for each in shown["readings"]}
    assert readings.keys() == {"topic", "urgency"}
    assert readings["topic"] == about
    async with committed(scene.desk.sessions) as session:
        row, letter = await session.get_one(Ticket, ticket.id), await session.get_one(Message, first.id)
        await correct(session, row, letter, Kind.topic, None, by=scene.agents["Ada"])
    listed = {each["number"]: each for each in (await ada.get("/tickets")).json()["items"]}
    assert [each["readings"] for each in listed.values() if each["number"] != ticket.number] == [[]]
    assert listed[ticket.number]["topic"] is None
    (said,) = [each for each in listed[ticket.number]["readings"] if each["kind"] == "topic"]
    assert (said["label"], said["source"]) == (None, "agent")


def read(message_id: int, kind: Kind, label: str | None, sure: float) -> Classification:
    return Classification(
        message_id=message_id, kind=kind, label=label, confidence=sure, model="m", reasons=[]
    )
