"""What is said about a ticket with somebody else, apart from its customer."""

from typing import Any

import pytest
from sqlalchemy import select

from helpdesk import sides
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.identities import NoIdentity
from helpdesk.messages import Attachment, Direction, Match, Message, Upload
from helpdesk.sides import NobodyToWriteTo, NotHere, OwnAddress, SideConversation
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from workers.outgoing import compose

CARRIER = "parcels@carrier.example"


async def forwards(scene: Scene, ticket: Ticket, to: tuple[str, ...] = (CARRIER,), **options: Any) -> Message:
    async with committed(scene.desk.sessions) as session:
        given: dict[str, Any] = {
            "subject": "",
            "body": "Where is this parcel?",
            "by": scene.agents["Ada"],
        } | options
        return await sides.begin(session, await scene.ticket(ticket.id, session), to, **given)


async def sent(scene: Scene, message: Message) -> Any:
    async with committed(scene.desk.sessions) as session:
        loaded = await session.get_one(Message, message.id)
        await session.refresh(loaded, ["ticket", "agent", "attachments"])
        await session.refresh(loaded.ticket, ["inbox"])
        await session.refresh(loaded.ticket.inbox, ["answers_through"])
        return await compose(scene.desk, session, loaded)


@pytest.fixture
async def ticket(scene: Scene) -> Ticket:
    upload = Upload(name="label.pdf", content_type="application/pdf", content=b"pdf")
    return await scene.receives(
        mail("My parcel is lost", subject="Lost", external_id="a@lumen.example", attachments=(upload,))
    )


async def test_what_was_chosen_goes_to_the_third_party_under_an_address_of_its_own(
    scene: Scene, ticket: Ticket
):
    asked = (await scene.messages(ticket))[0]
    await scene.does(ticket, "note", "A secret among us", by=scene.agents["Ada"])
    message = await forwards(scene, ticket, forwarded=[asked.id], files=[asked.attachments[0].id])
    out = await sent(scene, message)
    assert (out.to, out.subject) == ((CARRIER,), "Fwd: Lost")
    assert "Where is this parcel?" in out.text
    assert "My parcel is lost" in out.text
    assert "secret" not in out.text
    assert [a.name for a in out.attachments] == ["label.pdf"]
    assert scene.desk.keys.ticket_key(out.reply_token) != ticket.reply_key
    assert out.in_reply_to is None


async def test_forwarding_answers_nobody(scene: Scene, ticket: Ticket):
    await forwards(scene, ticket)
    after = await scene.ticket(ticket.id)
    for name in ("category", "waiting_since", "preview", "last_direction", "first_replied_at", "next_due_at"):
        assert getattr(after, name) == getattr(ticket, name), name
    assert Kind.forwarded in await scene.kinds(ticket)
    assert Kind.replied not in await scene.kinds(ticket)


async def test_the_answer_stands_apart_and_never_reaches_the_customer(scene: Scene, ticket: Ticket):
    out = await sent(scene, await forwards(scene, ticket))
    before = await scene.ticket(ticket.id)
    landed = await scene.receives(mail("It burned down", sender=CARRIER, tokens=(out.reply_token,)))
    assert landed.id == ticket.id
    answer = (await scene.messages(ticket))[-1]
    assert (answer.side_id is not None, answer.matched) == (True, Match.token)
    after = await scene.ticket(ticket.id)
    for name in ("category", "waiting_since", "preview", "last_direction", "next_due_at"):
        assert getattr(after, name) == getattr(before, name), name
    kinds = await scene.kinds(ticket)
    assert Kind.third_party_answered in kinds
    assert kinds.count(Kind.message_received) == 1
    reply = await sent(scene, await scene.replies(ticket, "We are looking into it"))
    assert reply.to == ("marta@lumen.example",)
    assert "burned" not in reply.text
    assert not {answer.external_id, out.external_id} & set(reply.references)


