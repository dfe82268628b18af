"""One model in two forms: they agree, the small one needs no torch, and neither runs on wrong bytes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ai.embedding import ModelDamaged, ModelNotReady, OnnxEmbedder, embedder
from ai.embedding import models as embedding_models
from ai.embedding.onnx import TOKENS, batches, session
from helpdesk.settings import Settings

TEXTS = [
    "Where is my parcel?",
    "How do I reset the password of a colleague who has left the company?",
    "Die Rechnung stimmt nicht.",
    "The export fails with error 429 whenever more than two hundred rows are selected. " * 12,
    "ok",
]


async def test_vectors_have_unit_length_and_do_not_depend_on_their_neighbours(model: OnnxEmbedder) -> None:
    together = await model.embed(TEXTS)
    alone = np.concatenate([await model.embed([text]) for text in TEXTS])
    assert together.shape == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert (together * alone).sum(1).min() > 0.98  # int8 scales its numbers to the whole batch


async def test_meaning_is_nearer_than_words(model: OnnxEmbedder) -> None:
    asked, same, other = await model.embed(
        ["I cannot sign in", "The login does not work for me", "I signed the contract in March"]
    )
    assert asked @ same > asked @ other + 0.2


def test_batches_are_small_and_of_alike_length() -> None:
    lengths = [250, 3, 240, 4, 256, 60, 900]
    made = list(batches(lengths))
    assert sorted(i for batch in made for i in batch) == list(range(len(lengths)))
    assert all(len(b) * max(lengths[i] for i in b) <= TOKENS for b in made if len(b) > 1)
    assert made[0] == [1, 3]
    assert made[-1] == [6]


def test_without_an_export_the_web_process_says_so_instead_of_loading_torch(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="being prepared"):
        embedder(Settings(home=tmp_path))


def test_embedding_a_query_imports_neither_torch_nor_transformers(model_home: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from ai.embedding import embedder
from helpdesk.settings import Settings
model = embedder(Settings(home=Path({str(model_home)!r})))
assert asyncio.run(model.embed(["hello"])).shape == (1, 384)
print([name for name in ("torch", "transformers", "sentence_transformers", "onnx") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_changed_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_models, "SHIPPED_SHA256", "0" * 64)
    with pytest.raises(ModelDamaged, match="Install"):
        embedding_models.source("all-MiniLM-L6-v2")


@pytest.mark.models
async def test_the_exports_agree_with_sentence_transformers(model: OnnxEmbedder, tmp_path: Path) -> None:
    """The graph before quantisation is the model; int8 stays so near that both may be compared."""
    from ai.embedding.export import fp32
    from ai.embedding.sentence import SentenceEmbedder

    torch_model = SentenceEmbedder.load(threads=2)
    truth = await torch_model.embed(TEXTS)
    fp32(torch_model, tmp_path / "fp32.onnx")
    exact = OnnxEmbedder.__new__(OnnxEmbedder)
    exact.__dict__.update(model.__dict__)
    exact._session = session(tmp_path / "fp32.onnx")
    assert ((await exact.embed(TEXTS)) * truth).sum(1).min() > 0.9999
    assert ((await model.embed(TEXTS)) * truth).sum(1).mean() > 0.98
    assert torch_model.name == model.name
    assert (torch_model.precision, model.precision) == ("fp32", "int8")
