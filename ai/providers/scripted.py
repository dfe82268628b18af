"""A language model that says what it was told to: for tests, and for trying a flow without a model."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from helpdesk.ports import Prompt


@dataclass
class ScriptedModel:
    """Answers in the given order, the last one again and again; remembers what it was asked."""

    answers: Sequence[str | Exception]
    name: str = "scripted"
    prompts: list[Prompt] = field(default_factory=list)

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """Word by word, as a model would; a scripted exception is raised instead."""
        answer = self.answers[min(len(self.prompts), len(self.answers) - 1)]
        self.prompts.append(prompt)
        if isinstance(answer, Exception):
            raise answer
        for i, word in enumerate(answer.split(" ")):
            yield f" {word}" if i else word


SCRIPTS: dict[str, ScriptedModel] = {}
"""What connections of the kind `scripted` say, by their `model`; this process knows no others."""


def script(model: str) -> ScriptedModel:
    """A connection without a script repeats nothing and answers with one fixed word."""
    return SCRIPTS.setdefault(model, ScriptedModel(["Scripted."], name=model))
