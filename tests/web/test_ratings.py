"""Colleagues read what customers said, as far as they may know of the tickets; never a figure without its doubt."""

import re
from html import unescape
from typing import Any

import pytest

from helpdesk import satisfaction
from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.people import Agent, Role
from helpdesk.satisfaction import InboxSurvey, PromoterSurvey, Rating, Survey
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from tests.web.api.conftest import Calls, caller
from tests.web.served import Console
from workers.notices import notify

__all__ = ["caller"]


async def helped(
    scene: Scene, sender: str, score: int | None = None, comment: str = "", *, team: str = "", **given: Any
) -> Ticket:
    """Somebody who wrote, was answered and asked; and what they said to that."""
    kind = given.get("kind", Survey.csat)
    ticket = await scene.receives(mail("Help!", sender=sender, subject=f"From {sender}"))
    if team:
        await scene.does(ticket, "move", scene.teams[team], by=scene.agents["Ada"])
    await scene.does(ticket, "assign", scene.agents["Ada"], by=scene.agents["Ada"])
    await scene.replies(ticket)
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        row = await scene.ticket(ticket.id, session)
        asked = await satisfaction.ask(session, row, by=DESK, kind=kind)
        assert asked, asked.why_not
        if score is not None:
            link = satisfaction.token(scene.desk.keys, asked.rating)
            found = await satisfaction.found(session, scene.desk.keys, link, lock=True)
            assert found.contact
            satisfaction.answer(found, score, comment, by=found.contact, channel="email")
    return await scene.ticket(ticket.id)


async def leads(scene: Scene, name: str) -> None:
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Agent, scene.agents[name].id)).role = Role.lead


@pytest.fixture
async def answered(console: Console) -> Console:
    scene = console.scene
    for n, (score, comment) in enumerate(
        [(5, "Brilliant!"), (5, ""), (4, ""), (4, "Good, in the end."), (1, "Nobody <b>listens</b>.")]
    ):
        await helped(scene, f"p{n}@lumen.example", score, comment)
    await helped(scene, "silent@lumen.example")
    await helped(scene, "tech@lumen.example", 2, "The other team's secret.", team="Technical")
    return console


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def test_results_say_how_many_and_how_sure(answered: Console):
    ada = await answered.person("Ada")
    page = words((await ada.look("/ratings")).text)
    assert "67 % (n = 6, 95 % sure between 30 and 90 %)" in page
    assert re.search(r"3\.5 of 5 \(n = 6, 95 % sure between \d\.\d and \d\.\d\)", page)
    assert "86 % (n = 7, 95 % sure between 49 and 97 %)" in page
    assert "Only 6 answers" in page
    assert "Nobody <b>listens</b>." in page


async def test_leads_see_what_they_may(answered: Console):
    await leads(answered.scene, "Liam")
    liam = await answered.person("Liam")
    page = words((await liam.look("/ratings")).text)
    assert "Brilliant!" in page
    assert "secret" not in page
    assert "n = 5" in page
    assert (await (await answered.person("Tess")).get("/ratings")).status_code == 403


async def test_filters_narrow_the_list(answered: Console):
    ada, scene = await answered.person("Ada"), answered.scene

    async def shows(**params: Any) -> str:
        return words((await ada.look("/ratings", params=params)).text)

    assert "Brilliant!" not in await shows(score="bad")
    assert "secret" in await shows(score="bad")
    assert "Good, in the end." in await shows(q="IN THE end")
    assert "Brilliant!" not in await shows(q="in the end")
    assert "No such answers" in await shows(q="100%_")
    assert "Brilliant!" not in await shows(team=scene.teams["Technical"].id)
    assert "secret" not in await shows(team=scene.teams["Billing"].id)
    assert "Brilliant!" in await shows(who=scene.agents["Ada"].id, inbox=scene.inbox.id, days=7)
    assert "No such answers" in await shows(who=scene.agents["Liam"].id)
    for odd in (
        {"days": "x"},
        {"days": "-1"},
        {"team": "9" * 18},
        {"kind": "x"},
        {"score": "99"},
        {"q": "x" * 900},
    ):
        assert (await ada.look("/ratings", params=odd)).status_code == 200, odd
    assert (await ada.look("/ratings", params={"after": "x"})).status_code == 400


