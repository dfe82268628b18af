"""SLA policies in the settings: made, put in order, looked at before they are saved, and what saving moves."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.sla import Policy, arranging, recomputing
from helpdesk.sla.recomputing import batch
from helpdesk.tickets import Priority
from tests.scenes import mail
from tests.web.served import Console


async def policies(console: Console) -> list[Policy]:
    async with console.scene.desk.sessions() as session:
        return list(await session.scalars(select(Policy).order_by(Policy.position, Policy.id)))


async def form(console: Console, **more: str) -> dict[str, str]:
    async with console.scene.desk.sessions() as session:
        calendar = await session.scalar(select(Calendar.id))
    return {
        "name": "Gold", "calendar": str(calendar), "active": "true", "c.kind": "all", "warn": "30m",
        "target-urgent-first_response": "15m", "target-normal-first_response": "1h 30m",
        "target-normal-resolution": "8:00", "pause-resolution-waiting": "true",
    } | more  # fmt: skip


async def reckoned(console: Console) -> None:
    async with committed(console.scene.desk.sessions) as session:
        await batch(session, 0)


async def test_a_policy_is_made_and_says_so_in_words(console: Console):
    ada = await console.person("Ada")
    page = (await ada.look("/settings/sla")).text
    assert "Standard" in page
    assert "Every ticket" in page
    assert "First response 4h · Resolution 24h" in page
    assert 'name="target-urgent-update"' in (await ada.look("/settings/sla/new")).text
    urgent = {"c.0.field": "priority", "c.0.operator": "is", "c.0.value": "urgent"}
    made = await ada.does("/settings/sla", data=await form(console, **urgent))
    assert made.status_code in (200, 204, 303)
    gold = (await policies(console))[-1]
    assert gold.targets == {
        "urgent": {"first_response": 15},
        "normal": {"first_response": 90, "resolution": 480},
    }
    assert gold.pauses == {"resolution": ["waiting"]}
    assert gold.warn_minutes == 30
    page = (await ada.look("/settings/sla")).text
    assert "Priority is Urgent" in page
    edit = (await ada.look(f"/settings/sla/{gold.id}")).text
    assert 'value="1h 30m"' in edit


async def test_what_is_wrong_is_said_in_words(console: Console):
    ada = await console.person("Ada")
    for wrong, words in (
        ({"name": " "}, "needs a name"),
        ({"name": "standard"}, "with this name already"),
        ({"target-normal-resolution": "soon"}, "is no time"),
        ({"calendar": "999"}, "Choose a calendar"),
        ({"c.0.field": "unread", "c.0.operator": "is", "c.0.value": "true"}, "cannot depend on"),
        ({"escalation-0-whom": "agent:999999"}, "Choose who is told"),
    ):
        answer = await ada.does("/settings/sla", data=await form(console, **wrong))
        assert answer.status_code in (400, 409), wrong
        assert words in answer.text, wrong
    assert len(await policies(console)) == 1


async def test_whom_to_tell_is_a_number_or_refused(console: Console):
    ada = await console.person("Ada")
    for whom in ("agent:²", "agent:", "pet:1", "agent:" + "9" * 19):
        sent = await form(console, **{"escalation-0-whom": whom})
        assert (await ada.does("/settings/sla", data=sent)).status_code == 400, whom


async def test_two_who_make_the_same_policy_at_once_make_it_once(console: Console):
    ada = await console.person("Ada")
    sent = await form(console)
    made = await asyncio.gather(*(ada.does("/settings/sla", data=sent) for _ in range(5)))
    assert sorted(answer.status_code for answer in made) == [204, 409, 409, 409, 409]
    assert [policy.name for policy in await policies(console)] == ["Standard", "Gold"]


async def test_whom_the_database_refuses_is_told_so(console: Console, monkeypatch: pytest.MonkeyPatch):
    """As where the other one commits between the look for the name and the writing."""
    ada = await console.person("Ada")
    sent = await form(console)
    await ada.does("/settings/sla", data=sent)

    async def not_there_yet(_session: object, _policy: object, name: str) -> str:
        return name

    monkeypatch.setattr(arranging, "_name", not_there_yet)
    beaten = await ada.does("/settings/sla", data=sent)
    assert beaten.status_code == 409
    assert "Somebody changed the same at the same moment." in beaten.text


async def test_a_preview_looks_at_every_open_ticket_or_says_at_how_many(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    scene, ada = console.scene, await console.person("Ada")
    for n in range(5):
        await scene.receives(mail(f"Question {n}", sender=f"c{n}@lumen.example"))
    (standard,) = await policies(console)
    fast = await form(console, name="Standard")
    monkeypatch.setattr(recomputing, "GLANCE", 2)
    whole = (await ada.does(f"/settings/sla/{standard.id}/preview", data=fast)).text
    assert "5 tickets would change." in whole
    assert "All 5 open tickets were looked at." in whole
    monkeypatch.setattr(recomputing, "PATIENCE", 0)
    part = (await ada.does(f"/settings/sla/{standard.id}/preview", data=fast)).text
    assert "2 tickets would change." in part
    assert "2 of 5 open tickets were looked at, those that are due first." in part
    new = (await ada.does("/settings/sla/preview", data=await form(console))).text
    assert "Nothing would change for the 2 of 5 open tickets" in new, new


async def test_an_edit_says_what_it_would_change_and_then_changes_it(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    for n in range(3):
        await scene.receives(mail(f"Question {n}", sender=f"c{n}@lumen.example"))
    (standard,) = await policies(console)
    before = [ticket.next_due_at for ticket in await scene.tickets()]
    fast = await form(console, name="Standard")
    preview = (await ada.does(f"/settings/sla/{standard.id}/preview", data=fast)).text
    assert "3 tickets would change." in preview
    assert "6 due earlier" in preview
    assert [ticket.next_due_at for ticket in await scene.tickets()] == before
    assert (await policies(console))[0].targets == standard.targets
    await ada.does(f"/settings/sla/{standard.id}", data=fast)
    await reckoned(console)
    after = [ticket.next_due_at for ticket in await scene.tickets()]
    assert all(new and old and new < old for new, old in zip(after, before, strict=True))
    assert "Nothing would change" in (await ada.does(f"/settings/sla/{standard.id}/preview", data=fast)).text
    async with scene.desk.sessions() as session:
        event = await session.scalar(select(Event).where(Event.kind == Kind.policy_edited))
        assert event
        assert event.about_id == standard.id


async def test_order_decides_and_is_changed_by_buttons(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    ticket = await scene.receives()
    await ada.does("/settings/sla", data=await form(console))
    _standard, gold = await policies(console)
    await ada.does(f"/settings/sla/{gold.id}/place", data={"go": "up"})
    assert [one.name for one in await policies(console)] == ["Gold", "Standard"]
    await reckoned(console)
    assert (await scene.ticket(ticket.id)).policy_id == gold.id
    await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Ada"])
    assert (await scene.ticket(ticket.id)).policy_id == gold.id


async def test_a_policy_that_promised_something_is_switched_off_and_not_removed(console: Console):
    scene, ada = console.scene, await console.person("Ada")
    ticket = await scene.receives()
    (standard,) = await policies(console)
    refused = await ada.does(f"/settings/sla/{standard.id}/removal", data={"confirmation": "Standard"})
    assert refused.status_code == 409
    off: dict[str, Any] = await form(console, name="Standard")
    off.pop("active")
    await ada.does(f"/settings/sla/{standard.id}", data=off)
    await reckoned(console)
    assert (await scene.ticket(ticket.id)).next_due_at is None
    await ada.does("/settings/sla", data=await form(console))
    gold = (await policies(console))[-1]
    assert (
        await ada.does(f"/settings/sla/{gold.id}/removal", data={"confirmation": "gold"})
    ).status_code < 400
    assert len(await policies(console)) == 1


async def test_only_who_may_arranges_promises(console: Console):
    liam = await console.person("Liam")
    for path in ("/settings/sla", "/settings/sla/new"):
        assert (await liam.get(path)).status_code == 403
    assert (await liam.does("/settings/sla", data=await form(console))).status_code == 403
