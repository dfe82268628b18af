"""Asking a language model for text, or for a decision in a form that is checked.

A model's answer is a stranger's word: `decided` gives an instance of the struct or raises ModelFailed, never
something in between. What is meant for people goes through `ai.output.safe` as well.
"""

import re
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _, gettext
from helpdesk.ports import LanguageModel, Prompt

TRIES = 3  # of a decision, the first included
LONGEST = 100_000  # characters of one answer
TOLD_BACK = 2_000  # characters of a bad answer that the model is shown again

THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
"""What some models say to themselves first."""

T = TypeVar("T")


class ModelFailed(HelpdeskError):
    """No answer, or none that can be used; the detail says why in words for an agent."""

    status = 502
    message = _("The language model gave no usable answer.")


async def written(model: LanguageModel, prompt: Prompt) -> str:
    """The whole answer. Raises ModelFailed where there is none, or no end of it."""
    parts: list[str] = []
    length = 0
    async for part in model.stream(prompt):
        parts.append(part)
        length += len(part)
        if length > LONGEST:
            raise ModelFailed(gettext("The language model did not stop writing."))
    if not (answer := THOUGHTS.sub("", "".join(parts)).strip()):
        raise ModelFailed(gettext("The language model answered with nothing."))
    return answer


async def decided(model: LanguageModel, prompt: Prompt, kind: type[T]) -> T:
    """An instance of `kind`, a msgspec Struct, whose constraints (`Meta`) hold.

    An answer that does not fit is told to the model with the reason, twice; then ModelFailed is raised.
    """
    asked = replace(prompt, schema=schema_of(kind))
    why = ""
    for _try in range(TRIES):
        answer = await written(model, asked)
        try:
            return read(answer, kind)
        except msgspec.DecodeError as error:  # ValidationError is one
            why = str(error)
            asked = replace(asked, user=prompt.user + _told(answer, why))
    raise ModelFailed(
        gettext("The language model's answer has not the form that was asked for: %(why)s.") % {"why": why}
    )


def read(answer: str, kind: type[T]) -> T:
    """The first JSON value of an answer, with or without words or a fence around it.

    Raises msgspec.DecodeError, or ValidationError naming the field.
    """
    decoder = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(answer)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        begin, end = answer.find("{"), answer.rfind("}")
        if begin < 0 or end < begin or (begin == 0 and end == len(answer) - 1):
            raise
        try:
            return decoder.decode(answer[begin : end + 1])
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            raise error from None


def schema_of(kind: type) -> dict[str, Any]:
    """As servers with strict output want it: no references, each object closed and each of its fields required."""
    (schema,), definitions = msgspec.json.schema_components([kind])
    inlined: dict[str, Any] = _inlined(schema, definitions, ())
    return inlined


def _inlined(schema: Any, definitions: dict[str, Any], within: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, definitions, within) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        if name in within:
            raise TypeError(f"{name} holds itself; no schema of a finite depth says that.")
        return _inlined(definitions[name], definitions, (*within, name))
    made = {
        key: {name: _inlined(field, definitions, within) for name, field in part.items()}
        if key == "properties"
        else _inlined(part, definitions, within)
        for key, part in schema.items()
        if key != "default"
    }
    if made.get("type") == "object" and "properties" in made:
        made |= {"additionalProperties": False, "required": list(made["properties"])}
    return made


def _told(answer: str, why: str) -> str:
    return (
        f"\n\nYour answer before was:\n{answer[:TOLD_BACK]}\n\nIt can't be used: {why}. Answer again, with nothing "
        "but one JSON object that fits the schema."
    )
