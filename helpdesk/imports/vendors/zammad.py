"""Zammad, as its REST API gives it with `?expand=true`.

    users.json, organizations.json, tickets.json (with `tags` where they were fetched)
    ticket_articles.json or ticket_articles/<ticket id>.json, object_manager_attributes.json

https://docs.zammad.org/en/latest/api/ticket/index.html  https://docs.zammad.org/en/latest/api/ticket/articles.html
https://docs.zammad.org/en/latest/api/user.html  https://docs.zammad.org/en/latest/api/organization.html
https://docs.zammad.org/en/latest/api/object.html
"""

from collections.abc import Iterator
from functools import partial

from helpdesk.imports.places import Place, Shelf
from helpdesk.imports.records import (
    Broken,
    Company,
    Field,
    File,
    Message,
    Person,
    Raw,
    Ticket,
    bare,
    each,
    id_of,
    many,
    moment,
    moment_or_none,
    text_of,
)
from helpdesk.imports.texts import words
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from helpdesk.values import FieldKind

STATES = {
    "new": Category.new,
    "open": Category.open,
    "pending reminder": Category.on_hold,
    "pending close": Category.waiting,
    "closed": Category.closed,
    "merged": Category.closed,
}
PRIORITIES = {"1 low": Priority.low, "2 normal": Priority.normal, "3 high": Priority.high}
KINDS = {
    "input": FieldKind.text,
    "textarea": FieldKind.text,
    "integer": FieldKind.number,
    "boolean": FieldKind.boolean,
    "date": FieldKind.date,
    "select": FieldKind.choice,
    "multiselect": FieldKind.choices,
}


class Zammad:
    name = "Zammad"
    hint = "Answers of the REST API as files, or the address of the desk and an access token."

    def fields(self, place: Place) -> Iterator[Field | Broken]:
        yield from each("field", place.rows("object_manager_attributes"), _field)

    def companies(self, place: Place) -> Iterator[Company | Broken]:
        yield from each("company", place.rows("organizations"), _company)

    def people(self, place: Place) -> Iterator[Person | Broken]:
        yield from each("person", place.rows("users"), _person)

    def tickets(self, place: Place, shelf: Shelf) -> Iterator[Ticket | Broken]:
        shelf.put(place.rows("ticket_articles", "articles"), "ticket_id", "_of")
        agents = {str(row["id"]) for row in place.rows("users") if _is_agent(row)}
        keys = {f.key for f in self.fields(place) if isinstance(f, Field)}
        yield from each("ticket", place.rows("tickets"), partial(_ticket, shelf, agents, keys))


def _field(row: Raw) -> Field | None:
    if row.get("object") not in {"Ticket", None} or not row.get("editable", True):
        return None
    options = (row.get("data_option") or {}).get("options") or {}
    choices = options if isinstance(options, dict) else {o["value"]: o["name"] for o in options}
    kind = KINDS.get(text_of(row.get("data_type")), FieldKind.text)
    return Field(
        key=row["name"], name=text_of(row.get("display")), kind=kind, choices=tuple(map(str, choices))
    )


def _company(row: Raw) -> Company:
    return Company(
        id=str(row["id"]),
        name=row["name"],
        domains=many(row.get("domain")),
        notes=words(text_of(row.get("note"))),
        created_at=moment_or_none(row.get("created_at")),
    )


def _is_agent(row: Raw) -> bool:
    roles = {text_of(role).lower() for role in row.get("roles") or ()}
    return bool(roles & {"agent", "admin"} or {1, 2} & set(row.get("role_ids") or ()))


def _person(row: Raw) -> Person | None:
    if row["id"] == 1:  # "-", the system itself
        return None
    name = f"{text_of(row.get('firstname'))} {text_of(row.get('lastname'))}".strip()
    return Person(
        id=str(row["id"]),
        name=name,
        emails=many([row["email"]] if row.get("email") else []),
        phones=many([one for one in (row.get("phone"), row.get("mobile")) if one]),
        is_agent=_is_agent(row),
        notes=words(text_of(row.get("note"))),
        company_id=id_of(row.get("organization_id")),
        created_at=moment_or_none(row.get("created_at")),
    )


def _ticket(shelf: Shelf, agents: set[str], keys: set[str], row: Raw) -> Ticket:
    category = STATES.get(text_of(row.get("state")), Category.open)
    owner = id_of(row.get("owner_id"))
    return Ticket(
        id=str(row["id"]),
        number=text_of(row.get("number")),
        subject=text_of(row.get("title")),
        category=category,
        created_at=moment(row["created_at"]),
        requester_id=id_of(row.get("customer_id")),
        requester_address=text_of(row.get("customer")) if "@" in text_of(row.get("customer")) else "",
        priority=PRIORITIES.get(text_of(row.get("priority")), Priority.normal),
        assignee_id=None if owner == "1" else owner,
        team=text_of(row.get("group")),
        tags=many(row.get("tags")),
        fields={key: row[key] for key in keys if row.get(key) not in (None, "", [])},
        resolved_at=moment_or_none(row.get("close_at") or row.get("updated_at"))
        if category.is_settled
        else None,
        messages=tuple(_message(agents, one) for one in shelf.of(row["id"])),
    )


def _message(agents: set[str], row: Raw) -> Message:
    html = row["body"] if "html" in text_of(row.get("content_type")) else None
    author = id_of(row.get("origin_by_id") or row.get("created_by_id"))
    system = row.get("sender") == "System"
    return Message(
        id=str(row["id"]),
        at=moment(row["created_at"]),
        text=words(html) if html else text_of(row.get("body")),
        html=html,
        author_id=None if system or author == "1" else author,
        author_address=_address(text_of(row.get("from"))) if row.get("sender") == "Customer" else "",
        by_agent=row.get("sender") == "Agent",
        by_desk=system,
        public=not row.get("internal"),
        external_id=bare(row.get("message_id")),
        recipients=tuple(map(_address, many(row.get("to")))) if row.get("sender") == "Agent" else (),
        copies=tuple(map(_address, many(row.get("cc")))),
        files=tuple(_file(row, one) for one in row.get("attachments") or ()),
    )


def _address(text: str) -> str:
    """`Ada <ada@example.com>` → `ada@example.com`."""
    return text.rpartition("<")[2].rstrip("> ").strip()


def _file(article: Raw, row: Raw) -> File:
    told = row.get("preferences") or {}
    disposition = text_of(told.get("Content-Disposition") or told.get("content-alternative"))
    return File(
        id=str(row["id"]),
        name=text_of(row.get("filename")),
        content_type=text_of(told.get("Content-Type") or told.get("Mime-Type")),
        url=f"/api/v1/ticket_attachment/{article.get('ticket_id')}/{article['id']}/{row['id']}",
        content_id=bare(told.get("Content-ID")),
        inline=disposition.startswith("inline"),
    )


VENDOR = Zammad()
