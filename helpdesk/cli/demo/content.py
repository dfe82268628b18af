"""What the demo tells: a company, its help centre, its tickets, and mails to try the desk with.

The texts stand in the folder `content` beside this file; `load()` reads them and names file and field
where one of them can't be read.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from helpdesk.errors import Misconfigured
from helpdesk.people import Role
from helpdesk.statuses import Category
from helpdesk.tickets import Priority

FOLDER = Path(__file__).parent / "content"
FRONT_MATTER = re.compile(r"---\n(?P<fields>.*?)\n---\n(?P<body>.*)", re.DOTALL)


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything here is read once and never changed; a misspelt field is refused by name."""


class Team(Told, frozen=True):
    name: str
    colour: Literal["blue", "green", "orange"]
    description: str
    examples: tuple[str, ...]


class Agent(Told, frozen=True):
    name: str
    mail: str
    role: Role
    teams: tuple[str, ...]
    time_zone: str
    signature: str


class Firm(Told, frozen=True):
    """Where contacts work."""

    name: str
    domain: str
    about: str


class Contact(Told, frozen=True):
    name: str
    mail: str
    company: str | None = None
    title: str | None = None


class Inbox(Told, frozen=True):
    name: str
    address: str


class Holiday(Told, frozen=True):
    day: str
    """MM-DD, every year."""
    name: str


class Calendar(Told, frozen=True):
    name: str
    time_zone: str
    opens: str
    closes: str
    weekdays: tuple[int, ...]
    """ISO: Monday is 1."""
    country: str
    subdivision: str
    language: str
    holidays: tuple[Holiday, ...]


class Targets(Told, frozen=True):
    """Business minutes."""

    first_response: int
    resolution: int


class Sla(Told, frozen=True):
    name: str
    urgent: Targets
    high: Targets
    normal: Targets
    low: Targets


class Article(Told, frozen=True):
    title: str
    slug: str
    category: str
    summary: str
    keywords: str
    body: str
    """Markdown; links to other articles by slug."""


class Attachment(Told, frozen=True):
    name: str
    content_type: str
    content: str


class Message(Told, frozen=True):
    kind: Literal["inbound", "outbound", "note"]
    author: str
    """The mail of a contact or an agent."""
    ago: timedelta
    """Back from the moment of seeding, so that the demo is always fresh."""
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()


class Ticket(Told, frozen=True):
    subject: str
    contact: str
    priority: Priority
    category: Category
    messages: tuple[Message, ...]
    team: str | None = None
    assignee: str | None = None


class Tickets(Told, frozen=True):
    """One file of them."""

    tickets: tuple[Ticket, ...]


class Company(Told, frozen=True):
    """Whose desk this is, and who writes to it: company.toml, with the articles and tickets beside it."""

    name: str
    domain: str
    about: str
    inbox: Inbox
    calendar: Calendar
    sla: Sla
    teams: tuple[Team, ...]
    agents: tuple[Agent, ...]
    companies: tuple[Firm, ...]
    contacts: tuple[Contact, ...]
    articles: tuple[Article, ...] = ()
    tickets: tuple[Ticket, ...] = ()


class Question(Told, frozen=True):
    """What a customer might ask in words of their own; `slug` is None where no article answers."""

    question: str
    slug: str | None


T = TypeVar("T", bound=Told)


def load(folder: Path = FOLDER) -> Company:
    """Raises Misconfigured with the file, the field and what is wrong with it."""
    files = [toml(path, Tickets) for path in sorted(folder.glob("tickets/*.toml"))]
    return msgspec.structs.replace(
        toml(folder / "company.toml", Company),
        articles=tuple(article(path) for path in sorted(folder.glob("articles/*.md"))),
        tickets=tuple(ticket for file in files for ticket in file.tickets),
    )


def mails(folder: Path = FOLDER) -> dict[str, Path]:
    """The sample mails by name, for `helpdesk demo mail`."""
    return {path.stem: path for path in sorted(folder.glob("mails/*.eml"))}


def questions(folder: Path = FOLDER) -> tuple[Question, ...]:
    """Sixty questions with the article that answers each, to measure search and suggestions by."""
    path = folder / "questions.jsonl"
    lines = enumerate(path.read_text().splitlines(), start=1)
    return tuple(converted(msgspec.json.decode(line), Question, f"{path.name}:{n}") for n, line in lines)


def toml(path: Path, shape: type[T]) -> T:
    try:
        return converted(msgspec.toml.decode(path.read_text()), shape, path.name)
    except msgspec.DecodeError as error:
        raise Misconfigured(f"{path.name}: {error}.") from None


def article(path: Path) -> Article:
    found = FRONT_MATTER.fullmatch(path.read_text())
    if not found:
        raise Misconfigured(
            f"{path.name} needs front matter: `---`, lines of `field: value`, `---`, the text."
        )
    fields = dict(field(line, path) for line in found["fields"].splitlines())
    return converted(fields | {"body": found["body"].strip()}, Article, path.name)


def field(line: str, path: Path) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise Misconfigured(f"{path.name}: `{line}` in the front matter is not `field: value`.")
    return name.strip(), value.strip()


def converted(fields: Mapping[str, Any], shape: type[T], name: str) -> T:
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{name}: {error}.") from None
