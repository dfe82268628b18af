"""Slack is connected in the settings: with a manifest, a check against Slack, and exceptions of channels."""

import html
import json
import re
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from channels.slack import triage
from channels.slack.manifest import EVENTS, SCOPES, manifest
from helpdesk import i18n, options
from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.people import Team
from helpdesk.slack import Customers, SlackChannel, SlackTeam
from tests.channels.slack.fake import SECRET, TOKEN, FakeSlack
from tests.scenes import mail
from tests.web.served import Console

FORM = {"name": "Shared channels", "address": "slack@desk.example", "team": "", "bot_token": TOKEN}


def manifests(page: str) -> list[dict[str, Any]]:
    """As the button copies them."""
    return [json.loads(html.unescape(found)) for found in re.findall(r'<copy-text value="([^"]*)"', page)]


def allow(console: Console, host: str) -> None:
    desk = console.app.state.desk
    desk.__dict__["settings"] = msgspec.structs.replace(desk.settings, allow_hosts=host)
    desk.__dict__.pop("outbound", None)


async def slack_inbox(console: Console) -> Inbox:
    async with console.scene.desk.sessions() as session:
        return (await session.scalars(select(Inbox).where(Inbox.channel == "slack"))).one()


async def test_an_app_is_made_from_the_desks_manifest_and_connected(console: Console):
    ada = await console.person("Ada")
    page = (await ada.look("/settings/slack")).text
    (socket,) = manifests(page)
    assert socket["settings"]["socket_mode_enabled"] is True
    assert socket["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert "/settings/slack" in (await ada.look("/settings/inboxes/new/slack")).text
    async with FakeSlack.at_work() as slack:
        allow(console, slack.host)
        given = FORM | {"api_url": slack.api, "signing_secret": SECRET}
        checked = await ada.does("/settings/inboxes/checks/slack", data=given)
        assert "helpdesk in Desk Inc" in checked.text
        assert "Everything works." in checked.text
        refused = await ada.does("/settings/inboxes/new/slack", data=given | {"bot_token": "xoxb-wrong"})
        assert refused.status_code == 422, refused.text
        assert (await ada.does("/settings/inboxes/new/slack", data=given)).status_code == 204
        inbox = await slack_inbox(console)
        stolen = given | {"bot_token": "", "api_url": "https://slack.thief.example/api/", "anyway": "true"}
        assert (await ada.does(f"/settings/inboxes/{inbox.id}", data=stolen)).status_code == 400
    assert f'href="/settings/slack/{inbox.id}"' in (await ada.look("/settings/slack")).text
    page = (await ada.look(f"/settings/slack/{inbox.id}")).text
    assert TOKEN not in page
    assert SECRET not in page
    called = manifests(page)[1]["settings"]
    assert called["event_subscriptions"]["request_url"].endswith(f"/hooks/{inbox.public_id}")
    assert called["event_subscriptions"]["bot_events"] == list(EVENTS)


async def test_the_app_speaks_the_desks_language(console: Console):
    async with committed(console.scene.desk.sessions) as session:
        await options.change(session, by=console.scene.agents["Ada"], language="de")
    (socket,) = manifests((await (await console.person("Ada")).look("/settings/slack")).text)
    shortcuts = [each["name"] for each in socket["features"]["shortcuts"]]
    assert shortcuts == ["Anfrage eröffnen", "An Kunden senden"]


@pytest.mark.parametrize("language", i18n.languages())
def test_what_the_app_is_called_fits_into_slack(language: str):
    with i18n.speaking(language):
        made = manifest("A desk with a very long name that Slack would not take")
    for shortcut in made["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    assert len(made["display_information"]["description"]) <= 140


async def test_channels_may_have_other_customers(console: Console):
    sealed = console.scene.desk.keys.seal({"bot_token": TOKEN})
    async with committed(console.scene.desk.sessions) as session:
        session.add(
            Inbox(name="Slack", channel="slack", address="slack@desk.example", sealed_settings=sealed)
        )
    inbox = await slack_inbox(console)
    ada, liam = await console.person("Ada"), await console.person("Liam")
    there = f"/settings/slack/{inbox.id}/channels"
    for customers in ("everyone", "nobody"):
        answer = await ada.does(there, data={"channel": "C0123ABCD", "customers": customers})
        assert answer.status_code == 204
    async with console.scene.desk.sessions() as session:
        (row,) = (await session.scalars(select(SlackChannel))).all()
    assert (row.channel_id, row.customers) == ("C0123ABCD", Customers.nobody)
    assert "C0123ABCD" in (await ada.look(f"/settings/slack/{inbox.id}")).text
    assert (await ada.does(there, data={"channel": "general", "customers": "everyone"})).status_code == 400
    assert (await liam.does(there, data={"channel": "C0123ABCD", "customers": "everyone"})).status_code == 403
    await ada.does(there, data={"channel": "C0123ABCD", "customers": "outsiders"})
    async with console.scene.desk.sessions() as session:
        assert not (await session.scalars(select(SlackChannel))).all()
    other = f"/settings/slack/{console.scene.inbox.id}"
    assert (await ada.look(other)).status_code == 404


async def test_a_team_is_told_in_its_channel_and_never_where_others_read_along(console: Console):
    async with FakeSlack.at_work() as slack:
        allow(console, slack.host)
        sealed = console.scene.desk.keys.seal({"bot_token": TOKEN, "api_url": slack.api})
        async with committed(console.scene.desk.sessions) as session:
            session.add(
                Inbox(name="Slack", channel="slack", address="slack@desk.example", sealed_settings=sealed)
            )
            session.add(team := Team(name="Money"))
        inbox = await slack_inbox(console)
        ada, liam = await console.person("Ada"), await console.person("Liam")
        there, page = f"/settings/slack/{inbox.id}/teams", f"/settings/slack/{inbox.id}"
        form = {"team": str(team.id), "channel": "C0BILLING", "new": "true", "warned": "true"}
        shared = {"ok": True, "channel": {"id": "C0BILLING", "is_ext_shared": True}}
        slack.script["conversations.info"] += [(200, {}, shared)]
        refused = await ada.does(there, data=form)
        assert (refused.status_code, "customers would read along" in refused.text) == (400, True)
        assert (await ada.does(there, data=form)).status_code == 204
        assert "C0BILLING" in (await ada.look(page)).text
        session_of = console.scene.desk.sessions
        async with committed(session_of) as session:
            session.add(calendar := Calendar(name="Office hours", time_zone="UTC", week={}))
        more = form | {"cards": "true", "settled": "true", "calendar": str(calendar.id)}
        assert (await ada.does(there, data={k: v for k, v in more.items() if k != "new"})).status_code == 204
        async with session_of() as session:
            (row,) = (await session.scalars(select(SlackTeam))).all()
        assert (row.cards, row.new, row.settled, row.calendar_id) == (True, False, True, calendar.id)
        changing = (await ada.look(f"{page}?team={team.id}")).text
        assert re.search(r'name="cards" value="true" checked', changing)
        assert not re.search(r'name="new" value="true" checked', changing)
        assert "Lines in these hours: Office hours" in changing
        assert (await ada.does(there, data=form | {"calendar": "999999"})).status_code == 404
        assert (await liam.does(there, data=form)).status_code == 403
        assert (await ada.does(there, data=form | {"team": "999999"})).status_code == 404
        assert (await ada.does(there, data={"team": str(team.id)})).status_code == 204
        assert "C0BILLING" not in (await ada.look(page)).text
        assert f'href="{slack.url}/"' in (await ada.look(page)).text


async def test_why_there_are_no_cards_stands_on_the_page_while_it_is_so(console: Console):
    desk = console.scene.desk
    sealed = desk.keys.seal({"bot_token": TOKEN, "triage_channel": "C0TRIAGE"})
    async with committed(desk.sessions) as session:
        session.add(
            Inbox(name="Slack", channel="slack", address="slack@desk.example", sealed_settings=sealed)
        )
    inbox, ada = await slack_inbox(console), await console.person("Ada")
    page = f"/settings/slack/{inbox.id}"
    assert "No cards of tickets" not in (await ada.look(page)).text
    for why in ("This channel is archived.", "The app is not in this channel. Invite it there."):
        await triage.write_down(desk, inbox, "C0TRIAGE", why)
        assert why in (await ada.look(page)).text
    await triage.write_down(desk, inbox, "C0ELSEWHERE", "This channel is archived.")
    await triage.write_down(desk, inbox, "C0TRIAGE", "")
    assert "No cards of tickets" not in (await ada.look(page)).text


async def test_what_could_not_be_dealt_with_is_tried_again_or_dropped(console: Console):
    sealed = console.scene.desk.keys.seal({"bot_token": TOKEN})
    async with committed(console.scene.desk.sessions) as session:
        session.add(
            Inbox(name="Slack", channel="slack", address="slack@desk.example", sealed_settings=sealed)
        )
    inbox = await slack_inbox(console)
    given = {"inbox_id": inbox.id, "raw": b"{}", "digest": "", "state": KeptState.quarantined}
    async with committed(console.scene.desk.sessions) as session:
        session.add_all(Kept(source=f"x/{n}", trouble="It broke", **given) for n in range(2))
        await session.flush()
        one, two = await session.scalars(select(Kept.id).where(Kept.inbox_id == inbox.id))
    ada, liam = await console.person("Ada"), await console.person("Liam")
    page = f"/settings/slack/{inbox.id}"
    assert (await ada.look(page)).text.count("It broke") == 2
    console.app.state.signboard.forget()
    assert "2 things that arrived could not be dealt with." in (await ada.look("/tickets")).text
    assert (await liam.does(f"{page}/aside/{one}", data={"what": "drop"})).status_code == 403
    assert (await ada.does(f"{page}/aside/{one}", data={"what": "again"})).status_code == 204
    assert (await ada.does(f"{page}/aside/{two}", data={"what": "drop"})).status_code == 204
    assert (await ada.does(f"{page}/aside/{two}", data={"what": "drop"})).status_code == 404
    assert "It broke" not in (await ada.look(page)).text
    async with console.scene.desk.sessions() as session:
        found = dict((await session.execute(select(Kept.id, Kept.state))).all())
    assert (found[one], found[two]) == (KeptState.handed, KeptState.settled)


async def test_an_answer_is_seen_as_slack_will_show_it(console: Console):
    sealed = console.scene.desk.keys.seal({"bot_token": TOKEN})
    slack = Inbox(
        name="Slack", channel="slack", address="slack@desk.example", sealed_settings=sealed, team=None
    )
    async with committed(console.scene.desk.sessions) as session:
        session.add(slack)
    asked = await console.scene.receives(mail(external_id="C1/1.1", fingerprint="C1"), inbox=slack)
    ada = await console.person("Ada")
    there = f"/tickets/{asked.number}/preview"
    assert there in (await ada.look(f"/tickets/{asked.number}")).text
    body = '**Bold** _x_ [docs](https://a.example/?a=1&b=2"x) `1 < 2`\n\n> said\n\n```\n<b>&\n```\n<script> <!channel>'
    text = (await ada.does(there, data={"body": body, "client_id": "x"})).text
    assert "<strong>Bold</strong> <em>x</em>" in text
    assert "<code>1 &lt; 2</code>" in text
    assert '<blockquote dir="auto">said</blockquote>' in text
    assert "<pre><code>&lt;b&gt;&amp;</code></pre>" in text
    assert "<script>" not in text
    assert "&lt;!channel&gt;" in text
    assert "Write something first" in (await ada.does(there, data={"body": " "})).text
