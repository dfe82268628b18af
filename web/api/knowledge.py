"""What the search of the console finds: tickets, and articles that answer a question."""

from dataclasses import replace
from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import QueryParameter
from msgspec import Meta

from helpdesk.access import Action
from helpdesk.search import finding, syntax
from helpdesk.search.finding import CLOSE, OPEN, Mark
from helpdesk.search.values import vocabulary
from kb.readers import Reader
from web.api.answers import Listed
from web.api.given import After
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.portal.finding import answers


class HitView(Shape):
    number: Annotated[int, Meta(examples=[42])]
    subject: str
    snippet: str
    """Where the words stand, between `**`."""
    at: At | None
    note: bool


class AnswerView(Shape):
    """An article, by the passage of it that answers best."""

    id: int
    slug: Annotated[str, Meta(examples=["refunds"])]
    title: Annotated[str, Meta(examples=["How refunds work"])]
    category: str
    passage: str
    score: Annotated[float, Meta(examples=[0.71])]
    """To be compared within one answer only."""


class Search(Controller):
    path = "/search"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="Search tickets")
    async def search(
        self,
        session: Session,
        agent: CurrentAgent,
        q: Annotated[str, QueryParameter(min_length=1, max_length=500)],
        best: Annotated[
            bool, QueryParameter(description="Best first, in place of newest; one page.")
        ] = False,
        after: After = "",
    ) -> Listed[HitView]:
        """As in the console, names with slips of the finger included; shows where the words stand."""
        known = await vocabulary(session)
        read = syntax.read(q, known.find, known.kinds)
        mark = Mark.read(after) if after else None
        found = await finding.find(session, agent, read, after=mark, best=best)
        items = [
            HitView(
                number=hit.row.number,
                subject=hit.row.subject,
                snippet=hit.snippet.replace(OPEN, "**").replace(CLOSE, "**"),
                at=hit.at,
                note=hit.is_note,
            )
            for hit in found.hits
        ]
        return Listed(items=items, next=str(found.after) if found.after else None)

    @get(
        "/articles",
        opt=permits(Action.read_knowledge) | {"resource": "knowledge"},
        summary="Search articles",
    )
    async def articles(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        q: Annotated[str, QueryParameter(min_length=1, max_length=500)],
        language: Annotated[str, QueryParameter(max_length=12)] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=50)] = 10,
    ) -> Listed[AnswerView]:
        """Published articles that answer a question, the best first: by meaning and by words, or by words alone while
        the models load. What does not answer it is left out."""
        reader = replace(Reader.agent(), locale=language.replace("\x00", ""))
        found = await answers(session, request.app.state.lookup, q, reader=reader, limit=limit)
        items = [
            AnswerView(
                id=each.id,
                slug=each.slug,
                title=each.title,
                category=each.category,
                passage=each.words,
                score=round(each.score, 3),
            )
            for each in found
        ]
        return Listed(items=items, next=None)
