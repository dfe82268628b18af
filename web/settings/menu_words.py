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
    "/settings/inboxes": _(
        "mailbox imap smtp email channel address connect waiting silent reminder nudge auto-close reopen"
    ),
    "/settings/chat": _("widget website live visitors messenger"),
    "/settings/slack": _("slack connect shared channels triage manifest socket mode events"),
    "/settings/programs": _("web form embed iframe callback key contact form consent"),
    "/settings/templates": _("new ticket form"),
    "/settings/statuses": _("state waiting on hold closed resolved customer name"),
    "/settings/satisfaction": _("survey csat nps rating feedback recommendation score stars smiley"),
    "/settings/rules": _(
        "automation triggers workflow conditions actions dry run undo auto-reply schedule routing"
    ),
    "/settings/sla": _("promise response resolution time due escalation warning pause"),
    "/settings/types": _("kinds category"),
    "/settings/tags": _("labels colours merge"),
    "/settings/fields": _("custom fields attributes required pattern choices"),
    "/settings/triage": _(
        "intent sentiment classify language frustration confidence learn correct threshold"
    ),
    "/settings/search": _("synonyms index embeddings vectors knowledge language find"),
    "/settings/models": _("openai ollama mistral llm gpt key tokens budget privacy masking log provider"),
    "/settings/evaluation": _(
        "measure accuracy threshold false answers coverage risk curve compare benchmark"
    ),
    "/settings/webhooks": _("events notify programs integrations secret"),
    "/settings/tokens": _("api key access secret scopes"),
    "/settings/api": _("rest openapi documentation developers"),
    "/settings/desk": _("company name prefix number language time zone copies cc first steps"),
    "/settings/audit": _("log history security who changed seals"),
    "/settings/data": _("delete erase privacy gdpr keep retention"),
    "/settings/data/imports": _("zendesk freshdesk chatwoot zammad freescout migrate"),
    "/settings/data/exports": _("download everything jsonl archive"),
    "/settings/data/configuration": _("configuration as code yaml plan apply git import export rollback"),
    "/settings/data/backups": _("restore safety copy"),
}
"""By the page's address; words that stand in its name and hint are not repeated."""
