"""Each resource once for good, and once for a refusal."""

from datetime import timedelta

from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.contact_csv import imports
from helpdesk.database import committed
from helpdesk.intake import Kept, KeptState
from kb.articles import Article, Audience
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console
from tests.web.test_help_centre import published


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


async def test_a_colleague_is_invited_changed_and_switched_off(console: Console, caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    body = {"email": "Mia@desk.example", "name": "Mia", "role": "lead"}
    made = await ada.post("/invitations", json=body)
    assert made.status_code == 201, made.text
    assert (await ada.post("/invitations", json=body)).status_code == 409
    assert (await ada.post(f"/invitations/{made.json()['id']}/again")).json()["email"] == "mia@desk.example"
    assert (await ada.delete(f"/invitations/{made.json()['id']}")).status_code == 204
    assert (await ada.get("/invitations")).json()["items"] == []
    path = f"/agents/{console.scene.agents['Liam'].id}"
    team = console.scene.teams["Technical"].id
    changed = (await ada.patch(path, json={"name": "Liam M", "teams": [{"team": team}]})).json()
    assert (changed["name"], [t["id"] for t in changed["teams"]]) == ("Liam M", [team])
    assert (await liam.patch(path, json={"role": "admin"})).status_code == 403
    assert (await ada.post(f"{path}/handover", json={"to": "me"})).json() == {"tickets": 0}
    assert (await ada.post(f"{path}/deactivation")).json()["active"] is False
    assert (await liam.get("/me")).status_code == 401, "tokens end with the account"
    assert (await ada.delete(f"{path}/deactivation")).json()["active"] is True


async def test_a_token_hands_out_no_more_than_it_may_do(console: Console, caller: Calls):
    """Not even an admin's: whoever stole one would be admin in person, for ever."""
    ada = await caller()
    me = f"/agents/{console.scene.agents['Ada'].id}"
    invited = await ada.post("/invitations", json={"email": "m@x.example", "name": "M", "role": "admin"})
    assert (invited.status_code, invited.json()["type"]) == (403, "urn:helpdesk:too-much")
    liam = f"/agents/{console.scene.agents['Liam'].id}"
    assert (await ada.patch(liam, json={"role": "admin"})).status_code == 403
    assert (await ada.patch(me, json={"email": "thief@x.example"})).status_code == 403
    assert (await ada.post(f"{me}/deactivation")).status_code == 409
    few = await caller("Ada", only=[Action.read, Action.manage_agents, Action.manage_roles])
    strong = {"name": "Strong", "permissions": ["ticket:read", "data:manage"]}
    assert (await few.post("/roles", json=strong)).status_code == 403
    assert (await ada.post("/roles", json=strong)).status_code == 201
    assert (await few.patch(liam, json={"custom_role": "Strong"})).status_code == 403
    wide = {"name": "Wide", "permissions": ["tokens:manage"], "reach": "all"}
    assert (await ada.post("/roles", json=wide)).status_code == 403, "no token can make tokens"


async def test_teams_and_roles_come_and_go(console: Console, caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    mate = console.scene.agents["Liam"].id
    made = await ada.post("/teams", json={"name": "Returns", "members": [mate], "examples": ["send back"]})
    assert made.status_code == 201, made.text
    path = f"/teams/{made.json()['id']}"
    assert made.json()["members"] == [mate]
    assert (await ada.patch(path, json={"members": []})).json()["members"] == []
    assert (await ada.post("/teams", json={"name": "returns"})).status_code == 409
    assert (await liam.delete(path)).status_code == 403
    assert (await ada.delete(path)).status_code == 204
    assert (await ada.get(path)).status_code == 404
    role = (await ada.post("/roles", json={"name": "Reader", "permissions": ["ticket:read"]})).json()
    assert (await ada.patch(f"/agents/{mate}", json={"custom_role": "Reader"})).status_code == 200
    assert (await ada.delete(f"/roles/{role['id']}")).status_code == 409, "Liam has it"
    changed = await ada.patch(f"/roles/{role['id']}", json={"permissions": ["ticket:read", "ticket:note"]})
    assert changed.json()["permissions"] == ["ticket:note", "ticket:read"]
    assert (await ada.patch(f"/agents/{mate}", json={"role": "agent"})).json()["custom_role"] is None
    assert (await ada.delete(f"/roles/{role['id']}")).status_code == 204


async def test_a_message_is_read_as_it_came(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada, tess = await caller(), await caller("Tess")
    path = f"/tickets/{ticket.number}"
    asked = (await ada.get(f"{path}/messages")).json()["items"][0]
    here = f"{path}/messages/{asked['id']}"
    async with committed(console.scene.desk.sessions) as session:
        inbox_id = console.scene.inbox.id
        raw = {"source": "1", "raw": b"From: marta\r\n\r\nHello", "digest": "x", "message_id": asked["id"]}
        session.add(Kept(inbox_id=inbox_id, state=KeptState.kept, **raw))
    came = await ada.get(f"{here}/original")
    assert came.content.startswith(b"From:")
    assert "attachment" in came.headers["content-disposition"]
    assert (await tess.get(f"{here}/original")).status_code == 404, "not her team's"
    html = await ada.get(f"{here}/html")
    assert html.status_code == (200 if asked["has_html"] else 404)
    assert (await ada.get(f"{path}/suggestions")).json()["items"] == []
    assert (await ada.post(f"{path}/suggestions/9/dismissal")).status_code == 404
    unknown = await ada.post(f"{path}/replies", json={"text": "x", "suggestion": 9})
    assert unknown.json()["errors"][0]["field"] == "suggestion"


async def test_the_whole_picture_of_a_contact(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/contacts/{ticket.contact_id}"
    said = (await ada.get(f"{path}/history")).json()["items"]
    assert [one["ticket"] for one in said] == [ticket.number]
    name = (await ada.get(path)).json()["name"]
    other = (await ada.post("/contacts", json={"name": name, "email": "another@lumen.example"})).json()["id"]
    assert (await ada.get(f"{path}/duplicates")).status_code == 200
    assert (await ada.post(f"{path}/differences", json={"other": other})).status_code in {201, 204}
    assert (await ada.post(f"{path}/differences", json={"other": ticket.contact_id})).status_code == 400
    read = await ada.get(path)
    tag = {"if-match": read.headers["etag"]}
    assert (await ada.patch(path, json={"title": "Head of all"}, headers=tag)).status_code == 200
    assert (await ada.patch(path, json={"title": "Nobody"}, headers=tag)).status_code == 412


async def test_contacts_go_in_and_out_as_csv(console: Console, caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    content = b"name,email\nNora,nora@lumen.example\nNobody,no address\n"
    up = await ada.post("/contact-imports", params={"name": "people.csv"}, content=content)
    assert up.status_code == 201, up.text
    path = f"/contact-imports/{up.json()['id']}"
    assert up.json()["mapping"] == ["name", "email"]
    assert (await ada.post(f"{path}/run")).status_code == 409, "nobody has looked yet"
    assert (await ada.post(f"{path}/check", json={"mapping": ["x", ""]})).status_code == 400
    assert (await ada.post(f"{path}/check", json={})).json()["state"] == "check_wanted"
    await imports.do(console.scene.desk, up.json()["id"])
    assert (await ada.get(path)).json()["report"]["new"] == 1
    assert b"no address" in (await ada.get(f"{path}/refused")).content
    assert (await ada.post(f"{path}/run")).json()["state"] == "run_wanted"
    await imports.do(console.scene.desk, up.json()["id"])
    assert b"nora@lumen.example" in (await ada.get("/contact-export")).content
    assert (await ada.post(f"{path}/revert")).json()["state"] == "revert_wanted"
    assert (await liam.get("/contact-export")).status_code == 403
    assert (await liam.get("/contact-imports")).status_code == 403


async def test_words_change_their_places(caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    kinds = [(await ada.post("/types", json={"name": name})).json()["id"] for name in ("A", "B", "C")]
    moved = (await ada.post(f"/types/{kinds[2]}/place", json={"place": 0})).json()["items"]
    assert [one["id"] for one in moved if one["id"] in kinds] == [kinds[2], kinds[0], kinds[1]]
    assert (await liam.post(f"/types/{kinds[2]}/place", json={"place": 0})).status_code == 403
    status = (await ada.post("/statuses", json={"category": "open", "name": "Later"})).json()["id"]
    first = (await ada.post(f"/statuses/{status}/place", json={"place": 0})).json()["items"]
    assert first[0]["id"] == status
    made = (await ada.post("/fields", json={"subject": "ticket", "name": "Order"})).json()
    path = f"/fields/{made['id']}"
    changed = (await ada.patch(path, json={"name": "Order number", "required": True})).json()
    assert (changed["name"], changed["required"], changed["key"]) == ("Order number", True, made["key"])
    assert (await ada.patch(path, json={"kind": "number"})).status_code == 400
    assert (await ada.post(f"{path}/place", json={"place": 99})).status_code == 200


async def test_options_and_notifications(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada, liam = await caller(), await caller("Liam")
    assert (await ada.patch("/options", json={"desk_name": "Lumen"})).json()["desk_name"] == "Lumen"
    assert (await ada.patch("/options", json={"time_zone": "Mars/Base"})).status_code == 400
    assert (await liam.get("/options")).status_code == 403
    assert (await liam.get("/me/notifications")).json() == {"items": [], "next": None}
    assert (await liam.post("/me/notifications/read", json={"ids": [ticket.id]})).json()["marked"] == 0
    assert (await liam.post("/me/notifications/read", json={"ids": [0]})).status_code == 400


async def test_a_webhook_is_tried_out_and_told_again(caller: Calls):
    ada = await caller()
    body = {"name": "Shop", "url": "https://93.184.216.34/hook", "events": ["ticket.created"]}
    made = await ada.post("/webhooks", json=body)
    path = f"/webhooks/{made.json()['webhook']['id']}"
    again = await ada.post(f"{path}/replays", json={"since": "2001-01-01T00:00:00Z"})
    assert again.json() == {"deliveries": 0}, "nothing from before it was made"
    assert (await ada.post(f"{path}/replays", json={"since": "yesterday"})).status_code == 400
    await ada.patch(path, json={"active": False})
    assert (await ada.post(f"{path}/replays", json={"since": "2001-01-01T00:00:00Z"})).status_code == 409
    assert (await ada.post("/webhooks/99/tests")).status_code == 404


async def test_an_inbox_is_connected_and_keeps_its_secrets(console: Console, caller: Calls):
    ada, liam = await caller(), await caller("Liam")
    settings = {
        "imap_host": "192.0.2.1",
        "imap_user": "u",
        "imap_password": "s3cret",
        "smtp_host": "192.0.2.1",
    }
    body = {"name": "Sales", "address": "sales@desk.example", "channel": "email", "settings": settings}
    assert (await liam.post("/inboxes", json=body)).status_code == 403
    inside = settings | {"imap_host": "127.0.0.1"}
    assert (await ada.post("/inboxes", json=body | {"settings": inside})).status_code == 422
    public = settings | {"imap_host": "93.184.216.34", "smtp_host": "93.184.216.34"}
    made = await ada.post("/inboxes", json=body | {"settings": public, "anyway": True})
    assert made.status_code == 201, made.text
    path = f"/inboxes/{made.json()['id']}"
    shown = await ada.get(path)
    assert "s3cret" not in made.text + shown.text + (await ada.get("/inboxes")).text
    assert shown.json()["secrets"] == ["imap_password"]
    moved = {"settings": {"imap_host": "93.184.216.35"}, "anyway": True}
    assert (await ada.patch(path, json=moved)).status_code == 400, "the password would go to another server"
    assert (await ada.patch(path, json={"name": "Shop", "anyway": True})).json()["name"] == "Shop"
    assert (await ada.patch(path, json={"active": False})).json()["active"] is False
    assert (await ada.post("/inboxes", json=body | {"channel": "loopback"})).status_code == 400


async def test_articles_are_asked_a_question(console: Console, caller: Calls):
    """Published ones only, colleagues' own included; in one language where that is wished for."""
    scene = console.scene
    best = await published(scene, "How do I reset the lamp?", "Press it for ten seconds.")
    await published(scene, "The lamp blinks", "A reset may help.", audience=Audience.internal)
    await published(scene, "Die Lampe: reset", "Lange gedrückt halten.", locale="de")
    async with committed(scene.desk.sessions) as session:
        session.add(Article.write("Reset the lamp: unfinished", "No."))
    ada = await caller()
    found = (await ada.get("/search/articles", params={"q": "reset the lamp", "language": "en"})).json()
    assert [each["title"] for each in found["items"]] == ["How do I reset the lamp?", "The lamp blinks"]
    first = found["items"][0]
    assert (first["id"], first["slug"], first["passage"]) == (best.id, best.slug, "Press it for ten seconds.")
    assert len((await ada.get("/search/articles?q=reset")).json()["items"]) == 3
    assert len((await ada.get("/search/articles?q=reset&limit=1")).json()["items"]) == 1
    assert (await ada.get("/search/articles?q=")).status_code == 400
    assert (await ada.get("/search/articles?q=%00")).json()["items"] == []
