"""Asks the models on this machine something harmless, in the one process that may load them."""

import structlog
from sqlalchemy import select

from ai.providers import TRIAL, Connection, Kind, tried
from ai.writing import ModelFailed, written
from helpdesk.desk import Desk

log = structlog.get_logger(__name__)


async def try_models(desk: Desk) -> None:
    """What they say, and how long it took, is found in the log of what they were asked."""
    async with desk.sessions() as session:
        query = select(Connection).where(Connection.kind == Kind.local, Connection.active)
        models = [tried(session, desk.settings, one) for one in await session.scalars(query)]
    for model in models:
        if model is None:
            continue
        try:
            await written(model, TRIAL)
        except ModelFailed as error:
            log.warning("model does not answer", model=model.name, error=str(error))
