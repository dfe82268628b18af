"""Tickets that are one, and that is taken back exactly."""

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import merging
from helpdesk.copying import copies
from helpdesk.database import committed, libpq_url
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.labels import tags_called
from helpdesk.merging import MergedFurther, NotMergeable, NotSplittable, SameTicket, UndoneAlready
from helpdesk.merging.joining import join, locked
from helpdesk.messages import Match, Message, Sender, Upload
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, known_as, with_access
from helpdesk.statuses import Category
from helpdesk.tickets import MergedAway, Removal, Ticket
from tests.scenes import Scene, mail
from workers.outgoing import compose

BEN = "ben@lumen.example"
APART = ("event", "ticket_merge", "event_dispatch", "event_seal", "ticket_count", "search_todo", "sla_entry")
"""What tells of the merge itself; everything else has to be as it was."""
STATUSES = {Kind.replied, Kind.resolved, Kind.reopened, Kind.status_changed}
WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (
  SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database())
"""


async def agent(scene: Scene, session: AsyncSession, name: str = "Ada") -> Agent:
    return await session.get_one(Agent, scene.agents[name].id, options=with_access(), populate_existing=True)


async def merge(scene: Scene, source: Ticket, target: Ticket, **options: Any) -> int:
    async with committed(scene.desk.sessions) as session:
        by = await agent(scene, session)
        return (await merging.merge(session, source.number, target.number, by=by, **options)).id


async def unmerge(scene: Scene, merge_id: int, name: str = "Ada") -> None:
    async with committed(scene.desk.sessions) as session:
        await merging.unmerge(session, merge_id, by=await agent(scene, session, name))


def exported(scene: Scene) -> dict[str, list[str]]:
    """Every row of every table, as an export would write it."""
    with psycopg.connect(libpq_url(scene.desk.database_url)) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind = 'r' AND nspname = 'public' AND relname NOT LIKE 'procrastinate%'"
        ).fetchall()
        return {
            name: sorted(str(row[0]) for row in connection.execute(f'SELECT row_to_json(t) FROM "{name}" t'))
            for (name,) in names
            if name not in APART
        }


async def two(scene: Scene) -> tuple[Ticket, Ticket]:
    """An older one that waits for its customer, and a newer one in which they wait for us, with tags and copies."""
    old = await scene.receives(mail("The first question", external_id="old@lumen.example"))
    await scene.replies(old, "A first answer")
    new = await scene.receives(mail("The same again", external_id="new@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        loaded = await session.get_one(Ticket, new.id)
        await session.refresh(loaded, ["tags"])
        loaded.tag(*await tags_called(session, ["refund"], by=scene.agents["Ada"]), by=scene.agents["Ada"])
    return await scene.ticket(new.id), await scene.ticket(old.id)


async def test_everything_said_stands_in_the_target_with_its_time_and_author(scene: Scene):
    source, target = await two(scene)
    written = [(m.text, m.sent_at, m.contact_id) for m in await scene.messages(source)]
    await merge(scene, source, target)
    moved = [m for m in await scene.messages(target) if m.origin_id == source.id]
    assert [(m.text, m.sent_at, m.contact_id) for m in moved] == written
    after = await scene.ticket(source.id)
    assert (after.removed, after.merged_into_id) == (Removal.merged, target.id)
    assert await scene.messages(source) == []
    assert Kind.merged in await scene.kinds(source)
    assert Kind.merged in await scene.kinds(target)


async def test_who_waits_in_the_source_waits_in_the_target(scene: Scene):
    """The target waited for the customer; now it is open, since when they wrote, and shows what they wrote."""
    source, target = await two(scene)
    assert target.category is Category.waiting
    await merge(scene, source, target)
    after = await scene.ticket(target.id)
    assert after.category is Category.open
    assert after.waiting_since == source.waiting_since
    assert (after.preview, after.last_message_at) == (source.preview, source.last_message_at)
    assert [clock.is_running for clock in (await scene.ticket(source.id)).clocks] == [False, False]


async def test_tags_and_people_come_along_and_the_other_requester_only_if_wanted(scene: Scene):
    source, target = await two(scene)
    other = await scene.receives(mail("Me too", sender=BEN))
    await merge(scene, source, target)
    merged = await merge(scene, other, target, copy_requester=True)
    async with scene.desk.sessions() as session:
        assert [c.address for c in await copies(session, target)] == [BEN]
        loaded = await session.get_one(Ticket, target.id)
        await session.refresh(loaded, ["tags"])
        assert [tag.name for tag in loaded.tags] == ["refund"]
    await unmerge(scene, merged)
    async with scene.desk.sessions() as session:
        assert await copies(session, target) == []


async def test_people_in_copy_come_along_with_their_requester_only(scene: Scene):
    """Ben's boss reads nothing of what Ada's customer is answered, unless Ben is to read it as well."""
    _source, target = await two(scene)
    other = await scene.receives(mail("Me too", sender=BEN))
    async with committed(scene.desk.sessions) as session:
        boss = await known_as(session, Sender(address="boss@ben.example"))
        session.add(Participant(ticket_id=other.id, contact_id=boss.id, part=Part.copy))
    merged = await merge(scene, other, target)
    async with scene.desk.sessions() as session:
        assert await copies(session, target) == []
    await unmerge(scene, merged)
    await merge(scene, other, target, copy_requester=True)
    async with scene.desk.sessions() as session:
        assert {c.address for c in await copies(session, target)} == {BEN, "boss@ben.example"}


async def test_unmerging_restores_both_exactly(scene: Scene):
    source, target = await two(scene)
    await scene.does(source, "note", "For us", by=scene.agents["Ada"], client_id="note-1-0")
    await scene.does(target, "note", "For us too", by=scene.agents["Ada"], client_id="note-1-0")
    before = exported(scene)
    merged = await merge(scene, source, target, copy_requester=True)
    assert exported(scene) != before
    await unmerge(scene, merged)
    assert exported(scene) == before


async def test_a_settled_target_opens_with_the_merge_and_its_events_tell_that_it_is_settled_again(
    scene: Scene,
):
    source, target = await two(scene)
    await scene.does(target, "resolve", by=scene.agents["Ada"])
    before = exported(scene)["ticket"]
    merged = await merge(scene, source, target)
    assert (await scene.ticket(target.id)).category is Category.open
    await unmerge(scene, merged)
    assert exported(scene)["ticket"] == before
    async with scene.desk.sessions() as session:
        told = select(Event).where(Event.ticket_id == target.id, Event.kind.in_(STATUSES)).order_by(Event.id)
        events = (await session.scalars(told)).all()
    assert [event.kind for event in events][-2:] == [Kind.reopened, Kind.status_changed]
    assert (events[-1].data["was"], events[-1].data["now"]) == (Category.open, Category.resolved)


async def test_a_reply_in_between_stands_where_it_was_written_to_and_the_other_is_exactly_as_before(
    scene: Scene,
):
    source, target = await two(scene)
    await scene.replies(source, "Wait a moment")
    source = await scene.ticket(source.id)
    before = exported(scene)
    merged = await merge(scene, source, target)
    landed = await scene.receives(mail("Still waiting", thread=("new@lumen.example",)))
    assert landed.id == target.id
    await unmerge(scene, merged)
    now = await scene.ticket(source.id)
    assert [m.text for m in await scene.messages(source)][-1] == "Still waiting"
    assert (now.category, now.preview) == (Category.open, "Still waiting")
    assert now.waiting_since is not None
    assert all(m.origin_id is None for m in await scene.messages(source))
    after = exported(scene)
    for table in before.keys() - {"ticket", "message", "sla_clock"}:
        assert after[table] == before[table], table
    targets = [[row for row in rows["ticket"] if f"'id': {target.id}," in row] for rows in (before, after)]
    assert targets[0] == targets[1]


async def test_what_an_agent_did_to_the_target_since_stays(scene: Scene):
    source, target = await two(scene)
    merged = await merge(scene, source, target)
    await scene.does(target, "resolve", by=scene.agents["Liam"])
    await unmerge(scene, merged)
    assert (await scene.ticket(target.id)).category is Category.resolved
    assert (await scene.ticket(source.id)).waiting_since == source.waiting_since


async def test_replies_follow_the_chain_by_address_and_by_reference(scene: Scene):
    first, second = await two(scene)
    third = await scene.receives(mail("A third time"))
    token = scene.desk.keys.reply_token(first.reply_key, "marta@lumen.example")
    await merge(scene, first, second)
    await merge(scene, second, third)
    by_token = await scene.receives(mail("By address", tokens=(token,)))
    by_reference = await scene.receives(mail("By reference", thread=("new@lumen.example",)))
    assert by_token.id == by_reference.id == third.id
    messages = await scene.messages(third)
    assert [m.origin_id for m in messages[-2:]] == [first.id, first.id]
    assert [m.matched for m in messages[-2:]] == [Match.token, Match.reference]
    async with scene.desk.sessions() as session:
        assert await merging.root_id(session, first.id) == third.id


async def test_a_chain_is_taken_apart_from_its_end(scene: Scene):
    first, second = await two(scene)
    third = await scene.receives(mail("A third time"))
    before = exported(scene)
    inner = await merge(scene, first, second)
    outer = await merge(scene, second, third)
    with pytest.raises(MergedFurther):
        await unmerge(scene, inner)
    await unmerge(scene, outer)
    await unmerge(scene, inner)
    assert exported(scene) == before
    with pytest.raises(UndoneAlready):
        await unmerge(scene, inner)


async def test_of_two_merges_the_earlier_can_be_undone_first(scene: Scene):
    source, target = await two(scene)
    other = await scene.receives(mail("Me too", sender=BEN))
    before = exported(scene)
    one, two_ = await merge(scene, source, target), await merge(scene, other, target)
    await unmerge(scene, one)
    assert [m.text for m in await scene.messages(target)][-1] == "Me too"
    assert (await scene.ticket(target.id)).preview == "Me too"
    await unmerge(scene, two_)
    after = exported(scene)
    assert after["message"] == before["message"]
    assert (await scene.ticket(target.id)).preview == target.preview


async def test_no_ticket_is_merged_into_itself_into_one_that_is_gone_or_in_a_circle(scene: Scene):
    source, target = await two(scene)
    with pytest.raises(SameTicket):
        await merge(scene, source, source)
    await merge(scene, source, target)
    for pair in ((target, source), (source, target)):
        with pytest.raises(NotMergeable):
            await merge(scene, *pair)
    with pytest.raises(MergedAway):
        await scene.does(source, "restore", by=scene.agents["Ada"])


async def test_only_who_may_merge_both_merges_and_unmerges(scene: Scene):
    source, target = await two(scene)
    tess = scene.agents["Tess"]  # in another team
    async with committed(scene.desk.sessions) as session:
        with pytest.raises(NotFound):
            await merging.merge(
                session, source.number, target.number, by=await agent(scene, session, tess.name.split()[0])
            )
    merged = await merge(scene, source, target)
    with pytest.raises(NotFound):
        await unmerge(scene, merged, "Tess")


async def test_a_merge_lets_nobody_write_into_the_others_thread_by_reference(scene: Scene):
    """Ben's ticket went into Marta's: his mails follow, but Marta's messages still do not let him in."""
    marta = await scene.receives(mail("Mine", external_id="marta@lumen.example"))
    ben = await scene.receives(mail("His", sender=BEN, external_id="ben@lumen.example"))
    await merge(scene, ben, marta)
    follows = await scene.receives(mail("His again", sender=BEN, thread=("ben@lumen.example",)))
    strays = await scene.receives(mail("Into hers", sender=BEN, thread=("marta@lumen.example",)))
    assert follows.id == marta.id
    assert strays.id not in {marta.id, ben.id}


