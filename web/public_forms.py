"""The form that anybody may write through: `/forms/<inbox>`, on its own or in a frame on the company's site.

It works without scripts. What it is sent proves nothing about who sent it; a signed time stamp, a field that people
do not see, and counting by address keep the simplest machines out, without asking people to solve anything.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from time import time
from typing import Any, cast

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.api.reading import EMAIL, FormWords, FromForm
from channels.api.settings import ApiSettings
from helpdesk import intake
from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.fields import CustomField
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.texts import says_something
from web.addresses import counted_as
from web.api.rates import Rates
from web.auth import permits
from web.dependencies import CurrentDesk, ThisPage
from web.forms import read
from web.hooks import TooBig, kept_as, ticket_of
from web.pages import Html, Page
from web.public_questions import FILES, PREFIX, Answers, answers, asked

OFTEN, OFTEN_ALL = 5, 120  # forms a minute of one address, and of everybody
SOONEST, LATEST = 2, 86_400  # seconds between showing the form and sending it
LONGEST_TEXT = 20_000  # characters
LARGEST = 26 * 1024**2  # bytes of a form with files; one without has as many as any other
WITHOUT_FILES = 256 * 1024
PATIENCE = 4.0  # seconds that the thanks wait for the ticket's number
ORIGIN = re.compile(r"https?://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?", re.IGNORECASE)


class Written(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    stamp: str = ""
    email: str = ""
    text: str = ""
    name: str = ""
    subject: str = ""
    agreed: str = ""
    website: str = ""  # people do not see this field; machines fill in everything


@dataclass(frozen=True)
class OpenForm:
    inbox: Inbox
    settings: ApiSettings
    asks: list[CustomField] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.settings.form_title or self.inbox.name

    @property
    def policy(self) -> str:
        """No script at all, and only the company's own sites may show it in a frame."""
        sites = " ".join(origins(self.settings.form_origins)) or "'none'"
        return "; ".join(
            (
                "default-src 'none'",
                "style-src 'self'",
                "font-src 'self'",
                "img-src 'self' data:",
                "form-action 'self'",
                "base-uri 'none'",
                f"frame-ancestors {sites}",
            )
        )


def origins(text: str) -> list[str]:
    """Those that are ones: what else stands there must not change the policy."""
    return [each for each in re.split(r"[\s,]+", text) if ORIGIN.fullmatch(each)]


@dataclass(frozen=True)
class Verdict:
    """What is wrong with what was written, by field; `words` for the form as a whole."""

    problems: dict[str, str] = field(default_factory=dict)
    words: str = ""
    status: int = 422

    def __bool__(self) -> bool:
        return bool(self.problems or self.words)


class Forms(Controller):
    path = "/forms/{public_id:str}"

    @get(opt=permits(Action.public))
    async def show(self, desk: CurrentDesk, page: ThisPage, public_id: FromPath[str]) -> Html:
        form = await _open(desk, public_id)
        return _page(page, form, Written(stamp=stamp(key_of(page), public_id)))

    @post(opt=permits(Action.public), request_max_body_size=LARGEST)
    async def send(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, page: ThisPage, public_id: FromPath[str]
    ) -> Response[Any]:
        """Stored before it is answered; sent twice it is one ticket."""
        form = await _open(desk, public_id)
        admitted(request, form)
        written = await read(request, Written, besides=(PREFIX, FILES))
        besides = await answers(request, form.asks, form.settings)
        verdict = (
            stamped(key_of(page), public_id, written)
            or checked(form, written, besides)
            or rated(request, form)
        )
        if verdict:
            if not issued(key_of(page), public_id, written.stamp):
                written.stamp = stamp(key_of(page), public_id)
            return _page(page, form, written, verdict, besides)
        kept_id = await kept(desk, form, written, besides)
        return Redirect(
            f"/forms/{public_id}/sent/{proof_of(key_of(page), public_id, kept_id)}", status_code=303
        )

    @get("/sent/{proof:str}", opt=permits(Action.public))
    async def sent(
        self, desk: CurrentDesk, page: ThisPage, public_id: FromPath[str], proof: FromPath[str]
    ) -> Html:
        """A page of its own, so that loading it again sends nothing."""
        form = await _open(desk, public_id)
        number = proof.partition(".")[0]
        known = number.isascii() and number.isdecimal() and len(number) < 19
        if not known or not hmac.compare_digest(
            proof.encode(), proof_of(key_of(page), public_id, int(number)).encode()
        ):
            raise NotFound
        return _framed(
            page("forms/sent.html", form=form, number=await ticket_of(desk, int(number), PATIENCE)), form
        )


async def _open(desk: Desk, public_id: str) -> OpenForm:
    async with desk.sessions() as session:
        inbox = await session.scalar(
            select(Inbox).where(Inbox.public_id == public_id, Inbox.active, Inbox.channel == "api")
        )
        form = await form_of(session, desk, inbox) if inbox else None
        if form is None or not form.settings.form_open:
            raise NotFound
        return form


async def form_of(session: AsyncSession, desk: Desk, inbox: Inbox) -> OpenForm:
    """What the form of this inbox asks for, whether anybody may open it by its own address or not."""
    stored = cast("dict[str, Any]", desk.keys.unseal(inbox.sealed_settings))
    settings = msgspec.convert(stored, ApiSettings)
    return OpenForm(inbox, settings, await asked(session, settings))


