"""Waiting customers, as an admin arranges it, a ticket tells it, an agent stops it, and programs do the same."""

from datetime import timedelta
from html import unescape
from typing import Any

from sqlalchemy import select, update

from helpdesk import tokens
from helpdesk.clock import moved
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.messages import Delivery, Message
from helpdesk.patience import Patience
from helpdesk.people import Agent
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from tests.web.served import Console
from workers.patience import Silence, look

DAY = timedelta(days=1)
TERMS = {
    "remind_days": "3",
    "remind_text": "Hello {{contact.first_name|there}}, still there?",
    "resolve_days": "7",
    "resolve_text": "",
    "close_days": "30",
    "reopen_days": "14",
    "per_hour": "600",
    "calendar": "",
    "whom": "new",
}


def page_of(scene: Scene) -> str:
    return f"/settings/inboxes/{scene.inbox.id}/waiting"


async def arranged(console: Console, **other: str) -> None:
    ada = await console.person("Ada")
    answer = await ada.does(page_of(console.scene), data=TERMS | other)
    assert answer.status_code == 204, answer.text[:500]


async def answered(scene: Scene, **rest: Any) -> Ticket:
    ticket = await scene.receives(mail(**rest))
    await scene.replies(ticket)
    await delivered(scene)
    return ticket


