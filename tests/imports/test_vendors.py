"""What five products export becomes the same tickets, told in this desk's words."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.fields import CustomField
from helpdesk.imports.rows import Imported
from helpdesk.messages import Direction, Match, Message
from helpdesk.people import Agent, Company, Contact
from helpdesk.sla import Clock
from helpdesk.statuses import Category
from helpdesk.tickets import Priority, Ticket
from tests.imports.hands import VENDORS, counted, imported
from tests.scenes import Scene, mail

ASKED = datetime(2024, 5, 2, 9, 0, tzinfo=UTC)
ANSWERED = datetime(2024, 5, 2, 11, 0, tzinfo=UTC)
THANKED = datetime(2024, 5, 3, 10, 0, tzinfo=UTC)
SETTLED = {
    "zendesk": Category.resolved,
    "freshdesk": Category.resolved,
    "chatwoot": Category.resolved,
    "zammad": Category.closed,
    "freescout": Category.closed,
}


async def _ticket(scene: Scene, source_id: str) -> Ticket:
    async with scene.desk.sessions() as session:
        found = await session.scalars(
            select(Ticket)
            .join(Imported, Imported.row_id == Ticket.id)
            .where(Imported.kind == "ticket", Imported.source_id == source_id)
            .options(
                joinedload(Ticket.contact).options(
                    selectinload(Contact.identities), joinedload(Contact.company)
                ),
                joinedload(Ticket.assignee),
                joinedload(Ticket.team),
                selectinload(Ticket.tags),
            )
        )
        return found.one()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_ticket_comes_whole(scene: Scene, vendor: str):
    """Who, when, what, in which state; with its file, its note and the ids of its mails."""
    report = await imported(scene, vendor)
    ticket = await _ticket(scene, "7001")
    assert (ticket.subject, ticket.category) == ("Invoice of May", SETTLED[vendor])
    assert (ticket.created_at, ticket.resolved_at) == (ASKED, THANKED)
    assert (ticket.first_replied_at, ticket.last_message_at) == (ANSWERED, THANKED)
    assert ticket.priority is (Priority.high if vendor != "freescout" else Priority.normal)
    assert ticket.team
    assert ticket.team.name == "Billing"
    assert sorted(tag.name for tag in ticket.tags) == ["invoice", "vip"]
    assert ticket.contact.name == "Marta Lindqvist"
    assert ticket.contact.address == "marta@lumen.example"
    assert ("phone", "+4930901820") in [(i.kind, i.value) for i in ticket.contact.identities]
    assert ticket.contact.company
    assert ticket.contact.company.name == "Lumen"
    assert ticket.assignee
    assert (ticket.assignee.name, ticket.assignee.active) == ("Olga Former", False)
    said = await scene.messages(ticket)
    assert [(m.direction, m.text, m.sent_at) for m in said[:2]] == [
        (Direction.inbound, "Please send the invoice of May.", ASKED),
        (Direction.outbound, "Here it is.", ANSWERED),
    ]
    assert [(m.direction, m.text) for m in said[2:]] == [
        (Direction.note, "She pays late."),
        (Direction.inbound, "Thank you!"),
    ]
    assert [m.agent_id for m in said[1:3]] == [ticket.assignee.id] * 2
    assert {m.contact_id for m in (said[0], said[3])} == {ticket.contact_id}
    assert [(a.name) for m in said for a in m.attachments] == ["order.pdf"]
    assert await scene.desk.files.get(said[0].attachments[0].key) == b"%PDF-1.4 invoice of Lumen\n"
    assert report.of("message").made == 5
    assert report.of("ticket").failed == 1
    assert report.troubles[0]["id"] == "7003"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_custom_fields_come_along(scene: Scene, vendor: str):
    await imported(scene, vendor)
    ticket = await _ticket(scene, "7001")
    async with scene.desk.sessions() as session:
        names = {field.key: field.name for field in await session.scalars(select(CustomField))}
    told = {names[key]: value for key, value in ticket.fields.items()}
    assert told["Plan"] == "gold"
    assert told["Seats"] in {12, "12"}  # one of the products knows texts only


@pytest.mark.parametrize("vendor", VENDORS)
async def test_nothing_happens_because_of_it(scene: Scene, vendor: str):
    """No promise, no reaction, no mail; and nobody can sign in as a former colleague."""
    await imported(scene, vendor)
    assert await counted(scene, "event_dispatch", "procrastinate_jobs", "sla_clock") == [0, 0, 0]
    async with scene.desk.sessions() as session:
        kinds = set(await session.scalars(select(Event.kind)))
        waiting = await session.scalars(select(Message).where(Message.delivery.in_(["queued", "sending"])))
        agent = await session.scalar(select(Agent).where(Agent.email == "olga@former.example"))
        assert kinds == {Kind.imported}
        assert waiting.all() == []
        assert agent
        assert (agent.active, agent.password_hash) == (False, None)
        assert (await session.scalars(select(Clock))).all() == []


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_second_run_changes_nothing(scene: Scene, vendor: str):
    await imported(scene, vendor)
    tables = (
        "ticket",
        "message",
        "contact",
        "contact_identity",
        "agent",
        "company",
        "attachment",
        "tag",
        "event",
    )
    before = await counted(scene, *tables)
    again = await imported(scene, vendor)
    assert again.changed == 0
    assert again.of("ticket").known == 2
    assert await counted(scene, *tables) == before


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk", "chatwoot", "zammad", "freescout"])
async def test_an_answer_to_an_old_mail_finds_its_ticket(scene: Scene, vendor: str):
    """The customer answers a mail of the former desk, or their own; it is the same conversation."""
    await imported(scene, vendor)
    ticket = await _ticket(scene, "7001")
    async with scene.desk.sessions() as session:
        query = select(Message.external_id).where(
            Message.ticket_id == ticket.id, Message.external_id.is_not(None)
        )
        old = (await session.scalars(query)).all()
    assert old
    assert not any("<" in one for one in old if one)
    landed = await scene.receives(mail("And June?", sender="marta@lumen.example", thread=(old[0],)))
    assert landed.id == ticket.id
    assert landed.category is Category.open
    assert (await scene.messages(landed))[-1].matched is Match.reference
    stranger = await scene.receives(mail("Let me in", sender="eve@evil.example", thread=(old[0],)))
    assert stranger.id != ticket.id


async def test_people_who_are_known_stay_who_they_are(scene: Scene):
    """An address is one contact, whoever told of it; a colleague with an account keeps it."""
    before = await scene.receives(mail("Hello", sender="marta@lumen.example", name="Marta of before"))
    async with committed(scene.desk.sessions) as session:
        session.add(Company(name="Lumen"))
        await session.execute(text("UPDATE agent SET email = 'olga@former.example' WHERE name = 'Liam Osei'"))
    report = await imported(scene, "zendesk")
    ticket = await _ticket(scene, "7001")
    assert ticket.contact_id == before.contact_id
    assert ticket.contact.name == "Marta of before"
    assert ticket.assignee_id == scene.agents["Liam"].id
    assert (report.of("agent").made, report.of("agent").known) == (0, 1)
    assert report.of("company").made == 0


async def test_two_products_share_people_and_not_tickets(scene: Scene):
    await imported(scene, "zendesk")
    await imported(scene, "freshdesk")
    tickets, contacts, companies, agents = await counted(scene, "ticket", "contact", "company", "agent")
    assert (tickets, contacts, companies, agents) == (4, 2, 1, 4)
