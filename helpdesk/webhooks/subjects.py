"""What can be subscribed to, by the names that other programs know. They never change; kinds of events may."""

from dataclasses import dataclass

from helpdesk.events import Kind
from helpdesk.i18n import Text, _

TEST = "webhook.test"
"""What the button sends; nobody subscribes to it."""


@dataclass(frozen=True)
class Subject:
    name: str
    kind: Kind
    words: Text
    says: tuple[str, ...] = ("was", "now")
    """What of the event's own data is passed on, under these keys; nothing that holds what people wrote."""


EVENTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("ticket.created", Kind.ticket_created, _("A ticket was opened")),
        Subject("ticket.assigned", Kind.assigned, _("It was given to an agent, or to nobody")),
        Subject("ticket.team_changed", Kind.team_changed, _("It went to another team")),
        Subject("ticket.status_changed", Kind.status_changed, _("Its status changed otherwise")),
        Subject("ticket.resolved", Kind.resolved, _("It was resolved")),
        Subject("ticket.reopened", Kind.reopened, _("It was opened again")),
        Subject("ticket.priority_changed", Kind.priority_changed, _("Its priority changed")),
        Subject("ticket.type_changed", Kind.type_changed, _("Its type changed")),
        Subject("ticket.tagged", Kind.tagged, _("It got a tag"), ("tag",)),
        Subject("ticket.untagged", Kind.untagged, _("It lost a tag"), ("tag",)),
        Subject(
            "ticket.field_changed", Kind.field_changed, _("One of its custom fields changed"), ("field",)
        ),
        Subject("ticket.subject_changed", Kind.subject_changed, _("Its subject changed"), ()),
        Subject("ticket.requester_changed", Kind.requester_changed, _("It belongs to another contact")),
        Subject("ticket.inbox_changed", Kind.inbox_changed, _("It is answered from another inbox")),
        Subject("ticket.snoozed", Kind.snoozed, _("It was put off"), ("until",)),
        Subject("ticket.woken", Kind.woken, _("It came back"), ()),
        Subject("ticket.removed", Kind.removed, _("It went to spam or trash")),
        Subject("ticket.restored", Kind.restored, _("It came back from there")),
        Subject("ticket.merged", Kind.merged, _("Two tickets were merged"), ("source", "target")),
        Subject("ticket.unmerged", Kind.unmerged, _("The merge was undone"), ("source", "target")),
        Subject(
            "ticket.split", Kind.split_off, _("A message became a ticket of its own"), ("source", "target")
        ),
        Subject("ticket.rule", Kind.rule_called, _("A rule has it told"), ("rule", "name")),
        Subject("ticket.rated", Kind.rated, _("Its customer rated the help"), ("was", "now", "survey")),
        Subject("ticket.triaged", Kind.triaged, _("Intent, language and mood were read"), ()),
        Subject("message.received", Kind.message_received, _("The customer wrote")),
        Subject("message.written", Kind.replied, _("A reply was written; it can still be taken back")),
        Subject("message.withdrawn", Kind.reply_withdrawn, _("A reply was taken back")),
        Subject("message.sent", Kind.reply_sent, _("A reply has left"), ("attempts",)),
        Subject("message.failed", Kind.reply_failed, _("A reply could not be delivered")),
        Subject("note.written", Kind.noted, _("A colleague left a note")),
        Subject("promise.kept", Kind.sla_met, _("An answer or solution came"), ("metric", "in_time")),
        Subject("promise.due_soon", Kind.sla_warned, _("An answer or solution is due soon"), ("metric",)),
        Subject("promise.missed", Kind.sla_breached, _("An answer or solution is late"), ("metric",)),
        Subject("contact.created", Kind.contact_created, _("Somebody new is known"), ()),
        Subject("contact.changed", Kind.contact_changed, _("What is known of somebody changed"), ()),
        Subject("contact.merged", Kind.contact_merged, _("Two contacts were the same person"), ()),
    )
}

GROUPS: dict[str, Text] = {
    "ticket": _("Tickets"),
    "message": _("Messages"),
    "note": _("Notes"),
    "promise": _("Promises"),
    "contact": _("Contacts"),
}
"""What stands before the dot, in the order in which it is offered."""
