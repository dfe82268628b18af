"""Each resource once for good, and once for a refusal."""

from datetime import timedelta

from helpdesk.clock import now
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console


async def test_a_third_party_is_asked_and_the_customer_never_sees_it(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/tickets/{ticket.number}"
    asked = (await ada.get(f"{path}/messages")).json()["items"][0]
    body = {"to": ["claims@carrier.example"], "text": "Where is it?", "messages": [asked["id"]]}
    said = await ada.post(f"{path}/sides", json=body)
    assert said.status_code == 201, said.text
    assert said.json()["recipients"] == ["claims@carrier.example"]
    assert asked["text"].split("\n")[0] in said.json()["text"]
    (side,) = (await ada.get(f"{path}/sides")).json()["items"]
    here = f"{path}/sides/{side['id']}/messages"
    again = await ada.post(here, json={"text": "Please."})
    assert len((await ada.get(here)).json()["items"]) == 2
    assert (await ada.delete(f"{here}/{again.json()['id']}")).json()["withdrawn_at"]
    assert (await ada.delete(f"{here}/{asked['id']}")).status_code == 404, "the customer's own mail"
    customer = await ada.post(f"{path}/sides", json={"to": [asked["sender"]], "text": "Hm"})
    assert (customer.status_code, customer.json()["type"]) == (409, "urn:helpdesk:customer-meant")
    assert (await ada.post(f"{path}/sides", json={"to": ["nobody"], "text": "Hm"})).status_code == 400


async def test_a_reply_waits_for_its_time(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/tickets/{ticket.number}/replies"
    later = {"text": "Tomorrow.", "send_at": (now() + timedelta(days=1)).isoformat()}
    said = (await ada.post(path, json=later)).json()
    assert said["delivery"] == "scheduled"
    at = f"{path}/{said['id']}"
    assert (await ada.patch(f"{at}/schedule", json={"text": "Other words."})).json()["text"] == "Other words."
    assert (await ada.post(f"{at}/release")).json()["delivery"] == "queued"
    assert (await ada.delete(f"{at}/schedule")).status_code == 409, "it has left"
    other = (await ada.post(path, json=later)).json()
    assert (await ada.delete(f"{path}/{other['id']}/schedule")).json()["withdrawn_at"]
    past = later | {"send_at": "2001-01-01T00:00:00Z"}
    assert (await ada.post(path, json=past)).status_code == 400


async def test_a_template_is_made_changed_and_put_away(caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    body = {"name": "Delay", "text": "It is late.", "team": "Billing", "tags": ["delay"]}
    made = await ada.post("/templates", json=body)
    assert made.status_code == 201, made.text
    path = f"/templates/{made.json()['id']}"
    assert (await ada.patch(path, json={"priority": "high", "team": None})).json()["team"] is None
    assert (await liam.get(path)).json()["priority"] == "high"
    assert (await liam.patch(path, json={"name": "Mine"})).status_code == 403
    assert (await ada.post("/templates", json=body)).status_code == 409, "the name is taken"
    assert (await ada.patch(path, json={"archived": True})).json()["archived"] is True
    assert (await liam.get("/templates")).json()["items"] == []
