"""People: who they are by their addresses and domains, who is blocked, what colleagues write down."""

import json
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import companies, contacts
from helpdesk.contacts import ContactNote, Taken, visible_contacts
from helpdesk.database import committed
from helpdesk.errors import Invalid
from helpdesk.events import Event, Kind
from helpdesk.identities import NoIdentity, normal
from helpdesk.messages import InboundMessage, Proof, Sender
from helpdesk.notifications import Notification, Reason, Way, choose
from helpdesk.people import Agent, Company, Contact, ContactIdentity, Role, with_access
from helpdesk.tickets import Removal
from tests.conftest import CORPORA, missing
from tests.scenes import Scene, mail
from workers.notices import notify


def sender(address: str, proof: Proof = Proof.none, name: str = "Marta Reyes") -> Sender:
    return Sender(address=address, name=name, proof=proof)


async def company(scene: Scene, name: str = "Lumen", domain: str = "lumen.example") -> Company:
    async with committed(scene.desk.sessions) as session:
        return await companies.create(session, name, by=scene.agents["Ada"], domain=domain)


async def of(scene: Scene, address: str) -> Contact:
    async with scene.desk.sessions() as session:
        found = await session.scalars(
            select(Contact)
            .join(Contact.identities)
            .where(ContactIdentity.value == address)
            .options(selectinload(Contact.identities), joinedload(Contact.company))
        )
        return found.one()


async def kinds_about(scene: Scene, row: Contact | Company) -> list[Kind]:
    async with scene.desk.sessions() as session:
        query = select(Event.kind).where(Event.about == row.__tablename__, Event.about_id == row.id)
        return list(await session.scalars(query.order_by(Event.id)))


async def known(scene: Scene, name: str) -> Agent:
    async with scene.desk.sessions() as session:
        query = select(Agent).where(Agent.id == scene.agents[name].id).options(*with_access())
        return (await session.scalars(query)).unique().one()


class TestCompanyByDomain:
    async def test_a_new_contact_gets_the_company_of_its_domain(self, scene: Scene):
        """With an event that says why, so that an agent can see it and take it back."""
        lumen = await company(scene)
        await scene.receives(mail(sender="marta@lumen.example"))
        marta = await of(scene, "marta@lumen.example")
        assert marta.company_id == lumen.id
        async with scene.desk.sessions() as session:
            created = await session.scalar(select(Event).where(Event.kind == Kind.contact_created))
        assert created
        assert created.data == {"company": lumen.id, "because": "domain"}

    async def test_a_subdomain_belongs_to_the_nearest_company(self, scene: Scene):
        await company(scene)
        near = await company(scene, "Lumen Labs", "labs.lumen.example")
        await scene.receives(mail(sender="noor@eu.labs.lumen.example"))
        assert (await of(scene, "noor@eu.labs.lumen.example")).company_id == near.id

    async def test_a_lookalike_domain_is_another(self, scene: Scene):
        await company(scene)
        await scene.receives(mail(sender="eve@notlumen.example"))
        assert (await of(scene, "eve@notlumen.example")).company_id is None

    async def test_a_mail_that_its_domain_disowns_gets_no_company(self, scene: Scene):
        await company(scene)
        await scene.receives(forged())
        assert (await of(scene, "ceo@lumen.example")).company_id is None

    @pytest.mark.parametrize("domain", ["gmail.com", "web.de", "hey.com", "mail.gmail.com"])
    async def test_no_company_has_a_public_provider(self, scene: Scene, domain: str):
        async with committed(scene.desk.sessions) as session:
            made = await companies.create(session, "Everybody", by=scene.agents["Ada"])
            with pytest.raises(companies.PublicDomain):
                await companies.add_domain(session, made, domain, by=scene.agents["Ada"])

    async def test_a_domain_is_one_companys(self, scene: Scene):
        await company(scene)
        with pytest.raises(companies.DomainTaken):
            await company(scene, "Another", "LUMEN.example")

    @pytest.mark.parametrize(
        "domain", ["", "lumen", "co.uk", "-x.example", "a b.example", "x" * 260 + ".example"]
    )
    async def test_what_is_no_domain_is_refused(self, scene: Scene, domain: str):
        with pytest.raises(companies.NoDomain):
            companies.domain_name(domain)

    async def test_a_new_domain_brings_those_who_wrote_before(self, scene: Scene):
        await scene.receives(mail(sender="marta@lumen.example"))
        lumen = await company(scene)
        assert (await of(scene, "marta@lumen.example")).company_id == lumen.id

    async def test_receiving_costs_no_statement_more(self, scene: Scene):
        """Who wrote and which company theirs is are one insert: mail in has a goal in milliseconds."""
        await company(scene)
        said: list[str] = []
        sqlalchemy_event.listen(
            scene.desk.engine.sync_engine,
            "before_cursor_execute",
            lambda _c, _k, words, *_: said.append(words),
        )
        await scene.receives(mail(sender="marta@lumen.example"))
        assert sum("company_domain" in words for words in said) == 1
        assert sum(words.startswith("SELECT") and "company_domain" in words for words in said) == 0


