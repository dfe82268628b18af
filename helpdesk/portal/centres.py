"""Help centres: one a brand, with its name, its look, what it shows and where its questions go."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, any_, func, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from helpdesk.database import Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.portal import colours
from helpdesk.texts import clean, written

LONGEST_NAME, LONGEST_GREETING, LONGEST_WORDS = 80, 120, 400
LARGEST_LOGO = 200 * 1024  # bytes
MOST = 100  # help centres of one desk
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
WEBSITE = re.compile(r"https?://[^\s\"'<>\\\x00-\x1f]{1,300}")
OWN = frozenset(
    {
        "articles", "collections", "contact", "feed", "images", "logo", "look", "offers", "search", "sign-in",
        "sign-out", "sitemap", "tickets",
    }
)  # fmt: skip
"""Names of pages of every help centre: none can be called so."""


class HelpCentre(Row):
    __tablename__ = "help_centre"

    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    """`/help/<slug>`; the default one is at `/help` as well."""
    host: Mapped[str | None] = mapped_column(unique=True)
    """A name of its own, `help.example.com`; there it is at `/help`."""
    active: Mapped[bool] = mapped_column(default=False, server_default="false")
    is_default: Mapped[bool] = mapped_column(default=False, server_default="false")
    greeting: Mapped[str] = mapped_column(default="", server_default="")
    words: Mapped[str] = mapped_column(default="", server_default="")
    """What stands below the greeting, and what search engines show."""
    colour: Mapped[str] = mapped_column(default=colours.USUAL, server_default=colours.USUAL)
    """`#4f5bd5`; `helpdesk.portal.colours.accent` makes of it what a page needs."""
    logo: Mapped[bytes | None] = mapped_column(deferred=True)
    logo_type: Mapped[str] = mapped_column(default="", server_default="")
    logo_mark: Mapped[str] = mapped_column(default="", server_default="")
    """Changes with the logo; empty where there is none."""
    website: Mapped[str] = mapped_column(default="", server_default="")
    """Where the logo's company is on the web."""
    languages: Mapped[list[str]] = mapped_column(default=lambda: ["en"], server_default="{en}")
    """The first is what somebody gets who chose none."""
    collection_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    """Collections of articles that it shows; empty: all, and articles in none as well."""
    contact_inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inbox.id", ondelete="SET NULL"))
    """The form that "Contact us" is; None: there is no such page."""
    chat_inbox_id: Mapped[int | None] = mapped_column(
        ForeignKey("inbox.id", ondelete="SET NULL"), unique=True
    )
    """The chat on its pages; None: there is none. One chat is on the pages of one brand, whose articles it knows."""
    inbox_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    """Whose tickets customers see here; empty: those of all inboxes."""
    indexed: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Whether search engines may show it."""
    signs_in: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Whether customers may sign in and see their tickets."""

    chat: Mapped[Inbox | None] = relationship(lazy="raise", foreign_keys=[chat_inbox_id])

    __table_args__ = (
        Index("uq_help_centre_default", "is_default", unique=True, postgresql_where=text("is_default")),
    )

    @property
    def accent(self) -> colours.Accent:
        return colours.accent(self.colour)

    @property
    def language(self) -> str:
        return self.languages[0] if self.languages else "en"

    def path(self, *, here: bool = False) -> str:
        """Where its pages begin; `here`: at its own host, or as the default one."""
        return "/help" if here or self.is_default else f"/help/{self.slug}"

    def url(self, desk_url: str) -> str:
        """The one address that it is known by. Never made of what a browser says: mails and caches keep it."""
        return self.origin(desk_url) + self.path(here=bool(self.host))

    def page(self, desk_url: str, path: str, language: str) -> str:
        """The address of one of its pages; only its first language needs no name."""
        return self.url(desk_url) + ("" if language == self.language else f"/{language}") + path

    def origin(self, desk_url: str) -> str:
        """Its own host, else the desk's."""
        if not self.host:
            return desk_url
        scheme, _sep, rest = desk_url.partition("://")
        port = "" if scheme == "https" or ":" not in rest else f":{rest.rpartition(':')[2]}"
        return f"{scheme}://{self.host}{port}"

    def shows(self, collection_id: int) -> bool:
        return not self.collection_ids or collection_id in self.collection_ids


class Nameless(Invalid):
    message = _("Give it the name that customers know, of 80 characters at most.")


