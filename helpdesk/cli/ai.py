"""helpdesk ai: prepare the model, and measure what it is worth on sets of your own."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import embedder
from ai.evaluation import sets
from ai.evaluation.answers import evaluate_answers
from ai.evaluation.intents import evaluate_intents
from ai.evaluation.retrieval import evaluate_retrieval
from ai.evaluation.sentiment import evaluate_sentiment
from helpdesk.cli.running import running
from helpdesk.ports import Embedder
from helpdesk.settings import Settings, load

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TWO_FILES = (FILE, FILE)


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
@click.option("--strangers", type=FILE, help="With --answers: questions of another trade, one a line.")
@click.option("--sentiment", type=FILE, metavar="CSV", help="Columns text and sentiment.")
@click.option(
    "--intents", type=TWO_FILES, metavar="TRAIN TEST", help="CSV with the columns text and category."
)
@click.option(
    "--precision", type=click.Choice(["int8", "fp32"]), default="int8", help="Which form of the model."
)
def evaluate(
    retrieval: tuple[Path, Path] | None,
    answers: tuple[Path, Path] | None,
    strangers: Path | None,
    sentiment: Path | None,
    intents: tuple[Path, Path] | None,
    precision: str,
) -> None:
    """Measure on sets of your own; the last line is one JSON object. The desk's articles are not touched."""
    if not (retrieval or answers or sentiment or intents):
        raise click.UsageError("Say what to measure: --retrieval, --answers, --sentiment or --intents.")
    settings = load()
    model = chosen(settings, precision)
    result: dict[str, Any] = {}
    if retrieval:
        result["retrieval"] = in_sandbox(
            settings,
            lambda session: evaluate_retrieval(
                session, model, sets.articles(retrieval[0]), sets.questions(retrieval[1])
            ),
        )
    if answers:
        others = strangers.read_text().splitlines() if strangers else []
        result["answers"] = in_sandbox(
            settings,
            lambda session: evaluate_answers(
                session, model, sets.articles(answers[0]), sets.questions(answers[1]), strangers=others
            ),
        )
    if sentiment:
        result["sentiment"] = asyncio.run(evaluate_sentiment(model, sets.labelled(sentiment)))
    if intents:
        train, test = (sets.labelled(path, label="category") for path in intents)
        result["intents"] = asyncio.run(evaluate_intents(model, train, test))
    click.echo(json.dumps(result))


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


def in_sandbox(
    settings: Settings, measure: Callable[[AsyncSession], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    async def act() -> dict[str, Any]:
        async with running(settings, pool=2) as desk, desk.sessions() as session:
            return await measure(session)  # never committed

    return asyncio.run(act())
