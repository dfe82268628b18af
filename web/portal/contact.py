"""Writing to the brand: the form of its inbox, which shows what answers the question before anything is sent.

Whoever is signed in is known, and their message is proved; whoever is not writes as through any public form.
"""

import hmac
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.errors import NotFound
from helpdesk.inboxes import Inbox
from web import public_forms
from web.dependencies import CurrentDesk, Session
from web.forms import read
from web.hooks import ticket_of
from web.portal import finding, writing
from web.portal.pages import OPEN, SEARCHES, Portal, fits
from web.portal.place import Place, ThisPlace, paths
from web.public_forms import LARGEST, PATIENCE, OpenForm, Verdict, Written
from web.public_questions import FILES, PREFIX, Answers, answers
from web.security import refuse_forged

BEFORE = 3  # articles that are shown before a message is sent


class Message(Written, forbid_unknown_fields=True, kw_only=True):
    csrf: str = ""
    seen: str = ""
    """The articles that may answer were shown, and it is to be sent all the same."""


class Contact(Portal):
    @get(paths("/contact"), opt=OPEN)
    async def show(self, session: Session, place: ThisPlace) -> Response[Any]:
        form = await opened(session, place)
        written = Message(stamp=public_forms.stamp(_key(place), form.inbox.public_id))
        return _page(place, form, written)

    @post(paths("/contact"), opt=OPEN, request_max_body_size=LARGEST)
    async def send(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace, desk: CurrentDesk
    ) -> Response[Any]:
        """Stored before it is answered; sent twice it is one ticket."""
        form = await opened(session, place)
        public_forms.admitted(request, form)
        if place.customer:
            await refuse_forged(request, place.csrf)
        written = await read(request, Message, besides=(PREFIX, FILES))
        if place.customer:
            written.email, written.name = place.customer.address, place.customer.contact.name
        besides = await answers(request, form.asks, form.settings)
        key, public_id = _key(place), form.inbox.public_id
        verdict = public_forms.stamped(key, public_id, written) or public_forms.checked(
            form, written, besides
        )
        first = not (verdict or written.seen or besides.files)
        if first and fits(request, "search", SEARCHES):  # beyond, it is sent without
            question = f"{written.subject} {written.text}"
            found = await finding.answers(
                session, request.app.state.lookup, question, reader=place.reader, limit=BEFORE
            )
            if likely := [each for each in found if each.score >= finding.SURE]:
                return _page(place, form, written, besides=besides, likely=likely)
        if verdict := verdict or public_forms.rated(request, form):
            if not public_forms.issued(key, public_id, written.stamp):
                written.stamp = public_forms.stamp(key, public_id)
            return _page(place, form, written, verdict, besides)
        if place.customer:
            ticket = await writing.asked(session, desk, place, form, written, besides)
            return place.to(f"/tickets/{ticket}?done=asked")
        await session.commit()  # no connection is held while the message is stored and read
        kept_id = await public_forms.kept(desk, form, written, besides)
        return place.to(f"/contact/sent/{public_forms.proof_of(key, public_id, kept_id)}")

    @get(paths("/contact/sent/{proof:str}"), opt=OPEN)
    async def sent(
        self, session: Session, place: ThisPlace, desk: CurrentDesk, proof: FromPath[str]
    ) -> Response[Any]:
        """A page of its own, so that loading it again sends nothing."""
        form = await opened(session, place)
        number = proof.partition(".")[0]
        known = number.isascii() and number.isdecimal() and len(number) < 19
        right = public_forms.proof_of(_key(place), form.inbox.public_id, int(number) if known else 0)
        if not known or not hmac.compare_digest(proof.encode(), right.encode()):
            raise NotFound
        await session.commit()
        return place(
            "portal/sent.html", form=form, number=await ticket_of(desk, int(number), PATIENCE), indexed=False
        )


async def opened(session: AsyncSession, place: Place) -> OpenForm:
    """Raises NotFound where the brand has no form, or its inbox was switched off."""
    inbox = await session.scalar(
        select(Inbox)
        .where(Inbox.id == place.centre.contact_inbox_id, Inbox.active, Inbox.channel == "api")
        .options(joinedload(Inbox.team))
    )
    if inbox is None:
        raise NotFound
    return await public_forms.form_of(session, place.desk, inbox)


def _page(
    place: Place,
    form: OpenForm,
    written: Message,
    verdict: Verdict | None = None,
    besides: Answers | None = None,
    likely: list[finding.Answer] | None = None,
) -> Response[Any]:
    verdict, besides = verdict or Verdict(status=200), besides or Answers()
    return place(
        "portal/contact.html",
        status=verdict.status,
        form=form,
        written=written,
        verdict=verdict,
        typed=besides.typed,
        files_again=bool(besides.files),
        likely=likely or [],
        indexed=place.centre.indexed,
        canonical=place.url("/contact"),
    )


def _key(place: Place) -> bytes:
    key: bytes = place.request.app.state.csrf_key
    return key
