"""Where a request is in which help centre: the brand, the language, who is signed in, and how its pages are drawn.

`/help` is the default brand, or the one whose own host was asked; `/help/<brand>` is any; `/help/<language>` and
`/help/<brand>/<language>` are the same in another language than the brand's first. A host that nobody named is
answered with the default brand, and no address that a page, a mail or a feed contains is ever made of it.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, cast

from babel import Locale, UnknownLocaleError
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.params import SkipValidation
from litestar.response import Redirect
from sqlalchemy import inspect

from helpdesk import i18n
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.portal import Customer, HelpCentre, centres, signing_in
from kb.readers import Reader
from web import sessions
from web.auth import is_https
from web.dependencies import Session
from web.pages import Html, Pages
from web.portal import chatting
from web.portal.hosts import desk_name, host_of, names
from web.security import HEADERS

PREFIXES = ("/help", "/help/{first:str}", "/help/{first:str}/{second:str}")
FRESH = "public, max-age=60"
"""For whoever is not signed in; `Vary: Cookie` keeps apart who is. No longer: what was taken back must be gone soon."""


def paths(suffix: str = "") -> list[str]:
    """The addresses of one page in every brand and language."""
    return [prefix + suffix for prefix in PREFIXES]


@dataclass(frozen=True)
class Place:
    request: Request[Any, Any, Any]
    centre: HelpCentre
    language: str
    here: bool
    """Addressed without the brand's name: as the default one, or by its own host."""
    customer: Customer | None = None

    @property
    def desk(self) -> Desk:
        return cast("Desk", self.request.app.state.desk)

    @property
    def reader(self) -> Reader:
        """Of this brand, in this language; what `readable` is asked with."""
        return replace(self.reader_of_all, locale=self.language)

    @property
    def reader_of_all(self) -> Reader:
        """In every language."""
        who = Reader.customer(self.customer.contact) if self.customer else Reader.public()
        return replace(who, collections=tuple(self.centre.collection_ids))

    @property
    def csrf(self) -> str:
        if self.customer is None:
            return ""
        return sessions.csrf_token(self.request.app.state.csrf_key, b"customer" + self.customer.session_id)

    def link(self, path: str = "", language: str = "") -> str:
        """A path of this help centre, as the browser came to it."""
        chosen = language or self.language
        tongue = "" if chosen == self.centre.language else f"/{chosen}"
        return self.centre.path(here=self.here) + tongue + path

    def url(self, path: str = "", language: str = "") -> str:
        """The whole address that search engines, feeds and mails know; the same by whichever host it was asked."""
        return self.centre.page(self.desk.settings.url, path, language or self.language)

    @property
    def elsewhere(self) -> bool:
        """Asked by the desk's own host, while the brand has one of its own."""
        own = desk_name(self.request.scope)
        return bool(self.centre.host) and self.centre.host != own and own in names(self.request.scope)

    def speak(self) -> None:
        i18n.speak(self.language)

    def __call__(self, name: str, /, *, status: int = 200, cached: bool = False, **given: Any) -> Html:
        """`cached`: the same for everybody who is not signed in."""
        self.speak()
        pages: Pages = self.request.app.state.pages
        text = pages.render(name, **{**self.context(), **given})  # what a page brings counts
        answer: Html = Response(text, status_code=status, media_type="text/html")
        answer.headers["content-security-policy"] = HEADERS["content-security-policy"]
        if not self.centre.indexed:
            answer.headers["x-robots-tag"] = "noindex, nofollow"
        if cached and status == 200:
            return self.kept(answer, text.encode())
        return answer

    def kept(self, answer: Response[Any], content: bytes) -> Response[Any]:
        """Marked as what may be kept; empty where the browser has it already. What depends on a query or on who is
        signed in is nobody else's."""
        if self.customer or self.request.scope["query_string"] or self.request.cookies.get(self.cookie):
            return answer
        mark = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
        answer.headers |= {"cache-control": FRESH, "vary": "cookie, accept-encoding", "etag": mark}
        if self.request.headers.get("if-none-match") == mark:
            return Response(b"", status_code=304, headers=dict(answer.headers))
        return answer

    def context(self) -> dict[str, Any]:
        signboard, chat = self.request.app.state.signboard, chatting.chat_of(self.centre)
        return {
            "place": self,
            "centre": self.centre,
            "customer": self.customer,
            "agent": None,
            "locale": self.language.replace("-", "_"),
            "direction": i18n.direction(self.language),
            "csrf": self.csrf,
            "desk_name": self.centre.name,
            "ticket_prefix": signboard.options.ticket_prefix,
            "registers": signboard.registers,
            "chat": chat,
            "chat_word": chatting.word_for(self.desk.keys, chat, self.customer)
            if chat and self.customer
            else "",
            "alternates": [],
            "canonical": "",
            "described": "",
            "structured": "",
            "indexed": self.centre.indexed,
            "q": "",
        }

    @staticmethod
    def tongue(language: str) -> str:
        """A language in its own words: `Deutsch`."""
        try:
            name = Locale.parse(language, sep="-").get_display_name()
        except (UnknownLocaleError, ValueError):
            return language
        return (name or language)[:1].upper() + (name or language)[1:]

    @property
    def cookie(self) -> str:
        """Apart from the colleagues' own."""
        return "__Host-customer" if is_https(self.desk) else "customer"

    @property
    def browser_cookie(self) -> str:
        """Which browser asked for a link to sign in."""
        return "__Host-asked" if is_https(self.desk) else "asked"

    def cookie_of(self, key: str, value: str, seconds: int) -> Cookie:
        return Cookie(
            key=key,
            value=value,
            path="/",
            httponly=True,
            secure=is_https(self.desk),
            samesite="lax",
            max_age=seconds,
        )

    def refuses(self, status: int, words: str) -> Html | None:
        """A refusal in the brand's own look, with what to do next. None where a transaction that failed took the brand
        along: what is not loaded any more cannot be drawn."""
        drawn = [self.centre, *([self.customer.contact] if self.customer else [])]
        states: list[Any] = [inspect(each) for each in drawn]
        if any(each.expired_attributes for each in states):
            return None
        return self("portal/lost.html", status=status, code=status, said=words, indexed=False)

    def to(self, path: str) -> Redirect:
        return Redirect(self.link(path), status_code=303)


ThisPlace = SkipValidation[Place]


async def this_place(request: Request[Any, Any, Any], session: Session) -> Place:
    """Raises NotFound where there is no such help centre, or none in this language."""
    await request.app.state.signboard.refresh()
    first = str(request.path_params.get("first", ""))
    second = str(request.path_params.get("second", ""))
    host = host_of(request)
    centre = await centres.serving(session, host=host, slug=first) if first else None
    named = centre is not None
    further = ""
    if centre is None:
        centre, second, further = await centres.serving(session, host=host, slug=""), first, second
    if centre is None:
        raise NotFound
    known = second in centre.languages[1:]
    place = Place(request, centre, second if known else centre.language, here=not named)
    if (token := request.cookies.get(place.cookie)) and centre.signs_in:
        place = replace(place, customer=await signing_in.resumed(session, centre, token))
    request.state.refuses = place.refuses
    place.speak()
    if further or (second and not known):
        raise NotFound
    return place
