"""Freshdesk, as version 2 of its API gives it.

    contacts.json, agents.json, companies.json, groups.json, ticket_fields.json
    tickets.json (with `include=description,stats`), conversations.json or conversations/<ticket id>.json

https://developers.freshdesk.com/api/#tickets  https://developers.freshdesk.com/api/#conversations
https://developers.freshdesk.com/api/#contacts  https://developers.freshdesk.com/api/#agents
https://developers.freshdesk.com/api/#companies  https://developers.freshdesk.com/api/#ticket-fields
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

STATUSES = {
    2: Category.open,
    3: Category.waiting,
    4: Category.resolved,
    5: Category.closed,
    6: Category.waiting,  # waiting on customer
    7: Category.on_hold,  # waiting on third party
}
PRIORITIES = {1: Priority.low, 2: Priority.normal, 3: Priority.high, 4: Priority.urgent}
KINDS = {
    "custom_text": FieldKind.text,
    "custom_paragraph": FieldKind.text,
    "custom_number": FieldKind.number,
    "custom_decimal": FieldKind.number,
    "custom_checkbox": FieldKind.boolean,
    "custom_date": FieldKind.date,
    "custom_dropdown": FieldKind.choice,
    "custom_multi_select_dropdown": FieldKind.choices,
    "custom_url": FieldKind.link,
}


class Freshdesk:
    name = "Freshdesk"
    hint = "Answers of the API as files, or the address of the account and an API key."

    def fields(self, place: Place) -> Iterator[Field | Broken]:
        yield from each("field", place.rows("ticket_fields"), _field)

    def companies(self, place: Place) -> Iterator[Company | Broken]:
        yield from each("company", place.rows("companies"), _company)

    def people(self, place: Place) -> Iterator[Person | Broken]:
        yield from each("person", place.rows("agents"), _agent)
        yield from each("person", place.rows("contacts"), _contact)

    def tickets(self, place: Place, shelf: Shelf) -> Iterator[Ticket | Broken]:
        shelf.put(place.rows("conversations"), "ticket_id", "_of")
        groups = {str(row["id"]): text_of(row.get("name")) for row in place.rows("groups")}
        agents = {str(row["id"]) for row in place.rows("agents")}
        yield from each("ticket", place.rows("tickets"), partial(_ticket, shelf, groups, agents))


def _field(row: Raw) -> Field | None:
    if (kind := KINDS.get(text_of(row.get("type")))) is None:
        return None
    choices = row.get("choices") or []
    named = [c["value"] if isinstance(c, dict) else str(c) for c in choices]
    return Field(
        key=row["name"], name=text_of(row.get("label") or row["name"]), kind=kind, choices=tuple(named)
    )


def _company(row: Raw) -> Company:
    return Company(
        id=str(row["id"]),
        name=row["name"],
        domains=many(row.get("domains")),
        notes="\n".join(filter(None, [text_of(row.get("description")), text_of(row.get("note"))])),
        created_at=moment_or_none(row.get("created_at")),
    )


def _agent(row: Raw) -> Person:
    about = row.get("contact") or row
    return Person(
        id=str(row["id"]),
        name=text_of(about.get("name")),
        emails=many([about["email"]]),
        is_agent=True,
        created_at=moment_or_none(row.get("created_at")),
    )


def _contact(row: Raw) -> Person:
    emails = [row.get("email"), *(row.get("other_emails") or ())]
    return Person(
        id=str(row["id"]),
        name=text_of(row.get("name")),
        emails=many([one for one in emails if one]),
        phones=many([one for one in (row.get("phone"), row.get("mobile")) if one]),
        title=text_of(row.get("job_title")),
        notes=text_of(row.get("description")),
        language=text_of(row.get("language")),
        company_id=id_of(row.get("company_id")),
        created_at=moment_or_none(row.get("created_at")),
    )


def _ticket(shelf: Shelf, groups: dict[str, str], agents: set[str], row: Raw) -> Ticket:
    category = STATUSES.get(row["status"], Category.open)  # further ones are an account's own
    stats = row.get("stats") or {}
    settled = moment_or_none(stats.get("resolved_at") or stats.get("closed_at") or row.get("updated_at"))
    first = Message(
        id=f"{row['id']}-description",
        at=moment(row["created_at"]),
        text=text_of(row.get("description_text")) or words(text_of(row.get("description"))),
        html=row.get("description"),
        author_id=id_of(row.get("requester_id")),
        copies=(),
        files=_files(row),
    )
    return Ticket(
        id=str(row["id"]),
        number=str(row["id"]),
        subject=text_of(row.get("subject")),
        category=category,
        created_at=moment(row["created_at"]),
        requester_id=id_of(row.get("requester_id")),
        requester_address=text_of((row.get("requester") or {}).get("email")),
        requester_name=text_of((row.get("requester") or {}).get("name")),
        priority=PRIORITIES.get(row.get("priority", 2), Priority.normal),
        assignee_id=id_of(row.get("responder_id")),
        team=groups.get(str(row.get("group_id")), ""),
        type=text_of(row.get("type")),
        tags=many(row.get("tags")),
        fields={
            name: value for name, value in (row.get("custom_fields") or {}).items() if value not in (None, "")
        },
        copies=many(row.get("cc_emails")),
        removed="spam" if row.get("spam") else "trash" if row.get("deleted") else None,
        resolved_at=settled if category.is_settled else None,
        messages=(first, *(_message(agents, one) for one in shelf.of(row["id"]))),
    )


def _message(agents: set[str], row: Raw) -> Message:
    author = id_of(row.get("user_id"))
    incoming = bool(row.get("incoming"))
    return Message(
        id=str(row["id"]),
        at=moment(row["created_at"]),
        text=text_of(row.get("body_text")) or words(text_of(row.get("body"))),
        html=row.get("body"),
        author_id=author,
        author_address=text_of(row.get("from_email")) if incoming else "",
        by_agent=not incoming and (author in agents or author is None),
        public=not row.get("private"),
        external_id=bare(row.get("message_id")),
        recipients=() if incoming else many(row.get("to_emails")),
        copies=many(row.get("cc_emails")),
        files=_files(row),
    )


def _files(row: Raw) -> tuple[File, ...]:
    return tuple(
        File(
            id=str(one["id"]),
            name=text_of(one.get("name")),
            content_type=text_of(one.get("content_type")),
            url=text_of(one.get("attachment_url")),
        )
        for one in row.get("attachments") or ()
    )


VENDOR = Freshdesk()
