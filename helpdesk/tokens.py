"""API tokens: how a program acts for an agent, with fewer rights, for a time.

A token is 256 random bits, of which the desk keeps the SHA-256 alone; its first characters are kept to tell tokens
apart. What it may do is settled at each use: what it allows *and* what its agent may do by then.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import ForeignKey, Index, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from helpdesk.access import OPEN, Action, granted
from helpdesk.clock import now
from helpdesk.database import Row
from helpdesk.errors import Conflict, Forbidden, HelpdeskError, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent, Role, with_access
from helpdesk.texts import clean

MARK = "hd_"
"""What every token begins with, so that scanners for leaked secrets can know them."""
SHOWN = 10  # characters that stay readable
LASTS = timedelta(days=90)
LONGEST = timedelta(days=365)
SEEN_EVERY = timedelta(minutes=1)
MOST_ADDRESSES = 20
LONGEST_NAME = 80

GRANTABLE = tuple(action for action in Action if action not in OPEN | {Action.manage_tokens})
"""What a token can allow. None can make tokens: whoever stole one would have another for ever."""


class ApiToken(Row):
    __tablename__ = "api_token"

    name: Mapped[str]
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    """For whom it acts."""
    scopes: Mapped[list[str]] = mapped_column(server_default="{}")
    """Permissions by name; what the agent may not do is not done by listing it here."""
    prefix: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    addresses: Mapped[list[str]] = mapped_column(server_default="{}")
    """Networks that it may be used from; empty: any."""
    expires_at: Mapped[datetime | None]
    """None only where somebody chose that it never expires."""
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_from: Mapped[str] = mapped_column(server_default="")

    agent: Mapped[Agent] = relationship(lazy="raise")

    __table_args__ = (Index("ix_api_token_created", "created_at"),)

    @classmethod
    def made(
        cls,
        name: str,
        *,
        agent: Agent,
        scopes: Collection[str],
        lasts: timedelta | None = LASTS,
        addresses: Iterable[str] = (),
    ) -> tuple["ApiToken", str]:
        """The token and its secret, which nobody can show a second time. `lasts=None` never expires."""
        if lasts is not None and not timedelta(0) < lasts <= LONGEST:
            raise TooLong
        secret = MARK + secrets.token_urlsafe(32)
        token = cls(
            name=_name(name),
            agent_id=agent.id,
            agent=agent,
            scopes=_scopes(scopes),
            prefix=secret[:SHOWN],
            hash=hashed(secret),
            addresses=_networks(addresses),
            expires_at=now() + lasts if lasts else None,
            created_at=now(),
        )
        return token, secret

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= now()

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and not self.is_expired

    def may_come_from(self, address: str) -> bool:
        if not self.addresses:
            return True
        try:
            came = ip_address(address)
        except ValueError:
            return False
        came = getattr(came, "ipv4_mapped", None) or came
        return any(came in ip_network(network) for network in self.addresses)

    def revoke(self, session: AsyncSession, *, by: Actor) -> None:
        if self.revoked_at is not None:
            raise AlreadyRevoked
        self.revoked_at = now()
        session.add(Event(Kind.token_revoked, by=by, about=self, agent=self.agent_id))


class BadToken(HelpdeskError):
    status = 401
    message = _("This token is not known here. Make one under Settings, API tokens.")


class Expired(BadToken):
    message = _("This token has expired. Make a new one under Settings, API tokens.")


class Revoked(BadToken):
    message = _("This token was revoked.")


class WrongAddress(Forbidden):
    message = _("This token may not be used from this address.")


class AlreadyRevoked(Conflict):
    message = _("This token was revoked before.")


class TooLong(Invalid):
    message = _("A token lasts from one day to one year, or for ever if that is what you choose.")


class NotYours(Forbidden):
    message = _("You can make tokens for yourself; an administrator can make them for others.")


def hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


async def issue(
    session: AsyncSession,
    name: str,
    *,
    agent: Agent,
    by: Actor,
    scopes: Collection[str],
    lasts: timedelta | None = LASTS,
    addresses: Iterable[str] = (),
) -> tuple[ApiToken, str]:
    token, secret = ApiToken.made(name, agent=agent, scopes=scopes, lasts=lasts, addresses=addresses)
    session.add(token)
    await session.flush()
    session.add(Event(Kind.token_created, by=by, about=token, agent=agent.id, scopes=token.scopes))
    return token, secret


async def revoke_all(session: AsyncSession, agent: Agent, *, by: Actor) -> None:
    """Nothing that acts for this agent goes on, nor starts again with them; each has its event."""
    usable = select(ApiToken).where(ApiToken.agent_id == agent.id, ApiToken.revoked_at.is_(None))
    for token in await session.scalars(usable.order_by(ApiToken.id).with_for_update()):
        token.revoke(session, by=by)


def require_maker(maker: Agent, agent: Agent) -> None:
    """Who acts for somebody else would have that person's rights: that is for administrators."""
    if maker.id != agent.id and (maker.role is not Role.admin or maker.custom_role is not None):
        raise NotYours


