"""Customers sign in by a link that is mailed to an address the desk knows.

A link carries 256 bits, of which the database keeps the hash; it serves once, for a quarter of an hour, and only in
the browser that asked for it: a mailbox that somebody else reads, or a program that follows links, opens nothing.
Whether an address is known is told to nobody but its owner. Rows hold no address, only which identity was meant, so
that forgetting a person takes them along and a merge carries them to whom the address belongs now.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    LargeBinary,
    Select,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, contains_eager, joinedload, mapped_column, relationship

from helpdesk.clock import now
from helpdesk.database import Base, Row
from helpdesk.errors import NotFound
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import _
from helpdesk.identities import IdentityKind, NoIdentity, normal
from helpdesk.keys import Keys
from helpdesk.messages import Proof
from helpdesk.people import Contact, ContactIdentity
from helpdesk.portal.centres import HelpCentre

GOOD_FOR = timedelta(minutes=15)
MAILS = 3
"""Links within GOOD_FOR to one address; what is asked for beyond is answered the same and sends nothing."""
IDLE = timedelta(days=7)
LONGEST = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=5)
KEPT = timedelta(days=2)
"""How long links that are over are kept, for whoever asks what became of a mail."""
_ASKING = 0x68656C70


class LinkIsOver(NotFound):
    message = _("This link was used already or is too old. Ask for a new one.")


class OtherBrowser(NotFound):
    message = _("Open the link in the browser in which you asked for it, or ask for a new one here.")


class PortalLink(Row):
    __tablename__ = "portal_link"

    help_centre_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("help_centre.id", ondelete="CASCADE"))
    identity_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact_identity.id", ondelete="CASCADE"), index=True
    )
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    browser: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of what the cookie says of the browser that asked."""
    target: Mapped[str] = mapped_column(default="", server_default="")
    """The page that it leads on to, one of our own."""
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why the mail has not left, in words."""

    centre: Mapped[HelpCentre] = relationship(lazy="raise")
    identity: Mapped[ContactIdentity] = relationship(lazy="raise")

    def token(self, keys: Keys) -> str:
        return keys.link_token(self.__tablename__, self.nonce)


class PortalSession(Base):
    __tablename__ = "portal_session"

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of what the cookie says."""
    help_centre_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("help_centre.id", ondelete="CASCADE"))
    identity_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact_identity.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    identity: Mapped[ContactIdentity] = relationship(lazy="raise")


@dataclass(frozen=True)
class Customer:
    """Somebody who has proved that an address is theirs, in one help centre."""

    contact: Contact
    """With `company` loaded."""
    address: str
    session_id: bytes


async def ask(
    session: AsyncSession,
    keys: Keys,
    centre: HelpCentre,
    address: str,
    *,
    browser: str,
    target: str = "",
    language: str = "en",
) -> bool:
    """Starts the mail where the address is known and there were not enough of them. Whoever asks is told the same
    in any case; what is returned is for tests and for nobody else."""
    identity = await _known(session, address)
    if identity is None:
        return False
    await session.execute(select(func.pg_advisory_xact_lock(_ASKING, identity.id % 2**31)))
    recent = select(func.count()).where(
        PortalLink.identity_id == identity.id, PortalLink.created_at > now() - GOOD_FOR
    )
    if (await session.scalar(recent) or 0) >= MAILS:
        return False
    nonce = secrets.token_bytes(32)
    made = PortalLink(
        help_centre_id=centre.id,
        identity_id=identity.id,
        nonce=nonce,
        token_hash=hashed(keys.link_token(PortalLink.__tablename__, nonce)),
        browser=hashed(browser),
        target=target,
        language=language,
        expires_at=now() + GOOD_FOR,
    )
    session.add(made)
    await session.flush()
    session.add(Event(Kind.customer_link_asked, by=DESK, about=made, centre=centre.id))
    return True


async def link_of(
    session: AsyncSession, centre: HelpCentre, token: str, *, browser: str, lock: bool = False
) -> PortalLink:
    """Raises LinkIsOver or OtherBrowser; `identity` is loaded. Following it changes nothing: `follow` does."""
    query = (
        select(PortalLink)
        .join(PortalLink.identity)
        .join(ContactIdentity.contact)
        .options(contains_eager(PortalLink.identity).contains_eager(ContactIdentity.contact))
        .where(
            PortalLink.token_hash == hashed(token),
            PortalLink.help_centre_id == centre.id,
            PortalLink.used_at.is_(None),
            PortalLink.expires_at > now(),
            *_may_sign_in(),
        )
    )
    found = await session.scalar(query.with_for_update(of=PortalLink) if lock else query)
    if found is None:
        raise LinkIsOver
    if not browser or not secrets.compare_digest(found.browser, hashed(browser)):
        raise OtherBrowser
    return found


