"""Twice, at once, out of order, too often: what a request may meet on its way."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select

from helpdesk import clock
from helpdesk.database import committed
from helpdesk.messages import Message
from helpdesk.people import Agent, Role
from helpdesk.tickets import Ticket
from helpdesk.tokens import ApiToken
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console
from web.api.once import Answered
from web.api.rates import FREE_OF_STRANGERS, WINDOW, Rates


async def test_one_key_is_one_note_and_one_answer(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path, key = f"/tickets/{ticket.number}/notes", {"idempotency-key": "k-1"}
    first = await ada.post(path, json={"text": "once"}, headers=key)
    again = await ada.post(path, json={"text": "once"}, headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await console.scene.messages(ticket)) == 2
    other = await ada.post(path, json={"text": "twice"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:helpdesk:other-request")
    assert (
        await ada.post(path, json={"text": "x"}, headers={"idempotency-key": "two words"})
    ).status_code == 400
    with clock.moved(timedelta(hours=25)):
        assert (await ada.post(path, json={"text": "twice"}, headers=key)).status_code == 201


async def test_thirty_two_at_once_are_one_reply(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()

    async def send() -> tuple[int, str]:
        answer = await ada.post(
            f"/tickets/{ticket.number}/replies", json={"text": "Here."}, headers={"idempotency-key": "same"}
        )
        return answer.status_code, answer.text

    answers = set(await asyncio.gather(*(send() for _ in range(32))))
    assert {status for status, _ in answers} <= {201, 409}, answers
    assert len({text for status, text in answers if status == 201}) == 1
    async with console.scene.desk.sessions() as session:
        sent = select(func.count()).where(Message.ticket_id == ticket.id, Message.direction == "outbound")
        assert await session.scalar(sent) == 1


async def test_what_was_refused_can_be_tried_again_with_the_same_key(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path, key = f"/tickets/{ticket.number}/resolution", {"idempotency-key": "k"}
    await console.scene.does(ticket, "resolve", by=console.scene.agents["Ada"])
    assert (await ada.post(path, headers=key)).status_code == 409
    await ada.delete(path)
    assert (await ada.post(path, headers=key)).status_code == 200


async def test_what_was_answered_is_not_shown_to_who_lost_sight_of_it(console: Console, caller: Calls):
    """The ticket went to another team meanwhile: neither the note nor the ticket that it made is told again."""
    scene = console.scene
    liam = await caller("Liam")
    made = {"email": "m@lumen.example", "inbox": scene.inbox.id, "subject": "Vault 4711", "text": "Open it."}
    created = await liam.post("/tickets", json=made, headers={"idempotency-key": "made"})
    assert created.status_code == 201, created.text
    path = f"/tickets/{created.json()['number']}"
    asked = [
        (f"{path}/notes", {"text": "secret"}),
        (f"{path}/links", {"number": (await scene.receives(mail())).number, "side": "related"}),
    ]
    for number, (where, body) in enumerate(asked):
        answer = await liam.post(where, json=body, headers={"idempotency-key": f"k{number}"})
        assert answer.status_code in {200, 201}, answer.text
    asked.append(("/tickets", made))
    keys = ["k0", "k1", "made"]
    ada = await caller("Ada")
    technical = {"team": scene.teams["Technical"].name, "assignee": None}
    assert (await ada.patch(path, json=technical)).status_code == 200
    assert (await liam.get(path)).status_code == 404
    for key, (where, body) in zip(keys, asked, strict=True):
        again = await liam.post(where, json=body, headers={"idempotency-key": key})
        assert (again.status_code, again.json()["type"]) == (404, "urn:helpdesk:out-of-sight"), where
        assert "secret" not in again.text
        assert "4711" not in again.text
    assert (await ada.patch(path, json={"team": scene.teams["Billing"].name})).status_code == 200
    for key, (where, body) in zip(keys, asked, strict=True):
        again = await liam.post(where, json=body, headers={"idempotency-key": key})
        assert again.headers["idempotency-replayed"] == "true", where


async def test_a_ticket_that_only_the_answer_shows_is_asked_for_as_well(console: Console, caller: Calls):
    """The linked ticket is out of sight, the one that it was linked with is not."""
    scene = console.scene
    liam, ada = await caller("Liam"), await caller("Ada")
    one, other = [(await scene.receives(mail(f"text {n}"))).number for n in range(2)]
    link = {"number": other, "side": "related"}
    key = {"idempotency-key": "link"}
    assert (await liam.post(f"/tickets/{one}/links", json=link, headers=key)).status_code == 200
    technical = {"team": scene.teams["Technical"].name, "assignee": None}
    assert (await ada.patch(f"/tickets/{other}", json=technical)).status_code == 200
    again = await liam.post(f"/tickets/{one}/links", json=link, headers=key)
    assert (again.status_code, again.json()["type"]) == (404, "urn:helpdesk:out-of-sight")


async def test_who_lost_the_permission_is_told_nothing_again(console: Console, caller: Calls):
    """By role, in the ticket's team alone, and by the person being out of sight."""
    scene = console.scene
    ticket = await scene.receives(mail())
    liam = await caller("Liam")
    note, person = f"/tickets/{ticket.number}/notes", f"/contacts/{ticket.contact_id}/notes"
    for path in (note, person):
        answer = await liam.post(path, json={"text": "secret"}, headers={"idempotency-key": path})
        assert answer.status_code in {200, 201}, answer.text
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Agent, scene.agents["Liam"].id)).role = Role.light_agent
        (await session.get_one(Ticket, ticket.id)).team_id = scene.teams["Technical"].id
    for path in (note, person):
        again = await liam.post(path, json={"text": "secret"}, headers={"idempotency-key": path})
        assert again.status_code in {403, 404}, path
        assert "secret" not in again.text


