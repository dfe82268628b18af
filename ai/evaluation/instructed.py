"""What the assistant's instructions are worth: the same questions, asked of its model under two sets of them, and
judged as every answer of it is. Silence is right where the article that answers was taken away."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.deciding import by_model
from ai.assistant.decisions import Answer, Decision
from ai.assistant.gathering import Passage, Situation, numbered
from ai.assistant.rows import Policy
from ai.assistant.situations import situation_tried
from ai.evaluation.answers import ANSWERABLE, IMPOSSIBLE, NEAR_MISS, Case, Told, case_of
from ai.evaluation.sets import Question
from ai.evaluation.written import PATIENCE, spread, ticket_of
from ai.levels import level
from ai.providers import Connection, Purpose
from ai.providers.choosing import model_of
from ai.writing import ModelFailed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.ports import Embedder, LanguageModel

MOST = 20
"""Questions of one trial: each asks the model four times, with its article and without it, under either."""


@dataclass(frozen=True)
class Task:
    """One question with all that is needed to ask the model without a database."""

    case: Case
    before: Situation
    after: Situation
    model: LanguageModel


async def tasks_of(
    desk: Desk,
    session: AsyncSession,
    embedder: Embedder,
    connection: Connection,
    questions: Sequence[Question],
    policies: tuple[Policy, Policy],
) -> list[Task]:
    """`policies`: as it is, and as it would be. Raises Invalid where this process can't ask the model."""
    needed, tasks = await level(session, embedder, alone=True), list[Task]()
    for question in spread(questions, MOST):
        ticket = await ticket_of(session, question)
        model = await model_of(session, desk.settings, connection, Purpose.evaluate, ticket_id=ticket)
        if model is None:
            raise Invalid(gettext("This language model is paused, or runs in another process."))
        found = await situation_tried(session, embedder, policies[0], "", question.text)
        rounds = [(ANSWERABLE if question.articles else IMPOSSIBLE, found)]
        if question.articles:
            rounds.append((NEAR_MISS, _without(found, question.articles)))
        for kind, stands in rounds:
            case = case_of(kind, question, stands.hits, needed)
            tasks.append(Task(case, stands, replace(stands, policy=policies[1]), model))
    return tasks


async def evaluate_instructed(tasks: Sequence[Task], *, tell: Told) -> tuple[list[Case], list[Case]]:
    """Cases before and after; no database is held meanwhile. Raises Invalid where the model is down, or speechless
    under either."""
    before, after = Answers(), Answers()
    for number, task in enumerate(tasks, 1):
        await before.add(task, task.before)
        await after.add(task, task.after)
        await tell(number, len(tasks))
    return before.cases, after.cases


@dataclass
class Answers:
    """Under one set of instructions."""

    cases: list[Case] = field(default_factory=list)
    failures: int = 0
    """In a row."""

    async def add(self, task: Task, situation: Situation) -> None:
        try:
            self.cases.append(await _asked(task, situation))
            self.failures = 0
        except ModelFailed as error:
            self.cases.append(replace(task.case, answered=False))
            self.failures += 1
            if self.failures == PATIENCE:
                raise Invalid(gettext("The language model failed: %(why)s") % {"why": error}) from None


async def _asked(task: Task, situation: Situation) -> Case:
    found = await by_model(task.model, situation)
    slugs = cited(found.decision, found.passages or situation.passages)
    right = task.case.kind == ANSWERABLE and bool(slugs & set(task.case.expected))
    return replace(task.case, answered=isinstance(found.decision, Answer), right=right)


def cited(decision: Decision, passages: Sequence[Passage]) -> set[str]:
    if not isinstance(decision, Answer):
        return set()
    numbers = {number for sentence in decision.sentences for number in sentence.citations}
    return {passage.slug for passage in passages if passage.number in numbers}


def _without(situation: Situation, articles: Sequence[str]) -> Situation:
    hits = tuple(hit for hit in situation.hits if hit.slug not in articles)
    return replace(situation, hits=hits, passages=numbered(hits))
