"""Another draft for the same letter: in a language model's words, or as an agent wishes it.

No transaction is held while a model thinks: what it needs is read before, and what it wrote is kept only if nobody
has decided anything meanwhile.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.courtesy import Courtesy
from ai.drafting.answering import Answer, Wish, answered
from ai.drafting.proving import Entailment
from ai.drafting.tone import words_of
from ai.drafting.turns import turns_of
from ai.drafting.writing import rewritten
from ai.providers import Purpose, language_model
from ai.suggestions import State, Suggestion, propose
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.messages import Direction, Message
from helpdesk.people import Contact
from helpdesk.ports import Embedder, LanguageModel
from helpdesk.settings import Settings
from helpdesk.tickets import Ticket

EXTRACTIVE = "extractive/"
INSTEAD, SHORT = "instead", "short"
"""As they are kept with a draft: which wish it fulfils."""


class NothingElse(Conflict):
    message = _("No other draft can be made for this message: no further article comes near it.")


class AnsweredMeanwhile(Conflict):
    message = _(
        "The customer wrote, or somebody answered, while the draft was made. Look at the ticket again."
    )


@dataclass(frozen=True)
class Task:
    """Everything that a draft is made of, so that no database is needed while it is written."""

    ticket_id: int
    asked_id: int
    letter: str
    found: Answer
    words: Courtesy
    name: str
    model: LanguageModel | None
    wish: Wish

    async def done(self, embedder: Embedder, entailment: Entailment | None = None) -> tuple[Answer, str]:
        """The answer, and what made it. Raises ModelFailed."""
        usual = f"{EXTRACTIVE}{embedder.name}"
        if self.model is None or self.found.draft is None:
            return self.found, usual
        answer = await rewritten(
            self.model,
            embedder,
            self.found,
            letter=self.letter,
            words=self.words,
            name=self.name,
            wish=self.wish,
            entailment=entailment,
        )
        return answer, usual if answer.draft is self.found.draft else self.model.name


async def task_of(
    session: AsyncSession, settings: Settings, embedder: Embedder, ticket: Ticket, wish: Wish | None = None
) -> Task | None:
    """None where the last word is not the customer's."""
    turns = await turns_of(session, ticket)
    if not turns or turns[-1].direction is not Direction.inbound or turns[-1].automatic:
        return None
    found = await answered(session, embedder, ticket, turns, wish)
    contact = await session.get(Contact, ticket.contact_id)
    return Task(
        ticket.id,
        turns[-1].id,
        turns[-1].text,
        found,
        await words_of(session, ticket.inbox_id, found.language),
        contact.name if contact else "",
        await language_model(session, settings, Purpose.draft, ticket_id=ticket.id),
        wish or Wish(),
    )


async def passed_over(session: AsyncSession, message_id: int) -> int:
    """How often an agent has asked for another article for this message."""
    wishes = select(func.count()).select_from(Suggestion)
    return (
        await session.scalar(wishes.where(Suggestion.message_id == message_id, Suggestion.hint == INSTEAD))
        or 0
    )


async def keep(
    session: AsyncSession,
    ticket: Ticket,
    task: Task,
    answer: Answer,
    *,
    model: str,
    hint: str | None,
    by: Actor,
) -> Suggestion:
    """In place of the one that is offered. Raises AnsweredMeanwhile, NothingElse."""
    turns = await turns_of(session, ticket, limit=1)
    if ticket.is_settled or not turns or turns[-1].id != task.asked_id:
        raise AnsweredMeanwhile
    if answer.draft is None:
        raise NothingElse
    asked = await session.get_one(Message, task.asked_id)
    offered = await session.scalars(
        select(Suggestion).where(Suggestion.ticket_id == ticket.id, Suggestion.state == State.offered)
    )
    for before in offered:
        before.state = State.replaced
    suggestion = propose(session, ticket, asked, answer, model=model, hint=hint)
    ticket.has_suggestion = True
    ticket.events.add(Event(Kind.suggested, by=by, message=asked))
    await session.flush()
    return suggestion
