"""Whose fault it is: what the database, the disk or the network did is nobody's mail's fault."""

import psycopg
import psycopg.errors
import psycopg_pool
import sqlalchemy.exc
from procrastinate.exceptions import ConnectorException

GONE = (
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg_pool.PoolTimeout,
    psycopg_pool.PoolClosed,
    OSError,
)
OWN_FAULT = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)
"""What takes longer, or is larger, than the database allows was asked for by somebody: it will be so again."""


def is_outage(error: BaseException) -> bool:
    """Whether trying the very same later may help, because the database or the disk was away or full."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_outage, error.exceptions))
    if isinstance(error, ConnectorException):
        return error.__cause__ is not None and is_outage(error.__cause__)
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        error = error.orig or error
    return isinstance(error, GONE) and not isinstance(error, OWN_FAULT)
