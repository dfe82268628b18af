"""Reading evaluation sets: articles and questions as JSON lines, labelled texts as CSV.

Whoever wrote a file may have written it badly: what is wrong is said with file and line, and nothing is guessed.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai.questions import asked
from helpdesk.errors import Invalid

LARGEST = 200 << 20
"""Bytes of a file."""
LONGEST = 2 << 20
"""Characters of a line."""
MOST = 100_000
"""Rows."""
SHOWN = 60
ALSO = {"sentence": "text", "utterance": "text", "label": "category", "intent": "category"}
"""What columns are called elsewhere."""


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
    message_id: int | None = None
    """Where it is a customer's message of this desk."""


def articles(path: Path) -> list[SetArticle]:
    """Lines with `id` or `filename`, and `title` + `body`, or `text` whose first line is the title."""
    found: dict[str, SetArticle] = {}
    for where, row in lines(path):
        article = article_of(row, where)
        if article.id in found:
            raise Invalid(f"{where}: the article {article.id[:SHOWN]!r} is there already.")
        found[article.id] = article
    if not found:
        raise Invalid(f"{path}: there is no article in this file.")
    return list(found.values())


def article_of(row: dict[str, Any], where: str) -> SetArticle:
    id_ = row.get("id") or row.get("slug") or row.get("filename")
    text = texted(row, "body", where) or texted(row, "text", where)
    if not isinstance(id_, str | int) or not id_ or not text.strip():
        raise Invalid(f"{where}: an article needs an `id` (or `filename`) and a `text` (or `body`).")
    title = texted(row, "title", where)
    if not title.strip():
        title, _, text = text.strip().partition("\n")
    title = title.removeprefix("Title:").strip()
    return SetArticle(clean(str(id_)), title, text.strip().removeprefix("Text:").strip() or title)


def questions(path: Path, known: Sequence[SetArticle] = ()) -> list[Question]:
    """Lines with `question` and `article_ids` (or one `slug`; null where none answers); a question that is
    marked `is_impossible` has no article, whatever else it names. With a `subject` it is read as a letter.
    Where articles are given, each question must name articles of theirs."""
    ids = {article.id for article in known}
    found = []
    for where, row in lines(path):
        text = texted(row, "question", where) or texted(row, "text", where)
        if not text.strip():
            raise Invalid(f"{where}: a question needs a `question`.")
        gold = () if row.get("is_impossible") else gold_of(row, where)
        if ids and gold and not ids.intersection(gold):
            raise Invalid(f"{where}: there is no article {gold[0][:SHOWN]!r} among the articles.")
        if subject := texted(row, "subject", where):
            text = asked(subject, text)
        found.append(Question(clean(str(row.get("id", where))), text, gold, texted(row, "answer", where)))
    if not found:
        raise Invalid(f"{path}: there is no question in this file.")
    return found


def gold_of(row: dict[str, Any], where: str) -> tuple[str, ...]:
    key = next((key for key in ("article_ids", "article_id", "slug") if row.get(key)), None)
    if key is None:
        return ()
    given = row[key] if isinstance(row[key], list) else [row[key]]
    if not all(isinstance(each, str | int) for each in given):
        raise Invalid(f"{where}: `{key}` must be an id or a list of ids.")
    return tuple(clean(str(each)) for each in given)


def texted(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise Invalid(f"{where}: `{key}` must be a text.")
    return clean(str(value))


def clean(text: str) -> str:
    """PostgreSQL keeps no zero character, and nothing keeps half of a pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(raw_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise Invalid(f"{path}:{number}: this line is no JSON ({why}).") from None
        if not isinstance(row, dict):
            raise Invalid(f"{path}:{number}: a line must be a JSON object.")
        yield f"{path}:{number}", row


def raw_lines(path: Path) -> Iterator[str]:
    if path.stat().st_size > LARGEST:
        raise Invalid(f"{path}: the file is larger than {LARGEST >> 20} MB.")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number > MOST:
                raise Invalid(f"{path}:{number}: a set may have {MOST:,} lines at most.")
            if len(line) > LONGEST:
                raise Invalid(f"{path}:{number}: this line is longer than {LONGEST >> 20} MB.")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise Invalid(f"{path}:{number}: this line is not UTF-8.") from None


def labelled(path: Path, *, text: str = "text", label: str = "sentiment") -> list[tuple[str, str]]:
    rows = csv.DictReader(raw_lines(path))
    found = []
    try:
        rows.fieldnames = [
            ALSO.get(name, name) if name not in {text, label} else name for name in rows.fieldnames or ()
        ]
        if missing := {text, label} - set(rows.fieldnames):
            raise Invalid(
                f"{path}: the column {min(missing)!r} is missing; the first line has to name {text} and {label}, "
                "with a comma between."
            )
        for row in rows:
            said, which = row[text], row[label]
            if said is None or which is None or not which.strip():
                raise Invalid(f"{path}:{rows.line_num}: a row needs `{text}` and `{label}`.")
            found.append((clean(said), clean(which.strip())))
    except csv.Error as error:
        raise Invalid(f"{path}:{rows.line_num + 1}: this is no CSV ({error}).") from None
    if not found:
        raise Invalid(f"{path}: there is no row in this file.")
    return found


def strangers(path: Path) -> list[str]:
    """One question a line."""
    return [clean(line).strip() for line in raw_lines(path) if line.strip()]
