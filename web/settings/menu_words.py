"""What else is found on a page of the settings, for whoever looks for it by another word."""

from helpdesk.i18n import Text, _

ALSO: dict[str, Text] = {
    "/settings/me": _("email away online offline locale clock"),
    "/settings/me/notices": _("alerts mails mentions"),
    "/settings/me/signatures": _("footer greeting"),
    "/settings/me/safety": _("sign out devices browsers login"),
    "/settings/agents": _("users invite invitation deactivate account password reset"),
    "/settings/teams": _("groups members departments"),
    "/settings/roles": _("permissions rights access"),
    "/settings/inboxes": _("mailbox imap smtp email channel address connect"),
    "/settings/programs": _("web form embed iframe callback key contact form consent"),
    "/settings/templates": _("new ticket form"),
    "/settings/statuses": _("state waiting on hold closed resolved customer name"),
    "/settings/sla": _("promise response resolution time due escalation warning pause"),
    "/settings/types": _("kinds category"),
    "/settings/tags": _("labels colours merge"),
    "/settings/fields": _("custom fields attributes required pattern choices"),
    "/settings/webhooks": _("events notify programs integrations secret"),
    "/settings/tokens": _("api key access secret scopes"),
    "/settings/api": _("rest openapi documentation developers"),
    "/settings/desk": _("company name prefix number language time zone copies cc first steps"),
    "/settings/audit": _("log history security who changed seals"),
    "/settings/data": _("delete erase privacy gdpr keep retention"),
    "/settings/data/imports": _("zendesk freshdesk chatwoot zammad freescout migrate"),
    "/settings/data/exports": _("download everything jsonl archive"),
    "/settings/data/backups": _("restore safety copy"),
}
"""By the page's address; words that stand in its name and hint are not repeated."""
