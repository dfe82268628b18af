"""python -m tests.bench.triage [--messages 400] [--seconds 30]: a served desk while letters are triaged and answered.

A desk of 20 topics, two teams and 23 tags, whose readers learned from 460 letters that people corrected, and 173
articles. Measured in turn: the console alone; the console while the letters are worked off; how long an article and a
draft take; the most memory of the models' process. Prints one JSON object last. Needs the corpora beside the
repository.
"""

import argparse
import asyncio
import csv
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select

from ai.embedding import OnnxEmbedder, embedder
from ai.embedding.export import export
from ai.predictions import Classification, Kind
from ai.suggestions import Suggestion
from ai.triage.rows import Correction
from helpdesk import intake
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.labels import Tag
from helpdesk.messages import Message
from helpdesk.people import Role
from helpdesk.settings import Settings
from helpdesk.topics import Topic
from kb import writing
from kb.articles import Article
from kb.readers import Reader
from kb.search import search
from tests.bench.console import PASSWORD, Served, served
from tests.bench.indexing import CORPORA, TOLD, titled
from tests.bench.processes import cpu_ms, pss_mib, tree
from tests.cluster import Cluster
from tests.scenes import Scene, mail
from web.passwords import hashed

SECRET = "a secret for benchmarks, nothing else"
TOPICS, TAGS, CORRECTED = 20, 23, 460
PRIORITIES = ("low", "normal", "high", "urgent")
URGENCIES = ("can_wait", "soon", "urgent")
MOODS = ("negative", "neutral", "positive")
PATIENCE = 20.0  # seconds for a draft, and for an article
PAUSE = 0.25  # seconds between two pages of the console: one agent who works fast
FREE = "How do I use my free one year domain voucher?"


@dataclass
class Measured:
    walls: dict[str, list[float]] = field(default_factory=dict)

    def p95(self, name: str) -> float:
        return round(float(np.percentile(self.walls[name], 95)), 1)

    def said(self) -> dict[str, Any]:
        return {
            name: {
                "median_ms": round(statistics.median(walls), 1),
                "p95_ms": self.p95(name),
                "pages": len(walls),
            }
            for name, walls in self.walls.items()
        }


async def prepared(desk: Desk) -> Scene:
    """Letters and what people said of them, all in one go: how they came is not measured."""
    scene = await Scene.set(desk)
    rows = list(csv.DictReader((CORPORA / "banking77/train.csv").read_text().splitlines()))
    labels = sorted({row["category"] for row in rows})[:TOPICS]
    chosen = [row for row in rows if row["category"] in labels]
    each = CORRECTED // TOPICS
    examples = [row for label in labels for row in [r for r in chosen if r["category"] == label][:each]]
    tags = [Tag(name=f"tag {n}") for n in range(TAGS)]
    topics = {label: Topic(name=label.replace("_", " ")) for label in labels}
    async with committed(desk.sessions) as session:
        ada = await session.merge(scene.agents["Ada"])
        ada.password_hash, ada.role = hashed(PASSWORD), Role.admin
        session.add_all([*tags, *topics.values()])
        for line in (CORPORA / "wixqa/articles.jsonl").read_text().splitlines():
            text = json.loads(line)["text"]
            article = Article.write(titled(text), text)
            article.publish()
            session.add(article)
    async with committed(desk.sessions) as session:
        inbound = [
            await intake.receive(desk, session, scene.inbox, mail(row["text"], sender=sender()))
            for row in examples
        ]
    teams = [str(team.id) for team in scene.teams.values()]
    async with committed(desk.sessions) as session:
        for message, row in zip(inbound, examples, strict=True):
            number = labels.index(row["category"])
            session.add(read_before(message.id, str(topics[row["category"]].id)))
            said = {
                Kind.topic: str(topics[row["category"]].id),
                Kind.team: teams[number % len(teams)],
                Kind.tag: str(tags[number % TAGS].id),
                Kind.priority: PRIORITIES[number % 4],
                Kind.urgency: URGENCIES[number % 3],
                Kind.sentiment: MOODS[number % 3],
            }
            session.add_all(
                Correction(
                    message_id=message.id,
                    kind=kind,
                    was=None,
                    now=now,
                    confidence=0.0,
                    model="none",
                    agent_id=scene.agents["Ada"].id,
                )
                for kind, now in said.items()
            )
    return scene


def read_before(message_id: int, topic: str) -> Classification:
    """Letters of former days are not looked at again."""
    return Classification(
        message_id=message_id, kind=Kind.topic, label=topic, confidence=1.0, model="none", reasons=[]
    )


def sender(chosen: list[int] = [0]) -> str:  # noqa: B006 - counts
    chosen[0] += 1
    return f"person{chosen[0]}@customers.example"


async def pages(client: Served, number: int, until: Callable[[], bool]) -> Measured:
    """A list and a ticket in turn, at an agent's pace, until that is so."""
    made = Measured({"list": [], "ticket": []})
    while not until():
        for name, path in (("list", "/tickets?view=all"), ("ticket", f"/tickets/{number}")):
            began = time.perf_counter()
            await asyncio.to_thread(client.page, path)
            made.walls[name].append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE)
    return made


async def count(desk: Desk, kind: Kind = Kind.topic) -> int:
    async with desk.sessions() as session:
        return await session.scalar(select(func.count()).where(Classification.kind == kind)) or 0


