"""helpdesk ai: prepare the model, and measure what it is worth on sets of your own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import embedder
from ai.evaluation import sets
from ai.evaluation.answers import Case, cases_of, evaluate_answers, summary
from ai.evaluation.intents import evaluate_intents
from ai.evaluation.keeping import configuration, keep, new_run
from ai.evaluation.mined import evaluate_topics
from ai.evaluation.refusing import compared
from ai.evaluation.retrieval import evaluate_retrieval
from ai.evaluation.rows import SOLVED, TOPICS, EvaluationRun, Kind, State
from ai.evaluation.running import questions_of
from ai.evaluation.sentiment import evaluate_sentiment
from ai.levels import level
from helpdesk.cli.running import running
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.ports import Embedder
from helpdesk.settings import Settings, load

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
TWO_FILES = (FILE, FILE)
Measured = tuple[dict[str, Any], list[Case]]
T = TypeVar("T")


@click.group()
def ai() -> None:
    """Measure the models, export them."""


@ai.command()
@click.option(
    "--retrieval", type=TWO_FILES, metavar="ARTICLES QUESTIONS", help="Does the search find the article?"
)
@click.option(
    "--answers", type=TWO_FILES, metavar="ARTICLES QUESTIONS", help="Does it answer, and keep silent?"
)
@click.option(
    "--without-gold",
    is_flag=True,
    help="With --answers: the questions' own articles are taken out, so that every answer is a false one.",
)
@click.option("--strangers", type=FILE, help="With --answers: questions of another trade, one a line.")
@click.option(
    "--mine",
    is_flag=True,
    help="On this desk's own: answers to its solved tickets, and topics that colleagues chose or corrected.",
)
@click.option("--sentiment", type=FILE, metavar="CSV", help="Columns text and sentiment.")
@click.option(
    "--intents", type=TWO_FILES, metavar="TRAIN TEST", help="CSV with the columns text and category."
)
@click.option("--keep", "kept", is_flag=True, help="Show the result in the console, too.")
@click.option("--than", type=click.IntRange(min=1), metavar="NUMBER", help="Compare with a kept evaluation.")
@click.option("--overrule", is_flag=True, help="With --than: succeed although it is worse.")
@click.option(
    "--precision", type=click.Choice(["int8", "fp32"]), default="int8", help="Which form of the model."
)
def evaluate(
    *,
    retrieval: tuple[Path, Path] | None,
    answers: tuple[Path, Path] | None,
    without_gold: bool,
    strangers: Path | None,
    mine: bool,
    sentiment: Path | None,
    intents: tuple[Path, Path] | None,
    kept: bool,
    than: int | None,
    overrule: bool,
    precision: str,
) -> None:
    """Measure on sets of your own; the last line is one JSON object. The desk's articles are not touched.

    Ends with 3 where it is worse than the evaluation it was compared with.
    """
    if not (retrieval or answers or sentiment or intents or mine):
        raise click.UsageError("Say what to measure: --retrieval, --answers, --mine, --sentiment, --intents.")
    if than and not (answers or mine):
        raise click.UsageError("--than compares answers: give --answers or --mine, too.")
    read = Read.of(retrieval, answers, strangers, sentiment, intents)  # before anything is started
    settings = load()
    model = chosen(settings, precision)
    result = asyncio.run(
        Evaluation(settings, model, read, without_gold=without_gold, mine=mine, kept=kept, than=than).run()
    )
    click.echo(json.dumps(result))
    if result.get("compared", {}).get("worse") and not overrule:
        raise SystemExit(3)


class Read:
    """All files, read and checked."""

    def __init__(self) -> None:
        self.retrieval: tuple[list[sets.SetArticle], list[sets.Question]] | None = None
        self.answers: tuple[list[sets.SetArticle], list[sets.Question]] | None = None
        self.strangers: list[str] = []
        self.sentiment: list[tuple[str, str]] | None = None
        self.intents: list[list[tuple[str, str]]] | None = None
        self.names: dict[Kind, str] = {}

    @classmethod
    def of(
        cls,
        retrieval: tuple[Path, Path] | None,
        answers: tuple[Path, Path] | None,
        strangers: Path | None,
        sentiment: Path | None,
        intents: tuple[Path, Path] | None,
    ) -> "Read":
        read = cls()
        if retrieval:
            read.retrieval = read_set(*retrieval)
            read.names[Kind.retrieval] = named(*retrieval)
        if answers:
            read.answers = read_set(*answers)
            read.names[Kind.answers] = named(*answers)
        if strangers:
            read.strangers = sets.strangers(strangers)
        if sentiment:
            read.sentiment = sets.labelled(sentiment)
            read.names[Kind.sentiment] = named(sentiment)
        if intents:
            read.intents = [sets.labelled(path, label="category") for path in intents]
            read.names[Kind.intents] = named(*intents)
        return read


def read_set(articles: Path, questions: Path) -> tuple[list[sets.SetArticle], list[sets.Question]]:
    found = sets.articles(articles)
    return found, sets.questions(questions, found)


def named(*paths: Path) -> str:
    """Folder and file, which is how people tell their sets apart."""
    return " + ".join("/".join(path.absolute().parts[-2:]) for path in paths)


class Evaluation:
    """One command: a desk is opened once, each set is measured in a transaction that is never committed."""

    def __init__(
        self,
        settings: Settings,
        model: Embedder,
        read: Read,
        *,
        without_gold: bool,
        mine: bool,
        kept: bool,
        than: int | None,
    ) -> None:
        self.settings, self.model, self.read = settings, model, read
        self.without_gold, self.mine, self.kept, self.than = without_gold, mine, kept, than
        self.result: dict[str, Any] = {}

    async def run(self) -> dict[str, Any]:
        read, model = self.read, self.model
        if read.sentiment:
            self.result["sentiment"] = await evaluate_sentiment(model, read.sentiment)
        if read.intents:
            self.result["intents"] = await evaluate_intents(model, *read.intents)
        if read.retrieval or read.answers or self.mine or self.kept:
            async with running(self.settings, pool=2) as desk:
                await self._on(desk)
        return self.result

    async def _on(self, desk: Desk) -> None:
        read, model = self.read, self.model
        if self.than:
            async with desk.sessions() as session:
                await before_of(session, self.than)  # that it is there is known before hours of measuring
        if read.retrieval:
            articles, questions = read.retrieval
            self.result["retrieval"] = await in_sandbox(
                desk, lambda session: evaluate_retrieval(session, model, articles, questions)
            )
        for kind in (Kind.retrieval, Kind.sentiment, Kind.intents):
            if self.kept and kind in self.result:
                await self._keep(desk, kind, read.names[kind], (self.result[kind], []))
        if read.answers:
            articles, questions = read.answers
            await self._answers(
                desk,
                read.names[Kind.answers],
                lambda session: evaluate_answers(
                    session,
                    model,
                    articles,
                    questions,
                    strangers=read.strangers,
                    without_gold=self.without_gold,
                ),
            )
        if self.mine:
            await self._mined(desk)

    async def _mined(self, desk: Desk) -> None:
        """Answers and topics, each where this desk has enough to measure. Raises Invalid where it has neither."""
        try:
            topics = await in_sandbox(desk, lambda session: evaluate_topics(session, self.model))
            if self.kept:
                await self._keep(desk, Kind.intents, TOPICS, (topics, []))
        except Invalid as error:
            topics = {"trouble": str(error)}
        try:
            await self._answers(desk, SOLVED, lambda session: of_this_desk(session, self.model))
        except Invalid as error:
            if self.than or "trouble" in topics:
                raise
            self.result["mine"] = {"trouble": str(error)}
        self.result["mine"]["topics"] = topics

    async def _answers(
        self, desk: Desk, source: str, measure: Callable[[AsyncSession], Awaitable[Measured]]
    ) -> None:
        told, cases = await in_sandbox(desk, measure)
        self.result["mine" if source == SOLVED else "answers"] = told
        if not (self.kept or self.than):
            return
        run = await self._keep(desk, Kind.answers, source, (told, cases))
        if self.than:
            async with committed(desk.sessions) as session:
                before = await before_of(session, self.than)
                found = await compared(session, before, run)
                if found is None:
                    raise Invalid(
                        f"Evaluation {self.than} was asked other questions: there is nothing to compare."
                    )
                self.result["compared"] = {"before": self.than, "after": run.id, **found.told()}

    async def _keep(self, desk: Desk, kind: Kind, source: str, measured: Measured) -> EvaluationRun:
        async with committed(desk.sessions) as session:
            run = new_run(kind, source)
            session.add(run)
            await keep(session, run, await configuration(session, self.model.name), *measured)
            self.result.setdefault("kept", {})[str(kind)] = run.id
            return run


async def before_of(session: AsyncSession, number: int) -> EvaluationRun:
    found = await session.get(EvaluationRun, number)
    if found is None or found.state is not State.done or found.kind is not Kind.answers:
        raise NotFound(f"There is no finished evaluation of answers with the number {number}.")
    return found


async def of_this_desk(session: AsyncSession, model: Embedder) -> Measured:
    questions = await questions_of(session, model, SOLVED)
    alone, draft = await level(session, model, alone=True), await level(session, model)
    cases = await cases_of(session, model, questions, alone, draft)
    told = {"questions": len(questions), "threshold": alone.threshold, **summary(cases)}
    return {**told, "embedder": model.name}, cases


async def in_sandbox(desk: Desk, measure: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async with desk.sessions() as session:
        return await measure(session)  # never committed


@ai.command("export-model")
def export_model() -> None:
    """Make the int8 form of HELPDESK_EMBEDDING_MODEL, which the web process and the index use."""
    click.echo(export(load()))


def chosen(settings: Settings, precision: str) -> Embedder:
    if precision == "fp32":
        from ai.embedding.sentence import SentenceEmbedder

        return SentenceEmbedder.load(settings.embedding_model)
    export(settings)
    return embedder(settings, threads=2)


def export(settings: Settings) -> Path:
    from ai.embedding.export import export as make  # needs torch

    return make(settings)
