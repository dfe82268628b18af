"""What a written draft may be made of: the passages that were found, numbered, and each of their sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from ai.compose import Citation, lines_of
from kb.search import Hit

PASSAGES = 3
"""Of one article; the best first."""


@dataclass(frozen=True)
class Piece:
    """One passage as a model is shown it."""

    id: str
    """`1`, `2` …: what the model cites."""
    hit: Hit
    chunk_id: int
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.sentences)

    def citation(self, sentence: int) -> Citation:
        return Citation(
            article_id=self.hit.article_id,
            version=self.hit.version,
            chunk_id=self.chunk_id,
            slug=self.hit.slug,
            title=self.hit.title,
            quote=self.sentences[sentence],
        )


def pieces_of(hits: Sequence[Hit]) -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    for hit in hits:
        lines = lines_of(hit)
        for passage in hit.passages[:PASSAGES]:
            said = tuple(line.text for line in lines if line.chunk.chunk_id == passage.chunk_id)
            if said:
                name = str(len(found) + 1)
                found[name] = Piece(name, hit, passage.chunk_id, said)
    return found