async def test_answers_lie_sealed_and_reading_keeps_none(console: Console, caller: Calls):
    ada = await caller()
    hook = {"url": "https://hooks.example.com/desk", "events": ["ticket.created"], "name": "Shop"}
    key = {"idempotency-key": "hook"}
    first = await ada.post("/webhooks", json=hook, headers=key)
    assert first.status_code == 201, first.text
    assert (await ada.post("/webhooks", json=hook, headers=key)).json() == first.json()
    asked = {"condition": {"kind": "all", "of": []}}
    read = [await ada.post("/tickets/query", json=asked, headers={"idempotency-key": "q"}) for _ in range(2)]
    assert [each.status_code for each in read] == [200, 200], read[0].text
    assert "idempotency-replayed" not in read[1].headers
    async with console.scene.desk.sessions() as session:
        (kept,) = await session.scalars(select(Answered))
    assert kept.body
    assert first.json()["secret"].encode() not in kept.body


async def test_a_tag_of_what_was_read_guards_what_is_changed(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/tickets/{ticket.number}"
    seen = (await ada.get(path)).headers["etag"]
    assert (await ada.get(path, headers={"if-none-match": seen})).status_code == 304
    changed = await ada.patch(path, json={"priority": "high"}, headers={"if-match": seen})
    assert changed.status_code == 200, changed.text
    late = await ada.patch(path, json={"priority": "low"}, headers={"if-match": seen})
    assert (late.status_code, late.json()["type"]) == (412, "urn:helpdesk:changed")
    assert (await ada.get(path)).json()["priority"] == "high"
    assert (await ada.get(path, headers={"if-none-match": seen})).status_code == 200


async def test_of_many_who_saw_the_same_one_changes_it(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/tickets/{ticket.number}"
    seen = {"if-match": (await ada.get(path)).headers["etag"]}
    answers = await asyncio.gather(
        *(ada.post(f"{path}/notes", json={"text": str(n)}, headers=seen) for n in range(12))
    )
    assert sorted(a.status_code for a in answers) == [201] + [412] * 11


async def test_a_token_that_is_over_opens_nothing(console: Console, caller: Calls):
    ada, off = await caller(), await caller("Liam")
    elsewhere = await caller("Ada", addresses=["192.0.2.0/24"])
    assert (await elsewhere.get("/me")).status_code == 403
    with clock.moved(timedelta(days=91)):
        over = await ada.get("/me")
        assert (over.status_code, over.json()["type"]) == (401, "urn:helpdesk:expired")
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Agent, console.scene.agents["Liam"].id)).active = False
    assert (await off.get("/me")).status_code == 401
    for wrong in (
        "",
        "Bearer",
        "Bearer hd_x",
        "Basic YTpi",
        f"Bearer {ada.secret}x",
        f"bearer{ada.secret}",
    ):
        assert (await ada.get("/me", headers={"authorization": wrong})).status_code == 401, wrong
    assert (await ada.get("/me", headers={"authorization": f"bearer  {ada.secret}"})).status_code == 200


async def test_what_is_done_by_a_token_says_so(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    await ada.patch(f"/tickets/{ticket.number}", json={"priority": "high"})
    events = (await ada.get(f"/tickets/{ticket.number}/events")).json()["items"]
    assert (events[-1]["kind"], events[-1]["token_id"]) == ("priority_changed", ada.token_id)
    audit = (await ada.get("/audit", params={"token_id": ada.token_id})).json()["items"]
    assert [e["kind"] for e in audit] == ["priority_changed"]
    lines = (await ada.get("/audit/export")).text.splitlines()
    assert len(lines) >= len(events)


async def test_too_many_requests_are_told_how_long_to_wait(console: Console, caller: Calls):
    ada = await caller()
    answer = await ada.get("/me")
    left = int(answer.headers["ratelimit-remaining"])
    assert int(answer.headers["ratelimit-limit"]) == left + 1
    console.app.state.rates._taken[f"token {ada.token_id}"] = 600
    refused = await ada.get("/me")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW
    assert refused.headers["ratelimit-remaining"] == "0"


async def test_who_guesses_tokens_has_to_wait(console: Console):
    stranger = await console.stranger()
    guess = {"authorization": "Bearer hd_guess"}
    answers = [
        (await stranger.get("/api/v1/me", headers=guess)).status_code for _ in range(FREE_OF_STRANGERS + 1)
    ]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_windows_begin_anew(monkeypatch):
    rates = Rates()
    rates._begun -= WINDOW * 3
    rates._taken["x"] = 9
    assert rates.take("x", 2) == (rates.take("y", 2)[0], True)


async def test_when_it_was_used_is_kept_to_the_minute(console: Console, caller: Calls):
    ada = await caller()
    await asyncio.gather(*(ada.get("/me") for _ in range(20)))
    async with console.scene.desk.sessions() as session:
        token = await session.get_one(ApiToken, ada.token_id)
        assert token.last_used_at is not None
