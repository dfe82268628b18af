"""Policies by program, and what is promised about one ticket."""

from sqlalchemy import select

from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.sla import Policy
from tests.web.api.conftest import Calls
from tests.web.served import Console


async def test_a_policy_is_made_changed_looked_at_and_removed(console: Console, caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    ticket = await console.scene.receives()
    async with console.scene.desk.sessions() as session:
        calendar = await session.scalar(select(Calendar.id))
    team = console.scene.teams["Technical"].id
    body = {
        "name": "Gold", "calendar_id": calendar, "targets": {"urgent": {"first_response": 15}},
        "condition": {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"},
        "pauses": {"first_response": ["on_hold"]},
        "escalations": [{"after": 60, "team": team}],
    }  # fmt: skip
    made = await ada.post("/sla-policies", json=body)
    assert made.status_code == 201, made.text
    gold = made.json()
    assert (gold["position"], gold["pauses"]) == (1, {"first_response": ["on_hold"]})
    assert gold["escalations"] == [{"after": 60, "team": team}]
    path = f"/sla-policies/{gold['id']}"
    changed = (await ada.patch(path, json={"warn_minutes": 5, "active": False})).json()
    assert (changed["warn_minutes"], changed["active"], changed["name"]) == (5, False, "Gold")
    assert [one["name"] for one in (await ada.get("/sla-policies")).json()["items"]] == ["Standard", "Gold"]
    standard = (await ada.get("/sla-policies")).json()["items"][0]["id"]
    targets = {"targets": {"normal": {"first_response": 30, "resolution": 60}}}
    preview = (await ada.post(f"/sla-policies/{standard}/preview", json=targets)).json()
    assert (preview["tickets"], preview["earlier"]) == (1, 2)
    assert preview["examples"][0]["number"] == ticket.number
    assert (await ada.get(f"/sla-policies/{standard}")).json()["targets"] != targets["targets"]
    assert (await ada.delete(path)).status_code < 300
    assert (await ada.delete(f"/sla-policies/{standard}")).status_code == 409
    assert (await ada.post("/sla-policies", json=body | {"targets": {}})).status_code == 400
    assert (await ada.post("/sla-policies", json=body | {"condition": {"kind": "?"}})).status_code == 400
    typo = await ada.post("/sla-policies", json=body | {"pauses": {"resolution": ["on hold"]}})
    assert typo.status_code == 400
    assert "on hold" in typo.json()["detail"], "a pause that is silently left out would be a broken promise"
    for refused in (liam.get("/sla-policies"), liam.post("/sla-policies", json=body)):
        assert (await refused).status_code == 403


async def test_a_ticket_tells_its_clocks_and_its_ledger(console: Console, caller: Calls):
    ticket = await console.scene.receives()
    await console.scene.replies(ticket)
    ada, tess = await caller(), await caller("Tess")
    shown = (await ada.get(f"/tickets/{ticket.number}/sla")).json()
    clocks = {one["metric"]: one for one in shown["clocks"]}
    assert clocks["first_response"]["met_at"]
    assert clocks["resolution"]["due_at"] is None
    steps = [(one["metric"], one["step"], one["cause"]) for one in shown["ledger"]]
    assert steps[-2:] == [("first_response", "meet", "replied"), ("resolution", "pause", "replied")]
    assert (await tess.get(f"/tickets/{ticket.number}/sla")).status_code == 404


async def test_a_program_chooses_the_policy_of_a_ticket(console: Console, caller: Calls):
    scene = console.scene
    async with committed(scene.desk.sessions) as session:
        calendar, nothing = await session.scalar(select(Calendar)), {"kind": "any", "of": []}
        assert calendar
        targets = {"normal": {"first_response": 15}}
        session.add(Policy(name="Gold", position=9, condition=nothing, calendar=calendar, targets=targets))
        session.add(Policy(name="Off", position=8, active=False, calendar=calendar, targets=targets))
    ticket = await scene.receives()
    ada = await caller()
    path = f"/tickets/{ticket.number}"
    before = (await ada.get(f"{path}/sla")).json()
    changed = await ada.patch(path, json={"policy": "gold"})
    assert changed.status_code == 200, changed.text
    shown = (await ada.get(f"{path}/sla")).json()
    assert shown["policy_fixed"]
    assert changed.json()["next_due_at"] == shown["next_due_at"] != before["next_due_at"]
    assert (await ada.patch(path, json={"priority": "urgent"})).json()["next_due_at"] is None
    given_back = (await ada.patch(path, json={"policy": None, "priority": "normal"})).json()
    assert given_back["next_due_at"] == before["next_due_at"]
    assert not (await ada.get(f"{path}/sla")).json()["policy_fixed"]
    assert (await ada.patch(path, json={"policy": "Off"})).status_code == 409
    assert (await ada.patch(path, json={"policy": "Nothing"})).status_code == 400
