"""Who is signed in: sessions kept by the server, known to the browser by an id that only it has.

The id is 256 random bits, of which the database sees the hash alone. An id that the desk did not give out
means nothing, and signing in always makes a new one, so that nobody can plant theirs in another's browser.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    LargeBinary,
    ScalarSelect,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.notifications import Notification
from helpdesk.people import Agent, CustomRole, Membership, Reach
from helpdesk.reading import known, rows
from helpdesk.statements import AnySelect, as_list, once

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)
LONGEST_BROWSER = 300  # characters of what a browser says of itself
CONFIRMED_FOR = timedelta(minutes=10)
"""How long a password counts as just given, for what must not be done from an unlocked, forgotten screen."""
SEEN_EVERY = timedelta(minutes=1)
"""How exactly `last_seen` is kept: a write on every request would cost more than it tells."""


class WebSession(Base):
    __tablename__ = "web_session"

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of what the cookie says."""
    agent_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    confirmed_at: Mapped[datetime | None]
    """When the password was last asked for."""
    address: Mapped[str] = mapped_column(server_default="")
    browser: Mapped[str] = mapped_column(server_default="")

    agent: Mapped[Agent] = relationship(lazy="raise")

    @property
    def unread(self) -> int:
        """Notices that its agent has not seen; `resumed` counted them."""
        return int(self.__dict__.get("_unread", 0))

    @unread.setter
    def unread(self, count: int) -> None:
        self.__dict__["_unread"] = count

    @property
    def is_confirmed(self) -> bool:
        return self.confirmed_at is not None and self.confirmed_at > now() - CONFIRMED_FOR


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def csrf_token(key: bytes, session_id: bytes) -> str:
    """Good for one session only: what another site could learn elsewhere is of no use here."""
    return hmac.new(key, b"csrf" + session_id, "sha256").hexdigest()


async def begin(
    session: AsyncSession,
    agent: Agent,
    *,
    instead_of: str | None = None,
    address: str = "",
    browser: str = "",
) -> str:
    """Sign in: what the cookie is to say. An older session of the same browser ends."""
    if instead_of:
        await end(session, instead_of)
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            id=hashed(token),
            agent_id=agent.id,
            expires_at=now() + LONGEST,
            confirmed_at=now(),
            address=address,
            browser=browser[:LONGEST_BROWSER],
        )
    )
    return token


async def is_open(session: AsyncSession, token: str) -> bool:
    """Whether a colleague is signed in by this cookie, for pages that are the same for them: nothing is loaded, and it
    counts for no use of the session."""
    at = now()
    theirs = select(WebSession.id).where(
        WebSession.id == hashed(token), WebSession.expires_at > at, WebSession.last_seen_at > at - IDLE
    )
    return await session.scalar(theirs) is not None


async def end(session: AsyncSession, token: str) -> None:
    await session.execute(delete(WebSession).where(WebSession.id == hashed(token)))


async def end_all(session: AsyncSession, agent_id: int, *, but: bytes | None = None) -> int:
    """Everywhere, or everywhere but here; open streams notice within seconds. Returns how many ended."""
    ended = delete(WebSession).where(WebSession.agent_id == agent_id, WebSession.id.is_distinct_from(but))
    return len((await session.scalars(ended.returning(WebSession.id))).all())


async def of(session: AsyncSession, agent: Agent) -> list[WebSession]:
    """Where this agent is signed in, the most recently used first."""
    at = now()
    rows = await session.scalars(
        select(WebSession)
        .where(
            WebSession.agent_id == agent.id, WebSession.expires_at > at, WebSession.last_seen_at > at - IDLE
        )
        .order_by(WebSession.last_seen_at.desc())
    )
    return list(rows)


async def confirm(session: AsyncSession, found: WebSession) -> None:
    """The password was given again just now."""
    await session.execute(update(WebSession).where(WebSession.id == found.id).values(confirmed_at=now()))