def offered(agent: Agent) -> list[Action]:
    """What a token for this agent can allow, because the agent may do it."""
    allowed = granted(agent)
    return [action for action in GRANTABLE if action in allowed]


async def recognised(session: AsyncSession, secret: str, address: str) -> ApiToken:
    """Whose token this is, with what is needed to ask what they may do. Raises BadToken or WrongAddress."""
    rows = await session.scalars(
        select(ApiToken)
        .where(ApiToken.hash == hashed(secret))
        .options(joinedload(ApiToken.agent, innerjoin=True).options(*with_access()))
    )
    token = rows.unique().one_or_none()
    if token is None or not token.agent.active:
        raise BadToken
    if token.revoked_at is not None:
        raise Revoked
    if token.is_expired:
        raise Expired
    if not token.may_come_from(address):
        raise WrongAddress
    token.agent.act_by(token.id, frozenset(token.scopes))
    return token


async def used(session: AsyncSession, token: ApiToken, address: str) -> bool:
    """To the minute; whether it was written. Of many requests at once one writes it, and none waits for that."""
    at = now()
    if token.last_used_at and token.last_used_at > at - SEEN_EVERY:
        return False
    mine = select(ApiToken.id).where(ApiToken.id == token.id).with_for_update(skip_locked=True)
    await session.execute(
        update(ApiToken)
        .where(ApiToken.id.in_(mine))
        .values(last_used_at=at, last_used_from=address)
        .execution_options(synchronize_session=False)
    )
    return True


def _name(text: str) -> str:
    name = " ".join(clean(text).split())
    if not name:
        raise Invalid(gettext("Give the token a name, so that you know later what it is for."))
    if len(name) > LONGEST_NAME:
        raise Invalid(gettext("A token's name has room for %(most)s characters.") % {"most": LONGEST_NAME})
    return name


def _scopes(given: Collection[str]) -> list[str]:
    known = {action.value for action in GRANTABLE}
    if unknown := sorted(set(given) - known):
        raise Invalid(gettext("“%(name)s” is no permission that a token can have.") % {"name": unknown[0]})
    if not given:
        raise Invalid(gettext("Choose at least one permission; a token without any can do nothing."))
    return [action.value for action in GRANTABLE if action.value in given]


def _networks(given: Iterable[str]) -> list[str]:
    found: list[str] = []
    for text in (line.strip() for line in given):
        try:
            found += [str(ip_network(text, strict=False))] if text else []
        except ValueError:
            raise Invalid(
                gettext("“%(text)s” is no address or network; they look like 192.0.2.7 or 192.0.2.0/24.")
                % {"text": text[:60]}
            ) from None
    if len(found) > MOST_ADDRESSES:
        raise Invalid(gettext("A token takes %(most)s networks at most.") % {"most": MOST_ADDRESSES})
    return found
