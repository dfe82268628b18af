"""From one article to a letter: a contiguous passage, whole lists of steps, each sentence with its source."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ai.courtesy import Courtesy, courtesy
from kb.chunks import CELLS, sentences
from kb.search import FoundPassage, Hit

STEP = re.compile(r"^(\d+)\.\s")
LIST = re.compile(r"^(?:\d+\.|-)\s")


class Part(StrEnum):
    greeting = "greeting"  # needs no proof, like the closing
    content = "content"
    wished = "wished"  # in the words of the agent who asked for the draft
    closing = "closing"


@dataclass(frozen=True, kw_only=True)
class Citation:
    """A place in an article as it stood; `quote` is found there word for word."""

    article_id: int
    version: int
    chunk_id: int
    slug: str
    title: str
    quote: str


@dataclass(frozen=True, kw_only=True)
class Sentence:
    text: str
    kind: Part = Part.content
    citations: tuple[Citation, ...] = ()
    begins: bool = True  # on a line of its own

    @property
    def needs_proof(self) -> bool:
        return self.kind is Part.content


@dataclass(frozen=True)
class Draft:
    sentences: tuple[Sentence, ...]
    body: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", body_of(self.sentences))

    @property
    def is_grounded(self) -> bool:
        return all(s.citations for s in self.sentences if s.needs_proof)


def compose(
    hit: Hit,
    *,
    language: str,
    name: str = "",
    words: Courtesy | None = None,
    more: Sequence[Hit] = (),
    short: bool = False,
    ask: str = "",
) -> Draft | None:
    """The best passage of the best article between a greeting and a closing; None without any content.

    `more`: what answers the letter's other questions, each under the name of its article. `short`: of a passage the
    list, or else its first sentences. `ask`: what the customer is asked for besides.
    """
    words = words or courtesy(language)
    content = [quoted(hit, line) for line in picked(hit, short=short)]
    if not content:
        return None
    begin = [words.greets(name)]
    if LIST.match(content[0].text):  # steps that nothing announces
        begin.append(words.source.format(title=hit.title))
    for other in more:
        if lines := [quoted(other, line) for line in picked(other, short=short)]:
            content += [named(words, other.title), *opened(lines)]
    end = [words.asks(ask)] if ask else []
    return Draft(
        (
            *(Sentence(text=line, kind=Part.greeting) for line in begin),
            *content,
            *(Sentence(text=line, kind=Part.closing) for line in [*end, words.offer, words.ending]),
        )
    )


def named(words: Courtesy, title: str) -> Sentence:
    """Where the next thing comes from; it claims nothing of its own."""
    return Sentence(text=words.source.format(title=title), kind=Part.greeting)


def opened(lines: Sequence[Sentence]) -> list[Sentence]:
    """They begin on a line of their own, wherever in its paragraph the first one stood."""
    return [replace(lines[0], begins=True), *lines[1:]]


BRIEF = 2
"""Sentences of a short draft that has no list."""


def picked(hit: Hit, *, short: bool) -> list["Line"]:
    lines = chosen(hit)
    if not short:
        return lines
    listed = [line for line in lines if LIST.match(line.text)]
    return lines if listed and len(listed) == len(lines) else _steps_of(lines) or lines[:BRIEF]


def _steps_of(lines: list["Line"]) -> list["Line"]:
    """The numbered steps with all their sentences, without what stands around them."""
    found: list[Line] = []
    inside = False
    for line in lines:
        inside = bool(STEP.match(line.text)) if line.begins else inside
        if inside:
            found.append(line)
    return found


@dataclass(frozen=True)
class Line:
    """One sentence of an article and where it stands."""

    chunk: FoundPassage
    text: str
    begins: bool
    head: str = ""  # of a table's row: its first row

    @property
    def is_row(self) -> bool:
        return bool(self.head)

    @property
    def written(self) -> str:
        """A row of a table as an item of a list, since plain text has no columns."""
        if not self.is_row:
            return self.text
        name, *cells = self.text.split(CELLS)
        names = self.head.split(CELLS)[1:]
        if len(cells) > 1 and len(names) == len(cells):
            cells = [f"{column} {cell}" for column, cell in zip(names, cells, strict=True)]
        return f"- {name}: {', '.join(cells)}"


def chosen(hit: Hit) -> list[Line]:
    """The lines of the best passage; a list of steps that it cuts, or announces, is taken whole."""
    lines = lines_of(hit)
    inside = [i for i, line in enumerate(lines) if line.chunk.position == hit.best.position]
    if not inside:
        return []
    first, last = inside[0], inside[-1]
    while first and continues(lines, first - 1, first):
        first -= 1
    while last + 1 < len(lines) and (
        continues(lines, last, last + 1) or (lines[last].text.endswith(":") and is_listed(lines, last + 1))
    ):
        last += 1
    if first and lines[first - 1].text.endswith(":") and LIST.match(lines[first].text):
        first -= 1
    return trimmed([line for line in lines[first : last + 1] if line.text != line.head])


def lines_of(hit: Hit) -> list[Line]:
    """The article's sentences in order, without the sentence that neighbouring passages share."""
    lines: list[Line] = []
    for passage in sorted(hit.passages, key=lambda each: each.position):
        fresh = [
            Line(passage, sentence, i == 0, head)
            for paragraph, head in with_heads(passage.text.split("\n"))
            for i, sentence in enumerate([paragraph] if head else sentences(paragraph))
        ]
        if lines and fresh and fresh[0].text == lines[-1].text:
            if passage.position == hit.best.position:
                # The shared sentence belongs to the passage that is quoted.
                fresh[0] = replace(fresh[0], begins=lines.pop().begins)
            else:
                fresh = fresh[1:]
        lines.extend(fresh)
    return lines


