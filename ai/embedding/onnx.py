"""The same model without torch: our int8 export in onnxruntime. 2 ms of CPU a query, 100 MB, ready in 0.4 s."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from helpdesk.ports import Vectors

TOKENS = 256
"""Tokens of one batch, padding included. What a batch works on stays near the processor: 1,024 tokens cost half as
much again for each text, since the memory of every step is fetched anew."""

ALIKE = 1.25
"""How much longer than its shortest text a batch's longest may be."""


class OnnxEmbedder:
    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """`threads`: how many batches are read side by side, each on one core."""
        self.threads = threads
        about = json.loads((folder / "about.json").read_text())
        self.name: str = about["name"]
        self.dimensions: int = about["dimensions"]
        self.precision: str = about["precision"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(about["max_tokens"])
        self._tokenizer.no_padding()
        self._padding: int = about["padding"]
        self._session = session(folder / "model.onnx")
        self._inputs = {each.name for each in self._session.get_inputs()}
        self._cores = threading.BoundedSemaphore(threads)  # more runs would only share the same cores
        self._pool = ThreadPoolExecutor(threads, "embedding") if threads > 1 else None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self.embed_now, texts)

    def embed_now(self, texts: Sequence[str]) -> Vectors:
        """The same for callers that are not on the event loop."""
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        encodings: list[Encoding] = self._tokenizer.encode_batch(list(texts))
        made = list(batches([len(each.ids) for each in encodings]))
        several = self._pool.map if self._pool and len(made) > 1 else map
        for batch, of_batch in zip(
            made, several(lambda batch: self._run([encodings[i].ids for i in batch]), made), strict=True
        ):
            vectors[batch] = of_batch
        return vectors

    def _run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        width = max(map(len, rows))
        ids = np.full((len(rows), width), self._padding, np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        with self._cores:
            (vectors,) = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})
        return np.asarray(vectors, np.float32)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices in batches of alike length: padding costs time, and int8 scales its numbers to the whole batch,
    so that a short text beside a long one would lose precision."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and ((len(batch) + 1) * lengths[i] > TOKENS or lengths[i] > ALIKE * lengths[batch[0]] + 2):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def session(model: Path) -> onnxruntime.InferenceSession:
    """Each run works in the thread that asks for it; several may run at once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the largest batch's memory for ever
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
