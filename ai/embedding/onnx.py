"""The same model without torch: our int8 export in onnxruntime. 2 ms of CPU a query, 100 MB, ready in 0.4 s."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from helpdesk.ports import Vectors

TOKENS = 1024
"""Tokens of one batch, padding included: larger batches cost memory and CPU and win nothing."""

ALIKE = 1.25
"""How much longer than its shortest text a batch's longest may be."""


class OnnxEmbedder:
    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        about = json.loads((folder / "about.json").read_text())
        self.name: str = about["name"]
        self.dimensions: int = about["dimensions"]
        self.precision: str = about["precision"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(about["max_tokens"])
        self._tokenizer.no_padding()
        self._padding: int = about["padding"]
        self._session = session(folder / "model.onnx", threads=threads)
        self._inputs = {each.name for each in self._session.get_inputs()}
        self._lock = threading.Lock()  # one run at a time: two would only share the same cores

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self.embed_now, texts)

    def embed_now(self, texts: Sequence[str]) -> Vectors:
        """The same for callers that are not on the event loop."""
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        encodings: list[Encoding] = self._tokenizer.encode_batch(list(texts))
        for batch in batches([len(each.ids) for each in encodings]):
            vectors[batch] = self._run([encodings[i].ids for i in batch])
        return vectors

    def _run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        width = max(map(len, rows))
        ids = np.full((len(rows), width), self._padding, np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        with self._lock:
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


def session(model: Path, *, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the largest batch's memory for ever
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # don't burn the web's cores
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
