"""python -m tests.bench.learning [--home HOME] [contradictions duplicates incidents gaps]: what work teaches, planted
among other work: found, missed, false. Needs the corpora beside the repository; HOME holds the exported model.

contradictions   by hand (tests/bench/planted.py), and real articles with real answers, where each find is false
duplicates       copies of WixQA's articles, whole and reworded, among all of them
incidents        letters of a bank's customers over weeks, in quiet and busy desks, with bursts of one topic
gaps             StackFAQ's questions, a third of their articles left out, with a bank's topics and strangers beside
"""

import argparse
import asyncio
import csv
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from ai.embedding import OnnxEmbedder, embedder
from ai.embedding.export import export
from ai.evaluation.converting import stackfaq
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import articles
from ai.learning.agreement import contradicted, doubled, lines
from ai.learning.differing import Line
from ai.learning.findings import Found
from ai.learning.gaps import gaps
from ai.learning.incidents import incidents
from ai.learning.questions import Asked, Question
from ai.questions import matter
from helpdesk.desk import Desk
from helpdesk.ports import Vectors
from helpdesk.settings import Settings
from kb.chunks import split
from tests.bench.planted import FACTS, INNOCENT
from tests.cluster import Cluster
from tests.conftest import CORPORA

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
AFTER = BEGIN + timedelta(days=1)
Scores = dict[str, Any]


def vectors(model: OnnxEmbedder, texts: Sequence[str]) -> Vectors:
    if not texts:
        return np.zeros((0, model.dimensions), np.float32)
    return np.concatenate([model.embed_now(list(texts[i : i + 64])) for i in range(0, len(texts), 64)])


def compared(model: OnnxEmbedder, told: Sequence[Line], answers: Sequence[Line]) -> list[Found]:
    return contradicted(
        told,
        answers,
        vectors(model, [one.text for one in told]),
        vectors(model, [one.text for one in answers]),
    )


def planted_contradictions(model: OnnxEmbedder) -> Scores:
    """Each fact is an article; each answer stands in two tickets, so that every difference would be told."""
    told = [line for i, fact in enumerate(FACTS) for line in lines(fact.told, i, BEGIN)]
    differ = [
        line
        for i, fact in enumerate(FACTS)
        for j, text in enumerate(fact.differ)
        for line in lines(text, 2 * i + j, AFTER)
    ]
    found = {one.article_id for one in compared(model, told, differ) if one.tickets}
    agree = [text for fact in FACTS for text in fact.agree] + [text for _told, text in INNOCENT]
    twice = [line for i, text in enumerate(agree) for j in (0, 1) for line in lines(text, 2 * i + j, AFTER)]
    false = [one for one in compared(model, told, twice) if one.tickets]
    kinds = Counter(fact.about.value for i, fact in enumerate(FACTS) if i in found)
    return {
        "planted": len(FACTS),
        "found": len(found),
        "of": {kind: f"{kinds[kind]}/{n}" for kind, n in Counter(fact.about.value for fact in FACTS).items()},
        "missed": [fact.told for i, fact in enumerate(FACTS) if i not in found],
        "harmless answers": len(agree),
        "false": [one.edit for one in false],
    }


def real_articles(model: OnnxEmbedder, name: str) -> Scores:
    """Answers of experts to these very articles, each in two tickets: what is found is looked at by a person."""
    told = {}
    for i, article in enumerate(articles(CORPORA / "ai" / name / "articles.jsonl")):
        for passage in split(article.body):
            for line in lines(passage.text, i, BEGIN):
                told[i, line.text] = line
    rows = [json.loads(row) for row in (CORPORA / "ai" / name / "questions.jsonl").open()]
    texts = [matter(row.get("answer") or "") for row in rows]
    answers = [line for i, text in enumerate(texts) for j in (0, 1) for line in lines(text, 2 * i + j, AFTER)]
    found = compared(model, list(told.values()), answers)
    return {"sentences": len(told), "answers": len(texts), "told of": [one.edit for one in found]}


def contradictions(model: OnnxEmbedder) -> Scores:
    return {
        "by hand": planted_contradictions(model),
        **{name: real_articles(model, name) for name in ("wixqa", "techqa")},
    }