async def quiet(desk: Desk, wanted: int) -> None:
    """Until so many letters are read and nothing more is proposed."""
    before = -1
    while True:
        async with desk.sessions() as session:
            drafted = await session.scalar(select(func.count()).select_from(Suggestion)) or 0
        if await count(desk) >= wanted and drafted == before:
            return
        before = drafted
        await asyncio.sleep(3)


def models_process(desk: Served) -> int:
    for pid in tree(desk.process.pid):
        if b"workers.assist" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("the models' process does not run")


def most_memory(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


async def burst(desk: Desk, scene: Scene, messages: int) -> None:
    rows = list(csv.DictReader((CORPORA / "banking77/test.csv").read_text().splitlines()))
    for start in range(0, messages, 50):
        async with committed(desk.sessions) as session:
            for n in range(start, min(start + 50, messages)):
                text = " ".join(rows[(n * 37 + i) % len(rows)]["text"] for i in range(4))  # about 50 words
                await intake.receive(desk, session, scene.inbox, mail(text, sender=sender()))


async def worked_off(desk: Desk, client: Served, scene: Scene, given: argparse.Namespace, number: int) -> Any:
    """All letters come within a moment; until the last is triaged, and until the last draft is made."""
    models, already = models_process(client), await count(desk)
    triaged, cpu = 0.0, 0.0
    await burst(desk, scene, given.messages)
    began, used = time.monotonic(), cpu_ms(models)
    first = await count(desk)  # while they came

    async def watch() -> None:
        nonlocal triaged, cpu
        told = time.monotonic()
        while (so_far := await count(desk)) < already + given.messages:
            if time.monotonic() - told > TOLD:
                told = time.monotonic()
                print(f"  {so_far - already} of {given.messages} triaged", flush=True)
            await asyncio.sleep(0.1)
        triaged, cpu = time.monotonic() - began, cpu_ms(models) - used

    watching = asyncio.create_task(watch())
    console = await pages(client, number, watching.done)
    await watching
    done = already + given.messages - first
    await quiet(desk, already + given.messages)
    return console, {
        "messages": given.messages,
        "a_second": round(done / triaged, 1),
        "models_cpu_ms_a_message": round(cpu / done, 1),
        "with_drafts_models_cpu_ms_a_message": round((cpu_ms(models) - used) / done, 1),
    }


async def found_after(desk: Desk, scene: Scene, model: OnnxEmbedder) -> float:
    """From the commit of an article to its being found; as long as it is waited for where it is not."""
    async with committed(desk.sessions) as session:
        ada = await session.merge(scene.agents["Ada"])
        words = "The Zanzibar clause says who pays for a lost parcel at sea."
        article = await writing.write(session, "Zanzibar clause", words, by=ada)
        await writing.publish(session, article, by=ada)
    began = time.monotonic()
    while (took := time.monotonic() - began) < PATIENCE:
        async with desk.sessions() as session:
            found = await search(session, model, "who pays under the Zanzibar clause", reader=Reader.public())
        if any(hit.title == "Zanzibar clause" for hit in found):
            break
        await asyncio.sleep(0.05)
    return took


async def drafted_after(desk: Desk, scene: Scene) -> float:
    """From the commit of a letter to its draft; as long as it is waited for where none comes."""
    async with committed(desk.sessions) as session:
        message = await intake.receive(desk, session, scene.inbox, mail(FREE, sender=sender()))
    began = time.monotonic()
    while (took := time.monotonic() - began) < PATIENCE:
        async with desk.sessions() as session:
            if await session.scalar(select(Suggestion.id).where(Suggestion.message_id == message.id)):
                break
        await asyncio.sleep(0.02)
    return took


async def measure(cluster: Cluster, home: Path, given: argparse.Namespace) -> dict[str, Any]:
    url = cluster.url(cluster.clone())
    settings = Settings(home=home, secret=SECRET, database_url=url, log_level="warning")
    await asyncio.to_thread(export, settings)
    desk = Desk.open(settings, url)
    scene = await prepared(desk)
    model = embedder(settings)
    with served(url, home, secret=SECRET) as client:
        await asyncio.to_thread(client.sign_in, "ada@desk.example")
        await quiet(desk, CORRECTED)
        print("begun", flush=True)
        async with desk.sessions() as session:
            number = await session.scalar(select(func.min(Message.ticket_id))) or 0
        until = time.monotonic() + given.seconds
        alone = await pages(client, number, lambda: time.monotonic() > until)
        print("console alone:", alone.said(), flush=True)
        beside, triage = await worked_off(desk, client, scene, given, number)
        print("console beside:", beside.said(), triage, flush=True)
        drafts = [await drafted_after(desk, scene) for _ in range(5)]
        article = await found_after(desk, scene, model)
        models = models_process(client)
        result = {
            "triage": triage,
            "console_alone": alone.said(),
            "console_beside": beside.said(),
            "p95_ratio": {name: round(beside.p95(name) / alone.p95(name), 2) for name in alone.walls},
            "draft_seconds": {"median": round(statistics.median(drafts), 2), "most": round(max(drafts), 2)},
            "article_found_after_seconds": round(article, 2),
            "models_process_mib": {
                "most_rss": round(most_memory(models)),
                "pss": round(pss_mib(models, alone=True)),
            },
        }
    await desk.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.triage", description=__doc__)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=30, help="of the console alone")
    given = parser.parse_args()
    with Cluster.running() as cluster, tempfile.TemporaryDirectory() as home:
        print(json.dumps(asyncio.run(measure(cluster, Path(home), given))))


if __name__ == "__main__":
    main()
