"""From a situation to a decision: by what customers say in so many words, then by the search, or by a model.

Without a language model the answer is quoted from the article that the gate lets through; with one, the model chooses
and words it, from the same passages, and what it says is checked afterwards just as hard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import openings, phrases, prompting
from ai.assistant.checking import Check, checked
from ai.assistant.decisions import Answer, Ask, Cited, Confirm, Decision, HandOver, Reason, Said, UseTool
from ai.assistant.gathering import Offer, Passage, Situation, numbered
from ai.compose import Part, compose
from ai.passages import best_passage_first
from ai.questions import matter
from ai.writing import decided
from helpdesk.ports import Embedder, LanguageModel, Prompt
from kb.search import TITLE, Hit

OFFERED = 3
CLOSE = 0.08
"""Difference in closeness below which two articles are equally near."""
ASKS_FOR_TOOL = 0.62
"""Cosine to one of a tool's example phrases."""


@dataclass(frozen=True)
class Decided:
    decision: Decision
    checks: list[Check] = field(default_factory=list)
    model: str = ""
    prompt: str = ""
    passages: tuple[Passage, ...] = ()
    """Those that the answer's numbers mean, where they are not the situation's own."""


async def decide(
    session: AsyncSession, embedder: Embedder, situation: Situation, model: LanguageModel | None
) -> Decided:
    """Raises ModelFailed where the model gives no usable answer."""
    if await phrases.means_person(embedder, situation.asked):
        return Decided(HandOver(reason=Reason.wanted), [Check("wants_person", True)])
    if not situation.asked_back and not situation.said and openings.says_nothing_yet(situation.newest_first):
        return Decided(Ask(question="", matter=True), [Check("nothing_said_yet", True)])
    if situation.said and not situation.options and phrases.says_it_helped(situation.asked):
        return Decided(Confirm(), [Check("says_it_helped", True)])
    if is_refused(situation):
        return Decided(HandOver(reason=Reason.asked_enough), [Check("options_refused", True)])
    if use := await tool_asked_for(embedder, situation):
        decision, checks = checked(use, situation, written=False)
        return Decided(decision, checks, model=f"examples/{embedder.name}")
    if model:
        return await by_model(model, situation)
    return await by_search(session, embedder, situation)


async def by_model(model: LanguageModel, situation: Situation) -> Decided:
    if not situation.passages and not situation.tools:
        return Decided(_silent(situation), [Check("found", False)])
    prompt = prompting.prompt(situation)
    found = judged(await decided(model, prompt, Said), prompt, situation)
    return replace(found, model=model.name, prompt=prompting.shown(prompt))


def judged(said: Said, prompt: Prompt, situation: Situation) -> Decided:
    """What may be done of a model's answer, whoever talked it into what."""
    if why := prompting.leaks(said, prompt):
        return Decided(HandOver(reason=Reason.unsupported), [Check("canary", False, why)])
    decision, checks = checked(prompting.meant(said, situation), situation, written=True)
    return Decided(decision, [Check("canary", True), *checks])


async def by_search(session: AsyncSession, embedder: Embedder, situation: Situation) -> Decided:
    name = f"extractive/{embedder.name}"
    gate = Check("gate", situation.sure, f"{situation.confidence:.2f}")
    if situation.picked:  # the customer says which article is meant, so nothing is left to doubt
        gate = Check("picked", True, situation.picked)
    if situation.sure or situation.picked:
        answer, passages = await quoted(session, embedder, situation)
        if answer:
            view = _with(situation, passages)
            decision, checks = checked(answer, view, written=False)
            return Decided(decision, [gate, *checks], name, passages=passages)
    if situation.asked_back < 2:
        if titles := alternatives(situation):
            decision, checks = checked(Ask(question="", options=titles), situation, written=False)
            return Decided(decision, [gate, *checks], name)
        if situation.hits and situation.missing and not situation.asked_back:
            ask = Ask(question="", field=situation.missing[0].key)
            decision, checks = checked(ask, situation, written=False)
            return Decided(decision, [gate, *checks], name)
    return Decided(_silent(situation), [gate], name)


async def quoted(
    session: AsyncSession, embedder: Embedder, situation: Situation
) -> tuple[Answer | None, tuple[Passage, ...]]:
    """Word for word, with the passages it stands in numbered anew."""
    subject, letter = situation.subject, situation.asked
    if situation.picked:  # what they asked in the beginning, or else what the article is about
        subject, letter = situation.picked, situation.customers_words
    hit = await best_passage_first(session, embedder, situation.hits[0], subject=subject, letter=letter)
    draft = compose(hit, language=situation.language or hit.locale)
    if draft is None:
        return None, ()
    passages = numbered([hit], each=None)
    numbers = {passage.chunk_id: passage.number for passage in passages}
    return Answer(
        sentences=tuple(
            Cited(
                text=sentence.text,
                citations=tuple(
                    numbers[each.chunk_id] for each in sentence.citations if each.chunk_id in numbers
                ),
                begins=sentence.begins,
            )
            for sentence in draft.sentences
            if sentence.kind is Part.content
        )
    ), passages


def alternatives(situation: Situation) -> tuple[str, ...]:
    """Up to three titles, where the best are near enough to ask about and equally near. What was offered before and
    not chosen is not offered again."""
    if not situation.near:
        return ()
    titles = tuple(dict.fromkeys(hit.title for hit in equally_near(situation.hits)))
    return titles if set(titles) - set(situation.options) else ()


def equally_near(hits: Sequence[Hit]) -> list[Hit]:
    return [hit for hit in hits[:OFFERED] if _closeness(hits[0]) - _closeness(hit) < CLOSE]


def is_refused(situation: Situation) -> bool:
    """No to what was offered, and still nothing else is nearer."""
    hits, offered = situation.hits, situation.options
    return bool(
        hits and hits[0].title in offered and not situation.picked and phrases.says_no(situation.asked)
    )


async def tool_asked_for(embedder: Embedder, situation: Situation) -> UseTool | None:
    """By one of its example phrases, and only where everything it needs was said."""
    offers = [offer for offer in situation.tools if offer.examples]
    if not offers or not situation.asked.strip():
        return None
    asked = (await embedder.embed([matter(situation.asked)[:500] or situation.asked]))[0]
    best: tuple[float, Offer] | None = None
    for offer in offers:
        near = float((await embedder.embed(list(offer.examples)) @ asked).max())
        if near >= ASKS_FOR_TOOL and (best is None or near > best[0]):
            best = near, offer
    if best is None:
        return None
    arguments = prompting.arguments_in(situation.newest_first, best[1])
    return (
        UseTool(tool=best[1].name, arguments=arguments) if set(best[1].required) <= set(arguments) else None
    )


def _silent(situation: Situation) -> HandOver:
    if situation.other_language:
        return HandOver(reason=Reason.other_language)
    if situation.asked_back >= 2:
        return HandOver(reason=Reason.asked_enough)
    return HandOver(reason=Reason.unsure if situation.hits else Reason.nothing_found)


def _closeness(hit: Hit) -> float:
    return hit.dense + TITLE * hit.title_score


def _with(situation: Situation, passages: tuple[Passage, ...]) -> Situation:
    return replace(situation, passages=passages)