def duplicates(model: OnnxEmbedder) -> Scores:
    """Each twelfth article a second time: as it is; with other words here and there; without its last third."""
    every = articles(CORPORA / "ai/wixqa/articles.jsonl")
    passages = [[passage.text for passage in split(article.body)] for article in every]
    chosen = [i for i in range(0, len(every), 12) if len(passages[i]) > 2]
    ways: dict[str, Callable[[str], str]] = {
        "whole": str,
        "reworded": reworded,
        "shortened": shortened,
    }
    planted: dict[tuple[int, int], str] = {}
    for i in chosen:
        for way, change in ways.items():
            planted[i, len(passages)] = way
            passages.append([each.text for each in split(change(every[i].body))])
    of = np.array([i for i, texts in enumerate(passages) for _ in texts])
    found = {
        (one.article_id or 0, one.other_id or 0)
        for one in doubled(of, vectors(model, [text for texts in passages for text in texts]))
    }
    copies = {pair for pair in found if pair[1] >= len(every)}  # a copy may be found to double another copy
    own = [(every[a].title, every[b].title) for a, b in found if a < len(every) and b < len(every)]
    return {
        "articles": len(every),
        "planted": {way: list(planted.values()).count(way) for way in ways},
        "found": Counter(way for pair, way in planted.items() if pair in copies),
        "told of among the articles themselves": own,
    }


SYNONYMS = {"click": "press", "select": "choose", "choose": "pick", "your": "the", "you can": "it is possible to",
    "enter": "type", "add": "put in", "want": "wish", "display": "show", "create": "make", "go to": "open"}  # fmt: skip


def shortened(text: str) -> str:
    return text[: len(text) * 2 // 3]


def reworded(text: str) -> str:
    for word, other in SYNONYMS.items():
        text = re.sub(rf"\b{word}\b", other, text, flags=re.IGNORECASE)
    return text


def bank(file: str) -> list[tuple[str, str]]:
    with (CORPORA / "ai/banking77" / file).open(newline="") as rows:
        return [(row["text"], row["category"]) for row in csv.DictReader(rows)]


def letters(rows: Sequence[tuple[str, datetime]], model: OnnxEmbedder, known: dict[str, Vectors]) -> Asked:
    """The newest first, each of another person."""
    missing = list({text for text, _at in rows} - known.keys())
    known |= dict(zip(missing, vectors(model, missing), strict=True))
    rows = sorted(rows, key=lambda row: row[1], reverse=True)
    questions = [Question(i, i, i, text, "en", at, 1, False) for i, (text, at) in enumerate(rows)]
    return Asked(questions, np.stack([known[text] for text, _at in rows]))


def weeks(
    a_day: int, chance: random.Random, rows: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, datetime]]:
    """Four weeks: nine tenths come from 8 to 20 o'clock, twice as many on Mondays, few at weekends."""
    for day in range(28):
        busy = (2.0, 1.0, 1.0, 1.0, 0.9, 0.2, 0.2)[day % 7]
        for _ in range(np.random.default_rng(chance.randrange(2**32)).poisson(a_day * busy)):
            hour = chance.uniform(8, 20) if chance.random() < 0.9 else chance.uniform(0, 24)
            yield chance.choice(rows)[0], BEGIN + timedelta(days=day, hours=hour)


