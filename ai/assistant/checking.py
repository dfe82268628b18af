"""What a decision must pass before a customer reads it. Nothing here trusts whoever decided.

A sentence is sent only if one sentence of a passage that it cites says the same (`ai/drafting/checking.py`), and a
passage only counts if the search found it for this reader. So text that a model was talked into is not sent, however
it was talked into it; and what remains of links and pictures is taken out.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ai.assistant.decisions import Answer, Ask, Cited, Decision, HandOver, Reason, UseTool
from ai.assistant.gathering import Situation
from ai.drafting.checking import best_source
from ai.output import Safe, safe
from helpdesk.i18n import gettext
from kb.chunks import sentences

LONGEST = 4_000
"""Characters of an answer."""
STEP = re.compile(r"\s*(\d{1,2})[.)]\s")
TO_MODELS = re.compile(
    r"""
    \b(?:ignore|disregard|forget|override)\b[^.\n]{0,50}\b(?:instructions?|rules?|prompts?|web\s?page|resume|content)\b
    |\b(?:system|developer|security)\s+(?:messages?|prompts?|override|mode)\b
    |\byour\s+(?:(?:full|previous|hidden|own|initial)\s+)*(?:instructions|prompt|reply|answer|response)s?\b
    |\bin\s+every\s+(?:answer|reply|response)\b|\bwhen(?:ever)?\s+you\s+(?:answer|reply|respond)\b
    |\b(?:if|when)\s+(?:the|a)\s+(?:customer|user)\s+asks\b[^.\n]{0,60}\b(?:answer|say|reply|tell)\b
    |\bthe\s+correct\s+answer\s+is\b|\bsay\s+so\b|\b(?:classifier|assistant|model|AI|bot)\s+(?:note|instruction)s?\b
    |\b(?:list|print|send|show|reveal)\b[^.\n]{0,40}\bnames?\b[^.\n]{0,60}\bcustomers?\b|\bevery\s+customer\s+gets\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words in an article that speak to whoever answers, and not to whoever reads: somebody put them there for a model."""


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    detail: str = ""


def checked(decision: Decision, situation: Situation, *, written: bool) -> tuple[Decision, list[Check]]:
    """What may be done of it, and why not the rest. `written`: by a model, not quoted word for word."""
    if isinstance(decision, Answer):
        return _answer(decision, situation, written=written)
    if isinstance(decision, Ask):
        return _ask(decision, situation)
    if isinstance(decision, UseTool):
        return _tool(decision, situation)
    return decision, []


def _answer(answer: Answer, situation: Situation, *, written: bool) -> tuple[Decision, list[Check]]:
    passages = {passage.number: passage for passage in situation.passages}
    kept: list[Cited] = []
    faults: list[str] = []
    for sentence in answer.sentences:
        cited = [passages[number] for number in sentence.citations if number in passages]
        text, foreign = stripped(sentence.text, situation.own)
        sources = [line for passage in cited for line in lines(passage.text)]
        if foreign or TO_MODELS.search(text):
            faults.append(gettext("not for customers: %(text)s") % {"text": sentence.text[:120]})
        elif not text or not cited or not sources:
            faults.append(gettext("no source: %(text)s") % {"text": sentence.text[:120]})
        elif written and (fault := best_source(text, sources)[1]):
            faults.append(f"{fault.value}: {sentence.text[:120]}")
        else:
            numbers = tuple(passage.number for passage in cited)
            kept.append(replace(sentence, text=text, citations=numbers))
    said = sum(len(each.text) for each in kept)
    missing = missing_steps([each.text for each in kept])
    checks = [
        Check("sources", not faults, "; ".join(faults)),
        Check("said_something", bool(kept)),
        Check("length", said <= LONGEST, str(said)),
        Check("every_step", not missing, ", ".join(map(str, missing))),
    ]
    if not kept or said > LONGEST or missing:
        return HandOver(reason=Reason.unsupported), checks
    # Of a list of steps none may be missing, and what was said around a gap may mean something else.
    if faults and (written is False or len(kept) * 2 < len(answer.sentences) or _has_steps(answer)):
        return HandOver(reason=Reason.unsupported), checks
    new = not any(_same(each, kept) for each in situation.said)
    checks.append(Check("not_repeated", new))
    if not new:
        return HandOver(reason=Reason.repeated), checks
    return Answer(sentences=tuple(kept)), checks


def _ask(ask: Ask, situation: Situation) -> tuple[Decision, list[Check]]:
    """Only titles that were found, and fields that there are; the words around them are the desk's own."""
    titles = {passage.title for passage in situation.passages} | {hit.title for hit in situation.hits}
    fields = {field.key for field in situation.missing}
    options = tuple(option for option in ask.options if option in titles)
    known = bool(options or ask.field in fields)
    few = situation.asked_back < 2
    checks = [Check("options_known", known), Check("asked_little", few)]
    if not known:
        return HandOver(reason=Reason.unsupported), checks
    if not few:
        return HandOver(reason=Reason.asked_enough), checks
    return Ask(question="", options=options, field=ask.field if ask.field in fields else ""), checks


def _tool(use: UseTool, situation: Situation) -> tuple[Decision, list[Check]]:
    """A tool that is offered, with arguments of its schema that the customer has said in so many words."""
    offer = next((each for each in situation.tools if each.name == use.tool), None)
    if offer is None:
        return HandOver(reason=Reason.refused), [Check("tool_offered", False, use.tool[:80])]
    words = situation.customers_words.lower()
    foreign = [
        name
        for name, value in use.arguments.items()
        if name not in offer.arguments or not is_said(str(value), words)
    ]
    missing = [name for name in offer.required if not str(use.arguments.get(name, "")).strip()]
    checks = [
        Check("tool_offered", True, offer.name),
        Check("said_by_customer", not foreign, ", ".join(foreign)),
        Check("complete", not missing, ", ".join(missing)),
    ]
    if foreign or missing:
        return HandOver(reason=Reason.personal), checks
    return use, checks


def is_said(value: str, words: str) -> bool:
    """In so many words: the 47 of an order A-4711 is no amount."""
    asked = re.escape(value.strip().lower())
    return bool(asked and re.search(rf"(?<![\w.,-]){asked}(?![\w-]|[.,]\d)", words))


def clean(text: str) -> str:
    """Without pictures, markup and links."""
    return stripped(text)[0]


def stripped(text: str, own: Collection[str] = ()) -> tuple[str, int]:
    """And how much was taken out; `own`: hosts that a link may lead to."""
    found = safe(text, own)
    return (found.text, found.removed) if isinstance(found, Safe) else ("", 1)


def lines(text: str) -> list[str]:
    """The sentences of a passage, list items whole."""
    return [
        sentence for paragraph in text.split("\n") if paragraph.strip() for sentence in sentences(paragraph)
    ]


def missing_steps(texts: Sequence[str]) -> list[int]:
    """Numbers that a list leaves out: whoever follows it would skip what stood there. A list may begin anew."""
    missing: list[int] = []
    before = 0
    for found in filter(None, map(STEP.match, texts)):
        number = int(found[1])
        if not before and number > 9:  # a date, such as “24. Dezember”
            continue
        if number > 1:
            missing += range(before + 1, number)
        before = number
    return missing


def _has_steps(answer: Answer) -> bool:
    return any(STEP.match(each.text) for each in answer.sentences)


def _same(before: str, kept: list[Cited]) -> bool:
    """Every sentence of it was in one message before."""
    squeezed = " ".join(before.split()).lower()
    return all(" ".join(each.text.split()).lower() in squeezed for each in kept)
