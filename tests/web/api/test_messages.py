"""What is said, by the API."""

from helpdesk.messages import Delivery
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console


async def test_a_reply_with_a_file_is_queued_and_can_be_taken_back(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    up = await ada.post(
        "/uploads",
        params={"name": "räksmörgås.pdf"},
        content=b"%PDF",
        headers={"content-type": "application/pdf"},
    )
    assert up.status_code == 201, up.text
    path = f"/tickets/{ticket.number}"
    said = await ada.post(f"{path}/replies", json={"text": "Here.", "attachments": [up.json()["handle"]]})
    assert said.status_code == 201, said.text
    assert said.headers["location"] == f"/api/v1{path}/messages/{said.json()['id']}"
    file = said.json()["attachments"][0]
    assert file["name"] == "räksmörgås.pdf"
    down = await ada.get(f"{path}/attachments/{file['id']}")
    assert down.content == b"%PDF"
    taken = await ada.delete(f"{path}/replies/{said.json()['id']}")
    assert taken.json()["withdrawn_at"]
    assert (await console.scene.messages(ticket))[-1].delivery is None


async def test_a_reply_does_not_go_over_what_was_said_since(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada, liam = await caller(), await caller("Liam")
    path = f"/tickets/{ticket.number}"
    seen = (await ada.get(f"{path}/messages")).json()["items"][-1]["id"]
    assert (await liam.post(f"{path}/replies", json={"text": "I did it."})).status_code == 201
    late = await ada.post(f"{path}/replies", json={"text": "I do it.", "seen": seen})
    assert (late.status_code, late.json()["type"]) == (409, "urn:helpdesk:news-since")


async def test_an_upload_of_somebody_else_is_no_handle(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada, liam = await caller(), await caller("Liam")
    handle = (await liam.post("/uploads", params={"name": "a"}, content=b"a")).json()["handle"]
    for other in (handle, handle[:-1], "x", "", ".", "ü.ö"):
        body = {"text": "Look", "attachments": [other]}
        assert (await ada.post(f"/tickets/{ticket.number}/notes", json=body)).status_code == 400, other


async def test_a_note_keeps_its_first_words(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada, liam = await caller(), await caller("Liam")
    path = f"/tickets/{ticket.number}/notes"
    note = (await ada.post(path, json={"text": "first"})).json()
    edited = (await ada.patch(f"{path}/{note['id']}", json={"text": "second"})).json()
    assert (edited["text"], edited["original"]) == ("second", "first")
    assert (await liam.patch(f"{path}/{note['id']}", json={"text": "x"})).status_code == 403
    assert [m.delivery for m in await console.scene.messages(ticket)] == [None, None]
    assert Delivery.queued not in {m.delivery for m in await console.scene.messages(ticket)}
