"""What is allowed next follows from what colleagues said; what goes badly is taken back; figures keep their n."""

from datetime import timedelta

import pytest

from ai.assistant import agreeing
from ai.assistant.figures import figures
from ai.assistant.rows import Agreement, Mode, Policy, Run, State
from ai.embedding import OnnxEmbedder
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.messages import Delivery, Message
from tests.ai.assistant.conftest import ASKED, NOTHING, Conversation, allow
from tests.scenes import Scene


async def sent(scene: Scene, message: Message) -> None:
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Message, message.id)).delivery = Delivery.sent


@pytest.mark.parametrize(
    ("reply", "agreement"),
    [
        ("Please hold the power key of the printer for ten seconds until the lamp blinks blue. Open Settings, "
         "Printers, press Connect, and type the password of your wireless network.", Agreement.agreed),
        ("Your invoice was paid on Monday, thank you.", Agreement.differed),
    ],
)  # fmt: skip
async def test_a_colleagues_answer_is_compared_with_what_it_would_have_said(
    knowledge: Scene, model: OnnxEmbedder, reply: str, agreement: Agreement
) -> None:
    await allow(knowledge, Mode.shadow)
    talk = Conversation(knowledge, model)
    await talk.says(ASKED)
    async with committed(knowledge.desk.sessions) as session:
        assert await agreeing.compare(session, model) == 0, "nobody has answered yet"
    await sent(knowledge, await knowledge.replies(talk.ticket, reply))
    async with committed(knowledge.desk.sessions) as session:
        assert await agreeing.compare(session, model) == 1
    assert (await talk.run()).agreement is agreement


async def compared(scene: Scene, policy: Policy, *, agreed: int, differed: int) -> None:
    ticket = await scene.receives()
    message = (await scene.messages(ticket))[0]
    async with committed(scene.desk.sessions) as session:
        for n in range(agreed + differed):
            session.add(
                Run(
                    ticket_id=ticket.id, message_id=message.id, attempt=n, inbox_id=scene.inbox.id, kind="answer",
                    policy_id=policy.id, mode=policy.mode, state=State.done, due_at=now(),
                    agreement=Agreement.agreed if n < agreed else Agreement.differed,
                )
            )  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "agreed", "differed", "offer"),
    [
        (Mode.shadow, 19, 0, None),
        (Mode.shadow, 20, 0, Mode.suggest),
        (Mode.shadow, 20, 10, None),
        (Mode.suggest, 20, 1, None),
        (Mode.suggest, 60, 2, Mode.answer),
        (Mode.answer, 60, 0, None),
    ],
)
async def test_more_is_offered_by_the_lower_end_of_the_interval_only(
    scene: Scene, mode: Mode, agreed: int, differed: int, offer: Mode | None
) -> None:
    policy = await allow(scene, mode)
    await compared(scene, policy, agreed=agreed, differed=differed)
    async with committed(scene.desk.sessions) as session:
        record = await agreeing.record(session, policy)
        assert record.may_become(mode) is offer
        await agreeing.demote(session)
        assert (await session.get_one(Policy, policy.id)).mode is mode, "nothing is allowed by itself"


async def test_what_colleagues_contradict_is_taken_back(scene: Scene) -> None:
    policy = await allow(scene, Mode.suggest)
    await compared(scene, policy, agreed=5, differed=25)
    async with committed(scene.desk.sessions) as session:
        (taken,) = await agreeing.demote(session)
        assert (taken.mode, taken.demoted_from) == (Mode.shadow, Mode.suggest)


async def test_figures_tell_confirmed_and_assumed_apart(talk: Conversation) -> None:
    """One says thanks, one is handed over, one goes silent for three days."""
    await talk.says(ASKED)
    await talk.says("Thanks, that worked!")
    for text in (ASKED, NOTHING):
        other = Conversation(talk.scene, talk.embedder)
        subject = "Printer" if text == ASKED else "Translation"
        await other.says(text, subject=subject, sender=f"{len(text)}@lumen.example")
    async with talk.scene.desk.sessions() as session:
        found = await figures(session)
        assert found.confirmed
        assert (found.confirmed.value, found.confirmed.n) == (0.5, 2)
        assert found.assumed
        assert found.assumed.value == 0.0
        assert found.handed_over
        assert found.handed_over.n == 3
        assert [each.n for each in found.reasons] == [1]
        assert found.involved
        assert found.involved.n == 3
        later = await figures(session, at=now() + timedelta(hours=73))
        assert later.assumed
        assert (later.assumed.value, later.assumed.n) == (0.5, 2)
