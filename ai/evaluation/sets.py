"""Reading evaluation sets: articles and questions as JSON lines, labelled texts as CSV."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai.questions import asked
from helpdesk.errors import Invalid


@dataclass(frozen=True)
class SetArticle:
    id: str
    title: str
    body: str


@dataclass(frozen=True)
class Question:
    id: str
    text: str
    articles: tuple[str, ...]  # any of these answers it; empty where none does
    answer: str = ""


def articles(path: Path) -> list[SetArticle]:
    """Lines with `id` or `filename`, and `title` + `body`, or `text` whose first line is the title."""
    return [article_of(row, where) for where, row in lines(path)]


def article_of(row: dict[str, Any], where: str) -> SetArticle:
    id_ = row.get("id") or row.get("slug") or row.get("filename")
    text = str(row.get("body") or row.get("text") or "")
    if not id_ or not text:
        raise Invalid(f"{where}: an article needs an `id` (or `filename`) and a `text` (or `body`).")
    title = row.get("title")
    if not title:
        title, _, text = text.strip().partition("\n")
    title = str(title).removeprefix("Title:").strip()
    return SetArticle(str(id_), title, text.strip().removeprefix("Text:").strip())


def questions(path: Path) -> list[Question]:
    """Lines with `question` and `article_ids` (or one `slug`; null where none answers); a question that is
    marked `is_impossible` has no article, whatever else it names. With a `subject` it is read as a letter."""
    found = []
    for where, row in lines(path):
        if not (text := row.get("question") or row.get("text")):
            raise Invalid(f"{where}: a question needs a `question`.")
        given: str | list[str] = next(
            (row[key] for key in ("article_ids", "article_id", "slug") if row.get(key)), []
        )
        ids = [given] if isinstance(given, str) else list(given)
        gold = () if row.get("is_impossible") else tuple(map(str, ids))
        text = asked(str(row["subject"]), str(text)) if row.get("subject") else str(text)
        found.append(Question(str(row.get("id", where)), text, gold, str(row.get("answer") or "")))
    return found


def lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise Invalid(f"{path}:{number}: this line is no JSON ({error}).") from None
            if not isinstance(row, dict):
                raise Invalid(f"{path}:{number}: a line must be a JSON object.")
            yield f"{path}:{number}", row


def labelled(path: Path, *, text: str = "text", label: str = "sentiment") -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := {text, label} - set(rows.fieldnames or ()):
            raise Invalid(f"{path}: the column {min(missing)!r} is missing.")
        return [(row[text], row[label]) for row in rows]
