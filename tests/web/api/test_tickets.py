"""Tickets by the API: what the console does, with the same rules."""

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
