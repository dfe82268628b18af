"""Every event starts what the table says, once, however many dispatch at the same time."""

import asyncio
from collections import Counter

from sqlalchemy import select, text

from ai.assistant.rows import Mode, Policy
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import EventDispatch, Kind
from tests.scenes import Scene, mail
from workers.dispatch import dispatch_batch
from workers.reactions import REACTIONS, Happened, jobs_for


async def jobs(desk: Desk) -> Counter[str]:
    async with desk.sessions() as session:
        return Counter(
            await session.scalars(
                text("SELECT task_name FROM procrastinate_jobs WHERE task_name NOT IN ('notify', 'measure')")
            )
        )


async def dispatched(desk: Desk) -> int:
    async with committed(desk.sessions) as session:
        return await dispatch_batch(session)


async def test_a_mail_is_thought_about_and_a_reply_delivered(scene: Scene):
    ticket = await scene.receives()
    reply = await scene.replies(ticket)
    assert await dispatched(scene.desk) > 2
    assert await jobs(scene.desk) == {"assist": 1, "deliver": 1, "share": 1}
    async with scene.desk.sessions() as session:
        job = (
            await session.execute(
                text("SELECT lock, scheduled_at, args FROM procrastinate_jobs WHERE task_name = 'deliver'")
            )
        ).one()
        assert job.lock == f"ticket:{ticket.id}"
        assert job.scheduled_at == reply.send_after
        assert job.args == {"message_id": reply.id}
        assert (await session.scalars(select(EventDispatch))).all() == []


async def test_the_assistant_looks_at_what_comes_in_only_where_a_policy_lets_it(scene: Scene):
    await scene.receives()
    await dispatched(scene.desk)
    assert (await jobs(scene.desk))["consider"] == 0
    async with committed(scene.desk.sessions) as session:
        session.add(Policy(inbox_id=scene.inbox.id, topic="", mode=Mode.answer))
    await scene.receives(mail(sender="other@lumen.example"))
    await dispatched(scene.desk)
    assert (await jobs(scene.desk))["consider"] == 1


async def test_two_dispatchers_at_once_start_everything_once(scene: Scene):
    tickets = [await scene.receives(mail(sender=f"c{n}@lumen.example")) for n in range(15)]
    for ticket in tickets:
        await scene.replies(ticket)

    async def until_empty() -> None:
        while await dispatched(scene.desk):
            pass

    await asyncio.gather(*(until_empty() for _ in range(4)))
    assert await jobs(scene.desk) == {"assist": 1, "deliver": 15, "share": 1}


async def test_tickets_of_many_events_are_counted_by_one_job(scene: Scene):
    tickets = [await scene.receives(mail(sender=f"c{n}@lumen.example")) for n in range(3)]
    await scene.replies(tickets[0])
    await dispatched(scene.desk)
    async with scene.desk.sessions() as session:
        asked = await session.scalars(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'measure'"))
        assert [sorted(job["ticket_ids"]) for job in asked] == [[ticket.id for ticket in tickets]]


async def test_what_is_dispatched_by_a_transaction_that_fails_is_dispatched_again(scene: Scene):
    await scene.replies(await scene.receives())
    async with scene.desk.sessions() as session:
        await dispatch_batch(session)
        await session.rollback()
    assert not await jobs(scene.desk)
    assert await dispatched(scene.desk)
    assert (await jobs(scene.desk))["deliver"] == 1


def test_what_nobody_reacts_to_starts_nothing():
    assert jobs_for(Happened(Kind.signed_in, None, None, None)) == []
    assert Kind.reply_sent not in REACTIONS


def test_every_reaction_makes_its_job_of_any_event_or_none():
    """A reaction that fails would keep all events that came after it."""
    for kind in REACTIONS:
        for about in (None, 7):
            made = jobs_for(Happened(kind, about, about, None, 1, about))
            assert made or about is None, kind
