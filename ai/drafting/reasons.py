"""In words: why nothing was offered, why a draft was turned down, why a written sentence was taken out."""

from enum import StrEnum

from ai.drafting.checking import Fault
from helpdesk.i18n import Text, _


class Reason(StrEnum):
    """Why nothing was offered."""

    nothing_found = "nothing_found"
    not_sure = "not_sure"
    only_near = "only_near"
    other_language = "other_language"
    nothing_to_quote = "nothing_to_quote"


EXPLANATIONS: dict[Reason, Text] = {
    Reason.nothing_found: _("No published article comes near this message."),
    Reason.not_sure: _("The nearest article hardly answers this message."),
    Reason.only_near: _("The nearest article is about this, but does not seem to answer it."),
    Reason.other_language: _("No article in the language of this message comes near it."),
    Reason.nothing_to_quote: _("The best article has no text that could be quoted."),
}


class Rejection(StrEnum):
    """Why an agent turned a draft down, by one press."""

    wrong = "wrong"
    outdated = "outdated"
    tone = "tone"
    other = "other"


REJECTIONS: dict[Rejection, Text] = {
    Rejection.wrong: _("Does not answer it"),
    Rejection.outdated: _("Out of date"),
    Rejection.tone: _("Wrong tone"),
    Rejection.other: _("Something else"),
}
FAULTS: dict[Fault, Text] = {
    Fault.no_source: _("it named no source"),
    Fault.unknown_source: _("its source is none of the passages that were found"),
    Fault.numbers: _("its numbers are not those of the source"),
    Fault.negation: _("it denies what the source says, or says what the source denies"),
    Fault.limits: _("a condition or a limit of the source is missing or changed"),
    Fault.persons: _("it says of us what the source says of the customer, or the other way round"),
    Fault.unsaid: _("no single sentence of the source says it"),
    Fault.order: _("who does what to whom may have changed"),
    Fault.unlike: _("it is not near enough to the source"),
    Fault.not_entailed: _("it does not follow from the source"),
}