def _page(
    page: Page,
    form: OpenForm,
    written: Written,
    verdict: Verdict | None = None,
    besides: Answers | None = None,
) -> Html:
    verdict, besides = verdict or Verdict(status=200), besides or Answers()
    context = {"form": form, "written": written, "verdict": verdict, "typed": besides.typed}
    again = bool(besides.files)  # a browser never sends files a second time by itself
    return _framed(page("forms/show.html", status=verdict.status, files_again=again, **context), form)


def _framed(answer: Html, form: OpenForm) -> Html:
    answer.headers["content-security-policy"] = form.policy
    answer.headers["cross-origin-resource-policy"] = "cross-origin"
    return answer


def admitted(request: Request[Any, Any, Any], form: OpenForm) -> None:
    """Before a byte of the body is read: whoever sends much tells how much, has a reason, and does not do it often."""
    size = request.headers.get("content-length", "")
    if size.isascii() and size.isdecimal() and len(size) < 19 and int(size) <= WITHOUT_FILES:
        return
    rates: Rates = request.app.state.rates
    address = _of_address(request, form)
    # Each counts, also one that is refused for what is in it: reading it is what costs.
    if not form.settings.form_files or not rates.take(f"large {address}", OFTEN)[1]:
        raise TooBig
    if rates.is_over(address, OFTEN):
        raise TooBig


def checked(form: OpenForm, written: Written, besides: Answers) -> Verdict:
    problems = dict(besides.problems)
    if not EMAIL.fullmatch(written.email.strip()):
        problems["email"] = gettext("Please give an address that an answer can be sent to.")
    if not says_something(written.text):
        problems["text"] = gettext("Please write what it is about.")
    for name, most in (("text", LONGEST_TEXT), ("name", 200), ("subject", 500)):
        if len(getattr(written, name)) > most:
            problems[name] = gettext("This is longer than {most} characters.").format(most=most)
    if form.settings.form_consent and not written.agreed:
        problems["agreed"] = gettext("This has to be agreed to.")
    if written.website:
        return Verdict(problems, gettext("Leave the field “Website” empty: it is a trap for machines."))
    return Verdict(problems)


def rated(request: Request[Any, Any, Any], form: OpenForm) -> Verdict:
    rates: Rates = request.app.state.rates
    fits = rates.take(_of_address(request, form), OFTEN)[1]
    if fits and rates.take(f"form {form.inbox.id}", OFTEN_ALL)[1]:
        return Verdict()
    words = gettext("There were many messages from here just now. Wait a minute, then press Send once more.")
    return Verdict(words=words, status=429)


def _of_address(request: Request[Any, Any, Any], form: OpenForm) -> str:
    return f"form {form.inbox.id} {counted_as(request)}"


def stamp(key: bytes, public_id: str, at: float | None = None) -> str:
    """When the form was shown, and a number for this one message: signed, so that nobody makes up their own."""
    head = f"{int(at or time())}.{secrets.token_hex(12)}"
    return f"{head}.{_signed(key, public_id, 'stamp', head)}"


def issued(key: bytes, public_id: str, given: str) -> int | None:
    """When the stamp was given out; None where it is none of ours, or too old to be used again."""
    head, _dot, signature = given.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signed(key, public_id, "stamp", head).encode()):
        return None
    at = int(head.partition(".")[0])
    return at if time() - at <= LATEST else None


def stamped(key: bytes, public_id: str, written: Written) -> Verdict:
    at = issued(key, public_id, written.stamp)
    if at is None:
        return Verdict(
            words=gettext("This page had been open for too long. Nothing is lost; press Send once more.")
        )
    if time() - at < SOONEST:
        return Verdict(words=gettext("That was quicker than people write. Press Send once more."))
    return Verdict()


async def kept(desk: Desk, form: OpenForm, written: Written, besides: Answers) -> int:
    """Somebody who goes back and changes a word sends another message; who only presses twice does not."""
    said = FormWords(
        id=written.stamp.split(".")[1],
        email=written.email.strip(),
        text=written.text.replace("\r\n", "\n").strip(),
        name=" ".join(written.name.split()),
        subject=" ".join(written.subject.split()),
        agreed=form.settings.form_consent,
        fields=besides.values,
        files=besides.files,
    )
    raw = msgspec.json.encode(FromForm(form=said))
    source = f"form/{said.id}/{sha256(raw).hexdigest()[:16]}"
    async with committed(desk.sessions) as session:
        await intake.keep(session, form.inbox.id, [(raw, source)])
    return (await kept_as(desk, form.inbox, source))[0]


def proof_of(key: bytes, public_id: str, kept_id: int) -> str:
    return f"{kept_id}.{_signed(key, public_id, 'sent', str(kept_id))}"


def _signed(key: bytes, *parts: str) -> str:
    return hmac.new(key, b"helpdesk form\0" + "\0".join(parts).encode(), sha256).hexdigest()[:32]


def key_of(page: Page) -> bytes:
    return cast("bytes", page.request.app.state.csrf_key)
