"""Search over tickets: straight to one by its number, else what was found, with the words marked."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get
from litestar.params import FromQuery
from litestar.response import Redirect
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import options
from helpdesk.access import Action, is_visible
from helpdesk.errors import Invalid
from helpdesk.people import Agent
from helpdesk.search import finding, index, syntax
from helpdesk.search.finding import CLOSE, OPEN, Found, Mark
from helpdesk.search.syntax import KEYS, Search
from helpdesk.search.values import suggestions, vocabulary
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html

LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Chip:
    """A filter of the search, in words, and the search without it."""

    words: str
    without: str


@get("/search", opt=permits(Action.read))
async def search(
    session: Session,
    agent: CurrentAgent,
    page: ThisPage,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    sort: FromQuery[str] = "newest",
) -> Html | Redirect:
    typed = q.strip()
    if not after and (number := await _jump(session, agent, typed)):
        return Redirect(f"/tickets/{number}", status_code=303)
    best = sort == "best"
    mark = Mark.read(after) if after else None
    context: dict[str, Any] = {"typed": typed, "best": best, "keys": KEYS, "problem": "", "chips": []}
    found, read = Found([]), None
    if typed:
        known = await vocabulary(session)
        try:
            read = syntax.read(typed, known.find, known.kinds)
            found = await finding.find(session, agent, read, after=mark, best=best)
            context["chips"] = _chips(read, known.describe)
        except Invalid as refused:
            if mark:
                raise
            context["problem"] = str(refused)
    context |= {"found": found, "search": read, "marked": marked}
    if mark and page.asks_for("more"):
        return page("console/search/_hits.html", shell=Shell.of(None), **context)
    context["behind"] = await index.behind(session) if typed else False
    return page(
        "console/search/index.html",
        status=400 if context["problem"] else 200,
        shell=await Shell.load(session, agent),
        **context,
    )


@get("/search/suggestions", opt=permits(Action.read))
async def offers(session: Session, q: FromQuery[str] = "") -> Response[list[dict[str, str]]]:
    """What may be typed next."""
    if len(q) > syntax.LONGEST:
        return Response([])
    known = await vocabulary(session)
    return Response([{"text": each.text, "hint": each.hint} for each in suggestions(q, known)])


async def _jump(session: AsyncSession, agent: Agent, typed: str) -> int | None:
    """The ticket whose number was typed, with the desk's prefix, a # or nothing before it; None if unseen."""
    digits = typed.lstrip("#")
    if not digits.isdigit() and typed:
        prefix = (await options.load(session)).ticket_prefix
        digits = typed[len(prefix) :] if prefix and typed.lower().startswith(prefix.lower()) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return None
    number = int(digits)
    there = select(Ticket.number).where(is_visible(agent), Ticket.number == number)
    return await session.scalar(there) if 0 < number <= LARGEST else None


def _chips(read: Search, describe: Any) -> list[Chip]:
    return [
        Chip(describe(condition), " ".join(read.text.replace(typed, " ", 1).split()))
        for typed, condition in read.chips
    ]


def marked(snippet: str) -> Markup:
    """A snippet with its found words marked; everything else in it is escaped."""
    text = str(escape(snippet)).replace(OPEN, "<mark>").replace(CLOSE, "</mark>")
    return Markup(text)  # noqa: S704 - escaped before the marks were put in