def forged() -> InboundMessage:
    return mail(sender="ceo@lumen.example").__class__(
        external_id="f@lumen.example",
        sender=sender("ceo@lumen.example", Proof.failed),
        text="Please pay",
        received_at=mail().received_at,
        fingerprint="f",
    )


class TestProof:
    async def test_a_proven_mail_proves_the_address_for_good(self, scene: Scene):
        """And a forged one later takes nothing away."""
        for proof, expected in (
            (Proof.none, Proof.none),
            (Proof.authenticated, Proof.authenticated),
            (Proof.failed, Proof.authenticated),
        ):
            message = mail("Hello " + proof)
            await scene.receives(
                message.__class__(
                    external_id=message.external_id,
                    sender=sender("marta@lumen.example", proof),
                    text=message.text,
                    received_at=message.received_at,
                    fingerprint=proof,
                )
            )
            identity = (await of(scene, "marta@lumen.example")).identities[0]
            assert identity.proof is expected
            assert (identity.verified_at is not None) == (expected is Proof.authenticated)


class TestBlocked:
    async def test_mail_of_a_blocked_contact_goes_to_spam(self, scene: Scene):
        """It is kept, says why, has no promise, and answers no ticket."""
        first = await scene.receives(mail(sender="troll@noise.example"))
        reply = await scene.replies(first)
        async with committed(scene.desk.sessions) as session:
            contact = await session.get_one(Contact, first.contact_id)
            contacts.block(session, contact, by=scene.agents["Ada"])
        again = await scene.receives(
            mail("Once more", sender="troll@noise.example", thread=(reply.external_id or "x",))
        )
        assert again.id != first.id
        assert again.removed is Removal.spam
        assert again.removed_at is not None
        assert again.next_due_at is None
        assert not any(clock.is_running for clock in again.clocks)
        assert [m.text for m in await scene.messages(again)] == ["Once more"]
        assert Kind.removed in await scene.kinds(again)
        assert Kind.message_received not in (await scene.kinds(first))[3:]

    async def test_nobody_hears_of_it(self, scene: Scene):
        """Not even who wants to hear of every new ticket of the team."""
        async with committed(scene.desk.sessions) as session:
            liam = await session.get_one(Agent, scene.agents["Liam"].id)
            choose(liam, {Reason.team: [Way.app]})
        first = await scene.receives(mail(sender="troll@noise.example"))
        async with committed(scene.desk.sessions) as session:
            contacts.block(session, await session.get_one(Contact, first.contact_id), by=scene.agents["Ada"])
        again = await scene.receives(mail("Once more", sender="troll@noise.example"))
        async with scene.desk.sessions() as session:
            events = {
                ticket.id: list(await session.scalars(select(Event.id).where(Event.ticket_id == ticket.id)))
                for ticket in (first, again)
            }
        await notify(scene.desk, events[first.id] + events[again.id])
        async with scene.desk.sessions() as session:
            told = list(await session.scalars(select(Notification.event_id)))
        assert set(told) & set(events[first.id])
        assert not set(told) & set(events[again.id])

    async def test_unblocked_they_are_heard_again(self, scene: Scene):
        first = await scene.receives(mail(sender="troll@noise.example"))
        async with committed(scene.desk.sessions) as session:
            contact = await session.get_one(Contact, first.contact_id)
            contacts.block(session, contact, by=scene.agents["Ada"])
            contacts.block(session, contact, by=scene.agents["Ada"])
            contacts.unblock(session, contact, by=scene.agents["Ada"])
        assert (await scene.receives(mail(sender="troll@noise.example"))).removed is None
        assert (await kinds_about(scene, contact))[1:] == [Kind.contact_blocked, Kind.contact_unblocked]


class TestIdentities:
    @pytest.mark.parametrize(
        ("kind", "value", "stored"),
        [
            ("email", " Marta@Lumen.example ", "marta@lumen.example"),
            ("phone", "+49 (0) 30 123 45-67", "+49301234567"),
            ("phone", "0049 30 1234567", "+49301234567"),
            ("phone", "030/1234567", "0301234567"),
            ("phone", "+1 (415) 555-2671 ext. 12", "+14155552671"),
            ("slack", "U02AB", "U02AB"),
            ("external", " crm  17 ", "crm 17"),
        ],
    )
    def test_the_same_address_is_the_same_text(self, kind: str, value: str, stored: str):
        assert normal(kind, value) == stored
        assert normal(kind, stored) == stored

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("email", "marta"),
            ("email", "a@b@c.example"),
            ("email", ""),
            ("phone", "call me"),
            ("slack", "x" * 400),
        ],
    )
    def test_what_is_no_address_is_refused_in_words(self, kind: str, value: str):
        with pytest.raises(NoIdentity):
            normal(kind, value)

    async def test_an_address_is_one_contacts(self, scene: Scene):
        ticket = await scene.receives(mail(sender="marta@lumen.example"))
        ada = scene.agents["Ada"]
        async with committed(scene.desk.sessions) as session:
            marta = await session.get_one(Contact, ticket.contact_id)
            await contacts.add_identity(session, marta, "email", "Marta@private.example", by=ada)
            noor = await contacts.create(session, "Noor", by=ada, email="noor@lumen.example")
            with pytest.raises(Taken):
                await contacts.add_identity(session, noor, "email", "marta@lumen.example", by=ada)
        again = await scene.receives(mail(sender="marta@private.example"))
        assert again.contact_id == ticket.contact_id