def with_heads(paragraphs: list[str]) -> list[tuple[str, str]]:
    """Each with the first row of the table that it belongs to; one row alone is no table."""
    found: list[tuple[str, str]] = []
    for i, paragraph in enumerate(paragraphs):
        above = found[-1][1] if found else ""
        follows = i + 1 < len(paragraphs) and CELLS in paragraphs[i + 1]
        head = (above or (paragraph if follows else "")) if CELLS in paragraph else ""
        found.append((paragraph, head))
    return found


def head_of(lines: list[Line], i: int) -> str:
    """The beginning of the paragraph or list item that line i belongs to."""
    while i and not lines[i].begins:
        i -= 1
    return lines[i].text


def is_listed(lines: list[Line], i: int) -> bool:
    return bool(LIST.match(head_of(lines, i)))


def continues(lines: list[Line], one: int, other: int) -> bool:
    """Line `other` is of the list that `one` is of: another list's steps begin anew, another section's points
    stand under another heading."""
    if not is_listed(lines, one) or not is_listed(lines, other):
        return False
    before, after = head_of(lines, one), head_of(lines, other)
    if step := STEP.match(after):
        return before is after or int(step[1]) > 1
    return lines[one].chunk.path == lines[other].chunk.path


def trimmed(lines: list[Line]) -> list[Line]:
    """Without a last line that only announces what does not follow."""
    while lines and lines[-1].text.endswith(":"):
        lines = lines[:-1]
    return lines


def quoted(hit: Hit, line: Line) -> Sentence:
    source = Citation(
        article_id=hit.article_id,
        version=hit.version,
        chunk_id=line.chunk.chunk_id,
        slug=hit.slug,
        title=hit.title,
        quote=line.text,
    )
    return Sentence(text=line.written, citations=(source,), begins=line.begins)


def body_of(parts: tuple[Sentence, ...]) -> str:
    """Paragraphs apart, list items close together, sentences of a paragraph in a row."""
    body, before = "", ""
    for part in parts:
        if not body:
            body = part.text
        elif not part.begins:
            body += " " + part.text
        else:
            close = LIST.match(part.text) and LIST.match(before)
            body += ("\n" if close else "\n\n") + part.text
        before = part.text if part.begins else before
    return body
