"""What the search of the console finds."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter
from msgspec import Meta

from helpdesk.access import Action
from helpdesk.search import finding, syntax
from helpdesk.search.finding import CLOSE, OPEN, Mark
from helpdesk.search.values import vocabulary
from web.api.answers import Listed
from web.api.given import After
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session


class HitView(Shape):
    number: Annotated[int, Meta(examples=[42])]
    subject: str
    snippet: str
    """Where the words stand, between `**`."""
    at: At | None
    note: bool


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
