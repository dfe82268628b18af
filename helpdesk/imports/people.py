"""Who wrote and who answered: found by address, made where they are new. Many at once."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from helpdesk.clock import now
from helpdesk.identities import NoIdentity, normal
from helpdesk.imports.ledger import Ledger
from helpdesk.imports.records import Company, Person
from helpdesk.imports.reports import Report
from helpdesk.maildomains import is_public
from helpdesk.texts import clean

NAME = 200  # characters of a name that are kept


@dataclass(frozen=True)
class Stranger:
    """An address that wrote, of nobody whom the product lists."""

    address: str
    name: str = ""


class People:
    def __init__(self, connection: psycopg.Connection[Any], ledger: Ledger, report: Report) -> None:
        self.connection, self.ledger, self.report = connection, ledger, report

    def add_companies(self, batch: Sequence[Company]) -> None:
        known = self.ledger.known("company", [one.id for one in batch])
        for one in {one.id: one for one in batch}.values():
            if one.id in known:
                self.report.of("company").known += 1
                continue
            name = _line(one.name) or f"Company {one.id}"
            row, made = self._company(name, one.notes, one.created_at)
            self.ledger.note("company", one.id, row, made=made)
            for domain in {d.strip().lower().lstrip("@") for d in one.domains}:
                if "." in domain and not is_public(domain):
                    self.connection.execute(
                        "INSERT INTO company_domain (company_id, domain) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                        [row, domain],
                    )

    def _company(self, name: str, notes: str = "", at: datetime | None = None) -> tuple[int, bool]:
        made = self.connection.execute(
            "INSERT INTO company (name, notes, created_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [name, clean(notes), at or now()],
        ).fetchone()
        if made:
            self.report.of("company").made += 1
            return int(made[0]), True
        found = self.connection.execute("SELECT id FROM company WHERE name = %s", [name]).fetchone()
        self.report.of("company").known += 1
        return int(found[0]) if found else 0, False

    def add(self, batch: Sequence[Person]) -> None:
        """People of the product, colleagues among them."""
        batch = list({one.id: one for one in batch}.values())  # pages overlap
        agents = [one for one in batch if one.is_agent]
        self._agents(agents)
        self.add_contacts([one for one in batch if not one.is_agent])

    def _agents(self, batch: Sequence[Person]) -> None:
        """Who has no account here becomes one that nobody can sign in to, so that their words keep their author."""
        known = self.ledger.known("agent", [one.id for one in batch])
        for one in batch:
            if one.id in known:
                self.report.of("agent").known += 1
                continue
            address = (
                next(iter(_mails(one)), "")
                or f"{one.id}@{self.ledger.source.replace(':', '.')}.invalid".lower()
            )
            found = self.connection.execute(
                "SELECT id FROM agent WHERE lower(email) = %s", [address]
            ).fetchone()
            if found is None:
                found = self.connection.execute(
                    "INSERT INTO agent (name, email, role, active) VALUES (%s, %s, 'light_agent', false) RETURNING id",
                    [_line(one.name) or address, address],
                ).fetchone()
                self.report.of("agent").made += 1
                self.ledger.note("agent", one.id, found[0] if found else 0, made=True)
            else:
                self.report.of("agent").known += 1
                self.ledger.note("agent", one.id, found[0], made=False)

    def add_contacts(self, batch: Sequence[Person]) -> dict[str, int]:
        """Source id → contact, of all in the batch. One address is one contact, whoever came first."""
        found = self.ledger.known("contact", [one.id for one in batch])
        self.report.of("contact").known += len(found)
        new = {one.id: one for one in batch if one.id not in found}
        identities = {one.id: _identities(one, self.ledger.source) for one in new.values()}
        taken = self._by_identity({i for all_of in identities.values() for i in all_of})
        for one in new.values():
            row = next((taken[i] for i in identities[one.id] if i in taken), None)
            made = row is None
            if row is None:
                row = self._contact(one, self._company_of(one))
            missing = [i for i in identities[one.id] if i not in taken]
            self._identify(row, missing)
            taken |= dict.fromkeys(missing, row)
            found[one.id] = row
            self.ledger.note("contact", one.id, row, made=made)
            if made:
                self.report.of("contact").made += 1
            else:
                self.report.of("contact").known += 1
        return found

    def strangers(self, batch: Iterable[Stranger]) -> dict[str, int]:
        """Address → contact."""
        wanted = {address: one for one in batch if (address := _mail(one.address))}
        people = [
            Person(id=f"address:{address}", name=one.name, emails=(address,))
            for address, one in wanted.items()
        ]
        rows = self.add_contacts(people)
        return {address: rows[f"address:{address}"] for address in wanted}

    def nobody(self, source_id: str) -> int:
        """Somebody of whom the product tells nothing but a number."""
        return self.add_contacts([Person(id=source_id, name=f"Unknown ({source_id})")])[source_id]

    def _company_of(self, one: Person) -> int | None:
        if one.company_id:
            return self.ledger.known("company", [one.company_id]).get(one.company_id)
        if name := _line(one.company_name):
            row, made = self._company(name)
            self.ledger.note("company", f"name:{name}"[:200], row, made=made)
            return row
        return None

    def _contact(self, one: Person, company: int | None) -> int:
        name = _line(one.name) or next(iter(_mails(one)), "") or f"Contact {one.id}"
        row = self.connection.execute(
            "INSERT INTO contact (name, title, company_id, language, fields, created_at) "
            "VALUES (%s, %s, %s, %s, '{}', %s) RETURNING id",
            [name, _line(one.title), company, one.language[:20], one.created_at or now()],
        ).fetchone()
        made = int(row[0]) if row else 0
        if notes := clean(one.notes).strip():
            self.connection.execute(
                "INSERT INTO contact_note (contact_id, text) VALUES (%s, %s)", [made, notes[:20_000]]
            )
        return made

    def _by_identity(self, identities: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
        rows = self.connection.execute(
            "SELECT i.kind, i.value, coalesce(c.merged_into_id, c.id) FROM contact_identity i "
            "JOIN contact c ON c.id = i.contact_id "
            "JOIN unnest(%s::text[], %s::text[]) AS w (kind, value) ON w.kind = i.kind AND w.value = i.value",
            [[kind for kind, _ in identities], [value for _, value in identities]],
        )
        return {(kind, value): row for kind, value, row in rows}

    def _identify(self, contact: int, identities: Sequence[tuple[str, str]]) -> None:
        for kind, value in identities:
            self.connection.execute(
                "INSERT INTO contact_identity (contact_id, kind, value, proof, origin) "
                "VALUES (%s, %s, %s, 'none', 'import') ON CONFLICT DO NOTHING",
                [contact, kind, value],
            )


def _identities(one: Person, source: str) -> list[tuple[str, str]]:
    """Addresses first; who has neither address nor number is known by the product's id."""
    known = [("email", address) for address in _mails(one)]
    known += [("phone", phone) for given in one.phones if (phone := _read("phone", given))]
    return list(dict.fromkeys(known)) or [("external", f"{source}/{one.id}"[:300])]


def _mails(one: Person) -> list[str]:
    return [address for given in one.emails if (address := _mail(given))]


def _mail(given: str) -> str:
    return _read("email", given)


def _read(kind: str, given: str) -> str:
    try:
        return normal(kind, given)
    except NoIdentity:
        return ""


def _line(text: str) -> str:
    return " ".join(clean(text).split())[:NAME]


def reply_key() -> bytes:
    return secrets.token_bytes(16)
