"""People in copy and colleagues who follow: who is brought along by a mail, who is not, and who is written to."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk import copying, options
from helpdesk.access import visible_tickets
from helpdesk.copying import Ours, StillOnItsWay
from helpdesk.database import committed
from helpdesk.events import DESK, Kind
from helpdesk.identities import NoIdentity
from helpdesk.messages import InboundMessage, Match, Message, Proof, Sender
from helpdesk.participants import Participant
from helpdesk.people import Agent, Contact, known_as, with_access
from helpdesk.tickets import IsRequester, Ticket
from tests.scenes import Scene, mail

MARTA, JAN, KIM = "marta@lumen.example", "jan@lumen.example", "kim@elsewhere.example"


def proved(text: str = "With Jan in copy", sender: str = MARTA, **rest: Any) -> InboundMessage:
    """A mail whose domain confirms its sender."""
    return replace(
        mail(text, sender=sender, **rest), sender=Sender(address=sender, proof=Proof.authenticated)
    )


async def in_copy(scene: Scene, ticket: Ticket) -> list[str]:
    async with scene.desk.sessions() as session:
        return [copy.address for copy in await copying.copies(session, ticket)]


def token(scene: Scene, ticket: Ticket, address: str = MARTA) -> dict[str, Any]:
    return {"tokens": (scene.desk.keys.reply_token(ticket.reply_key, address),)}


async def test_a_proved_mail_brings_whom_it_names(scene: Scene):
    """Not the desk's own address, not colleagues, not the sender again."""
    names = (JAN, "Support@desk.example", "liam@desk.example", MARTA, KIM, "no address")
    ticket = await scene.receives(proved(recipients=names))
    assert await in_copy(scene, ticket) == [JAN, KIM]
    assert (await scene.kinds(ticket)).count(Kind.participant_added) == 2
    (message,) = await scene.messages(ticket)
    assert message.recipients == list(names), "nobody is lost"


@pytest.mark.parametrize("proof", [Proof.none, Proof.failed])
async def test_a_mail_that_nothing_proves_brings_nobody(scene: Scene, proof: Proof):
    unproved = Sender(address=MARTA, proof=proof)
    ticket = await scene.receives(replace(mail(recipients=(JAN,)), sender=unproved))
    again = replace(mail("Again", recipients=(KIM,), **token(scene, ticket)), sender=unproved)
    assert (await scene.receives(again)).id == ticket.id
    assert await in_copy(scene, ticket) == []


async def test_a_stranger_with_a_leaked_address_brings_nobody(scene: Scene):
    ticket = await scene.receives()
    leaked = proved("Me too", sender=KIM, recipients=(JAN,), **token(scene, ticket))
    assert (await scene.receives(leaked)).id == ticket.id
    assert (await scene.messages(ticket))[-1].matched is Match.stranger_token
    assert await in_copy(scene, ticket) == []


async def test_neither_a_machine_nor_a_circular_nor_a_blocked_sender_brings_anybody(scene: Scene):
    crowd = tuple(f"p{n}@lumen.example" for n in range(11))
    for inbound in (proved(recipients=(JAN,), automatic=True), proved(recipients=crowd)):
        assert await in_copy(scene, await scene.receives(inbound)) == []


