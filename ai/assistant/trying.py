"""Without a customer: a question that somebody tries, and a run that is done once more. Nothing is sent or kept."""

import asyncio
from dataclasses import dataclass
from time import monotonic

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import policies, tools
from ai.assistant.deciding import decide
from ai.assistant.decisions import HandOver, Reason, UseTool, kept, read
from ai.assistant.gathering import Passage, Situation
from ai.assistant.rows import SECONDS, Confirmation, Mode, Policy, Run, State
from ai.assistant.running import record
from ai.assistant.situations import situation_of, situation_tried
from ai.assistant.speaking import said
from ai.assistant.wording import Wording, hidden, wording
from ai.writing import ModelFailed
from helpdesk.ports import Embedder, LanguageModel


@dataclass(frozen=True)
class Tried:
    run: Run
    """As it would have been kept."""
    words: str
    """What the customer would have got."""


async def tried(
    session: AsyncSession,
    embedder: Embedder,
    policy: Policy,
    subject: str,
    text: str,
    model: LanguageModel | None,
) -> Tried:
    situation = await situation_tried(session, embedder, policy, subject, text)
    return await _decided(session, embedder, situation, model, policy)


async def again(session: AsyncSession, embedder: Embedder, run: Run, model: LanguageModel | None) -> Tried:
    """With the same messages, and with articles, policy and models as they are now."""
    every = await policies.of_inbox(session, run.inbox_id)
    policy = next((p for p in every if p.id == run.policy_id), None) or policies.holding(every, run.topic)
    policy = policy or Policy(inbox_id=run.inbox_id, topic="", mode=Mode.off, name="", tone="", language="",
                              instructions="", announcement="")  # fmt: skip
    situation = await situation_of(session, embedder, run, policy)
    return await _decided(session, embedder, situation, model, policy)


async def _decided(
    session: AsyncSession,
    embedder: Embedder,
    situation: Situation,
    model: LanguageModel | None,
    policy: Policy,
) -> Tried:
    began = monotonic()
    made = Run(mode=policy.mode, state=State.done, topic=policy.topic, trouble="", tokens=0, cost=0.0)
    try:
        async with asyncio.timeout(policy.seconds or SECONDS):
            decided = await decide(session, embedder, situation, model)
    except (ModelFailed, TimeoutError) as error:
        why = Reason.slow if isinstance(error, TimeoutError) else Reason.failed
        made.trouble, made.decision, made.kind = str(error), kept(HandOver(reason=why)), "hand_over"
        made.passages, made.checks = msgspec.to_builtins(situation.passages), []
        made.question, made.prompt, made.model = situation.question, "", model.name if model else ""
        made.confidence, made.seconds = situation.confidence, monotonic() - began
        return Tried(made, wording(situation.language).first_contact)
    record(made, situation, decided, monotonic() - began)
    words = wording(situation.language)
    text = said(decided.decision, decided.passages or situation.passages, situation, words)
    if isinstance(decided.decision, HandOver):
        text = words.handed_over if situation.said else words.first_contact
    if isinstance(decided.decision, UseTool):
        text = await before_use(session, decided.decision, situation, words)
    return Tried(made, text)


async def before_use(session: AsyncSession, use: UseTool, situation: Situation, words: Wording) -> str:
    """What the customer is told first: nothing is called for somebody who only tries it out."""
    tool = await tools.named(session, use.tool)
    if tools.needs_identity(tool) and not situation.verified:
        return words.code_sent.format(address=hidden("customer@example.org"))
    if tool and tool.confirmation is Confirmation.customer:
        return words.confirm.format(what=tools.in_words(use, tool))
    return tool.reply if tool and tool.confirmation is Confirmation.none else words.handed_over


def would_say(run: Run) -> str:
    """What a kept run said or would have said, for whoever reads it; empty where it handed over."""
    decision = read(run.decision)
    if decision is None or isinstance(decision, HandOver):
        return ""
    known = msgspec.convert(run.passages, tuple[Passage, ...])
    stub = Situation(subject="", turns=(), question="", policy=Policy(), passages=known)
    return said(decision, known, stub, wording("en"))
