"""A model on this machine: by name or folder, run by transformers, in the models' process and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Event, Lock
from typing import Any

import msgspec

from ai.providers.usage import Usage
from ai.writing import ModelFailed
from helpdesk.i18n import gettext
from helpdesk.ports import Prompt

WHOLE = 300.0  # seconds of one answer
CONTEXT = 4_096  # tokens, where the model does not say how many it reads

_allowed = False
_one_at_a_time = Lock()


def allow() -> None:
    """Said by the models' process: weights and torch have their place there."""
    global _allowed
    _allowed = True


def is_allowed() -> bool:
    return _allowed


@dataclass
class LocalModel:
    model: str
    usage: Usage = field(default_factory=Usage)

    @property
    def name(self) -> str:
        return self.model

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """Raises ModelFailed where the model can't be loaded, or the question is longer than it reads."""
        pieces: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        loop, stop = asyncio.get_running_loop(), Event()

        def tell(piece: str | Exception | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        running = loop.run_in_executor(None, self._run, prompt, tell, stop)
        end = loop.time() + WHOLE
        try:
            while True:
                async with asyncio.timeout(max(0, end - loop.time())):
                    piece = await pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                if piece is None:
                    return
                yield piece
        except TimeoutError:
            raise ModelFailed(gettext("The language model took too long.")) from None
        finally:
            stop.set()
            await asyncio.shield(running)

    def _run(self, prompt: Prompt, tell: Any, stop: Event) -> None:
        try:
            with _one_at_a_time:
                self._write(prompt, tell, stop)
            tell(None)
        except ModelFailed as error:
            tell(error)
        except Exception as error:  # whatever a model's own code raises; the caller hears of it
            tell(ModelFailed(gettext("The model failed: %(why)s") % {"why": str(error)[:300]}))

    def _write(self, prompt: Prompt, tell: Any, stop: Event) -> None:
        import torch
        from transformers import StoppingCriteria, TextStreamer

        class Stopped(StoppingCriteria):  # type: ignore[misc]
            def __call__(self, ids: Any, scores: Any, **_more: Any) -> Any:
                return torch.full((ids.shape[0],), stop.is_set(), dtype=torch.bool)

        class Pieces(TextStreamer):  # type: ignore[misc]
            def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
                if text:
                    tell(text)

        tokenizer, model = loaded(self.model)
        ids = _ids(tokenizer, prompt)
        count = int(ids.shape[1])
        longest = int(getattr(model.config, "max_position_embeddings", 0) or CONTEXT)
        if count + prompt.max_tokens > longest:
            raise ModelFailed(
                gettext("The question has %(count)s tokens; with the answer, the model reads %(most)s.")
                % {"count": count, "most": longest}
            )
        with torch.inference_mode():
            made = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=prompt.max_tokens,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
                streamer=Pieces(tokenizer, skip_prompt=True, skip_special_tokens=True),
                stopping_criteria=[Stopped()],
            )
        self.usage = Usage(count, int(made.shape[1]) - count)


def _ids(tokenizer: Any, prompt: Prompt) -> Any:
    """By the model's own chat template; a model that has none reads the texts one after the other.

    A stranger's text is no turn: what would be read as a special token is split by `ai.output.prepared` before.
    """
    system = prompt.system
    if prompt.schema is not None:
        schema = msgspec.json.encode(prompt.schema).decode()
        system += f"\n\nAnswer with nothing but one JSON object that fits this JSON schema:\n{schema}"
    turns = [{"role": "system", "content": system}, {"role": "user", "content": prompt.user}]
    if tokenizer.chat_template is None:
        return tokenizer(f"{system}\n\n{prompt.user}\n\n", return_tensors="pt").input_ids
    return tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )["input_ids"]


@lru_cache(maxsize=1)
def loaded(model: str) -> tuple[Any, Any]:
    """Once a process, by name or folder; no code that comes with a model is run, and no pickle is read."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        found = AutoModelForCausalLM.from_pretrained(model, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, ImportError) as error:
        words = gettext("The model %(model)s can't be loaded: %(why)s") % {
            "model": model,
            "why": str(error).split("\n")[0][:300],
        }
        raise ModelFailed(words) from None
    return tokenizer, found.eval()
