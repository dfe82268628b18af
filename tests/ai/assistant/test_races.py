"""A person and the assistant at the same ticket at the same moment: once a person has spoken, it says nothing more."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from ai.assistant.deciding import Decided
from ai.assistant.decisions import Answer, Cited
from ai.assistant.gathering import Passage, Situation
from ai.assistant.rows import Policy, State
from ai.assistant.running import Answering
from helpdesk.database import committed
from helpdesk.engagements import Hold, take_over
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.ports import Prompt
from tests.ai.assistant.conftest import ASKED, Conversation, allow
from tests.scenes import Scene, mail

PAIRS = 12


@dataclass
class Waits:
    """A model that answers when it is let, and says that it was asked."""

    name: str = "waits"
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self, _prompt: Prompt) -> AsyncIterator[str]:
        self.asked.set()
        await self.go.wait()
        yield '{"action": "hand_over", "summary": "late"}'


def decided() -> tuple[Situation, Decided]:
    passage = Passage(
        number=1, article_id=1, version=1, chunk_id=1, slug="a", title="A", text="Yes.", score=1.0
    )
    at = Situation(subject="", turns=(), question="?", passages=(passage,), policy=Policy(name=""))
    return at, Decided(Answer(sentences=(Cited(text="Yes.", citations=(1,)),)))


async def test_a_run_in_flight_is_dropped_when_a_person_answers(talk: Conversation) -> None:
    """The model is thinking; a colleague answers; what the model says then goes nowhere."""
    talk.model = model = Waits()
    running = asyncio.create_task(talk.says(ASKED))
    await asyncio.wait_for(model.asked.wait(), 30)
    assert talk.ticket
    await talk.scene.replies(talk.ticket, "I look after this.")
    model.go.set()
    run = await running
    assert run
    assert (run.state, run.trouble) == (State.overtaken, "taken_over")
    assert [m.author for m in await talk.heard()] == [ActorKind.agent]
    assert await talk.engagement() is None


async def test_whoever_is_first_speaks_and_the_assistant_never_after_a_person(scene: Scene) -> None:
    """Replies, assignments and take-overs against decisions, all at once on many tickets: no deadlock, no word of the
    assistant after a person's, and nothing of it on its way once somebody has taken over."""
    await allow(scene)
    talks = []
    for n in range(PAIRS):
        talk = Conversation(scene, None)  # type: ignore[arg-type]
        await talk.says(f"Question {n}", sender=f"c{n}@lumen.example", think=False)
        talks.append(talk)
    runs = [await talk.run() for talk in talks]
    answering = Answering(scene.desk, None)  # type: ignore[arg-type]
    for run in runs:
        assert await answering._taken_up(run.id)

    async def person(talk: Conversation, n: int) -> None:
        assert talk.ticket
        await asyncio.sleep(0.002 * (n % 5))
        ada = scene.agents["Ada"]
        if n % 3 == 0:
            await scene.does(talk.ticket, "reply", "From a person.", by=ada)
        elif n % 3 == 1:
            await scene.does(talk.ticket, "assign", ada, by=ada)
        else:
            await scene.does(talk.ticket, "note", "I'll take over.", by=ada)

    async def assistant(number: int) -> None:
        at, found = decided()
        await answering._conclude(number, at, found, 0.1)

    pairs: list[Any] = [person(talk, n) for n, talk in enumerate(talks)]
    pairs += [assistant(run.id) for run in runs]
    await asyncio.wait_for(asyncio.gather(*pairs), 60)
    async with scene.desk.sessions() as session:
        for n, talk in enumerate(talks):
            assert talk.ticket
            events = list(
                await session.execute(
                    select(Event.id, Event.kind, Event.actor)
                    .where(Event.ticket_id == talk.ticket.id)
                    .order_by(Event.created_at, Event.id)
                )
            )
            spoke = [e.id for e in events if e.kind is Kind.replied and e.actor is ActorKind.assistant]
            engagement = await talk.engagement()
            if spoke:
                assert engagement
                assert engagement.state is Hold.stopped, (n, engagement.state)
            else:
                assert (await talk.run()).state is State.overtaken or n % 3 == 2


async def test_taking_over_takes_back_what_has_not_left(scene: Scene) -> None:
    await allow(scene)
    talk = Conversation(scene, None)  # type: ignore[arg-type]
    await talk.says("Hello?", think=False)
    run = await talk.run()
    answering = Answering(scene.desk, None)  # type: ignore[arg-type]
    await answering._taken_up(run.id)
    await answering._conclude(run.id, *decided(), 0.1)
    assert len(await talk.heard()) == 1
    async with committed(scene.desk.sessions) as session:
        assert talk.ticket
        ticket = await scene.ticket(talk.ticket.id, session)
        assert await take_over(session, ticket, by=scene.agents["Ada"]) == 1
    assert await talk.heard() == []
    ticket = await scene.ticket(talk.ticket.id)
    assert ticket.waiting_since
    assert not ticket.with_assistant


async def test_two_messages_at_once_are_answered_once(talk: Conversation) -> None:
    """The first run notices that the customer has gone on; only the newest message is answered."""
    first = await talk.says(ASKED, think=False)
    assert first
    assert talk.ticket
    token = talk.scene.desk.keys.reply_token(talk.ticket.reply_key, "marta@lumen.example")
    await talk.scene.receives(mail("It is the printer in the hall, by the way.", tokens=(token,)))
    await talk.answering().answer(first.id)
    assert (await talk.run()).trouble == "newer_message"
    assert await talk.heard() == []