async def test_a_reply_that_waits_still_leaves_to_whom_it_was_written(scene: Scene):
    marta = await scene.receives(mail("Mine", external_id="marta@lumen.example"))
    ben = await scene.receives(mail("His", sender=BEN, subject="About Ben", external_id="ben@lumen.example"))
    reply = await scene.replies(ben, "Dear Ben")
    await merge(scene, ben, marta)
    async with committed(scene.desk.sessions) as session:
        message = await session.get_one(Message, reply.id)
        await session.refresh(message, ["ticket", "agent", "attachments"])
        await session.refresh(message.ticket, ["inbox"])
        await session.refresh(message.ticket.inbox, ["answers_through"])
        out = await compose(scene.desk, session, message)
    assert out.to == (BEN,)
    assert out.subject == "Re: About Ben"
    assert "Mine" not in out.text
    assert out.references == ("ben@lumen.example",)
    assert scene.desk.keys.ticket_key(out.reply_token) == ben.reply_key


async def test_a_message_becomes_a_ticket_of_its_own_with_its_files(scene: Scene):
    upload = Upload(name="photo.png", content_type="image/png", content=b"png")
    ticket = await scene.receives(mail("The first question", external_id="old@lumen.example"))
    await scene.receives(
        mail("By the way, quite another matter", thread=("old@lumen.example",), attachments=(upload,))
    )
    before = exported(scene)
    other = (await scene.messages(ticket))[1]
    async with committed(scene.desk.sessions) as session:
        made = await merging.split(
            session, ticket.number, other.id, by=await agent(scene, session), subject="Another matter"
        )
    new = await scene.ticket(made.target_id)
    moved = (await scene.messages(new))[0]
    assert (moved.id, moved.origin_id, moved.attachments[0].name) == (other.id, ticket.id, "photo.png")
    assert (new.subject, new.contact_id, new.waiting_since) == (
        "Another matter",
        ticket.contact_id,
        other.sent_at,
    )
    assert len(new.clocks) == 2
    assert (await scene.ticket(ticket.id)).preview == "The first question"
    async with committed(scene.desk.sessions) as session:
        await merging.unsplit(session, made.id, by=await agent(scene, session))
    after = exported(scene)
    assert after["message"] == before["message"]
    assert before["ticket"][0] in after["ticket"]
    assert (await scene.ticket(new.id)).merged_into_id == ticket.id


