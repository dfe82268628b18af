"""FreeScout, as the API of its module API & Webhooks gives it.

    users.json, customers.json, mailboxes.json
    conversations.json with `_embedded.threads` in each (`embed=threads`), or threads/<conversation id>.json

https://api-docs.freescout.net/#list-conversations  https://api-docs.freescout.net/#get-conversation
https://api-docs.freescout.net/#list-customers  https://api-docs.freescout.net/#list-users

Customers and users count separately, so their ids are written `customer-7` and `user-7`.
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
from helpdesk.values import FieldKind

STATUSES = {
    "active": Category.open,
    "pending": Category.waiting,
    "closed": Category.closed,
    "spam": Category.closed,
}


class FreeScout:
    name = "FreeScout"
    hint = "Answers of the API as files, or the address of the desk and an API key."

    def fields(self, place: Place) -> Iterator[Field | Broken]:
        """Conversations name their fields; nothing else does."""
        names = {
            str(given["id"]): text_of(given.get("name"))
            for row in place.rows("conversations")
            for given in row.get("customFields") or ()
            if "id" in given
        }
        for number, name in sorted(names.items()):
            yield Field(key=f"fs_{number}", name=name or f"Field {number}", kind=FieldKind.text)

    def companies(self, place: Place) -> Iterator[Company | Broken]:
        return iter(())  # known by name, on customers

    def people(self, place: Place) -> Iterator[Person | Broken]:
        yield from each("person", place.rows("users"), partial(_person, "user"))
        yield from each("person", place.rows("customers"), partial(_person, "customer"))

    def tickets(self, place: Place, shelf: Shelf) -> Iterator[Ticket | Broken]:
        shelf.put(place.rows("threads"), "conversationId", "_of")
        teams = {row["id"]: text_of(row.get("name")) for row in place.rows("mailboxes")}
        yield from each("ticket", place.rows("conversations"), partial(_ticket, shelf, teams))


def _person(kind: str, row: Raw) -> Person:
    name = f"{text_of(row.get('firstName'))} {text_of(row.get('lastName'))}".strip()
    more = (row.get("_embedded") or {}) | {k: row[k] for k in ("emails", "phones") if k in row}
    emails = [one["value"] for one in more.get("emails") or () if one.get("value")]
    return Person(
        id=f"{kind}-{row['id']}",
        name=name,
        emails=many(emails or ([row["email"]] if row.get("email") else [])),
        phones=many([one["value"] for one in more.get("phones") or () if one.get("value")]),
        is_agent=kind == "user",
        title=text_of(row.get("jobTitle")),
        notes=text_of(row.get("notes")),
        company_name=text_of(row.get("company")),
        created_at=moment_or_none(row.get("createdAt")),
    )


def _ticket(shelf: Shelf, teams: dict[object, str], row: Raw) -> Ticket | None:
    if row.get("state") == "draft":
        return None
    threads = (row.get("_embedded") or {}).get("threads") or shelf.of(row["id"])
    category = STATUSES[row["status"]]
    customer = row.get("customer") or {}
    assignee = row.get("assignee") or {}
    spam = "spam" if row["status"] == "spam" else "trash" if row.get("state") == "deleted" else None
    said = [_message(one) for one in threads if one.get("type") != "lineitem" and one.get("state") != "draft"]
    return Ticket(
        id=str(row["id"]),
        number=text_of(row.get("number") or row["id"]),
        subject=text_of(row.get("subject")),
        category=category,
        created_at=moment(row["createdAt"]),
        requester_id=f"customer-{customer['id']}" if customer.get("id") else None,
        requester_address=text_of(customer.get("email")),
        requester_name=f"{text_of(customer.get('firstName'))} {text_of(customer.get('lastName'))}".strip(),
        assignee_id=f"user-{assignee['id']}" if assignee.get("id") else None,
        team=teams.get(row.get("mailboxId"), ""),
        tags=many([t["name"] if isinstance(t, dict) else t for t in row.get("tags") or ()]),
        fields={
            f"fs_{one['id']}": one.get("text") or one["value"]
            for one in row.get("customFields") or ()
            if one.get("value")
        },
        copies=many(row.get("cc")),
        removed=spam,
        resolved_at=moment_or_none(row.get("closedAt") or row.get("updatedAt"))
        if category.is_settled
        else None,
        messages=tuple(sorted(said, key=lambda message: message.at)),  # the API gives the newest first
    )


def _message(row: Raw) -> Message:
    author = row.get("createdBy") or row.get("customer") or {}
    by_user = row["type"] in {"message", "note"}
    who = "user" if author.get("type", "user" if by_user else "customer") == "user" else "customer"
    return Message(
        id=str(row["id"]),
        at=moment(row["createdAt"]),
        text=words(text_of(row.get("body"))),
        html=row.get("body"),
        author_id=f"{who}-{author['id']}" if author.get("id") else None,
        author_address=text_of(author.get("email")) if not by_user else "",
        by_agent=by_user,
        public=row["type"] != "note",
        external_id=bare(row.get("messageId")),
        recipients=many(row.get("to")) if by_user else (),
        copies=many(row.get("cc")),
        files=tuple(_file(one) for one in (row.get("_embedded") or {}).get("attachments") or ()),
    )


def _file(row: Raw) -> File:
    return File(
        id=str(row["id"]),
        name=text_of(row.get("fileName")),
        content_type=text_of(row.get("mimeType")),
        url=text_of(row.get("fileUrl")),
    )


VENDOR = FreeScout()
