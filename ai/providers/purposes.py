"""What a language model is asked for. A desk chooses for each purpose which connection serves it, or none."""

from enum import StrEnum

from helpdesk.i18n import Text, _


class Purpose(StrEnum):
    """In the order in which they are shown."""

    draft = "draft"
    rewrite = "rewrite"
    summary = "summary"
    translate = "translate"  # type: ignore[assignment]  # str has a method of this name
    triage = "triage"
    assist = "assist"
    learn = "learn"
    evaluate = "evaluate"
    embed = "embed"
    """Vectors of another machine, named in the environment: on record with the others, and chosen nowhere else."""


NAMES: dict[Purpose, Text] = {
    Purpose.draft: _("Drafts"),
    Purpose.rewrite: _("Rewriting"),
    Purpose.summary: _("Summaries"),
    Purpose.translate: _("Translation"),
    Purpose.triage: _("Triage"),
    Purpose.assist: _("Assistant"),
    Purpose.learn: _("Learning"),
    Purpose.evaluate: _("Evaluation"),
    Purpose.embed: _("Search vectors"),
}
WORDS: dict[Purpose, Text] = {
    Purpose.draft: _("Suggested replies, written from passages of your articles"),
    Purpose.rewrite: _("Shorter, friendlier, corrected: what an agent asks of their own text"),
    Purpose.summary: _("What a customer wants, what was tried, what is open"),
    Purpose.translate: _("Messages and replies in another language"),
    Purpose.triage: _("Titles and tags where the small models do not know"),
    Purpose.assist: _("Answers to customers, within the limits of its policy"),
    Purpose.learn: _("Proposed articles and edits, from solved tickets"),
    Purpose.evaluate: _("Measuring: the same questions asked of two configurations"),
}
CHOSEN: tuple[Purpose, ...] = tuple(WORDS)
"""Those that a language model is chosen for."""
