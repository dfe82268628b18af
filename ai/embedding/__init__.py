"""Sentences as vectors: one model, two ways to run it.

`SentenceEmbedder` runs any sentence-transformers model on torch and lives in the worker's child; `OnnxEmbedder`
runs an int8 export of the same weights without torch, for the web process and for bulk indexing. Their vectors
agree closely enough to be compared (tests/ai/test_embedding.py), so both carry the model's name.
"""

from ai.embedding.models import ModelDamaged, ModelNotReady, exported
from ai.embedding.onnx import OnnxEmbedder
from helpdesk.settings import Settings

__all__ = ["ModelDamaged", "ModelNotReady", "OnnxEmbedder", "embedder", "exported"]


def embedder(settings: Settings, *, threads: int = 1) -> OnnxEmbedder:
    """The desk's model without torch; raises ModelNotReady until the worker has exported it."""
    return OnnxEmbedder(exported(settings), threads=threads)
