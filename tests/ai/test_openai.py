"""A server on loopback that speaks OpenAI's API, on good days and on bad ones."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from ai.providers.openai import REFUSED, OpenAIModel, Patience
from ai.providers.usage import Usage
from ai.writing import ModelFailed, decided, written
from helpdesk.outbound import NotAllowed, Policy
from helpdesk.ports import Prompt
from tests.language_server import KEY, SAID, LanguageServer

PROMPT = Prompt(system="You answer.", user="Where is my parcel?", max_tokens=50)
QUICK = Patience(connect=1, first=0.5, between=0.3, whole=3, pause=0.01)


class Sorted(msgspec.Struct, frozen=True):
    team: str
    sure: float


@pytest.fixture
async def server() -> AsyncIterator[LanguageServer]:
    REFUSED.clear()
    async with LanguageServer.running() as running:
        yield running


def model(server: LanguageServer, name: str, key: str = "") -> OpenAIModel:
    return OpenAIModel(server.base_url, name, Policy.of(server.host), key, QUICK)


async def test_an_answer_comes_in_pieces_and_is_counted(server: LanguageServer):
    asked = model(server, "good")
    pieces = [piece async for piece in asked.stream(PROMPT)]
    assert "".join(pieces) == SAID
    assert len(pieces) > 5
    assert asked.usage == Usage(40, 7)
    assert server.asked[0]["messages"][1] == {"role": "user", "content": "Where is my parcel?"}
    assert "authorization" not in server.headers[0]


async def test_a_server_that_does_not_stream_is_understood(server: LanguageServer):
    asked = model(server, "whole")
    assert await written(asked, PROMPT) == SAID
    assert asked.usage == Usage(40, 7)


async def test_a_decision_comes_in_the_asked_form(server: LanguageServer):
    assert await decided(model(server, "good"), PROMPT, Sorted) == Sorted("parcel", 0.5)
    form = server.asked[0]["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["required"] == ["team", "sure"]


async def test_a_server_without_schemas_is_asked_in_words_from_then_on(server: LanguageServer):
    for _time in range(2):
        assert await decided(model(server, "no-schema"), PROMPT, Sorted) == Sorted("parcel", 0.5)
    assert ["response_format" in body for body in server.asked] == [True, False, False]
    assert '"team"' in server.asked[1]["messages"][0]["content"]


async def test_what_a_server_refuses_is_left_out(server: LanguageServer):
    assert await written(model(server, "picky"), PROMPT) == SAID
    assert server.asked[-1]["max_completion_tokens"] == 50
    assert not {"temperature", "stream_options", "max_tokens"} & set(server.asked[-1])


async def test_a_busy_server_is_asked_again(server: LanguageServer):
    assert await written(model(server, "busy"), PROMPT) == SAID
    assert server.times["busy"] == 3


@pytest.mark.parametrize(
    ("name", "words", "times"),
    [
        ("closed", "quota exceeded", 1),
        ("down", "503: loading model", 3),
        ("hangs", "too long", 1),
        ("stalls", "too long", 1),
        ("dies", "broke off", 1),
        ("ends-early", "broke off", 1),
        ("too-long", "longer than", 1),
        ("garbage", "Check the address", 1),
        ("broken", "other than chat completions", 1),
        ("odd", "other than chat completions", 1),
        ("fails-midway", "out of memory", 1),
        ("flood", "did not stop", 1),
        ("moved", "sends the desk elsewhere", 1),
        ("locked", "does not take the key", 1),
        ("missing", "missing does not exist", 1),
    ],
)
async def test_a_bad_day_is_said_in_words(server: LanguageServer, name: str, words: str, times: int):
    with pytest.raises(ModelFailed, match=words):
        await written(model(server, name), PROMPT)
    assert server.times[name] == times


async def test_the_key_goes_along_and_is_in_no_text_of_ours(server: LanguageServer):
    asked = model(server, "locked", KEY)
    assert await written(asked, PROMPT) == SAID
    assert KEY not in repr(asked)


async def test_nothing_is_called_that_the_desk_may_not_call(server: LanguageServer):
    closed = OpenAIModel(server.base_url, "good", Policy(), patience=QUICK)
    with pytest.raises(NotAllowed):
        await written(closed, PROMPT)
    assert server.asked == []


async def test_a_server_that_is_not_there(server: LanguageServer):
    nowhere = OpenAIModel("http://127.0.0.1:9/v1", "good", Policy.of("127.0.0.1:9"), patience=QUICK)
    with pytest.raises(ModelFailed, match="refuses connections"):
        await written(nowhere, PROMPT)
