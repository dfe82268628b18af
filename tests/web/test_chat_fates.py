"""What colleagues do with a ticket while its visitor has the chat open: what the visitor writes next is a message in
the right place, and nobody reads a stranger's words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import contact_merges, contacts, deletion, retention
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.merging import merge, split, unmerge
from helpdesk.messages import Message
from helpdesk.people import Agent, Contact, with_access
from helpdesk.tickets import Removal, Ticket
from tests.scenes import Scene, mail
from tests.web.chatting import answering, frame_of
from tests.web.served import Console

Fate = Callable[[Scene, Ticket, Ticket], Awaitable[None]]
"""What happens to the first ticket; the second is a stranger's."""


async def ada_of(scene: Scene, session: AsyncSession) -> Agent:
    return await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())


async def merged(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        await merge(session, ticket.number, strangers.number, by=await ada_of(scene, session))


async def merged_for_a_while(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        made = await merge(session, ticket.number, strangers.number, by=await ada_of(scene, session))
    async with committed(scene.desk.sessions) as session:
        await unmerge(session, made.id, by=await ada_of(scene, session))


async def swallowed_the_other(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    await merged(scene, strangers, ticket)


async def was_split(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    second = (await scene.messages(ticket))[1]
    async with committed(scene.desk.sessions) as session:
        await split(session, ticket.number, second.id, by=await ada_of(scene, session))


async def became_spam(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    await scene.does(ticket, "remove", Removal.spam, by=scene.agents["Ada"])


async def was_deleted(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    await became_spam(scene, ticket, strangers)
    async with committed(scene.desk.sessions) as session:
        await deletion.delete_for_good(
            session, await session.get_one(Ticket, ticket.id), by=scene.agents["Ada"]
        )


async def its_writer_became_another(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    known = await scene.receives(mail(sender="mira@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        winner, loser = [await session.get_one(Contact, t.contact_id) for t in (known, ticket)]
        await contact_merges.merge(session, winner, loser, by=await ada_of(scene, session))


async def its_writer_was_blocked(scene: Scene, ticket: Ticket, strangers: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        writer = await session.get_one(Contact, ticket.contact_id)
        contacts.block(session, writer, by=await ada_of(scene, session))


SAME, ANEW, WITH_STRANGER = "same", "anew", "with the stranger's"


@pytest.fixture
async def chat(console: Console, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    async with answering(console.scene, monkeypatch) as inbox:
        yield inbox


@pytest.mark.parametrize(
    ("fate", "lands", "answered"),
    [
        (merged, WITH_STRANGER, False),  # the merge said so: replies go to the other customer
        (merged_for_a_while, SAME, True),
        (swallowed_the_other, SAME, True),
        (was_split, SAME, True),
        (became_spam, ANEW, True),
        (was_deleted, ANEW, True),
        (its_writer_became_another, SAME, True),
        (its_writer_was_blocked, ANEW, False),  # in spam, where nobody answers
    ],
)
async def test_what_is_written_next_has_its_place_and_is_read_by_nobody_else(
    console: Console, chat: Inbox, fate: Fate, lands: str, answered: bool
):
    scene = console.scene
    frame, other = await frame_of(console, chat), await frame_of(console, chat)
    for text in ("one", "two"):
        await frame.writes(text)
    await other.writes("a secret")
    ticket, strangers = sorted(await scene.tickets(), key=lambda each: each.id)
    await fate(scene, ticket, strangers)
    assert (await frame.writes("after all")).status_code == 201

    async with scene.desk.sessions() as session:
        stored = (await session.scalars(select(Message).where(Message.text == "after all"))).one()
    places = {ticket.id: SAME, strangers.id: WITH_STRANGER}
    assert places.get(stored.ticket_id, ANEW) == lands
    there = await scene.ticket(stored.ticket_id)
    await scene.does(there, "reply", "An answer", by=scene.agents["Ada"], wait=timedelta())
    mine = await frame.read()
    assert ("agent", "An answer") in mine or not answered
    assert ("me", "a secret") not in mine
    theirs = await other.read()
    assert theirs[0] == ("me", "a secret")
    assert not {("me", "one"), ("me", "two"), ("me", "after all")} & set(theirs)


async def test_who_was_erased_begins_as_somebody_new(console: Console, chat: Inbox):
    scene, frame = console.scene, await frame_of(console, chat)
    await frame.writes("one")
    (ticket,) = await scene.tickets()
    async with committed(scene.desk.sessions) as session:
        writer = await session.get_one(Contact, ticket.contact_id)
        await retention.erase(session, scene.desk, writer, by=scene.agents["Ada"])
    assert (await frame.writes("after all")).status_code == 401, "the frame comes anew, and writes it again"
    await frame.arrives()
    assert (await frame.writes("after all")).status_code == 201
    assert await frame.read() == [("me", "after all")]