async def follow(
    session: AsyncSession,
    centre: HelpCentre,
    token: str,
    *,
    browser: str,
    instead_of: str = "",
) -> tuple[str, PortalLink]:
    """Signs in: what the cookie is to say, and the link. It and all others to this address are worth nothing now."""
    link = await link_of(session, centre, token, browser=browser, lock=True)
    identity, at = link.identity, now()
    open_ones = update(PortalLink).where(PortalLink.identity_id == identity.id, PortalLink.used_at.is_(None))
    await session.execute(open_ones.values(used_at=at))
    if identity.verified_at is None or identity.proof is not Proof.authenticated:
        identity.proof, identity.verified_at = Proof.authenticated, identity.verified_at or at
    if instead_of:
        await end(session, instead_of)
    token = secrets.token_urlsafe(32)
    session.add(
        PortalSession(
            id=hashed(token),
            help_centre_id=centre.id,
            identity_id=identity.id,
            expires_at=at + LONGEST,
        )
    )
    session.add(Event(Kind.customer_signed_in, by=identity.contact, about=identity.contact, centre=centre.id))
    await _forget(session)
    return token, link


async def resumed(session: AsyncSession, centre: HelpCentre, token: str) -> Customer | None:
    """Whose session this cookie is, in this help centre; None when it is over, or they may not sign in any more."""
    at = now()
    query = _with_customer(hashed(token))
    found = await session.scalar(query.where(PortalSession.help_centre_id == centre.id))
    if found is None:
        return None
    if found.last_seen_at < at - SEEN_EVERY:
        found.last_seen_at = at
    return _customer(found)


async def in_chat(
    session: AsyncSession, inbox_id: int, session_id: bytes
) -> tuple[Customer, datetime] | None:
    """Who has signed in where this is the chat, and until when at most; None when that is over."""
    query = _with_customer(session_id)
    found = await session.scalar(query.where(HelpCentre.chat_inbox_id == inbox_id))
    if found is None:
        return None
    return _customer(found), found.expires_at


async def is_open_in_chat(session: AsyncSession, inbox_id: int, session_id: bytes) -> bool:
    query = _open(session_id).where(HelpCentre.chat_inbox_id == inbox_id)
    return await session.scalar(query) is not None


def _customer(found: PortalSession) -> Customer:
    return Customer(found.identity.contact, found.identity.value, found.id)


def _with_customer(session_id: bytes) -> Select[PortalSession]:
    return _open(session_id).options(
        contains_eager(PortalSession.identity)
        .contains_eager(ContactIdentity.contact)
        .options(joinedload(Contact.company))
    )


def _open(session_id: bytes) -> Select[PortalSession]:
    """A session that is not over, of somebody who may still sign in, where one still may."""
    at = now()
    return (
        select(PortalSession)
        .join(PortalSession.identity)
        .join(ContactIdentity.contact)
        .join(HelpCentre, HelpCentre.id == PortalSession.help_centre_id)
        .where(
            HelpCentre.active,
            HelpCentre.signs_in,
            PortalSession.id == session_id,
            PortalSession.expires_at > at,
            PortalSession.last_seen_at > at - IDLE,
            *_may_sign_in(),
        )
    )


async def end(session: AsyncSession, token: str) -> None:
    await session.execute(delete(PortalSession).where(PortalSession.id == hashed(token)))


async def end_everywhere(session: AsyncSession, customer: Customer) -> int:
    """Every session of this person, by whichever of their addresses, in every help centre, and every open link."""
    theirs = select(ContactIdentity.id).where(ContactIdentity.contact_id == customer.contact.id)
    await session.execute(
        update(PortalLink)
        .where(PortalLink.identity_id.in_(theirs), PortalLink.used_at.is_(None))
        .values(used_at=now())
    )
    gone = delete(PortalSession).where(PortalSession.identity_id.in_(theirs))
    ended = (await session.scalars(gone.returning(PortalSession.id))).all()
    session.add(
        Event(Kind.customer_signed_out, by=customer.contact, about=customer.contact, sessions=len(ended))
    )
    return len(ended)


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


async def _known(session: AsyncSession, address: str) -> ContactIdentity | None:
    try:
        value = normal(IdentityKind.email, address)
    except NoIdentity:
        return None
    return await session.scalar(
        select(ContactIdentity)
        .join(ContactIdentity.contact)
        .where(ContactIdentity.kind == IdentityKind.email, ContactIdentity.value == value, *_may_sign_in())
    )


def _may_sign_in() -> tuple[ColumnElement[bool], ...]:
    return (
        Contact.blocked_at.is_(None),
        Contact.erased_at.is_(None),
        Contact.merged_into_id.is_(None),
        ContactIdentity.kind == IdentityKind.email,
    )


async def _forget(session: AsyncSession) -> None:
    """What is long over."""
    at = now()
    over = or_(PortalSession.expires_at < at, PortalSession.last_seen_at < at - IDLE)
    await session.execute(delete(PortalSession).where(over))
    await session.execute(delete(PortalLink).where(PortalLink.expires_at < at - KEPT))
