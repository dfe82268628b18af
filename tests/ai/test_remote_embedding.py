"""Vectors from a server: in the order of the texts, of unit length, and nothing that is none."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest
from sqlalchemy import exists, select

from ai.embedding.remote import BATCH, RemoteEmbedder, RemoteFailed
from ai.providers import Purpose
from ai.providers.calls import Call, Record, State
from ai.providers.vectors import VectorMeter, VectorsSpent
from helpdesk.outbound import NotAllowed, Policy, Unreachable
from tests.scenes import Scene

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a real one on loopback, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append({**body, "path": self.path, "key": self.headers.get("authorization")})
            status, given = answer(body)
            raw = given if isinstance(given, bytes) else json.dumps(given).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/v1", asked
    finally:
        httpd.shutdown()
        httpd.server_close()


def by_length(body: dict[str, Any]) -> tuple[int, Any]:
    """Backwards, as the specification allows: `index` says which is whose."""
    data = [{"index": i, "embedding": [len(text), 1.0, 0.0]} for i, text in enumerate(body["input"])]
    return 200, {"data": data[::-1]}


def allowed(url: str) -> Policy:
    return Policy.of(url.split("/")[2])


async def test_vectors_come_in_batches_and_in_order():
    texts = ["x" * n for n in range(1, BATCH + 5)]
    with server(by_length) as (url, asked):
        model = await RemoteEmbedder.connected(url, "acme/small", policy=allowed(url), key="k1")
        vectors = await model.embed(texts)
    assert model.dimensions == 3
    assert model.name.startswith("acme--small@127.0.0.1-")
    assert vectors.shape == (len(texts), 3)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert (np.diff(vectors[:, 1]) < 0).all()
    assert [len(each["input"]) for each in asked] == [1, BATCH, 4]
    assert {(each["path"], each["key"], each["model"]) for each in asked} == {
        ("/v1/embeddings", "Bearer k1", "acme/small")
    }


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"),
        (200, {"data": []}),
        (200, {"data": [{"index": 0, "embedding": [0.0, 0.0]}]}),
        (200, {"data": [{"index": 0, "embedding": []}]}),
        (200, b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}'),
        (401, {"error": "no"}),
    ],
)
async def test_what_is_no_vector_is_refused(answer: tuple[int, Any]):
    with server(lambda _: answer) as (url, _), pytest.raises(RemoteFailed):
        await RemoteEmbedder.connected(url, "m", policy=allowed(url))


async def test_a_busy_server_is_asked_again_later():
    with server(lambda _: (503, {})) as (url, _), pytest.raises(Unreachable):
        await RemoteEmbedder.connected(url, "m", policy=allowed(url))


async def test_another_model_under_the_same_name_is_noticed():
    lengths = iter([3, 4])

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        return 200, {"data": [{"index": 0, "embedding": [1.0] * next(lengths)}]}

    with server(answer) as (url, _):
        model = await RemoteEmbedder.connected(url, "m", policy=allowed(url))
        with pytest.raises(RemoteFailed):
            await model.embed(["again"])


async def test_a_private_address_has_to_be_allowed():
    with server(by_length) as (url, asked), pytest.raises(NotAllowed):
        await RemoteEmbedder.connected(url, "m", policy=Policy.of(""))
    assert not asked


async def test_calls_are_on_record_without_their_texts_and_end_with_the_budget(scene: Scene):
    """What was read is what the server says; a call that failed counts with what it could have come to."""

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        status, said = by_length(body)
        return status, said | {"usage": {"prompt_tokens": 12, "total_tokens": 12}}

    with server(answer) as (url, asked):
        meter = VectorMeter(scene.desk.beside, "127.0.0.1", "m", daily_tokens=24)
        model = await RemoteEmbedder.connected(url, "m", policy=allowed(url), meter=meter)
        await model.embed(["my card is 4111 1111 1111 1111"])
        with pytest.raises(VectorsSpent, match="budget for vectors"):
            await model.embed(["once more"])
    assert len(asked) == 2
    with server(lambda _: (503, {})) as (url, _), pytest.raises(Unreachable):
        await RemoteEmbedder.connected(url, "m", policy=allowed(url), meter=replace(meter, daily_tokens=None))
    async with scene.desk.sessions() as session:
        calls = (await session.scalars(select(Call).order_by(Call.id))).all()
        assert not await session.scalar(select(exists(Record.call_id)))
    assert {call.purpose for call in calls} == {Purpose.embed}
    assert [(call.state, call.tokens_in) for call in calls[:2]] == [(State.answered, 12)] * 2
    assert [call.masked for call in calls[:2]] == [{}, {"card": 1}]
    assert (calls[2].state, calls[2].tokens_in > 0, "503" in calls[2].trouble) == (State.failed, True, True)
