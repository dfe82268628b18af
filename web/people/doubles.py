"""The desk's likely duplicates: two and two, with the reason; made one, or said to be different people."""

from typing import Any

from litestar import get
from litestar.params import FromQuery

from helpdesk import duplicate_pairs
from helpdesk.access import Action
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html


@get("/contacts/duplicates", opt=permits(Action.read_contacts))
async def duplicates(
    session: Session, agent: CurrentAgent, page: ThisPage, after: FromQuery[str] = ""
) -> Html:
    found = await duplicate_pairs.pairs(session, agent, after=after)
    context: dict[str, Any] = {"found": found, "first": not after}
    return page("people/duplicates.html", shell=await Shell.load(session, agent), **context)
