"""Events and what they were about, in words for the audit."""

from helpdesk.events import Kind
from helpdesk.i18n import Text, _, gettext

KINDS: dict[Kind, Text] = {
    Kind.signed_in: _("Signed in"),
    Kind.signed_out: _("Signed out"),
    Kind.sign_in_failed: _("A sign-in failed"),
    Kind.identity_confirmed: _("Gave the password again"),
    Kind.session_ended: _("Ended a session"),
    Kind.invited: _("Invited a colleague"),
    Kind.invitation_revoked: _("Took an invitation back"),
    Kind.invitation_accepted: _("Accepted an invitation"),
    Kind.agent_changed: _("Changed an account"),
    Kind.agent_deactivated: _("Switched an account off"),
    Kind.agent_reactivated: _("Switched an account on"),
    Kind.role_changed: _("Changed what somebody may do"),
    Kind.availability_changed: _("Came, went or changed availability"),
    Kind.password_reset_asked: _("Asked for a new password"),
    Kind.password_changed: _("Changed a password"),
    Kind.custom_role_changed: _("Changed a role"),
    Kind.custom_role_removed: _("Removed a role"),
    Kind.team_created: _("Made a team"),
    Kind.team_edited: _("Changed a team"),
    Kind.team_removed: _("Removed a team"),
    Kind.inbox_connected: _("Connected an inbox"),
    Kind.inbox_edited: _("Changed an inbox"),
    Kind.calendar_changed: _("Changed a calendar of working hours"),
    Kind.calendar_feed_wanted: _("Asked for holidays to be fetched"),
    Kind.options_changed: _("Changed the desk's options"),
    Kind.imported: _("Imported from another product"),
    Kind.import_wanted: _("Ordered an import, or that one is taken back"),
    Kind.import_reverted: _("Took an import back"),
    Kind.export_wanted: _("Ordered an export of everything"),
    Kind.backup_made: _("Made the daily backup"),
    Kind.retention_changed: _("Changed how long tickets are kept"),
    Kind.content_erased: _("Erased what was said, its time was over"),
    Kind.contact_erased: _("Erased a person"),
    Kind.contact_copied_out: _("Took a copy of a person's data along"),
    Kind.audit_exported: _("Took the audit along as a file"),
    Kind.ticket_created: _("Opened a ticket"),
    Kind.message_received: _("Wrote a message"),
    Kind.replied: _("Answered"),
    Kind.reply_withdrawn: _("Took an answer back"),
    Kind.reply_sent: _("An answer was sent"),
    Kind.reply_failed: _("An answer could not be delivered"),
    Kind.noted: _("Left a note"),
    Kind.note_edited: _("Changed a note"),
    Kind.assigned: _("Assigned a ticket"),
    Kind.team_changed: _("Moved a ticket to another team"),
    Kind.priority_changed: _("Changed the priority"),
    Kind.status_changed: _("Changed the status"),
    Kind.resolved: _("Resolved a ticket"),
    Kind.reopened: _("Opened a ticket again"),
    Kind.merged: _("Merged tickets"),
    Kind.unmerged: _("Took a merge apart"),
    Kind.split_off: _("Split a ticket"),
    Kind.removed: _("Moved a ticket to spam or trash"),
    Kind.restored: _("Brought a ticket back"),
    Kind.contact_created: _("Made a contact"),
    Kind.sla_started: _("Began to count the time to answer"),
    Kind.sla_breached: _("A promise was not kept in time"),
}
ABOUTS: dict[str, Text] = {
    "agent": _("Account"),
    "invitation": _("Invitation"),
    "custom_role": _("Role"),
    "team": _("Team"),
    "inbox": _("Inbox"),
    "business_calendar": _("Calendar"),
    "contact": _("Contact"),
    "company": _("Company"),
    "webhook": _("Webhook"),
    "password_reset": _("Password link"),
    "api_token": _("API token"),
}


def kind_name(kind: Kind) -> str:
    """One without words of its own is told by its name, so that nothing is ever left out."""
    return str(KINDS.get(kind) or kind.value.replace("_", " ").capitalize())


def about_name(table: str | None, number: int | str | None) -> str:
    """`number` may be the name, where it has one."""
    if not table:
        return ""
    name = str(ABOUTS.get(table) or table.replace("_", " ").capitalize())
    return name if number is None else gettext("%(name)s %(number)s") % {"name": name, "number": number}
