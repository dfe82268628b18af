"""The customer's own tickets: the list, one with what was said, an answer, its files, and that it is done."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.i18n import gettext
from helpdesk.portal import tickets
from web import forms
from web.console.attachments import HARMLESS, disposition
from web.dependencies import CurrentDesk, Session
from web.forms import Fields, read
from web.portal import writing
from web.portal.pages import OPEN, Portal, slow_down
from web.portal.place import Place, ThisPlace, paths
from web.public_forms import LARGEST, OFTEN
from web.security import refuse_forged

DONE = {
    "asked": lambda: gettext("Your message is here. We write to you as soon as we can."),
    "answered": lambda: gettext("Your answer is here."),
    "closed": lambda: gettext("Thank you. If anything is left, simply answer below."),
}
FILES = {
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


class AnswerForm(Fields):
    text: Annotated[str, Meta(max_length=100_000)] = ""
    once: Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]*$")] = ""


class Tickets(Portal):
    @get(paths("/tickets"), opt=OPEN)
    async def index(
        self,
        session: Session,
        place: ThisPlace,
        show: FromQuery[str] = "",
        whose: FromQuery[str] = "",
        before: FromQuery[str] = "",
    ) -> Response[Any]:
        if place.customer is None:
            return to_sign_in(place, "/tickets")
        contact = place.customer.contact
        company = whose == "company" and tickets.shares(contact)
        found = await tickets.listed(
            session,
            place.centre,
            contact,
            settled=show == "settled",
            company=company,
            before=_cursor(before),
        )
        rows = found[: tickets.PAGE]
        last = rows[-1] if len(found) > tickets.PAGE else None
        return place(
            "portal/tickets.html",
            tickets=rows,
            more=f"{last.last_message_at.isoformat()}~{last.id}" if last else "",
            settled=show == "settled",
            company=company,
            shares=tickets.shares(contact),
            indexed=False,
        )

    @get(paths("/tickets/{number:int}"), opt=OPEN)
    async def show(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        place: ThisPlace,
        number: FromPath[int],
        done: FromQuery[str] = "",
    ) -> Response[Any]:
        if place.customer is None:
            return to_sign_in(place, f"/tickets/{number}")
        if now_at := await _moved(session, place, number):
            return place.to(f"/tickets/{now_at}")
        said = DONE[done]() if done in DONE else ""
        return await _page(session, place, number, said=said)

    @post(paths("/tickets/{number:int}/answers"), opt=OPEN, request_max_body_size=LARGEST)
    async def answer(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        desk: CurrentDesk,
        place: ThisPlace,
        number: FromPath[int],
    ) -> Response[Any]:
        if place.customer is None:
            return to_sign_in(place, f"/tickets/{number}")
        slow_down(request, f"answers {place.customer.contact.id}", OFTEN * 4)
        await refuse_forged(request, place.csrf)
        # Browsers send an empty field of files where none was chosen.
        form = await read(request, AnswerForm, besides=("files",))
        number = await _moved(session, place, number) or number  # merged while they wrote
        ticket = await tickets.one(session, place.centre, place.customer.contact, _fits(number))
        try:
            files = await forms.files(request)
            once = form.once if len(form.once) == writing.ONCE else writing.fresh()
            landed = await writing.answered(session, desk, place, ticket, form.text, files, once)
        except Invalid as error:
            return await _page(session, place, number, problem=str(error), text=form.text, status=422)
        return place.to(f"/tickets/{landed}?done=answered#last")

    @post(paths("/tickets/{number:int}/closing"), opt=OPEN)
    async def close(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace, number: FromPath[int]
    ) -> Response[Any]:
        """The customer says that it is done; an answer opens it again."""
        if place.customer is None:
            return to_sign_in(place, f"/tickets/{number}")
        await refuse_forged(request, place.csrf)
        if now_at := await _moved(session, place, number):  # more than they saw: they look at it first
            return place.to(f"/tickets/{now_at}")
        ticket = await tickets.one(session, place.centre, place.customer.contact, _fits(number), lock=True)
        if not tickets.closes(ticket, place.customer):
            raise Conflict(gettext("Only who asked can say that it is done, and only once."))
        ticket.resolve(by=place.customer.contact)
        return place.to(f"/tickets/{number}?done=closed")

    @get(paths("/tickets/{number:int}/files/{file_id:int}"), opt=OPEN)
    async def file(
        self,
        session: Session,
        place: ThisPlace,
        desk: CurrentDesk,
        number: FromPath[int],
        file_id: FromPath[int],
    ) -> Response[Any]:
        """Always saved, never opened here."""
        if place.customer is None:
            return to_sign_in(place, f"/tickets/{number}")
        if now_at := await _moved(session, place, number):
            return place.to(f"/tickets/{now_at}/files/{file_id}")
        found = await tickets.file(
            session, place.centre, place.customer.contact, _fits(number), _fits(file_id)
        )
        media_type = found.content_type if found.content_type in HARMLESS else "application/octet-stream"
        headers = FILES | {"content-disposition": disposition(found.name)}
        return Response(await desk.files.get(found.key), media_type=media_type, headers=headers)


async def _page(
    session: Session,
    place: Place,
    number: int,
    *,
    said: str = "",
    problem: str = "",
    text: str = "",
    status: int = 200,
) -> Response[Any]:
    if place.customer is None:
        raise NotFound
    contact = place.customer.contact
    ticket = await tickets.one(session, place.centre, contact, _fits(number))
    return place(
        "portal/ticket.html",
        status=status,
        ticket=ticket,
        messages=await tickets.thread(session, ticket, contact),
        in_copy=await tickets.in_copy(session, ticket),
        closes=tickets.closes(ticket, place.customer),
        once=writing.fresh(),
        said=said,
        problem=problem,
        text=text,
        indexed=False,
    )


async def _moved(session: AsyncSession, place: Place, number: int) -> int | None:
    """The number of the ticket that one of theirs was merged into, if that is theirs as well."""
    if place.customer is None:
        return None
    return await tickets.moved_to(session, place.centre, place.customer.contact, _fits(number))


def to_sign_in(place: Place, target: str) -> Redirect:
    if not place.centre.signs_in:
        raise NotFound
    return place.to(f"/sign-in?next={target}")


def _fits(number: int) -> int:
    if not 0 < number < 2**63:
        raise NotFound
    return number


def _cursor(text: str) -> tuple[datetime, int] | None:
    """Where the page before ended; what cannot be read is the beginning."""
    when, _sep, number = text.partition("~")
    try:
        at = datetime.fromisoformat(when.replace(" ", "+"))
    except ValueError:
        return None
    if at.tzinfo is None or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return at, int(number)
