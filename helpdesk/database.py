"""The database as the desk sees it: Base, column types, engine, session."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Any, Self

from psycopg import AsyncConnection, AsyncCursor
from psycopg._preparing import PrepareManager
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import BigInteger, DateTime, Identity, LargeBinary, MetaData, Text, event, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from helpdesk.clock import now

CHANNEL = "helpdesk"
"""The one NOTIFY channel; a payload is a name such as `ticket-42`, never content."""


IDLE = 1.0
"""Seconds that a connection may have lain in the pool without being asked whether it still lives."""
PREPARED = 400
"""Statements that a connection keeps planned. The desk asks some 200 different ones again and again; with psycopg's 100
each would drive out another, and be planned anew ten times until its plan is kept once more."""
PREPARED_AFTER = 2
"""Times that a statement is asked before the server keeps it."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declaration
        datetime: DateTime(timezone=True),
        str: Text,
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
    }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__dict__.get('id', 'new')}>"


class Row(Base):
    """A table with a number of its own and the time it was made."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(
        insert_default=now, server_default=text("clock_timestamp()"), sort_order=99
    )


class Choice(TypeDecorator[StrEnum]):
    """A StrEnum kept as text, so that a new member needs no migration."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else self.choices(value).value

    def process_result_value(self, value: Any, dialect: Any) -> StrEnum | None:
        return None if value is None else self.choices(value)


class Cursor(AsyncCursor[Any]):
    """Tells of a column its name and type alone. Nobody asks for more, and psycopg's own `Column`s cost a page
    with 200 of them a millisecond."""

    @property
    def description(self) -> Any:
        found = self.pgresult
        if found is None or not (found.nfields or found.status == ExecStatus.TUPLES_OK):
            return None
        return [
            ((found.fname(n) or b"").decode(), found.ftype(n), None, None, None, None, None)
            for n in range(found.nfields)
        ]


class Line(AsyncConnection[Any]):
    """Keeps its prepared statements when a transaction in which nothing failed is rolled back.

    Whoever only read rolls back, and psycopg then forgets every plan, since a table made meanwhile might be gone. The
    application makes none: without this nearly every statement would be planned anew each time that it runs.
    """

    @classmethod
    async def connect(cls, *given: Any, **named: Any) -> Self:
        made = await super().connect(*given, **named)
        made.prepared_max, made.prepare_threshold = PREPARED, PREPARED_AFTER
        return made

    async def rollback(self) -> None:
        if self.pgconn.transaction_status != TransactionStatus.INTRANS:
            return await super().rollback()
        known, self._prepared = self._prepared, PrepareManager()
        try:
            await super().rollback()
        finally:
            self._prepared = known


def engine(url: str, *, size: int = 10) -> AsyncEngine:
    """Connections that lay idle are checked before use: the server may have been restarted meanwhile.

    The one that came back last is taken next, so that few of them do the work and have its plans; twice `size` are
    kept once they were needed, since a new one starts without any plan, at the moment when most is to be done.
    """
    made = create_async_engine(
        psycopg_url(url),
        pool_size=2 * size,
        max_overflow=0,
        pool_use_lifo=True,
        hide_parameters=True,  # what customers wrote has no place in a log
        connect_args={
            "application_name": "helpdesk",
            "options": "-c timezone=UTC -c statement_timeout=30s",
            "cursor_factory": Cursor,
            "async_creator_fn": Line.connect,
        },
    )
    event.listen(made.sync_engine, "checkin", _came_back)
    event.listen(made.sync_engine, "checkout", partial(_checked, made.dialect))
    return made


def _came_back(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["since"] = monotonic()


def _checked(
    dialect: Dialect, connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: object
) -> None:
    """Asking every time, as `pool_pre_ping` does, would cost each request a round trip."""
    if monotonic() - record.info.get("since", monotonic()) < IDLE:
        return
    try:
        dialect.do_ping(connection)
    except Exception as error:
        raise DisconnectionError("the server has closed this connection") from error


def psycopg_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def libpq_url(url: str) -> str:
    """The same database for psycopg itself: LISTEN, COPY, jobs."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


Sessions = async_sessionmaker[AsyncSession]
Opened = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Sessions for short questions, or one that everything is asked in."""


def sessions(of: AsyncEngine) -> Sessions:
    return async_sessionmaker(of, expire_on_commit=False)


@asynccontextmanager
async def committed(make: Sessions) -> AsyncIterator[AsyncSession]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    async with make() as session, session.begin():
        yield session