def bursts(model: OnnxEmbedder, a_day: int, *, few_topics: bool = False) -> Scores:
    """One look an hour over the last two weeks; then bursts of 6, 10 and 20 within two hours, on the last Thursday."""
    chance, known = random.Random(7), dict[str, Vectors]()  # noqa: S311 - no secret
    rows = bank("test.csv")
    if few_topics:  # a desk where most customers ask for one of three things
        topics = {"card_arrival", "pending_transfer", "declined_card_payment"}
        rows = [row for row in rows if row[1] in topics] * 20 + rows
    usual = list(weeks(a_day, chance, rows))
    everything = letters(usual, model, known)
    false, looks = [], 0
    for hour in range(14 * 24, 28 * 24):
        at = BEGIN + timedelta(hours=hour)
        looks += 1
        found = incidents(before(everything, at), at)
        false += [(f"{at:%a %H}", one.size, everything.questions[one.tickets[0]].text) for one in found]
    scores: Scores = {"letters": len(usual), "looks": looks, "false": false}
    at = BEGIN + timedelta(days=24, hours=11)
    burst = bank("train.csv")
    names = sorted({name for _text, name in burst})[::8]
    for size in (6, 10, 20):
        right, alike = 0, 0.0
        for name in names:
            some = chance.sample([text for text, of in burst if of == name], size)
            planted = [(text, at - timedelta(minutes=chance.uniform(1, 120))) for text in some]
            asked = before(letters([*usual, *planted], model, known), at)
            mine = {
                one.ticket_id
                for one in asked.questions
                if one.text in some and one.at > at - timedelta(hours=2)
            }
            best = max((len(mine & set(one.tickets)) for one in incidents(asked, at)), default=0)
            right += best >= 0.5 * size
            alike += best / size
        scores[f"bursts of {size}"] = f"{right}/{len(names)}, {alike / len(names):.0%} of their letters"
    return scores


def before(asked: Asked, at: datetime) -> Asked:
    rows = [i for i, one in enumerate(asked.questions) if one.at <= at]
    return Asked([asked.questions[i] for i in rows], asked.vectors[rows])


def all_bursts(model: OnnxEmbedder) -> Scores:
    return {f"{n} a day": bursts(model, n) for n in (8, 40, 160)} | {
        "40 a day, three topics": bursts(model, 40, few_topics=True)
    }


async def left_out(model: OnnxEmbedder, url: str, home: Path) -> Scores:
    folder = Path(tempfile.mkdtemp())
    stackfaq(CORPORA / "ai/stackfaq/stackExchange-FAQ.xml", folder)
    every = articles(folder / "articles.jsonl")
    missing = {article.id for article in every[::3]}
    asked: list[tuple[str, str]] = []
    rows = [json.loads(row) for row in (folder / "questions.jsonl").open()]
    for row in rows:
        (of,) = row["article_ids"]
        if sum(name == of for _text, name in asked) < 6:
            asked.append((row["question"], of))
    topics = sorted({name for _text, name in bank("train.csv")})[::8]
    for name in topics:  # nothing is written about them at all
        asked += [(text, name) for text, of in bank("train.csv") if of == name][:6]
    clinc = json.loads((CORPORA / "ai/clinc150/data_full.json").read_text())
    asked += [(text, "stranger") for text, _ in clinc["oos_test"][:150]]
    vectors_ = vectors(model, [text for text, _of in asked])
    questions = [Question(i, i, i, text, "en", BEGIN, 1, False) for i, (text, _of) in enumerate(asked)]
    desk = Desk.open(Settings(home=home), url)
    async with desk.sessions() as session:
        await knowledge_of(session, model, [article for article in every if article.id not in missing])
        found = await gaps(lambda: nullcontext(session), model, Asked(questions, vectors_))
    await desk.close()
    right, false, mixed = Counter[str](), [], 0
    for one in found:
        (name, n), *_ = Counter(asked[i][1] for i in one.tickets).most_common(1)
        if n * 2 <= len(one.tickets):
            mixed += 1
        if n * 2 > len(one.tickets) and (name in missing or name in topics):
            right[name] += 1
        else:
            false.append([asked[i] for i in one.tickets[:3]])
    return {
        "letters": len(asked),
        "planted": {"left out": len(missing), "a bank's topics": len(topics)},
        "found": {
            "left out": len(right.keys() & missing),
            "a bank's topics": len(right.keys() & set(topics)),
        },
        "twice": sum(right.values()) - len(right),
        "false": false,
        "of them mixed": mixed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["contradictions", "duplicates", "incidents", "gaps"])
    parser.add_argument("--home", type=Path, default=None)
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp())
    export(Settings(home=home))
    model = embedder(Settings(home=home), threads=2)
    scores: Scores = {}
    for what, measure in (
        ("contradictions", contradictions),
        ("duplicates", duplicates),
        ("incidents", all_bursts),
    ):
        if what in options.what:
            scores[what] = measure(model)
    if "gaps" in options.what:
        with Cluster.running() as cluster:
            scores["gaps"] = asyncio.run(left_out(model, cluster.url(cluster.clone()), home))
    print(json.dumps(scores, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
