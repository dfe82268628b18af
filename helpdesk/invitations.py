"""Links that let somebody in: an invitation to become an agent, a way back for whoever lost the password.

A link carries 256 bits, of which the database keeps the hash; it serves once, for a time, and for the address
that it was mailed to. It is derived from a nonce and the desk's secret, so that a mail which has to be sent
again carries the same link, and whoever reads the database alone can make none.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.keys import Keys
from helpdesk.people import Agent, CustomRole, Membership, Role, Team

INVITED_FOR = timedelta(hours=24)
RESET_FOR = timedelta(hours=1)
RESETS = 3
"""Mails an hour to one account; what is asked for beyond is answered the same and sends nothing."""


class AlreadyHere(Conflict):
    message = _("Somebody with this address is an agent of this desk already.")


class AlreadyInvited(Conflict):
    message = _("This address has an open invitation. Send it again from the list.")


class LinkIsOver(NotFound):
    message = _("This link was used already, was taken back, or is too old. Ask for a new one.")


class _Link(Row):
    """What the two kinds of link have in common."""

    __abstract__ = True

    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(server_default="")
    """Why the mail has not left, in words."""

    def renew(self, keys: Keys, good_for: timedelta) -> None:
        """Another link; the one before is worth nothing from now on."""
        self.nonce = secrets.token_bytes(32)
        self.token_hash = _hashed(self.token(keys))
        self.expires_at = now() + good_for
        self.mailed_at, self.trouble = None, ""

    def token(self, keys: Keys) -> str:
        return keys.link_token(self.__tablename__, self.nonce)


class Invitation(_Link):
    __tablename__ = "invitation"

    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(Choice(Role))
    custom_role_id: Mapped[int | None] = mapped_column(ForeignKey("custom_role.id", ondelete="SET NULL"))
    team_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))
    """Who came of it."""

    invited_by: Mapped[Agent | None] = relationship(lazy="raise", foreign_keys=[invited_by_id])
    custom_role: Mapped[CustomRole | None] = relationship(lazy="raise")

    __table_args__ = (
        Index(
            "uq_invitation_open",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )

    @property
    def is_over(self) -> bool:
        return self.expires_at <= now()

    def revoke(self) -> None:
        self.revoked_at = now()

    async def accept(self, session: AsyncSession, *, name: str, password_hash: str) -> Agent:
        """The agent that was invited, with the role and the teams that the invitation named."""
        if await agent_of(session, self.email):
            raise AlreadyHere
        agent = Agent(
            name=name,
            email=self.email,
            role=self.role,
            custom_role_id=self.custom_role_id,
            password_hash=password_hash,
        )
        session.add(agent)
        await session.flush()
        known = await session.scalars(select(Team.id).where(Team.id.in_(self.team_ids)))
        session.add_all(Membership(team_id=team_id, agent_id=agent.id) for team_id in known)
        self.accepted_at, self.agent_id = now(), agent.id
        session.add(Event(Kind.invitation_accepted, by=agent, about=agent))
        return agent


class PasswordReset(_Link):
    __tablename__ = "password_reset"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship(lazy="raise")


async def invite(
    session: AsyncSession,
    keys: Keys,
    *,
    email: str,
    name: str,
    role: Role,
    custom_role_id: int | None = None,
    team_ids: list[int],
    by: Agent,
) -> Invitation:
    """Raises AlreadyHere or AlreadyInvited. An event starts the mail."""
    if await agent_of(session, email):
        raise AlreadyHere
    if await session.scalar(_open().where(func.lower(Invitation.email) == email.lower())):
        raise AlreadyInvited
    made = Invitation(
        email=email.lower(),
        name=name,
        role=role,
        custom_role_id=custom_role_id,
        team_ids=team_ids,
        invited_by_id=by.id,
    )
    made.renew(keys, INVITED_FOR)
    session.add(made)
    await session.flush()
    session.add(Event(Kind.invited, by=by, about=made, role=role.value))
    return made


def resend(invitation: Invitation, keys: Keys, *, by: Agent) -> Event:
    invitation.renew(keys, INVITED_FOR)
    return Event(Kind.invited, by=by, about=invitation, role=invitation.role.value, again=True)


async def ask_for_reset(session: AsyncSession, keys: Keys, agent: Agent) -> None:
    """Starts the mail, unless there were enough of them within the hour."""
    since = now() - timedelta(hours=1)
    recent = select(func.count()).where(PasswordReset.agent_id == agent.id, PasswordReset.created_at > since)
    await session.execute(select(func.pg_advisory_xact_lock(_RESETTING, agent.id % 2**31)))
    if (await session.scalar(recent) or 0) >= RESETS:
        return
    made = PasswordReset(agent_id=agent.id)
    made.renew(keys, RESET_FOR)
    session.add(made)
    await session.flush()
    session.add(Event(Kind.password_reset_asked, by=agent, about=made))


_RESETTING = 0x72657365


async def invitation_of(session: AsyncSession, token: str) -> Invitation:
    """Locked, so that a link which is followed twice at once serves once. Raises LinkIsOver."""
    query = _open().where(Invitation.token_hash == _hashed(token), Invitation.expires_at > now())
    if found := await session.scalar(query.with_for_update()):
        return found
    raise LinkIsOver


async def reset_of(session: AsyncSession, token: str) -> PasswordReset:
    """Locked, its agent loaded; raises LinkIsOver, also where the agent was switched off meanwhile."""
    found = await session.scalar(
        select(PasswordReset)
        .where(
            PasswordReset.token_hash == _hashed(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > now(),
        )
        .with_for_update()
    )
    agent = await session.get(Agent, found.agent_id) if found else None
    if found is None or agent is None or not agent.active:
        raise LinkIsOver
    return found


async def owner_of(session: AsyncSession, reset: PasswordReset) -> Agent:
    return await session.get_one(Agent, reset.agent_id)


async def use_up(session: AsyncSession, reset: PasswordReset) -> None:
    """This link and all others of its agent: none is left to be found in a mailbox."""
    await end_resets(session, reset.agent_id)


async def end_resets(session: AsyncSession, agent_id: int) -> None:
    await session.execute(
        update(PasswordReset)
        .where(PasswordReset.agent_id == agent_id, PasswordReset.used_at.is_(None))
        .values(used_at=now())
    )


async def agent_of(session: AsyncSession, email: str) -> Agent | None:
    return await session.scalar(select(Agent).where(func.lower(Agent.email) == email.strip().lower()))


async def open_invitations(session: AsyncSession) -> list[Invitation]:
    return list(await session.scalars(_open().order_by(Invitation.id.desc())))


def _open() -> Select[Invitation]:
    return select(Invitation).where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
