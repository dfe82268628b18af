"""A run in words: what it was asked, saw, decided, and what was checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ai.assistant import trying
from ai.assistant.decisions import HandOver, read
from ai.assistant.rows import Act, Run, State
from helpdesk.i18n import gettext
from web.console.assistant_words import acted, reason


@dataclass(frozen=True)
class Source:
    number: int
    title: str
    version: int
    score: float
    text: str
    url: str
    used: bool


@dataclass(frozen=True)
class Step:
    run: Run
    kind: str
    headline: str
    words: str
    """What it said or would have said."""
    sources: list[Source]
    checks: list[tuple[str, bool, str]]
    acts: list[str] = field(default_factory=list)


def told(run: Run, acts: Sequence[Act]) -> Step:
    decision = read(run.decision)
    sentences = run.decision.get("sentences", []) if run.decision else []
    used = {number for each in sentences for number in each.get("citations", [])}
    return Step(
        run=run,
        kind=run.kind or "",
        headline=headline(run, decision),
        words=trying.would_say(run),
        sources=[_source(each, used) for each in run.passages or []],
        checks=[(check_name(c["name"]), c["passed"], c.get("detail", "")) for c in run.checks or []],
        acts=[acted({"state": each.state, "tool": each.tool}) for each in acts],
    )


def headline(run: Run, decision: object) -> str:
    shadow = run.mode in {"shadow", "suggest"}
    if run.state in {State.waiting, State.running}:
        return gettext("Thinking …")
    if run.state is State.overtaken:
        return gettext("Said nothing: somebody was faster")
    if isinstance(decision, HandOver):
        words = (
            gettext("Would have handed over because %(why)s")
            if shadow
            else gettext("Handed over because %(why)s")
        )
        return words % {"why": reason({"reason": decision.reason})}
    if run.state is State.failed:
        return gettext("Came to nothing: %(why)s") % {"why": reason({"reason": run.trouble})}
    found = {
        "answer": gettext("Would have answered") if shadow else gettext("Answered"),
        "ask": gettext("Would have asked back") if shadow else gettext("Asked back"),
        "act": gettext("Would have used a tool") if shadow else gettext("Used a tool"),
        "confirm": gettext("The customer said that it helped"),
        "hand_over": gettext("Handed over"),
    }.get(run.kind or "")
    return found or gettext("Was not asked to decide")


def check_name(name: str) -> str:
    words = {
        "gate": gettext("Sure enough that the best article answers"),
        "picked": gettext("The customer chose the article"),
        "options_refused": gettext("The customer meant none of what was offered"),
        "sources": gettext("Every sentence is said by a passage it cites"),
        "said_something": gettext("Something was left to say"),
        "length": gettext("Not too long"),
        "every_step": gettext("No step of a list is left out"),
        "not_repeated": gettext("Not said before"),
        "options_known": gettext("Asks for something that there is"),
        "asked_little": gettext("Has not asked back too often"),
        "tool_offered": gettext("The tool is one of ours"),
        "said_by_customer": gettext("Everything it takes was said by the customer"),
        "complete": gettext("Nothing that the tool needs is missing"),
        "canary": gettext("Gave nothing of its instructions away"),
        "wants_person": gettext("The customer asks for a person"),
        "nothing_said_yet": gettext("The customer has not said yet what it is about"),
        "says_it_helped": gettext("The customer says that it helped"),
        "found": gettext("An article was found"),
    }
    return words.get(name, name)


def _source(passage: dict[str, Any], used: set[int]) -> Source:
    slug = quote(str(passage["slug"]))
    return Source(
        number=passage["number"],
        title=passage["title"],
        version=passage["version"],
        score=passage["score"],
        text=passage["text"],
        url=f"/knowledge/{slug}?version={passage['version']}&quote={quote(passage['text'][:300])}",
        used=passage["number"] in used,
    )
