"""Coming in and going out."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import first_day
from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind
from helpdesk.people import Agent
from web import attempts, passwords, sessions
from web.addresses import address_of, counted_as
from web.auth import cookie_name, is_https, permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read


class SignInForm(Fields):
    email: str
    password: str
    next: str = "/"


@get("/sign-in", opt=permits(Action.public))
async def form(
    page: ThisPage, request: Request[Any, Any, Any], session: Session, desk: CurrentDesk
) -> Response[Any]:
    if not first_day.needs_token(desk) and not await first_day.has_admin(session):
        return Redirect("/welcome", status_code=303)
    return page(
        "sign-in.html",
        next=inside(request.query_params.get("next", "/")),
        email="",
        refused=False,
        changed="changed" in request.query_params,
    )


@post("/sign-in", opt=permits(Action.public))
async def sign_in(
    request: Request[Any, Any, Any], session: Session, desk: CurrentDesk, page: ThisPage
) -> Response[Any]:
    """One answer, after the same time, to an unknown address, a wrong password and a locked account."""
    given = await read(request, SignInForm)
    keys = attempts.keys(given.email, counted_as(request))
    agent = await session.scalar(
        select(Agent).where(func.lower(Agent.email) == given.email.strip().lower(), Agent.active)
    )
    await session.commit()  # no connection is held while passwords are compared
    right = await passwords.matches(agent.password_hash if agent else None, given.password)
    if agent is None or not right or await attempts.must_wait(session, keys):
        await attempts.failed(session, keys)
        session.add(Event(Kind.sign_in_failed, by=DESK, about=agent))
        return page(
            "sign-in.html",
            status=422,
            next=inside(given.next),
            email=given.email,
            refused=True,
            changed=False,
        )
    await attempts.succeeded(session, next(iter(keys)))
    await sessions.forget_expired(session)
    if passwords.is_outdated(agent.password_hash or ""):
        agent.password_hash = passwords.hashed(given.password)
    return await signed_in_as(request, session, desk, agent, given.next)


async def signed_in_as(
    request: Request[Any, Any, Any], session: AsyncSession, desk: Desk, agent: Agent, target: str
) -> Response[Any]:
    """A new session for this browser, and on to where it wanted to go."""
    token = await sessions.begin(
        session,
        agent,
        instead_of=request.cookies.get(cookie_name(desk)),
        address=address_of(request),
        browser=request.headers.get("user-agent", ""),
    )
    session.add(Event(Kind.signed_in, by=agent))
    return Redirect(inside(target), status_code=303, cookies=[_cookie(desk, token)])


@post("/sign-out", opt=permits(Action.signed_in))
async def sign_out(
    request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
) -> Redirect:
    await sessions.end(session, request.cookies[cookie_name(desk)])
    session.add(Event(Kind.signed_out, by=agent))
    gone = _cookie(desk, "")
    gone.max_age = 0
    return Redirect(
        "/sign-in", status_code=303, cookies=[gone], headers={"clear-site-data": '"cache", "storage"'}
    )


def _cookie(desk: Desk, token: str) -> Cookie:
    return Cookie(
        key=cookie_name(desk),
        value=token,
        path="/",
        httponly=True,
        secure=is_https(desk),
        samesite="lax",
        max_age=int(sessions.LONGEST.total_seconds()),
    )


def inside(target: str) -> str:
    """Only paths of our own: `//elsewhere` and `/\\elsewhere` are other hosts to a browser."""
    return (
        target
        if target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
        else "/"
    )
