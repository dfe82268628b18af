"""Rows straight from the driver, and what several statements find in one round trip.

Around every statement that it runs, SQLAlchemy does five times what the driver needs for it. A statement that was
built `once` is compiled once here, and from then on psycopg runs it: for reads that every page makes.

    said, happened = await rows(session, (_said(), {"ticket": 42}), (_happened(), {"ticket": 42}))
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, class_mapper, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from helpdesk.database import Base
from helpdesk.statements import AnySelect

T = TypeVar("T", bound=Base)
Asked = tuple[AnySelect, Mapping[str, Any]]
Processor = Callable[[Any], Any]
_known: "WeakKeyDictionary[AnySelect, Ready]" = WeakKeyDictionary()


class Ready:
    """A statement as the driver takes it, and how its rows are read."""

    def __init__(self, statement: AnySelect, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        unknown = {name: None for name, bound in compiled.binds.items() if bound.required}
        written = compiled.construct_expanded_state(unknown)
        self.text, self.fixed, self.writers = written.statement, written.parameters, written.processors
        columns = statement.selected_columns
        make: Any = namedtuple  # of names that only the statement knows
        self.row = make("Found", [str(column.key) for column in columns], rename=True)
        self.readers = _readers([column.type for column in columns], dialect)

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        every = {**self.fixed, **values}
        for name, written in self.writers.items():
            every[name] = written(every[name])
        return every

    def read(self, found: Sequence[tuple[Any, ...]]) -> list[Any]:
        if not self.readers:
            return list(map(self.row._make, found))
        return [self._one(list(row)) for row in found]

    def _one(self, values: list[Any]) -> Any:
        for place, read in self.readers:
            values[place] = read(values[place])
        return self.row._make(values)


async def rows(session: AsyncSession, *asked: Asked) -> list[list[Any]]:
    """Of each statement its rows, whose columns are attributes. They run one after the other, in the session's
    transaction, after what it has yet to write. Each was built `once`: a new one every time costs more than it saves.
    """
    connection = await session.run_sync(_line)
    driver = cast("psycopg.AsyncConnection[Any]", connection.connection.driver_connection)
    ready = [(_ready(statement, connection.dialect), given) for statement, given in asked]
    try:
        cursors = [driver.cursor() for _ in ready]
        async with driver.pipeline():
            for cursor, (each, given) in zip(cursors, ready, strict=True):
                await cursor.execute(each.text, each.given(given))
        found = [await cursor.fetchall() for cursor in cursors]
    except psycopg.Error as error:
        raise _as_usual(error, connection.dialect) from error
    return [each.read(some) for (each, _), some in zip(ready, found, strict=True)]


def known(session: AsyncSession, kind: type[T], values: Mapping[str, Any]) -> T:
    """What the ORM would have made of a row: all its columns, and relationships as far as they are given.

    For what every request loads; the session holds nothing of this identity yet.
    """
    mapper = class_mapper(kind)
    entity: T = mapper.class_manager.new_instance()
    entity.__dict__.update(values)
    make_transient_to_detached(entity)
    for name, some in values.items():
        if isinstance(some, list) and name in mapper.relationships:  # a collection that knows whose it is
            set_committed_value(entity, name, some)
    session.add(entity)
    return entity


def _line(session: Session) -> Connection:
    if session.autoflush:
        session.flush()
    return session.connection()


def _ready(statement: AnySelect, dialect: Dialect) -> Ready:
    if (found := _known.get(statement)) is None:
        found = _known[statement] = Ready(statement, dialect)
    return found


def _readers(types: Sequence[Any], dialect: Dialect) -> list[tuple[int, Processor]]:
    found = [kind.dialect_impl(dialect).result_processor(dialect, None) for kind in types]
    return [(place, processor) for place, processor in enumerate(found) if processor]


def _as_usual(error: psycopg.Error, dialect: Dialect) -> BaseException:
    """As SQLAlchemy says it, which is what everybody expects."""
    return DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True, dialect=dialect)
