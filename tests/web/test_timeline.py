"""Every event that can concern a ticket is told on its page, one way or another."""

from html import unescape

from helpdesk import options
from helpdesk.database import committed
from helpdesk.events import DESK, Kind
from helpdesk.people import Agent
from helpdesk.tokens import GRANTABLE, ApiToken
from tests.scenes import mail
from tests.web.served import Console
from web.console.sharing_words import assigned_because
from web.console.timeline import LINES, SHOWN_OTHERWISE

ABOUT_OTHER_THINGS = (
    "customer_",
    "chat_code",
    "help_centre",
    "contact",
    "tone_",
    "identity",
    "company",
    "domain",
    "invit",
    "agent_",
    "role_",
    "availability",
    "password",
    "session",
    "sign",
    "custom_",
    "team_created",
    "team_edited",
    "routing_changed",
    "topic_edited",
    "triage_changed",
    "rule_edited",
    "macro_edited",
    "report_edited",
    "report_sent_to",
    "team_removed",
    "inbox_connected",
    "inbox_edited",
    "inbox_key",
    "status_edited",
    "type_edited",
    "tag_edited",
    "tags_merged",
    "tag_deleted",
    "ticket_deleted",
    "calendar",
    "options",
    "patience_",
    "ratings_",
    "surveys_changed",
    "policy_edited",
    "configuration_applied",
    "audit",
    "webhook",
    "model",
    "token",
    "article",
    "knowledge_import",
    "finding",
    "learning",
    "evaluation",
    "bulk",
    "template",
    "view",
    "import",
    "retention",
    "export",
    "content_erased",
    "backup",
    "assistant_edited",
)


def test_no_kind_of_event_is_forgotten():
    """A new kind is given a line, or said to be shown otherwise, or it is not about tickets at all."""
    told = set(LINES) | SHOWN_OTHERWISE
    assert not set(LINES) & SHOWN_OTHERWISE
    forgotten = [kind.value for kind in Kind if kind not in told and not kind.startswith(ABOUT_OTHER_THINGS)]
    assert forgotten == []


def test_how_many_chats_somebody_had_is_a_reason():
    told = assigned_because({"method": "in_turn", "channel": "chat", "here": 1, "most": 3})
    assert told == ["it was their turn", "of “Chat on your site” they had 1 of at most 3"]


async def test_numbers_stand_and_are_typed_as_the_desk_chose(console: Console):
    """The prefix of the desk stands in the thread, in the merge and on its toasts; people may type it or not."""
    scene = console.scene
    async with committed(scene.desk.sessions) as session:
        await options.change(session, by=DESK, ticket_prefix="HD-")
    console.app.state.signboard.forget()
    into = await scene.receives(mail("One", subject="One", external_id="one@lumen.example"))
    for n, typed in enumerate((f"HD-{into.number}", f"#{into.number}", f" hd-{into.number} ")):
        other = await scene.receives(mail("Another", subject=f"Another {n}"))
        ada = await console.person("Ada")
        asked = await ada.does(
            f"/tickets/{other.number}/merge",
            "GET",
            params={"into": typed},
            headers={"hx-target": "div#merge-target"},
        )
        assert f"Merge into HD-{into.number}" in asked.text
        assert (await ada.does(f"/tickets/{other.number}/merge", data={"into": typed})).status_code == 200
        page = (await ada.look(f"/tickets/{into.number}")).text
        assert f"merged HD-{other.number} into HD-{into.number}" in unescape(page)
        assert f"<b>HD-{other.number}</b> was merged into this" in page
        assert f"#{into.number}" not in page


async def test_what_a_program_wrote_for_somebody_says_so(console: Console):
    """A reply and a note that came through a token carry its name; those written in person do not."""
    scene = console.scene
    ticket = await scene.receives(mail("Hello"))
    async with committed(scene.desk.sessions) as session:
        agent = await session.get_one(Agent, scene.agents["Ada"].id)
        token, secret = ApiToken.made("Shop robot", agent=agent, scopes=[each.value for each in GRANTABLE])
        session.add(token)
    robot = await console.stranger()
    for kind, words in (("notes", "Checked by the shop"), ("replies", "It was sent")):
        answer = await robot.post(
            f"/api/v1/tickets/{ticket.number}/{kind}",
            json={"text": words},
            headers={"authorization": f"Bearer {secret}"},
        )
        assert answer.status_code == 201, answer.text
    await scene.replies(ticket, "Written by hand", by="Ada")
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    for words, through in (("Checked by the shop", 1), ("It was sent", 1), ("Written by hand", 0)):
        bubble = page[: page.index(words)].rpartition("<article")[2]
        assert bubble.count("via token Shop robot") == through, words