class TestWhoKnowsWhom:
    async def test_a_light_agent_knows_only_people_of_their_tickets(self, scene: Scene):
        shown = await scene.receives(mail(sender="marta@lumen.example"))
        hidden = await scene.receives(mail(sender="noor@lumen.example"))
        async with committed(scene.desk.sessions) as session:
            lou = Agent(name="Lou", email="lou@desk.example", role=Role.light_agent)
            session.add(lou)
        scene.agents["Lou"] = lou
        await scene.does(shown, "assign", lou, by=scene.agents["Ada"])
        async with scene.desk.sessions() as session:
            for name, expected in (
                ("Lou", {shown.contact_id}),
                ("Liam", {shown.contact_id, hidden.contact_id}),
                ("Ada", {shown.contact_id, hidden.contact_id}),
            ):
                seen = await session.scalars(visible_contacts(await known(scene, name)))
                assert {contact.id for contact in seen} == expected, name

    async def test_who_was_switched_off_knows_nobody(self, scene: Scene):
        await scene.receives(mail())
        ada = await known(scene, "Ada")
        ada.active = False
        async with scene.desk.sessions() as session:
            assert not (await session.scalars(visible_contacts(ada))).all()


def naughty() -> list[str]:
    file = CORPORA / "security/naughty.jsonl"
    if not file.exists():
        missing(str(file))
    return [json.loads(line)["text"] for line in file.read_text().splitlines()]


async def test_naughty_strings_survive_every_text(session: AsyncSession, scene: Scene):
    """Names and titles are one line, so runs of white space become one space; notes keep every character."""
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        contact = await contacts.create(session, "Marta", by=ada)
        firm = await companies.create(session, "Lumen", by=ada)
        for text in naughty():
            line = " ".join(text.replace("\x00", "").encode("utf-8", "replace").decode().split())
            if not line or len(line) > contacts.LONGEST:
                continue
            await contacts.change(session, contact, {"name": text, "title": text}, by=ada)
            await companies.change(session, firm, {"name": text, "notes": text}, by=ada)
            note = await contacts.note(session, contact, text, by=ada)
            identity = await contacts.add_identity(session, contact, "external", text, by=ada)
            await session.flush()
            for row in (contact, firm, note, identity):
                await session.refresh(row)
            kept = text.replace("\x00", "").encode("utf-8", "replace").decode().replace("\r\n", "\n").strip()
            assert [contact.name, contact.title, firm.name, identity.value] == [line] * 4
            assert [firm.notes, note.text] == [kept] * 2


async def test_changes_are_events_without_personal_text(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        contact = await contacts.create(session, "Marta Reyes", by=ada, email="marta@lumen.example")
        given: dict[str, Any] = {"name": "Marta R.", "language": "pt_br", "time_zone": "Europe/Berlin"}
        assert await contacts.change(session, contact, given, by=ada) == ["name", "language", "time_zone"]
        assert await contacts.change(session, contact, given, by=ada) == []
        note = await contacts.note(session, contact, "Prefers mornings", by=ada)
        await contacts.remove_note(session, contact, note, by=ada)
    assert contact.language == "pt-BR"
    assert await kinds_about(scene, contact) == [
        Kind.contact_created,
        Kind.identity_added,
        Kind.contact_changed,
        Kind.contact_noted,
        Kind.contact_note_removed,
    ]
    async with scene.desk.sessions() as session:
        told = json.dumps(list(await session.scalars(select(Event.data))))
        assert not any(word in told for word in ("Marta", "marta", "mornings"))
        assert not (await session.scalars(select(ContactNote))).all()


@pytest.mark.parametrize(
    "given", [{"language": "klingonish"}, {"time_zone": "Mars/Base"}, {"name": "  "}, {"title": "x" * 201}]
)
async def test_what_cannot_be_is_refused(scene: Scene, given: dict[str, str]):
    async with committed(scene.desk.sessions) as session:
        contact = await contacts.create(session, "Marta", by=scene.agents["Ada"])
        with pytest.raises(Invalid):
            await contacts.change(session, contact, given, by=scene.agents["Ada"])
