"""Learned weights as bytes: arrays of floats in NumPy's own format, and nothing that could be executed."""

from collections.abc import Mapping
from io import BytesIO

import numpy as np

from ai.regression import Weights
from helpdesk.ports import Vectors


def packed(weights: Weights, vectors: Vectors) -> bytes:
    """`vectors`: of the messages that it learned from; half precision is enough to compare them."""
    out = BytesIO()
    np.savez(
        out,
        allow_pickle=False,
        matrix=weights.matrix.astype(np.float16 if len(weights.rarity) else np.float32),
        bias=weights.bias.astype(np.float32),
        sure=weights.sure.astype(np.float64),
        rarity=weights.rarity.astype(np.float32),
        vectors=vectors.astype(np.float16),
    )
    return out.getvalue()


def unpacked(data: bytes) -> tuple[Weights, Vectors]:
    with np.load(BytesIO(data), allow_pickle=False) as found:
        parts: Mapping[str, Vectors] = found
        matrix = np.asarray(parts["matrix"], np.float32)
        rarity = {"rarity": parts["rarity"]} if "rarity" in parts else {}  # written before words took part
        weights = Weights(matrix, parts["bias"], parts["sure"].astype(np.float64), **rarity)
        return weights, np.asarray(parts["vectors"], np.float32)
