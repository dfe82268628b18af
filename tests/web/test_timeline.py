"""Every event that can concern a ticket is told on its page, one way or another."""

from helpdesk.events import Kind
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
