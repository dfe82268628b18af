"""Vectors from another machine: any server with OpenAI's `/v1/embeddings` (TEI, vLLM, Infinity, llama.cpp, …).

What is embedded leaves the desk, with placeholders in the place of what is secret or personal (`ai/masking.py`):
passages, questions of agents, customers' letters. The server is therefore the
operator's to name, in the environment, and is reached like every address that somebody chose.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from hashlib import sha256
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

import msgspec
import numpy as np

from ai.embedding.models import slug
from ai.masking import Mask
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from helpdesk.outbound import Outbound, Policy, Unreachable
from helpdesk.ports import Vectors

BATCH = 32  # texts of one request
LONGEST = 8_000  # characters of one text; servers refuse what their model cannot read
LARGEST = 16 * 2**20  # bytes of an answer
PATIENCE = 30.0  # seconds


class Counted(Protocol):
    tokens: int | None


class Meter(Protocol):
    """Enters each request where calls of models are on record; `ai.providers.vectors`."""

    def metered(
        self, texts: Sequence[str], masks: Sequence[Mask]
    ) -> AbstractAsyncContextManager[Counted]: ...


class RemoteFailed(HelpdeskError):
    """The server answered, and not with vectors."""

    status = 503
    message = _("The server that makes vectors gave an answer that the desk cannot use.")


class RemoteEmbedder:
    precision = "fp32"

    def __init__(
        self,
        url: str,
        model: str,
        dimensions: int,
        *,
        policy: Policy,
        key: str = "",
        meter: Meter | None = None,
    ) -> None:
        """`url` is the endpoint without `/embeddings`, as in `https://models.example.com/v1`."""
        self.dimensions = dimensions
        self.name = f"{slug(model)}@{urlsplit(url).hostname}-{sha256(url.encode()).hexdigest()[:8]}"
        self._url, self._model, self._key = f"{url.rstrip('/')}/embeddings", model, key
        self._outbound, self._meter = Outbound(policy), meter

    @classmethod
    async def connected(
        cls, url: str, model: str, *, policy: Policy, key: str = "", meter: Meter | None = None
    ) -> "RemoteEmbedder":
        """Asks once how long this model's vectors are. Raises Unreachable, NotAllowed or RemoteFailed."""
        found = cls(url, model, 0, policy=policy, key=key, meter=meter)
        found.dimensions = (await found.embed(["How long is a vector?"])).shape[1]
        return found

    async def embed(self, texts: Sequence[str]) -> Vectors:
        parts = [await self._asked(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
        vectors = np.concatenate(parts) if parts else np.empty((0, self.dimensions), np.float32)
        if self.dimensions and vectors.shape[1] != self.dimensions:
            raise RemoteFailed  # another model under the same name: its vectors must not be mixed with the old
        return vectors

    async def _asked(self, texts: Sequence[str]) -> Vectors:
        masks = [Mask() for _text in texts]
        sent = [mask.masked(text[:LONGEST]) or " " for mask, text in zip(masks, texts, strict=True)]
        around = self._meter.metered(sent, masks) if self._meter else nullcontext(None)
        async with around as counted:
            answer = await self._posted(sent)
            if counted is not None:
                counted.tokens = answer.usage.prompt_tokens if answer.usage else None
            return _vectors(answer, len(texts))

    async def _posted(self, sent: Sequence[str]) -> "_Answer":
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        body = {
            "model": self._model,
            "input": sent,
            "encoding_format": "float",
        }
        answer = await self._outbound.ask(
            "POST",
            self._url,
            headers=headers,
            content=msgspec.json.encode(body),
            redirects=0,
            largest=LARGEST,
            within=PATIENCE,
        )
        if answer.status == 429 or answer.status >= 500:
            raise Unreachable(f"{self._url} answered {answer.status}.")
        if answer.status != 200:
            raise RemoteFailed
        try:
            return msgspec.json.decode(answer.body, type=_Answer)
        except msgspec.MsgspecError:
            raise RemoteFailed from None


class _Vector(msgspec.Struct):
    index: int
    embedding: list[float]


class _Usage(msgspec.Struct):
    prompt_tokens: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None


class _Answer(msgspec.Struct):
    data: list[_Vector]
    usage: _Usage | None = None


def _vectors(answer: _Answer, count: int) -> Vectors:
    """In the order of the texts, of unit length, all of them numbers."""
    try:
        by_index: dict[int, Any] = {each.index: each.embedding for each in answer.data}
        vectors = np.array([by_index[i] for i in range(count)], np.float32)
    except (KeyError, ValueError):
        raise RemoteFailed from None
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True) if vectors.ndim == 2 else np.zeros(1)
    if not np.isfinite(vectors).all() or not (lengths > 0).all():
        raise RemoteFailed
    return np.asarray(vectors / lengths, np.float32)
