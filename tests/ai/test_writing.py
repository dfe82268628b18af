"""Text and decisions of a language model: what fits is given, what does not is asked for again, twice."""

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from ai.providers import ScriptedModel
from ai.writing import ModelFailed, decided, schema_of, written
from helpdesk.ports import Prompt

PROMPT = Prompt(system="You sort letters.", user="The printer burns.")


class Step(msgspec.Struct, frozen=True):
    words: str


class Sorted(msgspec.Struct, frozen=True):
    team: str
    sure: Annotated[float, Meta(ge=0, le=1)]
    steps: list[Step] = []


async def test_text_is_given_whole():
    assert await written(ScriptedModel(["  Turn it off.\n"]), PROMPT) == "Turn it off."


async def test_silence_is_no_answer():
    with pytest.raises(ModelFailed, match="nothing"):
        await written(ScriptedModel([" \n "]), PROMPT)


async def test_a_model_that_never_stops_is_stopped():
    with pytest.raises(ModelFailed, match="did not stop"):
        await written(ScriptedModel(["word " * 50_000]), PROMPT)


@pytest.mark.parametrize(
    "answer",
    [
        '{"team": "Fire", "sure": 0.9, "steps": []}',
        '```json\n{"team": "Fire", "sure": 0.9}\n```',
        'Here it is: {"team": "Fire", "sure": 0.9} I hope it helps.',
    ],
)
async def test_a_decision_is_read_with_or_without_words_around_it(answer: str):
    model = ScriptedModel([answer])
    assert await decided(model, PROMPT, Sorted) == Sorted("Fire", 0.9)
    assert model.prompts[0].schema is not None


async def test_what_does_not_fit_is_asked_again_with_the_reason():
    model = ScriptedModel(
        ['{"team": "Fire"}', '{"team": "Fire", "sure": 7}', '{"team": "Fire", "sure": 0.7}']
    )
    assert (await decided(model, PROMPT, Sorted)).sure == 0.7
    assert "missing required field `sure`" in model.prompts[1].user
    assert "$.sure" in model.prompts[2].user
    assert "missing required" not in model.prompts[2].user  # told what is wrong now, not what was


async def test_after_three_tries_it_is_given_up():
    model = ScriptedModel(["I would rather talk about something else."])
    with pytest.raises(ModelFailed, match="form"):
        await decided(model, PROMPT, Sorted)
    assert len(model.prompts) == 3


def test_the_schema_is_one_that_strict_servers_take():
    schema = schema_of(Sorted)
    assert schema["required"] == ["team", "sure", "steps"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["steps"]["items"]["required"] == ["words"]
    assert "$ref" not in str(schema)
    assert "default" not in str(schema)