class BadSlug(Invalid):
    message = _("An address has three to 40 small letters, digits and hyphens, and is no word of our own.")


class SlugTaken(Conflict):
    message = _("Another help centre has this address.")


class BadHost(Invalid):
    message = _(
        "This is no name of a host. One looks like help.example.com, without https:// and without a path."
    )


class HostTaken(Conflict):
    message = _("Another help centre has this host.")


class ChatTaken(Conflict):
    message = _("This chat is on the pages of another help centre. One chat belongs to one brand.")


class BadLanguage(Invalid):
    message = _("Languages are short: en, de, pt-BR. Name one at least, and eight at most.")


class BadWebsite(Invalid):
    message = _("A website begins with https://.")


class BadLogo(Invalid):
    message = _("A logo is a PNG, JPEG or WebP of 200 KB at most. SVG may hold scripts and is not taken.")


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a form or a program says of one; `save` checks it."""

    name: str
    slug: str
    host: str = ""
    active: bool = False
    is_default: bool = False
    greeting: str = ""
    words: str = ""
    colour: str = colours.USUAL
    website: str = ""
    languages: Sequence[str] = ("en",)
    collection_ids: Sequence[int] = ()
    contact_inbox_id: int | None = None
    chat_inbox_id: int | None = None
    inbox_ids: Sequence[int] = ()
    indexed: bool = True
    signs_in: bool = True


async def every(session: AsyncSession) -> Sequence[HelpCentre]:
    return (await session.scalars(select(HelpCentre).order_by(HelpCentre.name, HelpCentre.id))).all()


async def serving(session: AsyncSession, *, host: str, slug: str) -> HelpCentre | None:
    """The active one of this address: by its name, else the default one. At its own host there is only that one."""
    rows = (await session.scalars(select(HelpCentre).options(joinedload(HelpCentre.chat)).limit(MOST))).all()
    if own := next((each for each in rows if each.host and each.host == host), None):
        return own if own.active and slug in {"", own.slug} else None
    wanted = (each for each in rows if each.active and (each.slug == slug if slug else each.is_default))
    return next(wanted, None)


async def of_inbox(session: AsyncSession, inbox_id: int) -> HelpCentre | None:
    """The brand that an inbox belongs to, else the default one."""
    rows = [each for each in await every(session) if each.active]
    return _brand(rows, inbox_id) or next((each for each in rows if each.is_default), None)


async def brand_of(session: AsyncSession, inbox_id: int) -> HelpCentre | None:
    return _brand([each for each in await every(session) if each.active], inbox_id)


def _brand(centres: Sequence[HelpCentre], inbox_id: int) -> HelpCentre | None:
    """On whose pages it is the chat, else that has it among its own."""
    chat = (each for each in centres if each.chat_inbox_id == inbox_id)
    own = (each for each in centres if inbox_id in each.inbox_ids)
    return next(chain(chat, own), None)


async def origin_for(session: AsyncSession, inbox_id: int, desk_url: str) -> str:
    """Where links lead in mails about tickets of this inbox: to the host of the brand that it was chosen for, if that
    is one and has its own; else to the desk's."""
    chosen = or_(
        HelpCentre.contact_inbox_id == inbox_id,
        HelpCentre.chat_inbox_id == inbox_id,
        literal(inbox_id) == any_(HelpCentre.inbox_ids),
    )
    brands = (await session.scalars(select(HelpCentre).where(HelpCentre.active, chosen).limit(2))).all()
    return brands[0].origin(desk_url) if len(brands) == 1 else desk_url