async def test_the_ticket_and_the_contact_tell_of_it(answered: Console):
    scene = answered.scene
    ticket = next(t for t in await scene.tickets() if t.subject == "From p4@lumen.example")
    ada = await answered.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "P4 rated the help: 1 of 5" in words(page)
    assert "Nobody &lt;b&gt;listens&lt;/b&gt;." in page
    assert "/rate/" not in page
    assert "Survey" in words(page)
    contact = words((await ada.look(f"/contacts/{ticket.contact_id}")).text)
    assert "Very bad" in contact
    silent = next(t for t in await scene.tickets() if t.subject == "From silent@lumen.example")
    assert "no answer yet" in words((await ada.look(f"/tickets/{silent.number}")).text)
    again = await scene.receives(mail("Again", sender="silent@lumen.example"))
    await scene.replies(again)
    await scene.does(again, "resolve", by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        await satisfaction.ask(session, await scene.ticket(again.id, session), by=DESK)
    told = words((await ada.look(f"/tickets/{again.number}")).text)
    assert "Not asked. The customer was asked a short while ago." in told


async def test_who_does_not_want_to_be_asked_can_be_welcomed_back(answered: Console):
    scene = answered.scene
    ticket = (await scene.tickets())[0]
    async with committed(scene.desk.sessions) as session:
        session.add(satisfaction.RatingRefusal(contact_id=ticket.contact_id))
    ada = await answered.person("Ada")
    page = await ada.look(f"/contacts/{ticket.contact_id}")
    assert "Does not want to be asked" in words(page.text)
    await ada.does(f"/contacts/{ticket.contact_id}/surveys")
    assert "Does not want to be asked" not in words((await ada.look(f"/contacts/{ticket.contact_id}")).text)


async def test_whose_ticket_it_was_hears_of_a_bad_rating_once(console: Console):
    scene = console.scene
    ticket = await helped(scene, "sad@lumen.example", 1)
    await scene.does(ticket, "assign", scene.agents["Tess"], by=scene.agents["Tess"])
    async with scene.desk.sessions() as session:
        from sqlalchemy import select

        from helpdesk.events import Event, Kind

        events = (await session.scalars(select(Event.id).where(Event.kind == Kind.rated))).all()
    for _ in range(2):
        await notify(scene.desk, list(events))
    ada = await console.person("Ada")
    assert words((await ada.look("/notices")).text).count("was not satisfied with your help") == 1
    happy = await helped(scene, "happy@lumen.example", 5)
    assert happy.number


class TestSettings:
    async def test_what_an_inbox_asks_is_chosen_explained_and_previewed(self, console: Console):
        ada, inbox = await console.person("Ada"), console.scene.inbox.id
        at = f"/settings/satisfaction/inboxes/{inbox}"
        assert "Nobody is asked" in words((await ada.look("/settings/satisfaction")).text)
        form = {
            "active": "true",
            "wait": "2",
            "unit": "hours",
            "quiet_days": "14",
            "words": "Well, {{contact.first_name}}?",
        }
        assert "How satisfied are you with our help?" in (await ada.look(at)).text
        done = await ada.does(at, data=form)
        assert done.headers["hx-redirect"] == f"{at}?done=saved"
        assert "after 2 hours" in words((await ada.look("/settings/satisfaction")).text)
        preview = await ada.get(f"/settings/satisfaction/preview?inbox={inbox}")
        assert "Well, Marta?" in preview.text
        assert "Very good" in preview.text
        assert "http" not in preview.text
        assert "sandbox" in preview.headers["content-security-policy"]
        async with console.scene.desk.sessions() as session:
            kept = await session.get_one(InboxSurvey, inbox)
        assert (kept.wait_minutes, kept.quiet_days, kept.active) == (120, 14, True)
        for wrong in (
            {"words": "{{ticket.password}}"},
            {"wait": "-1"},
            {"wait": "99999", "unit": "days"},
            {"quiet_days": "x"},
        ):
            refused = await ada.does(at, data=form | wrong)
            assert refused.status_code in {400, 422}, wrong
        assert (await ada.get("/settings/satisfaction/inboxes/99999999999999999999")).status_code == 404

    async def test_when_a_recommendation_is_asked_for(self, console: Console):
        ada, at = await console.person("Ada"), "/settings/satisfaction/recommendation"
        assert (await ada.look(at)).status_code == 200
        form = {"active": "true", "every": "week", "day-1": "true", "day-3": "true", "at": "09:30"}
        form |= {"zone": "Europe/Berlin", "within_days": "30", "every_days": "90", "most": "20", "words": ""}
        assert "hx-redirect" in (await ada.does(at, data=form)).headers
        page = words((await ada.look("/settings/satisfaction")).text)
        assert "Tuesday" in page
        async with console.scene.desk.sessions() as session:
            kept = await session.get_one(PromoterSurvey, 1)
        assert kept.next_at
        assert kept.schedule["days"] == [1, 3]
        for wrong in (
            {"at": "25:00"},
            {"zone": "Mars/Base"},
            {"every": "month", "month_days": "0, 40"},
            {"most": "0"},
        ):
            assert (await ada.does(at, data=form | wrong)).status_code in {400, 422}, wrong

    async def test_who_may_not_arrange_it_cannot(self, console: Console):
        liam = await console.person("Liam")
        assert (await liam.get("/settings/satisfaction")).status_code == 403
        assert (await liam.does("/settings/satisfaction/recommendation", data={})).status_code == 403


class TestPrograms:
    async def test_they_read_results_and_bring_ratings(self, answered: Console, caller: Calls):
        ada = await caller("Ada")
        results = (await ada.get("/ratings/results")).json()
        assert (results["n"], results["asked"], results["satisfied"]["n"]) == (6, 7, 6)
        assert results["satisfied"]["low"] < results["satisfied"]["value"] < results["satisfied"]["high"]
        assert results["promoter_score"] is None
        first = (await ada.get("/ratings", params={"limit": 4})).json()
        rest = (await ada.get("/ratings", params={"limit": 4, "after": first["next"]})).json()
        ids = [one["id"] for one in first["items"] + rest["items"]]
        assert len(set(ids)) == len(ids) == 6
        assert rest["next"] is None
        ticket = await answered.scene.receives(mail("By phone", sender="phone@lumen.example"))
        at = f"/tickets/{ticket.number}/ratings"
        given = {"score": 4, "comment": "Said on the phone.", "channel": "phone"}
        assert (await ada.post(at, json=given)).json()["score"] == 4
        assert (await ada.post(at, json={"score": 5})).json()["comment"] == "Said on the phone."
        (only,) = (await ada.get(at)).json()["items"]
        assert (only["score"], only["asked_at"], only["channel"]) == (5, None, "api")
        for wrong in (
            {"score": 6},
            {"score": 4.5},
            {},
            {"score": 3, "channel": "x y"},
            {"score": 3, "comment": "x" * 4001},
        ):
            assert (await ada.post(at, json=wrong)).status_code == 400, wrong

    async def test_they_see_what_their_agent_may(self, answered: Console, caller: Calls):
        await leads(answered.scene, "Liam")
        liam = await caller("Liam")
        assert (await liam.get("/ratings/results")).json()["n"] == 5
        only_reading = await caller("Ada", only=[Action.read])
        assert (await only_reading.get("/ratings")).status_code == 403
        ticket = (await answered.scene.tickets())[0]
        assert (await only_reading.get(f"/tickets/{ticket.number}/ratings")).status_code == 200
        assert (
            await only_reading.post(f"/tickets/{ticket.number}/ratings", json={"score": 1})
        ).status_code == 403

    async def test_they_arrange_what_is_asked(self, console: Console, caller: Calls):
        ada, inbox = await caller("Ada"), console.scene.inbox.id
        at = f"/inboxes/{inbox}/survey"
        assert (await ada.get(at)).json()["active"] is False
        changed = await ada.put(at, json={"active": True, "wait_minutes": 5})
        assert changed.json()["wait_minutes"] == 5
        assert (await ada.put(at, json={"active": True, "words": "{{x}}"})).status_code in {200, 400}
        assert (await ada.put(at, json={"active": True, "words": "{{a.b}}"})).status_code == 400
        plan = await ada.put("/surveys/recommendation", json={"active": True})
        assert plan.json()["next_at"]
        wrong = {"active": True, "schedule": {"every": "week", "days": [9]}}
        assert (await ada.put("/surveys/recommendation", json=wrong)).status_code == 400
        assert (await ada.put("/inboxes/999999/survey", json={"active": True})).status_code == 404

    async def test_tickets_are_found_by_how_they_were_rated(self, answered: Console, caller: Calls):
        ada = await caller("Ada")
        found = (await ada.get("/tickets", params={"q": "rating:1 in:anywhere"})).json()["items"]
        assert [one["subject"] for one in found] == ["From p4@lumen.example"]
        rated = (await ada.get("/tickets", params={"q": "has:rating in:anywhere"})).json()["items"]
        assert len(rated) == 6
        async with answered.scene.desk.sessions() as session:
            assert await session.get(Rating, 1)
