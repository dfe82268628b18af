"""Failed sign-ins: after ten within a quarter of an hour an account or an address has to wait.

The wait doubles with every further failure and never exceeds the quarter of an hour. What is refused while
waiting is not even tried, so it does not make the wait any longer: a stranger can slow an account down but not
lock its owner out for good.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base

WINDOW = timedelta(minutes=15)
FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 10, 100  # failures within the window that cost nothing but the failure
FIRST_WAIT = timedelta(seconds=30)


class SignInFailures(Base):
    __tablename__ = "sign_in_failures"

    of: Mapped[str] = mapped_column(primary_key=True)
    """`account ada@example.com` or `address 192.0.2.7`."""
    count: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime]
    wait_until: Mapped[datetime | None]


def keys(account: str, address: str) -> dict[str, int]:
    return {
        f"account {account.strip().lower()[:320]}": FREE_OF_ACCOUNT,
        f"address {address}": FREE_OF_ADDRESS,
    }


async def must_wait(session: AsyncSession, of: Iterable[str]) -> bool:
    query = select(func.count()).where(SignInFailures.of.in_(list(of)), SignInFailures.wait_until > now())
    return bool(await session.scalar(query))


async def failed(session: AsyncSession, of: dict[str, int]) -> None:
    at = now()
    for key, free in sorted(of.items()):  # always in the same order, so that two at once cannot deadlock
        first = insert(SignInFailures).values(of=key, count=1, since=at)
        goes_on = SignInFailures.since > at - WINDOW
        again = first.on_conflict_do_update(
            index_elements=[SignInFailures.of],
            set_={"count": case((goes_on, SignInFailures.count + 1), else_=1), "since": at},
            where=or_(SignInFailures.wait_until.is_(None), SignInFailures.wait_until <= at),
        )
        count = await session.scalar(again.returning(SignInFailures.count))
        if count and count >= free:
            wait = min(FIRST_WAIT * 2 ** min(count - free, 10), WINDOW)
            await session.execute(
                update(SignInFailures).where(SignInFailures.of == key).values(wait_until=at + wait)
            )


async def succeeded(session: AsyncSession, account_key: str) -> None:
    """Also forgets what is long over: strangers choose the names that are kept here."""
    over = SignInFailures.since < now() - 2 * WINDOW
    await session.execute(delete(SignInFailures).where(or_(SignInFailures.of == account_key, over)))