async def test_what_was_said_in_the_split_ticket_comes_back_with_it(scene: Scene):
    ticket = await scene.receives(mail("The first question", external_id="old@lumen.example"))
    await scene.receives(
        mail("Another matter", thread=("old@lumen.example",), external_id="other@lumen.example")
    )
    other = (await scene.messages(ticket))[1]
    async with committed(scene.desk.sessions) as session:
        made = await merging.split(session, ticket.number, other.id, by=await agent(scene, session))
    assert (await scene.receives(mail("More on it", thread=("other@lumen.example",)))).id == made.target_id
    async with committed(scene.desk.sessions) as session:
        await merging.unsplit(session, made.id, by=await agent(scene, session))
    assert [m.text for m in await scene.messages(ticket)] == [
        "The first question",
        "Another matter",
        "More on it",
    ]
    assert (await scene.receives(mail("And more", thread=("other@lumen.example",)))).id == ticket.id


async def test_only_a_customers_message_is_split_off_and_never_the_last(scene: Scene):
    ticket = await scene.receives()
    only = (await scene.messages(ticket))[0]
    reply = await scene.replies(ticket)
    async with scene.desk.sessions() as session:
        by = await agent(scene, session)
        with pytest.raises(NotSplittable):
            await merging.split(session, ticket.number, reply.id, by=by)
    async with committed(scene.desk.sessions) as session:
        loaded = await scene.ticket(ticket.id, session)
        loaded.withdraw(await session.get_one(Message, reply.id), by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        with pytest.raises(NotSplittable):
            await merging.split(session, ticket.number, only.id, by=await agent(scene, session))
        assert await session.scalar(select(Message.ticket_id).where(Message.id == only.id)) == ticket.id


async def test_who_moves_messages_does_not_wait_for_who_takes_their_first_ticket_back(scene: Scene):
    """They refer to that ticket, which the other one has locked and who waits for this one."""
    first, second, third = [
        await scene.receives(mail(external_id=f"{n}@lumen.example", sender=f"p{n}@there.example"))
        for n in range(3)
    ]
    earlier = await merge(scene, first, second)
    async with asyncio.timeout(20), committed(scene.desk.sessions) as session:
        by = await agent(scene, session)
        pair = {t.id: t for t in await locked(session, by, Ticket.id.in_([second.id, third.id]))}
        other = asyncio.create_task(unmerge(scene, earlier))
        while not await session.scalar(text(WAITING)):
            await asyncio.sleep(0.01)
        await join(session, pair[second.id], pair[third.id], by=by)
    with pytest.raises(MergedFurther):
        await other
