"""Actions that are no change of the ticket itself: what is said to whom, asked, or told to programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.errors import Invalid
from helpdesk.i18n import gettext

Names = Callable[[str, int], str | None]
"""Of what (agent, team, webhook, policy …) and which one → its name; None where there is none any more."""


@dataclass(frozen=True)
class Effect:
    name: Callable[[], str]
    input: str
    """Which input its value takes: words, whom, one, nothing."""
    typed: Callable[[Mapping[str, Any]], list[str]]
    given: Callable[[Sequence[str]], dict[str, Any]]
    """Without the words that go with it, which are the row's own."""


def _text(missing: Callable[[], str]) -> Callable[[Sequence[str]], dict[str, Any]]:
    def given(typed: Sequence[str]) -> dict[str, Any]:
        text = typed[0] if typed else ""
        if not text.strip():
            raise Invalid(missing())
        return {"text": text}

    return given


def _said(kept: Mapping[str, Any]) -> list[str]:
    return [str(kept.get("text", ""))]


def _whom_of(kept: Mapping[str, Any]) -> list[str]:
    return [
        *(["assignee"] if kept.get("assignee") else []),
        *(f"team:{number}" for number in kept.get("teams", ())),
        *(f"agent:{number}" for number in kept.get("agents", ())),
    ]


def _whom(typed: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in typed:
        kind, _, number = each.partition(":")
        if each == "assignee":
            found["assignee"] = True
        elif kind in {"team", "agent"} and number.isascii() and number.isdigit() and len(number) < 19:
            found.setdefault(f"{kind}s", []).append(int(number))
    if not found:
        raise Invalid(gettext("Choose who is told."))
    return found


def _webhook(typed: Sequence[str]) -> dict[str, Any]:
    number = typed[0] if typed else ""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Invalid(gettext("Choose a webhook."))
    return {"webhook": int(number)}


def _nothing(_typed: Sequence[str]) -> dict[str, Any]:
    return {}


EFFECTS: dict[str, Effect] = {
    "reply": Effect(
        lambda: gettext("Write to the customer"),
        "words",
        _said,
        _text(lambda: gettext("Write what the customer is told.")),
    ),
    "note": Effect(
        lambda: gettext("Leave a note"), "words", _said, _text(lambda: gettext("Write what the note says."))
    ),
    "notify": Effect(lambda: gettext("Tell colleagues"), "whom", _whom_of, _whom),
    "webhook": Effect(
        lambda: gettext("Call a webhook"), "one", lambda kept: [str(kept.get("webhook", ""))], _webhook
    ),
    "survey": Effect(
        lambda: gettext("Ask how satisfied the customer is"), "nothing", lambda _kept: [], _nothing
    ),
    "draft": Effect(
        lambda: gettext("Have the assistant draft an answer"), "nothing", lambda _kept: [], _nothing
    ),
}


def effect_in_words(kept: Mapping[str, Any], names: Names) -> str:
    verb = kept["verb"]
    match verb:
        case "reply" | "note":
            words = {
                "reply": gettext("Write to the customer “%(text)s”"),
                "note": gettext("Leave the note “%(text)s”"),
            }
            return words[verb] % {"text": _short(str(kept.get("text", "")))}
        case "notify":
            told = gettext("Tell %(whom)s") % {"whom": ", ".join(_told(kept, names)) or gettext("nobody")}
            return f"{told}: “{_short(str(kept['text']))}”" if kept.get("text") else told
        case "webhook":
            name = names("webhook", kept.get("webhook") or 0) or gettext("(gone)")
            return gettext("Call the webhook %(name)s") % {"name": name}
    return EFFECTS[verb].name()


def _told(kept: Mapping[str, Any], names: Names) -> list[str]:
    gone = gettext("(gone)")
    return [
        *([gettext("whoever it is assigned to")] if kept.get("assignee") else []),
        *(
            gettext("team %(name)s") % {"name": names("team", number) or gone}
            for number in kept.get("teams", ())
        ),
        *(names("agent", number) or gone for number in kept.get("agents", ())),
    ]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59].rstrip()}…"