async def resumed(session: AsyncSession, token: str) -> WebSession | None:
    """The session of this cookie, its agent and what the agent may do loaded; None when it is over.

    Every request begins with this, in a new `session`.
    """
    at = now()
    given = {"id": hashed(token), "at": at, "idle_since": at - IDLE}
    (good,) = await rows(session, (_resumed(), given))
    if not good:
        return None
    row = good[0]
    found = known(session, WebSession, _columns(row, WebSession) | {"agent": _agent(session, row)})
    found.unread = row.unread
    if found.last_seen_at < at - SEEN_EVERY:
        await _seen(session, found, at)
    return found


async def _seen(session: AsyncSession, found: WebSession, at: datetime) -> None:
    """Of many requests at once one writes it, and none waits until that one is done."""
    mine = select(WebSession.id).where(WebSession.id == found.id).with_for_update(skip_locked=True)
    await session.execute(
        update(WebSession)
        .where(WebSession.id.in_(mine))
        .values(last_seen_at=at)
        .execution_options(synchronize_session=False)
    )


@once
def _resumed() -> AnySelect:
    in_team = CustomRole.__table__.alias("in_team")
    memberships = (
        select(Membership.team_id, Membership.agent_id, Membership.custom_role_id)
        .add_columns(func.row_to_json(in_team.table_valued()).label("role"))
        .outerjoin(in_team, in_team.c.id == Membership.custom_role_id)
        .where(Membership.agent_id == Agent.id)
        .correlate(Agent)
    )
    return (
        select(
            *(
                column.label(f"{kind.__tablename__}_{column.name}")
                for kind in (WebSession, Agent, CustomRole)
                for column in kind.__table__.columns
            ),
            as_list(memberships).label("memberships"),
            _unread().label("unread"),
        )
        .join(Agent, Agent.id == WebSession.agent_id)
        .outerjoin(CustomRole, CustomRole.id == Agent.custom_role_id)
        .where(
            WebSession.id == bindparam("id"),
            WebSession.expires_at > bindparam("at"),
            WebSession.last_seen_at > bindparam("idle_since"),
            Agent.active,
        )
    )


def _columns(row: Any, kind: type[Base]) -> dict[str, Any]:
    return {
        column.name: getattr(row, f"{kind.__tablename__}_{column.name}") for column in kind.__table__.columns
    }


def _agent(session: AsyncSession, row: Any) -> Agent:
    roles: dict[int | None, CustomRole | None] = {None: None}

    def role(values: dict[str, Any]) -> CustomRole | None:
        if values["id"] not in roles:
            roles[values["id"]] = known(session, CustomRole, values)
        return roles[values["id"]]

    memberships = []
    for each in row.memberships:
        if found := each.pop("role"):
            found |= {
                "reach": Reach(found["reach"]),
                "created_at": datetime.fromisoformat(found["created_at"]),
            }
        each["custom_role"] = role(found) if found else None
        memberships.append(known(session, Membership, each))
    related = {"custom_role": role(_columns(row, CustomRole)), "memberships": memberships}
    return known(session, Agent, _columns(row, Agent) | related)


def _unread() -> ScalarSelect[int]:
    """Every page says how many notices are new: counted in the statement that is needed anyway."""
    return (
        select(func.count())
        .select_from(Notification)
        .where(
            Notification.agent_id == WebSession.agent_id, Notification.read_at.is_(None), Notification.in_app
        )
        .correlate(WebSession)
        .scalar_subquery()
    )


async def still_valid(session: AsyncSession, ids: list[bytes]) -> set[bytes]:
    """Which of these sessions are still good; for streams, which outlive the request that opened them."""
    rows = await session.scalars(
        select(WebSession.id)
        .join(Agent)
        .where(WebSession.id.in_(ids), Agent.active, WebSession.expires_at > now())
    )
    return set(rows)


async def forget_expired(session: AsyncSession) -> None:
    at = now()
    await session.execute(
        delete(WebSession).where((WebSession.expires_at < at) | (WebSession.last_seen_at < at - IDLE))
    )
