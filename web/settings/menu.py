"""The settings' table of contents: who may see a page finds it here, everybody else does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from helpdesk.access import Action, may
from helpdesk.i18n import Text, _
from helpdesk.people import Agent


class Section(StrEnum):
    """In the order in which they are shown."""

    me = "me"
    people = "people"
    channels = "channels"
    tickets = "tickets"
    ai = "ai"
    connections = "connections"
    desk = "desk"


TITLES: dict[Section, Text] = {
    Section.me: _("My account"),
    Section.people: _("People and access"),
    Section.channels: _("Channels"),
    Section.tickets: _("Tickets"),
    Section.ai: _("Assistant and models"),
    Section.connections: _("Connections"),
    Section.desk: _("Desk"),
}


@dataclass(frozen=True)
class Entry:
    section: Section
    path: str
    label: Text
    icon: str
    action: Action
    hint: Text | str = ""
    """What is found there, in half a sentence."""

    def is_open(self, path: str) -> bool:
        """The page itself, or one below it: of two that fit, `opened` takes the longer."""
        return path == self.path or path.startswith(f"{self.path}/")


PAGES: list[Entry] = [
    Entry(
        Section.me,
        "/settings/me",
        _("Profile"),
        "circle-user",
        Action.signed_in,
        _("Name, language, time zone, availability"),
    ),
    Entry(
        Section.me,
        "/settings/me/notices",
        _("Notifications"),
        "bell",
        Action.signed_in,
        _("What you hear of, in the console and by mail"),
    ),
    Entry(
        Section.me,
        "/settings/me/signatures",
        _("Signatures"),
        "pen-line",
        Action.signed_in,
        _("What stands under your answers"),
    ),
    Entry(
        Section.me,
        "/settings/me/safety",
        _("Password and sessions"),
        "lock",
        Action.signed_in,
        _("Where you are signed in"),
    ),
    Entry(
        Section.people,
        "/settings/agents",
        _("Agents"),
        "users",
        Action.manage_agents,
        _("Invite colleagues, change what they may do"),
    ),
    Entry(
        Section.people,
        "/settings/teams",
        _("Teams"),
        "layers",
        Action.manage_agents,
        _("Who works together, and on what"),
    ),
    Entry(
        Section.people,
        "/settings/assignment",
        _("Assignment"),
        "route",
        Action.manage_agents,
        _("Who gets which tickets, and how many"),
    ),
    Entry(
        Section.people,
        "/settings/roles",
        _("Roles"),
        "shield",
        Action.manage_roles,
        _("What built-in roles may do, and roles of your own"),
    ),
    Entry(
        Section.tickets,
        "/settings/rules",
        _("Rules"),
        "workflow",
        Action.manage_rules,
        _("What the desk does by itself, and when"),
    ),
    Entry(
        Section.tickets,
        "/settings/macros",
        _("Macros"),
        "zap",
        Action.reply,
        _("Replies and steps that you need often"),
    ),
    Entry(
        Section.tickets,
        "/settings/templates",
        _("Templates"),
        "file-text",
        Action.write_templates,
        _("What new tickets start with"),
    ),
    Entry(
        Section.ai,
        "/settings/assistant",
        _("Assistant"),
        "sparkles",
        Action.manage_rules,
        _("Where it may answer customers, and how it does"),
    ),
    Entry(
        Section.ai,
        "/settings/triage",
        _("Triage"),
        "sparkles",
        Action.manage_rules,
        _("Topics, mood, urgency: what is read in messages, and how far it goes"),
    ),
    Entry(
        Section.ai,
        "/settings/drafts",
        _("Drafts"),
        "sparkles",
        Action.report,
        _("How many letters got a suggested reply, and what became of it"),
    ),
    Entry(
        Section.ai,
        "/settings/drafts/tone",
        _("Tone of drafts"),
        "pen-line",
        Action.manage_desk,
        _("How suggested replies begin and end, per inbox and language"),
    ),
    Entry(
        Section.ai,
        "/settings/evaluation",
        _("Evaluation"),
        "chart-line",
        Action.manage_rules,
        _("How well it finds and answers, and how often it may be wrong"),
    ),
    Entry(
        Section.ai,
        "/settings/search",
        _("Search"),
        "search",
        Action.manage_desk,
        _("How far the index is, languages, words that mean the same"),
    ),
    Entry(
        Section.ai,
        "/settings/models",
        _("Language models"),
        "sparkles",
        Action.manage_desk,
        _("Which may be asked for what, what they cost, and what left"),
    ),
    Entry(
        Section.connections,
        "/settings/webhooks",
        _("Webhooks"),
        "webhook",
        Action.manage_webhooks,
        _("Which programs are told of what happens"),
    ),
    Entry(
        Section.connections,
        "/settings/tokens",
        _("API tokens"),
        "key-round",
        Action.manage_tokens,
        _("Let programs act for agents"),
    ),
    Entry(
        Section.connections,
        "/settings/api",
        _("API"),
        "code",
        Action.signed_in,
        _("What programs can do, with examples"),
    ),
    Entry(
        Section.channels,
        "/settings/inboxes",
        _("Inboxes"),
        "inbox",
        Action.manage_inboxes,
        _("Mailboxes and other ways in, and whether they work"),
    ),
    Entry(
        Section.channels,
        "/settings/chat",
        _("Chat"),
        "message-square-text",
        Action.manage_inboxes,
        _("Live chat on your site: its look, its sites, who may write"),
    ),
    Entry(
        Section.channels,
        "/settings/slack",
        _("Slack"),
        "hash",
        Action.manage_inboxes,
        _("Channels that you share with customers, and a card for each ticket"),
    ),
    Entry(
        Section.channels,
        "/settings/programs",
        _("Programs and forms"),
        "plug",
        Action.manage_inboxes,
        _("Tickets from other programs, and a form for your site"),
    ),
    Entry(
        Section.channels,
        "/settings/help-centres",
        _("Help centre"),
        "book-open",
        Action.manage_desk,
        _("Your articles for customers, with your look, and their tickets"),
    ),
    Entry(
        Section.desk,
        "/settings/desk",
        _("General"),
        "building-2",
        Action.manage_desk,
        _("Name, ticket numbers, language, people in copy"),
    ),
    Entry(
        Section.desk,
        "/settings/audit",
        _("Audit"),
        "scroll-text",
        Action.read_audit,
        _("Everything that happened, and who did it"),
    ),
    Entry(
        Section.desk,
        "/settings/data",
        _("Retention"),
        "timer",
        Action.manage_data,
        _("How long tickets are kept"),
    ),
    Entry(
        Section.desk,
        "/settings/data/imports",
        _("Imports"),
        "upload",
        Action.manage_data,
        _("Tickets of another product"),
    ),
    Entry(
        Section.desk,
        "/settings/data/exports",
        _("Exports"),
        "download",
        Action.manage_data,
        _("Everything this desk holds, in one file"),
    ),
    Entry(
        Section.desk,
        "/settings/data/configuration",
        _("Settings as a file"),
        "file-text",
        Action.manage_desk,
        _("Rules, promises, macros and lists as YAML: compare and apply"),
    ),
    Entry(
        Section.desk,
        "/settings/data/backups",
        _("Backups"),
        "archive",
        Action.manage_data,
        _("What is copied every day"),
    ),
    Entry(
        Section.tickets,
        "/settings/sla",
        _("SLA policies"),
        "clock",
        Action.manage_sla,
        _("What customers are promised, and who is told when it is late"),
    ),
    Entry(
        Section.tickets,
        "/settings/calendars",
        _("Calendars"),
        "calendar",
        Action.manage_sla,
        _("Working hours and holidays, by which promises are counted"),
    ),
    Entry(
        Section.tickets,
        "/settings/satisfaction",
        _("Satisfaction"),
        "star",
        Action.manage_rules,
        _("Customers are asked how it was, and when"),
    ),
    Entry(
        Section.tickets,
        "/settings/statuses",
        _("Statuses"),
        "circle-dashed",
        Action.manage_desk,
        _("Names for colleagues and for customers, in six categories"),
    ),
    Entry(
        Section.tickets,
        "/settings/types",
        _("Types"),
        "layers",
        Action.manage_desk,
        _("What sort of thing a ticket is"),
    ),
    Entry(
        Section.tickets,
        "/settings/tags",
        _("Tags"),
        "tags",
        Action.manage_desk,
        _("Rename, merge, delete"),
    ),
    Entry(
        Section.tickets,
        "/settings/fields",
        _("Fields"),
        "list",
        Action.manage_desk,
        _("What you want to know of tickets, contacts and companies"),
    ),
]
"""Every page of the settings; within a section they are shown in this order."""


def sections(agent: Agent) -> Iterator[tuple[Text, list[Entry]]]:
    """What this agent may see, section by section; a section without a page is left out."""
    order = list(Section)
    seen = sorted((page for page in PAGES if may(agent, page.action)), key=lambda p: order.index(p.section))
    for section, pages in groupby(seen, key=lambda page: page.section):
        yield TITLES[section], list(pages)


def opened(path: str) -> Entry | None:
    return max((page for page in PAGES if page.is_open(path)), key=lambda page: len(page.path), default=None)
