"""Which letters ask for the same thing."""

from collections.abc import Sequence

import numpy as np

from helpdesk.ports import Vectors


def groups(vectors: Vectors, near: float) -> list[list[int]]:
    """Rows in groups whose mean cosine is `near` or more (average linkage), the largest first; the most central
    row of each first. What is near nothing is a group of its own."""
    if len(vectors) < 2:
        return [[i] for i in range(len(vectors))]
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - near
    )
    labels = model.fit_predict(vectors)
    found = [np.flatnonzero(labels == label).tolist() for label in range(int(labels.max()) + 1)]
    return sorted((central(vectors, one) for one in found), key=lambda one: (-len(one), one[0]))


def central(vectors: Vectors, members: Sequence[int]) -> list[int]:
    """The members, the one that is nearest to all others first."""
    some = vectors[list(members)]
    nearness = some @ some.mean(axis=0)
    return [members[i] for i in np.argsort(-nearness, kind="stable")]