async def test_the_desk_may_choose_that_mails_bring_nobody(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        await options.change(session, by=DESK, take_copies=False)
    assert await in_copy(scene, await scene.receives(proved(recipients=(JAN,)))) == []


async def test_whoever_is_in_copy_answers_under_their_own_name_in_the_same_ticket(scene: Scene):
    ticket = await scene.receives(proved(recipients=(JAN,)))
    answer = mail("From me, too", sender=JAN, **token(scene, ticket))
    assert (await scene.receives(answer)).id == ticket.id
    message = (await scene.messages(ticket))[-1]
    assert message.matched is Match.participant
    assert (message.sender, message.contact_id != ticket.contact_id) == (JAN, True)
    assert (await scene.ticket(ticket.id)).contact_id == ticket.contact_id


async def test_whoever_was_taken_out_is_a_stranger_again(scene: Scene):
    ticket = await scene.receives(proved(recipients=(JAN,)))
    async with committed(scene.desk.sessions) as session:
        loaded = await with_people(scene, ticket, session)
        jan = await session.get_one(Contact, loaded.participants[0].contact_id)
        loaded.take_out(jan, by=scene.agents["Ada"])
    await scene.receives(mail("And me?", sender=JAN, **token(scene, ticket)))
    assert (await scene.messages(ticket))[-1].matched is Match.stranger_token


async def with_people(scene: Scene, ticket: Ticket, session: object) -> Ticket:
    loaded = await scene.ticket(ticket.id, session)  # type: ignore[arg-type]
    await session.refresh(loaded, ["participants", "contact"])  # type: ignore[attr-defined]
    return loaded


async def test_an_agent_adds_somebody_by_address(scene: Scene):
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        loaded = await with_people(scene, ticket, session)
        for _ in range(2):
            await copying.add(session, loaded, " Jan@Lumen.example ", by=scene.agents["Ada"])
        for wrong, refused in (
            ("support@desk.example", Ours),
            ("ada@desk.example", Ours),
            ("jan", NoIdentity),
            (MARTA, IsRequester),
            (f"x@y.example,{KIM}", NoIdentity),
        ):
            with pytest.raises(refused):
                await copying.add(session, loaded, wrong, by=scene.agents["Ada"])
    assert await in_copy(scene, ticket) == [JAN]


async def test_mails_that_name_each_other_do_not_wait_for_each_other_for_ever(scene: Scene):
    people = [f"p{n}@lumen.example" for n in range(5)]
    mails = [
        proved(f"{n}", sender=people[n % 5], recipients=tuple(p for p in people if p != people[n % 5]))
        for n in range(20)
    ]
    await asyncio.wait_for(scene.receives_at_once(mails), 20)
    async with scene.desk.sessions() as session:
        assert len((await session.scalars(select(Contact.id))).all()) == 5


async def test_a_follower_sees_what_another_team_has(scene: Scene):
    ticket = await scene.receives()
    tess = scene.agents["Tess"]

    async def sees() -> bool:
        async with scene.desk.sessions() as session:
            query = select(Agent).where(Agent.id == tess.id).options(*with_access())
            agent = (await session.scalars(query)).unique().one()
            return await session.scalar(visible_tickets(agent).where(Ticket.id == ticket.id)) is not None

    assert not await sees()
    for verb, after in (("follow", True), ("follow", True), ("unfollow", False)):
        async with committed(scene.desk.sessions) as session:
            loaded = await with_people(scene, ticket, session)
            getattr(loaded, verb)(await session.get_one(Agent, tess.id), by=scene.agents["Ada"])
        assert await sees() is after
    assert (await scene.kinds(ticket)).count(Kind.participant_added) == 1


async def handed(scene: Scene, ticket: Ticket, address: str, *, keep: bool) -> None:
    async with committed(scene.desk.sessions) as session:
        loaded = await with_people(scene, ticket, session)
        contact = await known_as(session, Sender(address=address))
        await copying.hand_to(session, loaded, contact, keep=keep, by=scene.agents["Ada"])


async def test_another_requester_is_answered_and_the_one_before_stays_in_copy_by_choice(scene: Scene):
    ticket = await scene.receives(proved(recipients=(JAN,)))
    await handed(scene, ticket, JAN, keep=True)
    assert await in_copy(scene, ticket) == [MARTA]
    await handed(scene, ticket, KIM, keep=False)
    assert await in_copy(scene, ticket) == [MARTA]
    assert (await scene.kinds(ticket)).count(Kind.requester_changed) == 2
    async with scene.desk.sessions() as session:
        rows = await session.scalars(select(Participant).where(Participant.ticket_id == ticket.id))
        assert len(rows.all()) == 1


async def test_a_reply_on_its_way_keeps_its_requester(scene: Scene):
    """It was written to the one before, and leaves in some seconds, or days."""
    ticket = await scene.receives()
    await scene.replies(ticket)
    with pytest.raises(StillOnItsWay, match="has not left"):
        await handed(scene, ticket, JAN, keep=True)
    async with committed(scene.desk.sessions) as session:
        reply = (await session.scalars(select(Message).order_by(Message.id.desc()).limit(1))).one()
        (await scene.ticket(ticket.id, session)).withdraw(reply, by=scene.agents["Ada"])
    await handed(scene, ticket, JAN, keep=True)
