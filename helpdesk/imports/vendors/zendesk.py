"""Zendesk Support, as its API and its JSON export give it.

    users.json, organizations.json, groups.json, ticket_fields.json, tickets.json
    ticket_comments/<ticket id>.json, or `comments` inside of each ticket as the full JSON export has them

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
https://developer.zendesk.com/api-reference/ticketing/users/users/
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
https://support.zendesk.com/hc/en-us/articles/4408886165402 (exporting, JSON)
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
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from helpdesk.values import FieldKind

STATUSES = {
    "new": Category.new,
    "open": Category.open,
    "pending": Category.waiting,
    "hold": Category.on_hold,
    "solved": Category.resolved,
    "closed": Category.closed,
}
KINDS = {
    "text": FieldKind.text,
    "textarea": FieldKind.text,
    "integer": FieldKind.number,
    "decimal": FieldKind.number,
    "checkbox": FieldKind.boolean,
    "date": FieldKind.date,
    "regexp": FieldKind.text,
    "tagger": FieldKind.choice,
    "multiselect": FieldKind.choices,
}


class Zendesk:
    name = "Zendesk"
    hint = "The JSON export of the admin center, or answers of the API as files."

    def fields(self, place: Place) -> Iterator[Field | Broken]:
        yield from each("field", place.rows("ticket_fields"), _field)

    def companies(self, place: Place) -> Iterator[Company | Broken]:
        yield from each("company", place.rows("organizations"), _company)

    def people(self, place: Place) -> Iterator[Person | Broken]:
        yield from each("person", place.rows("users"), _person)

    def tickets(self, place: Place, shelf: Shelf) -> Iterator[Ticket | Broken]:
        shelf.put(place.rows("ticket_comments", "comments"), "ticket_id", "_of")
        groups = {str(row["id"]): text_of(row.get("name")) for row in place.rows("groups")}
        agents = {str(r["id"]) for r in place.rows("users") if r.get("role") in {"agent", "admin"}}
        keys = {str(row["id"]): f"zd_{row['id']}" for row in place.rows("ticket_fields") if "id" in row}
        yield from each("ticket", place.rows("tickets"), partial(_ticket, shelf, groups, agents, keys))


def _field(row: Raw) -> Field | None:
    if (kind := KINDS.get(text_of(row.get("type")))) is None:
        return None  # subject, status and the like: columns of ours
    choices = tuple(option["value"] for option in row.get("custom_field_options") or ())
    return Field(key=f"zd_{row['id']}", name=row["title"], kind=kind, choices=choices)


def _company(row: Raw) -> Company:
    return Company(
        id=str(row["id"]),
        name=row["name"],
        domains=many(row.get("domain_names")),
        notes="\n".join(filter(None, [text_of(row.get("details")), text_of(row.get("notes"))])),
        created_at=moment_or_none(row.get("created_at")),
    )


def _person(row: Raw) -> Person:
    return Person(
        id=str(row["id"]),
        name=text_of(row.get("name")),
        emails=many([row["email"]] if row.get("email") else []),
        phones=many([row["phone"]] if row.get("phone") else []),
        is_agent=row.get("role") in {"agent", "admin"},
        notes="\n".join(filter(None, [text_of(row.get("details")), text_of(row.get("notes"))])),
        language=text_of(row.get("locale")),
        company_id=id_of(row.get("organization_id")),
        created_at=moment_or_none(row.get("created_at")),
    )


def _ticket(
    shelf: Shelf, groups: dict[str, str], agents: set[str], keys: dict[str, str], row: Raw
) -> Ticket | None:
    if row.get("status") == "deleted":
        return None
    comments = row.get("comments") or shelf.of(row["id"])
    requester = id_of(row.get("requester_id"))
    messages = [
        _message(agents, requester, comment) for comment in comments if comment.get("type") != "VoiceComment"
    ]
    if not messages and row.get("description"):
        at = moment(row["created_at"])
        messages = [
            Message(id=f"{row['id']}-description", at=at, text=row["description"], author_id=requester)
        ]
    status = STATUSES[row["status"]]
    return Ticket(
        id=str(row["id"]),
        number=str(row["id"]),
        subject=text_of(row.get("subject") or row.get("raw_subject")),
        category=status,
        created_at=moment(row["created_at"]),
        requester_id=requester,
        priority=Priority(row["priority"]) if row.get("priority") in set(Priority) else Priority.normal,
        assignee_id=id_of(row.get("assignee_id")),
        team=groups.get(str(row.get("group_id")), ""),
        type=text_of(row.get("type")).capitalize(),
        tags=many(row.get("tags")),
        fields={
            keys[str(given["id"])]: given["value"]
            for given in row.get("custom_fields") or ()
            if given.get("value") not in (None, "", []) and str(given["id"]) in keys
        },
        copies=many([str(one) for one in row.get("email_cc_ids") or ()]),
        resolved_at=moment_or_none(row.get("updated_at")) if status.is_settled else None,
        messages=tuple(messages),
    )


def _message(agents: set[str], requester: str | None, row: Raw) -> Message:
    author = id_of(row.get("author_id"))
    source = (row.get("via") or {}).get("source") or {}
    sender = source.get("from") or {}
    return Message(
        id=str(row["id"]),
        at=moment(row["created_at"]),
        text=text_of(row.get("plain_body") or row.get("body")),
        html=row.get("html_body"),
        author_id=None if author == "-1" else author,
        author_address=text_of(sender.get("address")),
        author_name=text_of(sender.get("name")),
        by_agent=author in agents and author != requester,
        by_desk=author == "-1",
        public=bool(row.get("public", True)),
        external_id=bare(((row.get("metadata") or {}).get("system") or {}).get("message_id")),
        copies=many(
            [one["address"] for one in [source.get("to") or {}] if "address" in one and author in agents]
        ),
        files=tuple(_file(one) for one in row.get("attachments") or () if not one.get("deleted")),
    )


def _file(row: Raw) -> File:
    return File(
        id=str(row["id"]),
        name=text_of(row.get("file_name")),
        content_type=text_of(row.get("content_type")),
        url=text_of(row.get("content_url")),
        inline=bool(row.get("inline")),
    )


VENDOR = Zendesk()
