"""Chatwoot, as its application API gives it.

    agents.json, contacts.json, custom_attribute_definitions.json, teams.json
    conversations.json, messages.json or messages/<conversation id>.json

https://developers.chatwoot.com/api-reference/conversations/conversations-list
https://developers.chatwoot.com/api-reference/messages/get-messages
https://developers.chatwoot.com/api-reference/contacts/list-contacts
https://github.com/chatwoot/chatwoot/tree/develop/swagger/definitions/resource (message, conversation, contact)

Mails carry `content_attributes.email` with `message_id`, `subject` and `html_content`. Contacts and agents
count separately, so their ids are written `contact-7` and `user-7`.
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
    many,
    moment,
    moment_or_none,
    text_of,
)
from helpdesk.imports.texts import words
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from helpdesk.values import FieldKind

INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
STATUSES = {
    "open": Category.open,
    "pending": Category.open,  # in the hands of a bot
    "snoozed": Category.on_hold,
    "resolved": Category.resolved,
}
PRIORITIES = {
    "low": Priority.low,
    "medium": Priority.normal,
    "high": Priority.high,
    "urgent": Priority.urgent,
}
KINDS = {
    "text": FieldKind.text,
    "number": FieldKind.number,
    "currency": FieldKind.number,
    "percent": FieldKind.number,
    "link": FieldKind.link,
    "date": FieldKind.date,
    "list": FieldKind.choice,
    "checkbox": FieldKind.boolean,
}


class Chatwoot:
    name = "Chatwoot"
    hint = "Answers of the application API as files, or the address of the account and an access token."

    def fields(self, place: Place) -> Iterator[Field | Broken]:
        yield from each("field", place.rows("custom_attribute_definitions"), _field)

    def companies(self, place: Place) -> Iterator[Company | Broken]:
        return iter(())  # known by name, on contacts

    def people(self, place: Place) -> Iterator[Person | Broken]:
        yield from each("person", place.rows("agents"), _agent)
        yield from each("person", place.rows("contacts"), _contact)

    def tickets(self, place: Place, shelf: Shelf) -> Iterator[Ticket | Broken]:
        shelf.put(place.rows("messages"), "conversation_id", "_of")
        yield from each("ticket", place.rows("conversations"), partial(_ticket, shelf))


def _field(row: Raw) -> Field | None:
    if row.get("attribute_model") not in {"conversation_attribute", 0}:
        return None
    return Field(
        key=row["attribute_key"],
        name=row["attribute_display_name"],
        kind=KINDS.get(text_of(row.get("attribute_display_type")), FieldKind.text),
        choices=many(row.get("attribute_values")),
    )


def _agent(row: Raw) -> Person:
    name = text_of(row.get("name") or row.get("available_name"))
    return Person(id=f"user-{row['id']}", name=name, emails=many([row["email"]]), is_agent=True)


def _contact(row: Raw) -> Person:
    more = row.get("additional_attributes") or {}
    return Person(
        id=f"contact-{row['id']}",
        name=text_of(row.get("name")),
        emails=many([row["email"]] if row.get("email") else []),
        phones=many([row["phone_number"]] if row.get("phone_number") else []),
        notes=text_of(more.get("description")),
        company_name=text_of(more.get("company_name")),
        created_at=moment_or_none(row.get("created_at")),
    )


def _ticket(shelf: Shelf, row: Raw) -> Ticket:
    meta = row.get("meta") or {}
    rows = shelf.of(row["id"]) or row.get("messages") or []
    messages = [_message(one) for one in rows if one.get("message_type") != ACTIVITY]
    mails = [(one.get("content_attributes") or {}).get("email") or {} for one in rows]
    subject = text_of((row.get("additional_attributes") or {}).get("mail_subject"))
    category = STATUSES[row["status"]]
    times = sorted(message.at for message in messages)
    created = row.get("created_at") or (times[0].timestamp() if times else row["timestamp"])
    sender = meta.get("sender") or {}
    ended = row.get("updated_at") or row.get("last_activity_at") or created
    return Ticket(
        id=str(row["id"]),
        number=str(row["id"]),
        subject=subject or next((text_of(mail["subject"]) for mail in mails if mail.get("subject")), ""),
        category=category,
        created_at=moment(created),
        requester_id=f"contact-{sender['id']}" if "id" in sender else None,
        requester_address=text_of(sender.get("email")),
        requester_name=text_of(sender.get("name")),
        priority=PRIORITIES.get(text_of(row.get("priority")), Priority.normal),
        assignee_id=f"user-{meta['assignee']['id']}" if meta.get("assignee") else None,
        team=text_of((meta.get("team") or {}).get("name")),
        tags=many(row.get("labels")),
        fields={k: v for k, v in (row.get("custom_attributes") or {}).items() if v not in (None, "")},
        resolved_at=moment(ended) if category.is_settled else None,
        messages=tuple(messages),
    )


def _message(row: Raw) -> Message:
    sender = row.get("sender") or {}
    mail = (row.get("content_attributes") or {}).get("email") or {}
    html = mail.get("html_content") or {}
    text = (
        row.get("content")
        or (mail.get("text_content") or {}).get("reply")
        or words(text_of(html.get("full")))
    )
    outgoing = row["message_type"] in {OUTGOING, TEMPLATE}
    kind = text_of(sender.get("type") or row.get("sender_type")).lower()
    by_user = outgoing and kind == "user"
    who = sender.get("id") or row.get("sender_id")
    return Message(
        id=str(row["id"]),
        at=moment(row["created_at"]),
        text=text_of(text),
        html=html.get("full"),
        author_id=f"{'user' if by_user else 'contact'}-{who}" if who and (by_user or not outgoing) else None,
        author_address=text_of(sender.get("email")) if not outgoing else "",
        author_name=text_of(sender.get("name")) if not outgoing else "",
        by_agent=by_user,
        by_desk=outgoing and not by_user,
        public=not row.get("private"),
        external_id=bare(mail.get("message_id")) or _mail_id(row.get("source_id")),
        copies=many(mail.get("cc")),
        files=tuple(_file(one) for one in row.get("attachments") or ()),
    )


def _mail_id(source: object) -> str | None:
    """Of mails, `source_id` is the Message-ID; of other channels, an id of theirs."""
    return bare(source) if "@" in text_of(source) else None


def _file(row: Raw) -> File:
    url = text_of(row.get("data_url"))
    name = url.rpartition("/")[2].partition("?")[0]
    return File(id=str(row["id"]), name=name or text_of(row.get("file_type")), url=url)


VENDOR = Chatwoot()
