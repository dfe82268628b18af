"""Every event that can concern a ticket is told on its page, one way or another."""

from html import unescape

from helpdesk import options
from helpdesk.database import committed
from helpdesk.events import DESK, Kind
from tests.scenes import mail
from tests.web.served import Console
from web.console.timeline import LINES, SHOWN_OTHERWISE

ABOUT_OTHER_THINGS = (
    "contact",
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
    "audit",
    "webhook",
    "token",
    "article",
    "bulk",
    "template",
    "view",
    "import",
    "retention",
    "export",
    "content_erased",
    "backup",
)


def test_no_kind_of_event_is_forgotten():
    """A new kind is given a line, or said to be shown otherwise, or it is not about tickets at all."""
    told = set(LINES) | SHOWN_OTHERWISE
    assert not set(LINES) & SHOWN_OTHERWISE
    forgotten = [kind.value for kind in Kind if kind not in told and not kind.startswith(ABOUT_OTHER_THINGS)]
    assert forgotten == []


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
