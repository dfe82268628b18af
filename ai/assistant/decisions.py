"""What the assistant can decide, as values and never as words in a text."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from helpdesk.i18n import Text, _


class Reason(StrEnum):
    """Why it hands over."""

    wanted = "wanted"  # the customer asks for a person
    unsure = "unsure"
    nothing_found = "nothing_found"
    other_language = "other_language"
    repeated = "repeated"  # what it would say, it has said
    unsupported = "unsupported"  # what the model wrote is not said by the articles
    personal = "personal"  # about the customer's own data, and no tool for it
    unproved = "unproved"  # who writes could not be proved
    limit = "limit"
    busy = "busy"
    slow = "slow"
    failed = "failed"
    refused = "refused"  # a tool was refused, or failed
    needs_agent = "needs_agent"  # a colleague has to press a button first
    stranger = "stranger"  # somebody else than the requester wrote
    asked_enough = "asked_enough"


REASONS: dict[Reason, Text] = {
    Reason.wanted: _("the customer asked for a person"),
    Reason.unsure: _("no article answers this surely enough"),
    Reason.nothing_found: _("no article comes near this"),
    Reason.other_language: _("no article in the customer's language comes near this"),
    Reason.repeated: _("it had nothing to say that it had not said already"),
    Reason.unsupported: _("what it would have said did not pass its checks"),
    Reason.personal: _("it is about the customer's own data"),
    Reason.unproved: _("the customer could not be proved to be who they say"),
    Reason.limit: _("a limit of its policy was reached"),
    Reason.busy: _("the models were busy"),
    Reason.slow: _("it took too long"),
    Reason.failed: _("something went wrong"),
    Reason.refused: _("a tool was refused or failed"),
    Reason.needs_agent: _("a colleague has to allow a step"),
    Reason.stranger: _("somebody other than the requester wrote"),
    Reason.asked_enough: _("asking back did not help"),
}


@dataclass(frozen=True, kw_only=True)
class Cited:
    text: str
    citations: tuple[int, ...] = ()
    """Numbers of passages."""
    begins: bool = True


@dataclass(frozen=True, kw_only=True)
class Answer:
    sentences: tuple[Cited, ...]

    @property
    def cited(self) -> set[int]:
        """Numbers of the passages that it was taken from."""
        return {number for each in self.sentences for number in each.citations}


@dataclass(frozen=True, kw_only=True)
class Ask:
    question: str
    options: tuple[str, ...] = ()
    field: str = ""
    """The custom field that it asks for."""
    matter: bool = False
    """What it is about at all: nothing has been said yet."""


@dataclass(frozen=True, kw_only=True)
class UseTool:
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HandOver:
    reason: Reason
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """The customer says that it helped: nothing is sent."""


Decision = Answer | Ask | UseTool | HandOver | Confirm
KINDS: dict[type, str] = {
    Answer: "answer",
    Ask: "ask",
    UseTool: "act",
    HandOver: "hand_over",
    Confirm: "confirm",
}


def kept(decision: Decision) -> dict[str, Any]:
    """As a run keeps it."""
    return {"kind": KINDS[type(decision)], **msgspec.to_builtins(decision)}


def read(stored: dict[str, Any]) -> Decision | None:
    """None of a run that never decided."""
    for kind, name in KINDS.items():
        if stored.get("kind") == name:
            return msgspec.convert({k: v for k, v in stored.items() if k != "kind"}, kind)
    return None


class SaidSentence(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=1_000)]
    passages: Annotated[list[int], Meta(max_length=5)]


class Said(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a language model has to answer with."""

    action: Literal["answer", "ask_back", "use_tool", "hand_over"]
    sentences: Annotated[list[SaidSentence], Meta(max_length=20)] = []
    question: Annotated[str, Meta(max_length=500)] = ""
    options: Annotated[list[Annotated[str, Meta(max_length=120)]], Meta(max_length=4)] = []
    tool: Annotated[str, Meta(max_length=80)] = ""
    arguments: Annotated[list["Argument"], Meta(max_length=12)] = []
    summary: Annotated[str, Meta(max_length=1_000)] = ""


class Argument(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=60)]
    value: Annotated[str, Meta(max_length=500)]
