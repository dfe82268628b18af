"""Permissions in words, in groups, for whoever puts a role together."""

from helpdesk.access import OPEN, Action
from helpdesk.i18n import Text, _

WORDS: dict[Action, Text] = {
    Action.read: _("Read tickets"),
    Action.note: _("Write internal notes"),
    Action.reply: _("Answer customers"),
    Action.create: _("Start tickets for customers"),
    Action.assign: _("Assign tickets and move them between teams"),
    Action.change: _("Change priority, type, tags and fields"),
    Action.settle: _("Resolve and reopen"),
    Action.merge: _("Merge and split"),
    Action.remove: _("Move to spam or trash, and back"),
    Action.bulk: _("Change many tickets at once"),
    Action.delete: _("Delete tickets for good"),
    Action.export: _("Export tickets"),
    Action.report: _("See the board and the reports"),
    Action.read_contacts: _("See contacts and companies"),
    Action.change_contacts: _("Change contacts and companies"),
    Action.merge_contacts: _("Merge contacts"),
    Action.import_contacts: _("Import contacts"),
    Action.export_contacts: _("Export contacts"),
    Action.read_knowledge: _("Read articles"),
    Action.write_knowledge: _("Write articles, and ask for a review"),
    Action.publish_knowledge: _("Publish and archive articles, arrange collections"),
    Action.read_outbox: _("See what was sent"),
    Action.share_views: _("Share views with others"),
    Action.write_templates: _("Write templates for everybody"),
    Action.manage_desk: _("Arrange the desk: statuses, types, tags, fields, name"),
    Action.manage_rules: _("Write rules: what the desk does by itself"),
    Action.manage_sla: _("Arrange working hours and what is promised to customers"),
    Action.manage_agents: _("Invite, change and switch off colleagues; arrange teams"),
    Action.manage_roles: _("Make roles"),
    Action.manage_inboxes: _("Connect mailboxes and other inboxes"),
    Action.manage_webhooks: _("Arrange webhooks"),
    Action.manage_tokens: _("Make API tokens for everybody"),
    Action.manage_data: _("Import, export and keep the desk's data"),
    Action.read_audit: _("Read the audit"),
}
GROUPS: dict[str, Text] = {
    "ticket": _("Tickets"),
    "contact": _("People"),
    "": _("Knowledge and views"),
    "manage": _("Arranging the desk"),
}
MANAGING = {"desk", "sla", "rules", "agents", "roles", "inboxes", "webhooks", "tokens", "data", "audit"}


def grouped() -> list[tuple[Text, list[tuple[Action, Text | str]]]]:
    """One that has no words yet shows its name, so that it can be given all the same."""
    found: dict[str, list[tuple[Action, Text | str]]] = {key: [] for key in GROUPS}
    for action in Action:
        if action in OPEN:
            continue
        noun = action.value.partition(":")[0]
        group = "manage" if noun in MANAGING else noun if noun in GROUPS else ""
        found[group].append((action, WORDS.get(action, action.value)))
    return [(GROUPS[key], actions) for key, actions in found.items() if actions]
