"""Tickets by the API: what the console does, with the same rules."""

from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.people import Agent, CustomRole, Reach
from helpdesk.tickets import Priority
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
