"""The page behind a survey's links: `/rate/<token>/<score>`.

Reading it changes nothing, because programs that check mails follow every link. The page shows what was chosen and
a small script sends it at once; without scripts there is a button. It tells a stranger the desk's name and the
ticket's number, and nothing else.
"""

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Meta

from helpdesk import satisfaction
from helpdesk.access import Action
from helpdesk.i18n import gettext
from helpdesk.satisfaction import Survey
from helpdesk.satisfaction.answering import LONGEST_COMMENT, Asked, Over
from helpdesk.satisfaction.wording import choices, ends
from web.addresses import counted_as
from web.api.rates import Rates, TooMany
from web.auth import permits
from web.dependencies import CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html

READ, WRITTEN = 120, 30  # requests a minute of one address
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {"content-security-policy": POLICY, "x-robots-tag": "noindex, nofollow, noarchive"}
"""The rest is as on every page: not stored, and no other site is told where somebody came from."""
Token = Annotated[str, Meta(max_length=200)]
TOLD: dict[str, Callable[[], str]] = {
    "thanks": lambda: gettext("Thank you! Your answer is here."),
    "saved": lambda: gettext("Thank you! That is saved."),
    "declined": lambda: gettext("You will not be asked again."),
    "welcome": lambda: gettext("You may be asked again."),
}


class Answer(Fields):
    score: Annotated[int, Meta(ge=0, le=10)]
    comment: Annotated[str, Meta(max_length=LONGEST_COMMENT * 2)] | None = None


class Rate(Controller):
    path = "/rate/{token:str}"

    @get(opt=permits(Action.public))
    async def show(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        page: ThisPage,
        token: FromPath[str],
    ) -> Html:
        _slow_down(request, READ)
        asked = await satisfaction.found(session, desk.keys, token)
        said = TOLD.get(request.query_params.get("done", ""))
        declined = asked.contact is not None and await satisfaction.declines(session, asked.contact)
        return _page(page, asked, token, said=said() if said else "", declined=declined)

    @get("/{score:int}", opt=permits(Action.public))
    async def choose(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        page: ThisPage,
        token: FromPath[str],
        score: FromPath[int],
    ) -> Html | Redirect:
        """What was pressed in the mail; nothing is kept yet."""
        _slow_down(request, READ)
        asked = await satisfaction.found(session, desk.keys, token)
        if not asked.is_open or score not in asked.rating.kind.scale:
            return Redirect(f"/rate/{token}", status_code=303)
        return _page(page, asked, token, chosen=score)

    @post(opt=permits(Action.public))
    async def answer(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, token: FromPath[str]
    ) -> Response[Any]:
        _slow_down(request, WRITTEN)
        form = await read(request, Answer)
        asked = await satisfaction.found(session, desk.keys, token, lock=True)
        if asked.contact is None:
            raise Over
        satisfaction.answer(asked, form.score, form.comment, by=asked.contact, channel="email")
        done = "thanks" if form.comment is None else "saved"
        return Redirect(f"/rate/{token}?done={done}", status_code=303)

    @post("/refusal", opt=permits(Action.public))
    async def decline(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, token: FromPath[str]
    ) -> Response[Any]:
        """Not to be asked any more, or to be asked again, as the form says."""
        _slow_down(request, WRITTEN)
        form = await request.form()
        asked = await satisfaction.found(session, desk.keys, token)
        again = form.get("again") == "true"
        if again and asked.contact:
            await satisfaction.welcome(session, asked.contact, by=asked.contact)
        elif asked.contact:
            await satisfaction.decline(session, asked)
        return Redirect(f"/rate/{token}?done={'welcome' if again else 'declined'}", status_code=303)


def _page(
    page: ThisPage,
    asked: Asked,
    token: str,
    *,
    chosen: int | None = None,
    said: str = "",
    declined: bool = False,
) -> Html:
    kind = asked.rating.kind
    answer = page(
        "ratings/public.html",
        asked=asked,
        token=token,
        chosen=chosen,
        said=said,
        declined=declined,
        offered=choices(kind, f"/rate/{token}"),
        ends=ends(kind),
        is_ticket=kind is Survey.csat,
        longest=LONGEST_COMMENT,
    )
    for name, value in HEADERS.items():
        answer.headers[name] = value
    return answer


def _slow_down(request: Request[Any, Any, Any], most: int) -> None:
    rates: Rates = request.app.state.rates
    address = counted_as(request)
    if not rates.take(f"rate {request.method} {address}", most)[1]:
        raise TooMany
