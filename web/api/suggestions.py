"""Replies that the desk proposes: to read, to send with a reply, to turn down."""

from typing import Annotated

from litestar import Controller, get, post
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.suggestions import Reason, State, Suggestion
from helpdesk.access import Action
from helpdesk.tickets import Ticket
from web.api import choices
from web.api.answers import Listed
from web.api.given import PathId
from web.api.shapes import At, Shape
from web.auth import permits
from web.console.suggestions import of_ticket
from web.dependencies import CurrentAgent, CurrentTicket, Session

SHOWN = 50


class SourceView(Shape):
    """The words of an article, as it stood, that a sentence is taken from."""

    title: str
    slug: str
    version: int
    quote: str


class SentenceView(Shape):
    text: Annotated[str, Meta(examples=["You can send it back within 30 days."])]
    sources: list[SourceView]


class SuggestionView(Shape):
    id: int
    message: int
    """The customer's message that it answers."""
    state: State
    text: str
    sentences: list[SentenceView]
    confidence: float
    """Chance that the cited article answers the question."""
    model: str
    reason: Reason | None
    """Why nothing was offered."""
    decided_at: At | None
    created_at: At

    @classmethod
    def of(cls, found: Suggestion) -> "SuggestionView":
        return cls(
            id=found.id,
            message=found.message_id,
            state=found.state,
            text=found.body,
            sentences=[
                SentenceView(
                    text=sentence["text"],
                    sources=[
                        SourceView(**{name: cited[name] for name in SourceView.__struct_fields__})
                        for cited in sentence["citations"]
                    ],
                )
                for sentence in found.sentences
            ],
            confidence=found.confidence,
            model=found.model,
            reason=found.reason,
            decided_at=found.decided_at,
            created_at=found.created_at,
        )


class Suggestions(Controller):
    path = "/tickets/{number:int}/suggestions"
    opt = {"resource": "messages"}  # noqa: RUF012

    @get(opt=permits(Action.reply), summary="List suggested replies")
    async def list(self, session: Session, ticket: CurrentTicket, number: PathId) -> Listed[SuggestionView]:
        """Newest first, with what became of each. To send one, give its id to the reply."""
        rows = await session.scalars(
            select(Suggestion)
            .where(Suggestion.ticket_id == ticket.id)
            .order_by(Suggestion.id.desc())
            .limit(SHOWN)
        )
        return Listed(items=[SuggestionView.of(row) for row in rows])

    @post(
        "/{suggestion_id:int}/dismissal",
        opt=permits(Action.reply),
        summary="Turn a suggested reply down",
        status_code=200,
    )
    async def dismiss(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        suggestion_id: PathId,
    ) -> SuggestionView:
        found = await of_ticket(session, ticket, suggestion_id)
        found.dismiss(by=agent)
        return SuggestionView.of(found)


async def offered(session: AsyncSession, ticket: Ticket, suggestion: int) -> Suggestion:
    """The one that a reply names; raises Unreadable where it is not this ticket's."""
    query = select(Suggestion).where(Suggestion.id == suggestion, Suggestion.ticket_id == ticket.id)
    if (found := await session.scalar(query)) is None:
        raise choices.unknown("suggestion", suggestion)
    return found
