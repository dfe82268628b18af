"""What readings are called."""

from ai.predictions import Kind
from helpdesk.i18n import Text, _

KINDS: dict[Kind, tuple[Text, Text]] = {
    Kind.topic: (_("Topic"), _("What it is about, in your own words: you name the topics.")),
    Kind.sentiment: (_("Mood"), _("How the customer feels, in five steps.")),
    Kind.frustration: (_("Frustration"), _("Whether patience has run out.")),
    Kind.urgency: (_("Urgency"), _("How soon something has to happen, whatever the mood.")),
    Kind.language: (_("Language"), _("What it is written in.")),
    Kind.team: (
        _("Team"),
        _("Who should have it: from what teams say of themselves, and from your decisions."),
    ),
    Kind.tag: (_("Tag"), _("The most likely one, learned from what your people tagged.")),
    Kind.priority: (_("Priority"), _("Learned from the priorities that your people set.")),
}

NOTHING: dict[str, Text] = {
    "fewer than two topics": _("There are fewer than two topics yet"),
    "fewer than two teams say what they do": _("Fewer than two teams say what they do"),
    "too few tickets were tagged by people": _("Too few tickets were tagged by people so far"),
    "too few priorities were set by people": _("Too few priorities were set by people so far"),
    "mixed": _("Too mixed to say"),
    "too short": _("Too short to say"),
}
"""Why a reader says nothing, as it puts it."""


def kind_name(kind: Kind | str) -> Text:
    return KINDS[Kind(kind)][0]