async def delivered(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        await session.execute(
            update(Message).where(Message.delivery == Delivery.queued).values(delivery=Delivery.sent)
        )


async def test_an_admin_finds_it_at_the_inbox_looks_ahead_and_switches_it_on(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    await answered(scene)
    assert page_of(scene) in (await ada.look("/settings/inboxes")).text
    assert page_of(scene) in (await ada.look(f"/settings/inboxes/{scene.inbox.id}")).text
    shown = unescape((await ada.look(page_of(scene))).text)
    assert "{{contact.first_name|there}}" in shown, "a text to begin with"
    with moved(4 * DAY):
        ada = await console.person("Ada")  # who is away for so long is signed out
        new = (await ada.does(f"{page_of(scene)}/preview", data=TERMS)).text
        assert "One ticket of this inbox waits for its customer." in new
        assert "Nothing is due right now." in new
        every = (await ada.does(f"{page_of(scene)}/preview", data=TERMS | {"whom": "all"})).text
        assert "one customer is reminded" in every
        assert "Hello Marta, still there?" in every
        assert await kept(scene) is None, "a look keeps nothing"
        answer = await ada.does(page_of(scene), data=TERMS | {"whom": "all"})
        assert answer.headers["hx-redirect"] == f"{page_of(scene)}?done=waiting"
        row = await kept(scene)
        assert row
        assert (row.remind_days, row.resolve_days, row.close_days, row.reopen_days) == (3, 7, 30, 14)
        assert row.since is None
        async with scene.desk.sessions() as session:
            event = await session.scalar(select(Event).where(Event.kind == Kind.patience_edited))
            assert event
            assert (event.about, event.about_id, event.data["remind_days"]) == ("inbox", scene.inbox.id, 3)
            assert "remind_text" not in event.data
        assert "Changed how long an inbox waits for customers" in (await ada.look("/settings/audit")).text


async def kept(scene: Scene) -> Patience | None:
    async with scene.desk.sessions() as session:
        found: Patience | None = await session.scalar(select(Patience))
        return found


async def test_what_cannot_be_is_refused_in_words_and_nothing_changes(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    for wrong, words in (
        ({"remind_days": "0"}, "from 1 to 365 days"),
        ({"resolve_days": "abc"}, "from 1 to 365 days"),
        ({"reopen_days": "-4"}, "from 1 to 365 days"),
        ({"remind_text": "{{contact.password}}"}, "means nothing here"),
        ({"remind_text": " "}, "Write what the customer is told"),
        ({"calendar": "99999"}, "calendar is not there"),
        ({"calendar": "x"}, "calendar is not there"),
        ({"per_hour": "0"}, "not filled in"),
    ):
        answer = await ada.does(page_of(scene), data=TERMS | wrong)
        assert answer.status_code == 400, (wrong, answer.text[:300])
        assert words in answer.text, wrong
    assert (
        "from 1 to 365 days"
        in (await ada.does(f"{page_of(scene)}/preview", data=TERMS | {"remind_days": "0"})).text
    )
    assert await kept(scene) is None
    assert (await ada.does("/settings/inboxes/99999/waiting", data=TERMS)).status_code == 404


async def test_only_who_manages_inboxes_changes_it(console: Console):
    liam = await console.person("Liam")
    assert (await liam.does(page_of(console.scene), data=TERMS)).status_code == 403
    assert (await liam.look(page_of(console.scene))).status_code == 403


async def test_a_ticket_says_what_is_ahead_and_one_press_leaves_it_alone(console: Console):
    scene, liam = console.scene, await console.person("Liam")
    await arranged(console)
    ticket = await answered(scene)
    at = f"/tickets/{ticket.number}"
    shown = (await liam.look(at)).text
    assert 'data-step="remind"' in shown
    assert "Leave alone" in shown
    answer = await liam.does(f"{at}/left-alone")
    assert ">Left alone<" in answer.text
    assert "Liam Osei said to leave it alone" in unescape(answer.text)
    assert "Undo" in answer.text
    with moved(90 * DAY):
        await look(scene.desk)
    assert (await scene.ticket(ticket.id)).category is Category.waiting
    answer = await liam.does(f"{at}/left-alone", method="DELETE")
    assert 'data-step="remind"' in answer.text
    assert ">Left alone<" not in answer.text
    await scene.receives(mail("More", sender="x@lumen.example"))
    other = await scene.receives(mail(sender="new@lumen.example"))
    assert "data-step=" not in (await liam.look(f"/tickets/{other.number}")).text, "it waits for us"


async def test_each_step_says_why_and_can_be_taken_back(console: Console):
    scene = console.scene
    await arranged(console)
    ticket = await answered(scene)
    at = f"/tickets/{ticket.number}"
    with moved(3 * DAY):
        await look(scene.desk)
        liam = await console.person("Liam")
        shown = unescape((await liam.look(at)).text)
        assert "Reminded: silent for 3 days" in shown
        assert "Hello Marta, still there?" in shown
        assert 'data-step="resolve"' in shown
        await delivered(scene)
    with moved(10 * DAY + timedelta(minutes=1)):
        await look(scene.desk)
        liam = await console.person("Liam")
        shown = unescape((await liam.look(at)).text)
        assert "Resolved: no answer for 7 days after the reminder" in shown
        assert "Open again" in shown
        assert 'data-step="close"' in shown
    with moved(41 * DAY):
        await look(scene.desk)
        liam = await console.person("Liam")
        assert "Closed: resolved for 30 days" in (await liam.look(at)).text
        assert (await liam.does(f"{at}/resolution", method="DELETE")).status_code == 200
    assert (await scene.ticket(ticket.id)).category is Category.open


async def test_a_reminder_is_taken_back_within_its_seconds(console: Console):
    scene = console.scene
    await arranged(console)
    ticket = await answered(scene)
    with moved(3 * DAY):
        await look(scene.desk)
        liam = await console.person("Liam")
        message = (await scene.messages(ticket))[-1]
        answer = await liam.does(f"/tickets/{ticket.number}/replies/{message.id}", method="DELETE")
        assert answer.status_code == 200, answer.text[:300]
        assert ">Left alone<" in answer.text


async def test_a_follow_up_is_told_on_both_tickets(console: Console):
    scene = console.scene
    await arranged(console)
    old = await answered(scene)
    await scene.does(old, "resolve", by=DESK)
    token = scene.desk.keys.reply_token(old.reply_key, "marta@lumen.example")
    with moved(15 * DAY):
        new = await scene.receives(mail("One more thing.", tokens=(token,)))
        liam = await console.person("Liam")
        there = unescape((await liam.look(f"/tickets/{new.number}")).text)
        was = unescape((await liam.look(f"/tickets/{old.number}")).text)
    assert new.id != old.id
    assert f"The customer answered #{old.number}, too late to open it again" in there
    assert "Follow-up of" in there
    assert f"it goes on in #{new.number}" in was
    assert "Its follow-up" in was


async def test_after_a_start_mail_is_fetched_before_anybody_counts_as_silent(console: Console):
    scene = console.scene
    await arranged(console)
    ticket = await answered(scene)
    with moved(4 * DAY):
        await Silence(scene.desk).once()
        assert Kind.reminded not in await scene.kinds(ticket)
        await Silence(scene.desk, settle=0).once()
        assert Kind.reminded in await scene.kinds(ticket)


async def test_one_inbox_that_fails_holds_up_no_other(console: Console, monkeypatch):
    scene = console.scene
    await arranged(console)
    ticket = await answered(scene)
    from helpdesk import patience

    really, asked = patience.act, []

    async def fails_first(session: Any, inbox_id: int) -> Any:
        asked.append(inbox_id)
        if len(asked) == 1:
            raise RuntimeError("broken")
        return await really(session, inbox_id)

    async def twice(session: Any) -> list[int]:
        return [scene.inbox.id, scene.inbox.id]

    monkeypatch.setattr(patience, "act", fails_first)
    monkeypatch.setattr(patience, "due_inboxes", twice)
    with moved(4 * DAY):
        await look(scene.desk)
    assert Kind.reminded in await scene.kinds(ticket)


async def test_programs_do_the_same(console: Console):
    scene = console.scene
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        _, secret = await tokens.issue(
            session, "Terms", agent=ada, by=ada, scopes=["inboxes:manage", "ticket:read", "ticket:change"]
        )
    ticket = await answered(scene)
    api = await console.stranger()
    api.headers["authorization"] = f"Bearer {secret}"
    at = f"/api/v1/inboxes/{scene.inbox.id}/patience"
    silence = f"/api/v1/tickets/{ticket.number}/silence"
    off = (await api.get(at)).json()
    assert off["remind_days"] is None
    assert (await api.get(silence)).json()["next_step"] is None
    given = {"remind_days": 3, "remind_text": "Still there?", "resolve_days": 7, "past_too": True}
    with moved(4 * DAY):
        foretold = (await api.post(f"{at}/preview", json=given)).json()
        assert (foretold["waiting"], foretold["remind"]) == (1, 1)
    on = await api.put(at, json=given)
    assert on.status_code == 200, on.text
    assert on.json() == off | {"remind_days": 3, "remind_text": "Still there?", "resolve_days": 7}
    found = (await api.get(silence)).json()
    assert (found["next_step"], found["left_alone"], found["stays"]) == ("remind", False, None)
    assert found["next_at"]
    left = (await api.put(silence, json={"left_alone": True})).json()
    assert (left["left_alone"], left["stays"], left["next_at"]) == (True, "left_alone", None)
    again = (await api.put(silence, json={"left_alone": False})).json()
    assert again["next_at"]
    for wrong in ({"remind_days": 0}, {"remind_days": 3, "remind_text": ""}, {"remind_text": "{{x.y}}"}):
        assert (await api.put(at, json=wrong)).status_code in {400, 422}
