"""Work of several steps: starting, merging, many at once, putting away, views, webhooks."""

from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console


async def test_a_ticket_is_started_for_a_customer(console: Console, caller: Calls):
    ada = await caller()
    body = {
        "subject": "Your order",
        "text": "We have shipped it.",
        "inbox": "support@desk.example",
        "email": "Nina@lumen.example",
        "tags": ["shipping"],
        "assignee": "me",
    }
    made = await ada.post("/tickets", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["requester"]["address"] == "nina@lumen.example"
    assert made.json()["tags"] == ["shipping"]
    assert (await ada.get(made.headers["location"].removeprefix("/api/v1"))).json() == made.json()
    messages = (await ada.get(f"/tickets/{made.json()['number']}/messages")).json()["items"]
    assert messages[0]["recipients"] == ["nina@lumen.example"]
    assert (await ada.post("/tickets", json=body | {"email": ""})).json()["errors"][0]["field"] == "email"


async def test_a_merge_and_a_split_are_undone(console: Console, caller: Calls):
    first = await console.scene.receives(mail("one"))
    second = await console.scene.receives(mail("two", sender="else@where.example"))
    ada = await caller()
    merged = await ada.post(f"/tickets/{second.number}/merges", json={"into": first.number})
    assert merged.json()["number"] == first.number, merged.text
    assert (await ada.get(f"/tickets/{second.number}")).json()["merged_into"] == first.number
    [standing] = (await ada.get(f"/tickets/{first.number}/merges")).json()["items"]
    undone = await ada.delete(f"/tickets/{first.number}/merges/{standing['id']}")
    assert undone.json()["number"] == second.number, undone.text
    assert undone.json()["removed"] is None
    other = await console.scene.receives(mail("three", subject="x"))
    assert (await ada.delete(f"/tickets/{other.number}/merges/{standing['id']}")).status_code == 404


async def test_many_are_changed_at_once_and_back(console: Console, caller: Calls):
    tickets = [await console.scene.receives(mail(str(n), sender=f"n{n}@x.example")) for n in range(3)]
    ada = await caller()
    body = {"verb": "tag", "value": {"tags": ["vip"]}, "numbers": [t.number for t in tickets]}
    made = (await ada.post("/bulk-changes", json=body)).json()
    assert (made["total"], made["changed"], made["state"]) == (3, 3, "done")
    query = {
        "condition": {"kind": "where", "field": "priority", "operator": "is", "value": "normal"},
        "limit": 2,
    }
    page = (await ada.post("/tickets/query", json=query)).json()
    assert [t["tags"] for t in page["items"]] == [["vip"], ["vip"]]
    rest = (await ada.post("/tickets/query", json=query | {"after": page["next"]})).json()
    assert {t["number"] for t in page["items"] + rest["items"]} == {t.number for t in tickets}
    assert (await ada.delete(f"/bulk-changes/{made['id']}")).json()["restored"] == 3
    assert (await ada.get("/tickets", params={"q": "tag:vip"})).json()["items"] == []
    for wrong in ({"tags": "vip"}, {"tags": [1]}, {"agent": 1}, {}):
        answer = await ada.post("/bulk-changes", json=body | {"value": wrong})
        assert answer.status_code == 400, wrong


async def test_a_ticket_goes_to_the_trash_back_and_away_for_good(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/tickets/{ticket.number}"
    assert (await ada.delete(path)).status_code == 409, "only what is in the trash"
    assert (await ada.put(f"{path}/removal", json={"to": "trash"})).json()["removed"] == "trash"
    assert (await ada.delete(f"{path}/removal")).json()["removed"] is None
    await ada.put(f"{path}/removal", json={"to": "spam"})
    assert (await ada.delete(path)).status_code == 204
    assert (await ada.get(path)).status_code == 404


async def test_a_view_is_saved_listed_and_removed(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada, liam = await caller(), await caller("Liam")
    condition = {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"}
    made = (await ada.post("/saved-views", json={"name": "Urgent", "condition": condition})).json()
    assert (await ada.get("/tickets", params={"saved_view": made["id"]})).json()["items"] == []
    await ada.patch(f"/tickets/{ticket.number}", json={"priority": "urgent"})
    assert len((await ada.get("/tickets", params={"saved_view": made["id"]})).json()["items"]) == 1
    assert (await liam.get(f"/saved-views/{made['id']}")).status_code == 404
    shared = {"name": "All", "condition": condition, "visibility": "all"}
    assert (await liam.post("/saved-views", json=shared)).status_code == 403
    assert (await ada.delete(f"/saved-views/{made['id']}")).status_code == 204


async def test_people_are_kept_and_merged(console: Console, caller: Calls):
    await console.scene.receives(mail())
    ada = await caller()
    [marta] = (await ada.get("/contacts", params={"q": "marta"})).json()["items"]
    other = (await ada.post("/contacts", json={"name": "M. Lind", "email": "m@lind.example"})).json()
    assert (await ada.post("/contacts", json={"email": "marta@lumen.example"})).status_code == 409
    path = f"/contacts/{marta['id']}"
    phone = await ada.post(f"{path}/identities", json={"kind": "phone", "value": "+49 30 1234567"})
    assert phone.json()["identities"][-1]["value"] == "+49301234567"
    changed = await ada.patch(path, json={"language": "de", "time_zone": "Europe/Berlin"})
    assert changed.json()["language"] == "de"
    merged = (await ada.post(f"{path}/merges", json={"other": other["id"]})).json()
    assert len(merged["identities"]) == 3
    [merge] = (await ada.get(f"{path}/merges")).json()["items"]
    assert (await ada.delete(f"{path}/merges/{merge['id']}")).json()["id"] == other["id"]
    company = (await ada.post("/companies", json={"name": "Lumen", "domain": "lumen.example"})).json()
    assert (await ada.get(path)).json()["company"] == {"id": company["id"], "name": "Lumen"}


async def test_a_webhook_is_made_and_never_calls_inside(console: Console, caller: Calls):
    ada = await caller()
    body = {"name": "Shop", "url": "https://93.184.216.34/hook", "events": ["ticket.created"]}
    made = await ada.post("/webhooks", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["secret"].startswith("whsec_")
    assert "secret" not in (await ada.get("/webhooks")).text
    for url in ("http://127.0.0.1/", "https://10.0.0.1/x", "file:///etc/passwd", "https://[::1]/"):
        assert (await ada.post("/webhooks", json=body | {"url": url})).status_code in {400, 403}, url
    path = f"/webhooks/{made.json()['webhook']['id']}"
    assert (await ada.patch(path, json={"active": False})).json()["active"] is False
    assert (await ada.delete(path)).status_code == 204


async def test_a_macro_is_foreseen_used_and_taken_back(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail("Where is my money?", name="Marta Silva"))
    ada = await caller()
    body = {
        "name": "Refund",
        "text": "Hello {{contact.first_name}}, {{company.name}}",
        "actions": [{"verb": "tag", "tags": ["refund"]}, {"verb": "priority", "priority": "high"}],
    }
    macro = (await ada.post("/macros", json=body)).json()["id"]
    plan = (await ada.get(f"/tickets/{ticket.number}/macros/{macro}")).json()
    assert plan["text"].startswith("Hello Marta, [")
    assert plan["gaps"] == ["company.name"]
    used = (await ada.post(f"/tickets/{ticket.number}/macros/{macro}/uses", json={"without": [0]})).json()
    assert used["done"] == 1
    assert (await ada.get(f"/tickets/{ticket.number}")).json()["priority"] == "high"
    undone = await ada.delete(f"/tickets/{ticket.number}/macro-uses/{used['id']}")
    assert undone.json()["undone_at"], undone.text
    assert (await ada.get(f"/tickets/{ticket.number}")).json()["priority"] == "normal"
    for wrong in ({"text": "{{x.y}}"}, {"actions": [{"verb": "explode"}]}, {"actions": [{"verb": "tag"}]}):
        assert (await ada.put(f"/macros/{macro}", json=body | wrong)).status_code in {400, 422}
    assert (await ada.delete(f"/macros/{macro}")).status_code == 204


async def test_who_gets_which_tickets_is_arranged(console: Console, caller: Calls):
    ada = await caller()
    team = console.scene.teams["Billing"].id
    assert (await ada.get(f"/teams/{team}/assignment")).json()["method"] == "by_hand"
    changed = await ada.put(f"/teams/{team}/assignment", json={"method": "fewest_open", "cap": 5})
    assert changed.json()["cap"] == 5, changed.text
    own = f"/agents/{console.scene.agents['Liam'].id}/assignment"
    taken = await ada.put(own, json={"skills": ["refund"], "channel_caps": {"email": 2}})
    assert taken.json()["skills"] == ["refund"], taken.text
    assert (await ada.put(own, json={"cap": -1})).status_code in {400, 422}
    fax = await ada.put(own, json={"channel_caps": {"fax": 1}})
    assert fax.status_code in {400, 422}
    assert "email" in fax.text, "it says which there are"
