"""Rules by program: kept, tried, switched on, put in order; what they did is read and taken back."""

from typing import Any

from tests.rules_at_work import settle
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console

FIRE: dict[str, Any] = {
    "name": "Fire first",
    "triggers": [{"on": "created"}],
    "condition": {"kind": "where", "field": "subject", "operator": "contains", "value": "fire"},
    "actions": [{"verb": "priority", "priority": "urgent"}, {"verb": "notify", "assignee": True}],
}


async def test_a_rule_from_its_making_to_its_undoing(console: Console, caller: Calls):
    scene, ada = console.scene, await caller()
    past = await scene.receives(mail(subject="fire!"))
    await settle(scene)
    tried = (await ada.post("/rules/dry-run", json=FIRE)).json()
    assert (tried["moments"], tried["matched"], tried["tickets"]) == (1, 1, 1)
    assert tried["hits"][0]["number"] == past.number
    assert tried["hits"][0]["done"][0]["before"] == {"priority": "normal"}
    assert tried["judged_by_today"] == ["Subject contains fire"]
    made = await ada.post("/rules", json=FIRE)
    assert made.status_code == 201, made.text
    rule = made.json()
    path = made.headers["location"].removeprefix("/api/v1")
    assert not rule["active"]
    assert rule["sentence"].startswith(
        "When a ticket is opened, and Subject contains fire: set the priority: Urgent"
    )
    assert (await ada.get(f"{path}/dry-run")).json()["tickets"] == 1
    assert (await ada.patch(path, json={"active": True, "stops": True})).json()["active"]
    ticket = await scene.receives(mail(subject="fire again"))
    await settle(scene)
    (run,) = (await ada.get(f"{path}/runs?limit=5")).json()["items"]
    assert run["ticket"] == ticket.number
    assert run["cause"] == "A ticket is opened"
    assert [each["verb"] for each in run["done"]] == ["priority"]
    assert "Nobody holds the ticket" in run["refused"][0]["why"]
    assert (await ada.get(f"/tickets/{ticket.number}/rule-runs")).json()["items"] == [run]
    undone = await ada.post(f"/rule-runs/{run['id']}/undo", json={})
    assert undone.json()["given_back"] == 1
    assert (await ada.get(f"/tickets/{ticket.number}")).json()["priority"] == "normal"
    assert (await ada.post(f"/rule-runs/{run['id']}/undo", json={})).status_code == 409
    assert (await ada.delete(path)).status_code == 204
    assert (await ada.get("/rules")).json()["items"] == []


async def test_what_is_wrong_is_named_and_order_is_kept(console: Console, caller: Calls):
    ada = await caller()
    for wrong, field in (
        ({"triggers": []}, "triggers"),
        ({"triggers": [{"on": "idle"}]}, "triggers.0.minutes"),
        ({"actions": [{"verb": "tag", "tags": ["x"]}, {"verb": "explode"}]}, "actions.1.verb"),
        ({"actions": [{"verb": "reply", "text": "{{contact.name}}"}]}, "actions.0.text"),
        ({"actions": [{"verb": "team", "team": 999}]}, "actions.0"),
        ({"condition": {"kind": "where", "field": "unread", "operator": "is", "value": True}}, "condition"),
    ):
        refused = await ada.post("/rules", json=FIRE | wrong)
        assert refused.status_code == 400, wrong
        assert refused.json()["errors"][0]["field"] == field, refused.text
    ids = [(await ada.post("/rules", json=FIRE | {"name": name})).json()["id"] for name in "ABC"]
    assert (await ada.post("/rules", json=FIRE | {"name": "a"})).status_code == 409
    listed = (await ada.put("/rules/order", json={"rules": [ids[2], ids[0]]})).json()["items"]
    assert [rule["name"] for rule in listed] == ["C", "A", "B"]
    renamed = await ada.patch(f"/rules/{ids[0]}", json={"name": "First", "description": "For Monday"})
    assert (renamed.json()["name"], renamed.json()["triggers"]) == ("First", [{"on": "created"}])
    liam = await caller("Liam")
    assert (await liam.get("/rules")).status_code == 403
