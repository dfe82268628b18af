"""Any server that speaks OpenAI's chat completions, over the desk's guarded way out.

Servers differ in what they refuse: a schema, a temperature, the name of a limit. What one refuses is left out, asked
for in another way, and remembered. A request is made again while nothing of its answer was given on.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx
import msgspec

from ai.providers.usage import Usage
from ai.writing import ModelFailed
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.outbound import GuardedTransport, Policy, why
from helpdesk.ports import Prompt

TRIES = 3
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT = 20.0  # seconds; who asks for more is given up
LARGEST = 4_000_000  # bytes of one answer
EXCERPT = 300  # characters of a refusal that are shown
LOST = (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


@dataclass(frozen=True)
class Patience:
    """In seconds."""

    connect: float = 10
    first: float = 90  # until the first word: a large prompt on a small machine takes its time
    between: float = 45
    whole: float = 300
    pause: float = 1  # before the second try; doubled for the next


class _Refused(Exception):
    def __init__(self, status: int, text: str, wait: float | None) -> None:
        self.status, self.text, self.wait = status, text, wait


@dataclass
class OpenAIModel:
    base_url: str
    model: str
    policy: Policy
    key: str = field(default="", repr=False)
    patience: Patience = Patience()
    usage: Usage = field(default_factory=Usage)
    """Of the answer that is being given: one model, one answer at a time."""

    @property
    def name(self) -> str:
        return self.model

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """Raises NotAllowed for an address that is closed to the desk, else ModelFailed in words."""
        loop = asyncio.get_running_loop()
        end, given, tries = loop.time() + self.patience.whole, False, 0
        while True:
            tries += 1
            self.usage = Usage()
            try:
                async for piece in self._answer(prompt, end):
                    given = True
                    yield piece
                return
            except _Refused as refused:
                if self._adapted(prompt, refused):
                    tries -= 1
                    continue
                wait = refused.wait if refused.wait is not None else self._pause(tries)
                if refused.status not in AGAIN or tries == TRIES or wait > LONGEST_WAIT:
                    raise ModelFailed(_words(refused)) from None
            except HelpdeskError:
                raise
            except LOST as error:
                wait = self._pause(tries)
                if given or tries == TRIES:
                    raise ModelFailed(why(error)) from None
            if loop.time() + wait > end:
                raise ModelFailed(gettext("The language model took too long."))
            await asyncio.sleep(wait)

    def _pause(self, tries: int) -> float:
        return self.patience.pause * float(2 ** (tries - 1)) * random.uniform(0.7, 1.3)  # noqa: S311 - no secret

    async def _answer(self, prompt: Prompt, end: float) -> AsyncIterator[str]:
        url = f"{self.base_url.rstrip('/')}/chat/completions"
        limits = httpx.Timeout(None, connect=self.patience.connect, write=self.patience.first)
        async with httpx.AsyncClient(
            transport=GuardedTransport(self.policy), trust_env=False, follow_redirects=False, timeout=limits
        ) as client:
            request = client.build_request("POST", url, json=self.body(prompt), headers=_headers(self.key))
            response = await self._within(client.send(request, stream=True), self.patience.first, end)
            try:
                if response.status_code != 200:
                    text = await self._within(_beginning(response), self.patience.between, end)
                    raise _Refused(response.status_code, text, _wait(response))
                async for piece in self._pieces(response, end):
                    yield piece
            finally:
                await response.aclose()

    async def _pieces(self, response: httpx.Response, end: float) -> AsyncIterator[str]:
        """Of a stream of server-sent events, or of one whole answer where the server does not stream."""
        whole = "json" in response.headers.get("content-type", "")
        reader, chunks = _Events(whole), response.aiter_bytes()
        wait, finished = self.patience.first, False
        while (chunk := await self._within(anext(chunks, None), wait, end)) is not None:
            for event in reader.more(chunk):
                finished = self._noted(event) or finished
                if piece := _text(event):
                    wait = self.patience.between
                    yield piece
        for event in reader.rest():
            finished = self._noted(event) or finished
            if piece := _text(event):
                yield piece
        if not (finished or reader.done):
            raise ModelFailed(gettext("The language model broke off in the middle."))

    def _noted(self, event: dict[str, Any]) -> bool:
        """What the server counted, and whether this is the end. Raises ModelFailed where it is no good end."""
        if isinstance(usage := event.get("usage"), dict):
            self.usage = Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))
        if event.get("error"):
            raise ModelFailed(
                gettext("The language model's server failed: %(why)s") % {"why": _said(event)[:EXCERPT]}
            )
        reason = _choice(event).get("finish_reason")
        if reason == "length":
            raise ModelFailed(gettext("The answer was longer than the language model was allowed to write."))
        if reason == "content_filter":
            raise ModelFailed(gettext("The language model's server withheld the answer."))
        return isinstance(reason, str)

    async def _within(self, what: Any, seconds: float, end: float) -> Any:
        left = end - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(0, min(seconds, left))):
                return await what
        except TimeoutError:
            raise ModelFailed(gettext("The language model took too long.")) from None

    # What is asked

    def body(self, prompt: Prompt) -> dict[str, Any]:
        unknown, system = self._unknown, prompt.system
        asked: dict[str, Any] = {"model": self.model, "stream": True}
        if "stream_options" not in unknown:
            asked["stream_options"] = {"include_usage": True}
        if "temperature" not in unknown:
            asked["temperature"] = 0.2
        asked["max_completion_tokens" if "max_tokens" in unknown else "max_tokens"] = prompt.max_tokens
        if prompt.schema is not None and "response_format" in unknown:
            schema = msgspec.json.encode(prompt.schema).decode()
            system += f"\n\nAnswer with nothing but one JSON object that fits this JSON schema:\n{schema}"
        elif prompt.schema is not None:
            form = {"name": "answer", "strict": True, "schema": prompt.schema}
            asked["response_format"] = {"type": "json_schema", "json_schema": form}
        asked["messages"] = [{"role": "system", "content": system}, {"role": "user", "content": prompt.user}]
        return asked

    @property
    def _unknown(self) -> set[str]:
        return REFUSED.setdefault((self.base_url, self.model), set())

    def _adapted(self, prompt: Prompt, refused: _Refused) -> bool:
        """Whether something can be left out that the server named, or that it may have meant."""
        if refused.status not in {400, 404, 415, 422, 500, 501}:
            return False
        unknown = self._unknown
        named = next((key for key in OPTIONAL if key in refused.text and key not in unknown), None)
        if named is None and prompt.schema is not None and refused.status != 404:
            named = "response_format" if "response_format" not in unknown else None
        if named is None:
            return False
        unknown.add(named)
        return True


OPTIONAL = ("stream_options", "temperature", "max_tokens", "response_format")
REFUSED: dict[tuple[str, str], set[str]] = {}
"""Server and model → what of OPTIONAL it does not take; learnt anew by each process."""


class _Events:
    """Server-sent events out of bytes that come in any pieces; or the one object of a server that streams none."""

    def __init__(self, whole: bool) -> None:
        self.done = False
        self._whole = whole
        self._held, self._size = bytearray(), 0

    def more(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        self._size += len(chunk)
        if self._size > LARGEST:
            raise ModelFailed(gettext("The language model did not stop writing."))
        self._held += chunk
        if not self._whole and b"\n" in chunk:
            *lines, self._held = self._held.split(b"\n")
            for line in lines:
                yield from self._read(bytes(line).strip())

    def rest(self) -> Iterator[dict[str, Any]]:
        held = bytes(self._held).strip()
        if self._whole:
            yield _object(held)
        else:
            yield from self._read(held)

    def _read(self, line: bytes) -> Iterator[dict[str, Any]]:
        if not line or line.startswith(COMMENTS):
            return
        if not line.startswith(b"data:"):
            raise _not_that_api()
        if (data := line[5:].strip()) == b"[DONE]":
            self.done = True
        else:
            yield _object(data)


COMMENTS = (b":", b"event:", b"id:", b"retry:")


def _object(data: bytes) -> dict[str, Any]:
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        if isinstance(found := msgspec.json.decode(data), dict):
            return found
    raise _not_that_api()


def _not_that_api() -> ModelFailed:
    words = gettext("The server answered with something other than chat completions. Check the address.")
    return ModelFailed(words)


def _choice(event: dict[str, Any]) -> dict[str, Any]:
    choices = event.get("choices")
    if choices is None and "error" not in event and "usage" not in event:
        raise _not_that_api()
    if not choices:
        return {}
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise _not_that_api()
    return choices[0]


def _text(event: dict[str, Any]) -> str:
    choice = _choice(event)
    message = choice.get("delta") or choice.get("message") or {}
    text = message.get("content") if isinstance(message, dict) else None
    return text if isinstance(text, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 10**9 else None


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


async def _beginning(response: httpx.Response) -> str:
    taken = b""
    async for chunk in response.aiter_bytes():
        taken += chunk
        if len(taken) > 10_000:
            break
    return taken.decode("utf-8", "replace")


def _wait(response: httpx.Response) -> float | None:
    with suppress(ValueError):
        return max(0.0, float(response.headers.get("retry-after", "")))
    return None


def _words(refused: _Refused) -> str:
    said = _said_in(refused.text)
    match refused.status:
        case 401 | 403:
            return gettext("The server does not take the key.")
        case 404:
            return gettext("The server knows no such model or address: %(said)s") % {"said": said}
        case 429:
            return gettext("The server has had too many requests, or its own budget is used up: %(said)s") % {
                "said": said
            }
        case status if 300 <= status < 400:
            return gettext("The server sends the desk elsewhere. Enter the address that it means.")
        case status:
            return gettext("The server answered with %(status)s: %(said)s") % {"status": status, "said": said}


def _said_in(text: str) -> str:
    with suppress(msgspec.DecodeError):
        if isinstance(found := msgspec.json.decode(text), dict):
            return _said(found)[:EXCERPT]
    return " ".join(text.split())[:EXCERPT] or "—"


def _said(event: dict[str, Any]) -> str:
    error = event.get("error", event)
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)