async def test_everybody_in_it_is_known_by_the_one_address_others_are_strangers(scene: Scene, ticket: Ticket):
    out = await sent(scene, await forwards(scene, ticket, (CARRIER, "depot@carrier.example")))
    for sender, match in (
        ("depot@carrier.example", Match.token),
        ("x@elsewhere.example", Match.stranger_token),
    ):
        assert (await scene.receives(mail("Hm", sender=sender, tokens=(out.reply_token,)))).id == ticket.id
        assert (await scene.messages(ticket))[-1].matched is match
        assert (await scene.messages(ticket))[-1].side_id


async def test_by_reference_only_who_takes_part_lands_there(scene: Scene, ticket: Ticket):
    out = await sent(scene, await forwards(scene, ticket))
    theirs = await scene.receives(mail("Found it", sender=CARRIER, thread=(out.external_id,)))
    assert theirs.id == ticket.id
    assert (await scene.messages(ticket))[-1].side_id
    stranger = await scene.receives(mail("Let me in", sender="eve@evil.example", thread=(out.external_id,)))
    assert stranger.id != ticket.id
    into_the_thread = await scene.receives(
        mail("And the customer?", sender=CARRIER, thread=("a@lumen.example",))
    )
    assert into_the_thread.id != ticket.id
    customer = await scene.receives(mail("They showed me this", thread=(out.external_id,)))
    assert customer.id == ticket.id
    assert (await scene.messages(ticket))[-1].side_id is None


async def test_an_answer_to_it_goes_on_in_its_own_thread(scene: Scene, ticket: Ticket):
    first = await forwards(scene, ticket)
    out = await sent(scene, first)
    await scene.receives(
        mail("Which one?", sender=CARRIER, tokens=(out.reply_token,), external_id="q@carrier.example")
    )
    async with committed(scene.desk.sessions) as session:
        side = (await session.scalars(select(SideConversation))).one()
        loaded = await scene.ticket(ticket.id, session)
        again = sides.answer(loaded, side, "The green one", by=scene.agents["Ada"])
    said = await sent(scene, again)
    assert said.subject == "Re: Fwd: Lost"
    assert said.in_reply_to == "q@carrier.example"
    assert said.references == (out.external_id, "q@carrier.example")
    assert "> Which one?" in said.text
    assert said.reply_token == out.reply_token


async def test_a_ticket_on_hold_is_ours_again_when_they_answer(scene: Scene, ticket: Ticket):
    out = await sent(scene, await forwards(scene, ticket))
    await scene.does(ticket, "hold", by=scene.agents["Ada"])
    await scene.receives(mail("Found it", sender=CARRIER, tokens=(out.reply_token,)))
    assert (await scene.ticket(ticket.id)).category is Category.open


async def test_the_customers_own_address_is_warned_about(scene: Scene, ticket: Ticket):
    async with scene.desk.sessions() as session:
        loaded = await scene.ticket(ticket.id, session)
        found = await sides.customers_among(session, loaded, ["Marta@lumen.example", CARRIER])
    assert found == ["Marta@lumen.example"]


async def test_nobody_the_desk_itself_and_what_is_not_in_the_ticket_are_refused(scene: Scene, ticket: Ticket):
    other = await scene.receives(mail("Another's", sender="ben@there.example"))
    foreign = (await scene.messages(other))[0]
    note = await scene.does(ticket, "note", "Secret", by=scene.agents["Ada"])
    for to, options, error in (
        ((), {}, NobodyToWriteTo),
        (("nobody",), {}, NoIdentity),
        (("support@desk.example",), {}, OwnAddress),
        ((CARRIER,), {"forwarded": [foreign.id]}, NotHere),
        ((CARRIER,), {"forwarded": [note.id]}, NotHere),
        ((CARRIER,), {"files": [4711]}, NotHere),
    ):
        with pytest.raises(error):
            await forwards(scene, ticket, to, **options)
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(SideConversation.id)) is None
        assert len((await session.scalars(select(Attachment))).all()) == 1
    assert [m.direction for m in await scene.messages(ticket)] == [Direction.inbound, Direction.note]
