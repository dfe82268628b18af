"""Public sets in the formats that `helpdesk ai evaluate` reads: python -m ai.evaluation.converting WHAT FILE FOLDER

stackfaq   StackExchange-FAQ.xml of Karan et al. → articles.jsonl and questions.jsonl: an article is a question with
           its answers, the questions are people's other words for it
clinc150   data_full.json → train.csv and test.csv; what is out of scope stands in the test with a label of its own
few        TRAIN.csv → train.csv with ten examples of each label, drawn at random
"""

import csv
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.parsers import expat

from ai.evaluation.sets import LARGEST, labelled
from helpdesk.errors import Invalid, Misconfigured

FEW = 10
Pair = dict[str, list[str]]


def stackfaq(file: Path, folder: Path) -> dict[str, int]:
    pairs = pairs_of(_bytes(file), file)
    rows = [
        (f"faq-{number}", pair["question"][0], pair["answer"], pair["rephr"])
        for number, pair in enumerate(pairs, 1)
        if pair["question"] and pair["answer"]
    ]
    articles = [{"id": id_, "title": title, "text": "\n\n".join(said)} for id_, title, said, _ in rows]
    questions = [{"question": words, "article_ids": [id_]} for id_, _, _, others in rows for words in others]
    _jsonl(folder / "articles.jsonl", articles)
    _jsonl(folder / "questions.jsonl", questions)
    return {"articles": len(articles), "questions": len(questions)}


def pairs_of(raw: bytes, where: Path) -> list[Pair]:
    """Each `qapair` as its texts by tag, without the asterisks that stand for nothing. Raises Invalid."""
    pairs: list[Pair] = []
    texts: list[str] = []
    parser = expat.ParserCreate()

    def begin(tag: str, _attributes: dict[str, str]) -> None:
        texts.clear()
        if tag == "qapair":
            pairs.append(defaultdict(list))

    def end(tag: str) -> None:
        said = " ".join("".join(texts).split())
        if pairs and tag != "qapair" and said not in {"", "*"}:
            pairs[-1][tag].append(said)
        texts.clear()

    def refuse(*_doctype: Any) -> None:
        raise Invalid(f"{where}: a document type is not read: it may grow without end.")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise Invalid(f"{where}: this is no XML ({error}).") from None
    if not pairs:
        raise Invalid(f"{where}: there is no <qapair> in this file.")
    return pairs


def clinc150(file: Path, folder: Path) -> dict[str, int]:
    try:
        data = json.loads(_bytes(file))
        train, test = ([(str(t), str(label)) for t, label in data[name]] for name in ("train", "test"))
        test += [(str(t), str(label)) for t, label in data["oos_test"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{file}: this is not CLINC150's data_full.json ({error!r}).") from None
    _csv(folder / "train.csv", train)
    _csv(folder / "test.csv", test)
    return {"train": len(train), "test": len(test)}


def few(file: Path, folder: Path, *, seed: int = 1) -> dict[str, int]:
    of_label: dict[str, list[str]] = defaultdict(list)
    for text, label in labelled(file, label="category"):
        of_label[label].append(text)
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    rows = [
        (text, label)
        for label, texts in of_label.items()
        for text in chance.sample(texts, min(FEW, len(texts)))
    ]
    _csv(folder / "train.csv", rows)
    return {"labels": len(of_label), "train": len(rows)}


KINDS = {"stackfaq": stackfaq, "clinc150": clinc150, "few": few}


def convert(arguments: list[str]) -> dict[str, int]:
    """Raises Misconfigured, Invalid."""
    match arguments:
        case [what, file, folder] if what in KINDS:
            if not Path(file).is_file():
                raise Invalid(f"{file}: there is no such file.")
            Path(folder).mkdir(parents=True, exist_ok=True)
            return KINDS[what](Path(file), Path(folder))
    raise Misconfigured(f"Say what to convert, a file, and a folder: {', '.join(KINDS)} FILE FOLDER")


def _bytes(file: Path) -> bytes:
    if file.stat().st_size > LARGEST:
        raise Invalid(f"{file}: the file is larger than {LARGEST >> 20} MB.")
    return file.read_bytes()


def _jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _csv(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "category"))
        writer.writerows(rows)


if __name__ == "__main__":
    try:
        print(json.dumps(convert(sys.argv[1:])))  # noqa: T201 - a script
    except (Invalid, Misconfigured) as problem:
        sys.exit(str(problem))