async def save(session: AsyncSession, centre: HelpCentre | None, said: Described, *, by: Actor) -> HelpCentre:
    """A new one where none is given; the first is the default one. Raises Invalid or Conflict in words."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('help centres'))"))
    values = await _checked(session, centre, said)
    others = select(func.count()).select_from(HelpCentre)
    count = await session.scalar(others) or 0
    if centre is None and count >= MOST:
        raise Invalid(gettext("A desk has 100 help centres at most."))
    values["is_default"] = values["is_default"] or count == 0 or (centre is not None and centre.is_default)
    if values["is_default"] and not (centre and centre.is_default):
        await session.execute(update(HelpCentre).where(HelpCentre.is_default).values(is_default=False))
    what = "changed"
    if centre is None:
        centre, what = HelpCentre(**values), "added"
        session.add(centre)
    changed = sorted(name for name, value in values.items() if getattr(centre, name) != value)
    for name in changed:
        setattr(centre, name, values[name])
    await session.flush()
    if changed or what == "added":
        session.add(Event(Kind.help_centre_edited, by=by, about=centre, what=what, changed=changed))
    return centre


async def set_logo(
    session: AsyncSession, centre: HelpCentre, content: bytes, kind: str | None, *, by: Actor
) -> None:
    """`kind` is what its first bytes say it is. Raises BadLogo. No content: none from now on."""
    if content and (kind not in {"image/png", "image/jpeg", "image/webp"} or len(content) > LARGEST_LOGO):
        raise BadLogo
    centre.logo, centre.logo_type = content or None, kind or "" if content else ""
    centre.logo_mark = hashlib.sha256(content).hexdigest()[:16] if content else ""
    session.add(Event(Kind.help_centre_edited, by=by, about=centre, what="changed", changed=["logo"]))
    await session.flush()


async def remove(session: AsyncSession, centre: HelpCentre, *, by: Actor) -> None:
    """With it end the sessions of its customers; articles and tickets stay."""
    session.add(Event(Kind.help_centre_edited, by=by, about=centre, what="removed"))
    await session.delete(centre)
    await session.flush()


async def _checked(session: AsyncSession, centre: HelpCentre | None, said: Described) -> dict[str, Any]:
    name = " ".join(clean(said.name).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise Nameless
    website = said.website.strip()
    if website and not WEBSITE.fullmatch(website):
        raise BadWebsite
    return {
        "name": name,
        "slug": await _slug(session, centre, said.slug),
        "host": await _host(session, centre, said.host),
        "active": said.active,
        "is_default": said.is_default,
        "greeting": " ".join(clean(said.greeting).split())[:LONGEST_GREETING],
        "words": written(said.words)[:LONGEST_WORDS],
        "colour": colours.read(said.colour),
        "website": website,
        "languages": languages(said.languages),
        "collection_ids": sorted(set(said.collection_ids)),
        "contact_inbox_id": said.contact_inbox_id,
        "chat_inbox_id": await _chat(session, centre, said.chat_inbox_id),
        "inbox_ids": sorted(set(said.inbox_ids)),
        "indexed": said.indexed,
        "signs_in": said.signs_in,
    }


def languages(given: Sequence[str]) -> list[str]:
    """As articles name theirs: `en`, `pt-BR`."""
    found = []
    for each in given:
        language, *region = each.strip().replace("_", "-").split("-")
        name = "-".join(
            [language.lower(), *(part.upper() if len(part) == 2 else part.title() for part in region)]
        )
        if not LANGUAGE.fullmatch(name):
            raise BadLanguage
        found.append(name)
    if not 0 < len(set(found)) <= 8:
        raise BadLanguage
    return list(dict.fromkeys(found))


async def _slug(session: AsyncSession, centre: HelpCentre | None, slug: str) -> str:
    """Three letters at least: languages have two or three, and those with three are refused by name."""
    found = slug.strip().lower()
    if not SLUG.fullmatch(found) or not 3 <= len(found) <= 40 or found in OWN or found.isdigit():
        raise BadSlug
    spoken = select(HelpCentre.id).where(HelpCentre.languages.contains([found]))
    if await session.scalar(spoken):
        raise BadSlug
    taken = await session.scalar(select(HelpCentre.id).where(HelpCentre.slug == found))
    if taken and (centre is None or taken != centre.id):
        raise SlugTaken
    return found


async def _chat(session: AsyncSession, centre: HelpCentre | None, chosen: int | None) -> int | None:
    taken = select(HelpCentre.id).where(HelpCentre.chat_inbox_id == chosen)
    if chosen and (other := await session.scalar(taken)) and (centre is None or other != centre.id):
        raise ChatTaken
    return chosen


async def _host(session: AsyncSession, centre: HelpCentre | None, host: str) -> str | None:
    found = host_named(host)
    if not found:
        return None
    if len(found) > 253 or not HOST.fullmatch(found):
        raise BadHost
    taken = await session.scalar(select(HelpCentre.id).where(HelpCentre.host == found))
    if taken and (centre is None or taken != centre.id):
        raise HostTaken
    return found


def host_named(typed: str) -> str:
    return typed.strip().lower().rstrip(".")
