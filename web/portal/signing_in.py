"""Customers come in by a link that is mailed to them, and go out here or everywhere.

One answer, after the same time, whether the address is known or not. Looking at the link's page changes nothing, since
programs that check mails follow every link: it takes a press of a button, in the browser that asked.
"""

import asyncio
import secrets
from time import monotonic
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Meta

from helpdesk.errors import NotFound
from helpdesk.portal import signing_in
from helpdesk.portal.signing_in import GOOD_FOR, LONGEST, LinkIsOver, OtherBrowser
from web import attempts
from web.addresses import counted_as
from web.dependencies import CurrentDesk, Session
from web.forms import Fields, read
from web.portal.pages import OPEN, Portal, slow_down
from web.portal.place import ThisPlace, paths
from web.security import refuse_forged

SAME_TIME = 0.3
"""Seconds that asking for a link takes, whether the address is known or not."""
ASKED_FREELY = 20  # times within a quarter of an hour from one address
FOLLOWED = 60  # links a minute of one address
PAGES = ("/tickets", "/contact", "/articles/")
"""Where signing in may lead on to."""


class Asked(Fields):
    email: Annotated[str, Meta(max_length=400)] = ""
    next: Annotated[str, Meta(max_length=300)] = ""


class Press(Fields):
    everywhere: str = ""


class SigningIn(Portal):
    @get(paths("/sign-in"), opt=OPEN)
    async def form(self, place: ThisPlace) -> Response[Any]:
        _offered(place)
        if place.customer:
            return place.to("/tickets")
        target = inside(place.request.query_params.get("next", ""))
        if place.elsewhere:
            return _there(place, target)
        return place("portal/sign-in.html", sent=False, next=target, trouble="", indexed=False)

    @post(paths("/sign-in"), opt=OPEN)
    async def ask(
        self, request: Request[Any, Any, Any], session: Session, desk: CurrentDesk, place: ThisPlace
    ) -> Response[Any]:
        _offered(place)
        began = monotonic()
        given = await read(request, Asked)
        if place.elsewhere:
            return _there(place, inside(given.next))
        browser = request.cookies.get(place.browser_cookie, "")
        if not 20 <= len(browser) <= 100:
            browser = secrets.token_urlsafe(32)
        keys = {f"help {counted_as(request)}": ASKED_FREELY}
        if not await attempts.must_wait(session, keys):
            await attempts.failed(session, keys)
            await signing_in.ask(
                session,
                desk.keys,
                place.centre,
                given.email,
                browser=browser,
                target=inside(given.next),
                language=place.language,
            )
        await session.commit()
        await asyncio.sleep(max(0.0, SAME_TIME - (monotonic() - began)))
        answer = place("portal/sign-in.html", sent=True, next="", trouble="", indexed=False)
        answer.set_cookie(place.cookie_of(place.browser_cookie, browser, int(GOOD_FOR.total_seconds())))
        return answer

    @get(paths("/sign-in/{token:str}"), opt=OPEN)
    async def arrive(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace, token: FromPath[str]
    ) -> Response[Any]:
        _offered(place)
        slow_down(request, "links", FOLLOWED)
        try:
            await signing_in.link_of(
                session, place.centre, token, browser=request.cookies.get(place.browser_cookie, "")
            )
        except (LinkIsOver, OtherBrowser) as error:
            return place("portal/sign-in.html", sent=False, next="", trouble=str(error), indexed=False)
        answer = place("portal/arrive.html", token=token, indexed=False)
        answer.headers["referrer-policy"] = "same-origin"
        return answer

    @post(paths("/sign-in/{token:str}"), opt=OPEN)
    async def follow(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace, token: FromPath[str]
    ) -> Response[Any]:
        _offered(place)
        slow_down(request, "links", FOLLOWED)
        try:
            cookie, link = await signing_in.follow(
                session,
                place.centre,
                token,
                browser=request.cookies.get(place.browser_cookie, ""),
                instead_of=request.cookies.get(place.cookie, ""),
            )
        except (LinkIsOver, OtherBrowser) as error:
            return place("portal/sign-in.html", sent=False, next="", trouble=str(error), indexed=False)
        answer = place.to(inside(link.target) or "/tickets")
        answer.set_cookie(place.cookie_of(place.cookie, cookie, int(LONGEST.total_seconds())))
        answer.set_cookie(place.cookie_of(place.browser_cookie, "", 0))
        return answer

    @post(paths("/sign-out"), opt=OPEN)
    async def leave(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace
    ) -> Response[Any]:
        answer = place.to("")
        if place.customer is None:
            return answer
        await refuse_forged(request, place.csrf)
        form = await read(request, Press)
        if form.everywhere:
            await signing_in.end_everywhere(session, place.customer)
        else:
            await signing_in.end(session, request.cookies.get(place.cookie, ""))
        answer.set_cookie(place.cookie_of(place.cookie, "", 0))
        answer.headers["clear-site-data"] = '"cache"'
        return answer


def inside(target: str) -> str:
    """A path within the help centre that signing in may lead to; anything else is the list of tickets."""
    fits = target.startswith(PAGES) and target.isprintable() and "\\" not in target and "//" not in target
    return target if fits and ".." not in target and len(target) <= 300 else ""


def _there(place: ThisPlace, target: str) -> Redirect:
    """To the brand's own host: a mailed link leads there, and is good only in the browser that asked there."""
    return Redirect(f"{place.url('/sign-in')}?{urlencode({'next': target})}", status_code=303)


def _offered(place: ThisPlace) -> None:
    if not place.centre.signs_in:
        raise NotFound
