"""Tickets and what was said in them → rows, a batch a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from helpdesk.fields import BadValue, CustomField
from helpdesk.imports.ledger import Ledger
from helpdesk.imports.people import People, Stranger, reply_key
from helpdesk.imports.places import Place
from helpdesk.imports.records import File, Message, Person, Ticket, field_key
from helpdesk.imports.reports import Report
from helpdesk.imports.stores import Store
from helpdesk.labels import own_colour
from helpdesk.statuses import BUILT_IN
from helpdesk.texts import clean, preview

SUBJECT = 500  # characters
MOST_TAGS = 50
LONGEST = 4_000_000  # characters of a text or an HTML body


class Author(NamedTuple):
    kind: str
    contact: int | None = None
    agent: int | None = None
    address: str = ""


@dataclass
class Written:
    """A message that got its row."""

    message: Message
    author: Author
    direction: str


@dataclass
class Batch:
    """Whom and what the tickets of one batch name, looked up once for all of them."""

    agents: dict[str, int]
    contacts: dict[str, int]
    strangers: dict[str, int]
    tickets: dict[str, int]
    messages: dict[str, int]
    teams: dict[str, int]
    types: dict[str, int]
    tags: dict[str, int]


class Writer:
    def __init__(
        self,
        connection: psycopg.Connection[Any],
        ledger: Ledger,
        report: Report,
        *,
        inbox_id: int,
        place: Place,
        store: Store,
        fields: dict[str, CustomField],
    ) -> None:
        self.connection, self.ledger, self.report = connection, ledger, report
        self.inbox_id, self.place, self.store, self.fields = inbox_id, place, store, fields
        self.people = People(connection, ledger, report)

    def add(self, tickets: Sequence[Ticket]) -> None:
        """One transaction is the caller's; nothing is dispatched."""
        tickets = list({ticket.id: ticket for ticket in tickets}.values())  # pages overlap
        batch = self._looked_up(tickets)
        rows, said, tags, events = [], [], [], []
        new_ids = iter(self._ids("ticket", sum(t.id not in batch.tickets for t in tickets)))
        for ticket in tickets:
            said_in_it = {m.id: m for m in sorted(ticket.messages, key=lambda m: m.at)}.values()
            fresh = [m for m in said_in_it if m.id not in batch.messages]
            self.report.of("message").known += len(ticket.messages) - len(fresh)
            written = [self._written(message, ticket, batch) for message in fresh]
            if ticket.id in batch.tickets:
                self.report.of("ticket").known += 1
                row = batch.tickets[ticket.id]
                if written:
                    self._grow(row, written[-1])
            else:
                row = next(new_ids)
                self.ledger.note("ticket", ticket.id, row, made=True)
                self.report.of("ticket").made += 1
                rows.append(self._row(row, ticket, batch, written))
                named = {tag for name in ticket.tags[:MOST_TAGS] if (tag := batch.tags.get(_tag(name)))}
                tags += [(row, tag) for tag in named]
                told = {
                    "source": self.ledger.source,
                    "id": ticket.id,
                    "number": ticket.number,
                    "run": self.ledger.run_id,
                }
                events.append((row, "imported", "desk", Jsonb(told)))
            said += [(row, one) for one in written]
        self._copy(TICKET, rows)
        self._copy("ticket_tag (ticket_id, tag_id)", tags)
        self._messages(said)
        self._copy("event (ticket_id, kind, actor, data)", events)

    def _looked_up(self, tickets: Sequence[Ticket]) -> Batch:
        messages = [message for ticket in tickets for message in ticket.messages]
        ids = (
            {t.requester_id for t in tickets}
            | {t.assignee_id for t in tickets}
            | {m.author_id for m in messages}
        )
        named = {one for one in ids if one}
        agents, contacts = self.ledger.known("agent", named), self.ledger.known("contact", named)
        strangers = [
            Stranger(m.author_address, m.author_name)
            for m in messages
            if m.author_address
            and not m.by_agent
            and (m.author_id is None or m.author_id not in contacts | agents)
        ]
        strangers += [
            Stranger(t.requester_address, t.requester_name)
            for t in tickets
            if t.requester_address and (t.requester_id is None or t.requester_id not in contacts)
        ]
        colleagues = {
            t.requester_id for t in tickets if t.requester_id in agents and t.requester_id not in contacts
        }
        contacts |= self._as_contacts({one: agents[one] for one in colleagues if one})
        return Batch(
            agents=agents,
            contacts=contacts,
            strangers=self.people.strangers(strangers),
            tickets=self.ledger.known("ticket", [t.id for t in tickets]),
            messages=self.ledger.known("message", [m.id for m in messages]),
            teams=self._named("team", {t.team for t in tickets}),
            types=self._named("ticket_type", {t.type for t in tickets}),
            tags=self._tags({_tag(name) for t in tickets for name in t.tags}),
        )

    def _as_contacts(self, agents: dict[str, int]) -> dict[str, int]:
        """Colleagues who asked for something themselves."""
        rows = self.connection.execute(
            "SELECT id, name, email FROM agent WHERE id = ANY(%s)", [list(agents.values())]
        )
        known = {row: (name, email) for row, name, email in rows}
        people = [
            Person(id=one, name=known[row][0], emails=(known[row][1],))
            for one, row in agents.items()
            if row in known
        ]
        return self.people.add_contacts(people) if people else {}

    def _row(self, row: int, ticket: Ticket, batch: Batch, said: Sequence[Written]) -> tuple[Any, ...]:
        spoken = [one for one in said if one.direction != "note"]
        last = spoken[-1] if spoken else None
        answers = [
            one.message.at for one in spoken if one.direction == "outbound" and one.author.kind == "agent"
        ]
        settled = ticket.category.is_settled
        resolved = ticket.resolved_at or (last.message.at if last else ticket.created_at)
        subject = " ".join(clean(ticket.subject).split())[:SUBJECT]
        return (
            row,
            subject or (preview(last.message.text, 80) if last else "") or f"#{ticket.number}",
            ticket.category.value,
            BUILT_IN[ticket.category],
            ticket.priority.value,
            batch.types.get(ticket.type.casefold()),
            Jsonb(self._values(ticket)),
            self.inbox_id,
            self._requester(ticket, batch),
            batch.teams.get(ticket.team.casefold()),
            batch.agents.get(ticket.assignee_id or ""),
            reply_key(),
            False,
            preview(clean(last.message.text)) if last else "",
            last.direction if last else None,
            last.message.at if last else ticket.created_at,
            None if settled else _waiting_since(spoken),
            min(answers, default=None),
            resolved if settled else None,
            ticket.removed,
            resolved if ticket.removed else None,
            ticket.created_at,
        )

    def _requester(self, ticket: Ticket, batch: Batch) -> int:
        if ticket.requester_id and (row := batch.contacts.get(ticket.requester_id)):
            return row
        if row := batch.strangers.get(ticket.requester_address.strip().lower()):
            return row
        return self.people.nobody(ticket.requester_id or f"ticket-{ticket.id}")

    def _values(self, ticket: Ticket) -> dict[str, Any]:
        kept = {}
        for name, given in ticket.fields.items():
            if field := self.fields.get(field_key(name)):
                try:
                    kept[field.key] = field.read(given)
                except BadValue as error:
                    self.report.trouble("field", f"{ticket.id}/{name}", str(error), skipped=True)
        return {key: value for key, value in kept.items() if value is not None}

    def _written(self, message: Message, ticket: Ticket, batch: Batch) -> Written:
        author = self._author(message, ticket, batch)
        if not message.public:
            return Written(message, author, "note")
        return Written(message, author, "inbound" if author.kind == "contact" else "outbound")

    def _author(self, message: Message, ticket: Ticket, batch: Batch) -> Author:
        known = message.author_id or ""
        if message.by_desk:
            return Author("desk")
        if message.by_agent or (known in batch.agents and known not in batch.contacts):
            agent = batch.agents.get(known)
            return Author("agent", agent=agent) if agent else Author("desk")
        address = message.author_address.strip().lower()
        contact = batch.contacts.get(known) or batch.strangers.get(address) or self._requester(ticket, batch)
        return Author("contact", contact=contact, address=address)

    def _messages(self, said: Sequence[tuple[int, Written]]) -> None:
        ids = self._ids("message", len(said))
        rows, files = [], []
        for message_id, (ticket_id, one) in zip(ids, said, strict=True):
            message = one.message
            self.ledger.note("message", message.id, message_id, made=True)
            outbound = one.direction == "outbound"
            rows.append(
                (
                    message_id,
                    ticket_id,
                    self.inbox_id,
                    one.direction,
                    one.author.kind,
                    one.author.contact,
                    one.author.agent,
                    clean(message.text)[:LONGEST],
                    clean(message.html)[:LONGEST] if message.html else None,
                    message.at,
                    clean(message.external_id) if message.external_id else None,
                    one.author.address or None,
                    [clean(address) for address in message.recipients],
                    [clean(address) for address in message.copies],
                    message.by_desk,
                    "sent" if outbound else None,
                    message.at if outbound else None,
                    message.at,
                )
            )
            files += [(message_id, file) for file in message.files]
        self.report.of("message").made += len(rows)
        self._copy(MESSAGE, rows)
        self._copy(ATTACHMENT, [row for message_id, file in files if (row := self._file(message_id, file))])

    def _file(self, message_id: int, file: File) -> tuple[Any, ...] | None:
        path: Path | None = self.place.file(file.id)
        if path is None:
            self.report.trouble("file", file.id, f"{file.name} is not among the files", skipped=True)
            return None
        key, size = self.store.put(path)
        self.report.of("file").made += 1
        name = clean(file.name or path.name).replace("/", "_")[:255]
        kind = clean(file.content_type or "application/octet-stream")[:127]
        return (message_id, name, kind, size, key, file.content_id and clean(file.content_id), file.inline)

    def _grow(self, ticket_id: int, last: Written) -> None:
        """Messages that a later export brings of a ticket that is here already."""
        self.connection.execute("UPDATE ticket_fact SET counted_at = NULL WHERE id = %s", [ticket_id])
        if last.direction != "note":
            self.connection.execute(
                "UPDATE ticket SET preview = %s, last_direction = %s, last_message_at = %s "
                "WHERE id = %s AND last_message_at < %s",
                [
                    preview(clean(last.message.text)),
                    last.direction,
                    last.message.at,
                    ticket_id,
                    last.message.at,
                ],
            )

    def _named(self, table: str, names: set[str]) -> dict[str, int]:
        """Teams and types by name, made where they are new."""
        wanted = {name.casefold(): " ".join(clean(name).split())[:50] for name in names if name.strip()}
        for name in wanted.values():
            self.connection.execute(  # what another batch or a colleague made is taken
                f"INSERT INTO {table} (name, colour) SELECT %s, %s "  # noqa: S608 - one of two names of ours
                f"WHERE NOT EXISTS (SELECT FROM {table} WHERE lower(name) = lower(%s))",
                [name, own_colour(name), name],
            )
        rows = self.connection.execute(
            f"SELECT lower(name), id FROM {table} WHERE lower(name) = ANY(%s)",  # noqa: S608
            [[name.lower() for name in wanted.values()]],
        )
        found = dict(rows.fetchall())
        return {key: found[name.lower()] for key, name in wanted.items() if name.lower() in found}

    def _tags(self, names: set[str]) -> dict[str, int]:
        wanted = [name for name in names if name]
        if wanted:
            self.connection.cursor().executemany(
                "INSERT INTO tag (name, colour) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [(name, own_colour(name)) for name in wanted],
            )
        rows = self.connection.execute(
            "SELECT lower(name), id FROM tag WHERE lower(name) = ANY(%s)", [wanted]
        )
        return dict(rows.fetchall())

    def _ids(self, table: str, count: int) -> list[int]:
        rows = self.connection.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
        )
        return [row for (row,) in rows]

    def _copy(self, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            with self.connection.cursor().copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


TICKET = (
    "ticket (id, subject, category, status_id, priority, type_id, fields, inbox_id, contact_id, team_id, "
    "assignee_id, reply_key, has_suggestion, preview, last_direction, last_message_at, waiting_since, "
    "first_replied_at, resolved_at, removed, removed_at, created_at)"
)
MESSAGE = (
    "message (id, ticket_id, inbox_id, direction, author, contact_id, agent_id, text, html, sent_at, external_id, "
    "sender, recipients, copies, automatic, delivery, delivered_at, created_at)"
)
ATTACHMENT = "attachment (message_id, name, content_type, size, key, content_id, inline)"


def _waiting_since(spoken: Sequence[Written]) -> datetime | None:
    """Since the first message that was not answered."""
    since = None
    for one in spoken:
        if one.direction == "outbound":
            since = None
        elif since is None:
            since = one.message.at
    return since


def _tag(name: str) -> str:
    return " ".join(clean(name).replace(",", " ").replace(";", " ").split())[:50].lower()
