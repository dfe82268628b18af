"""What a running desk holds: its settings, its database, its files and its keys."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncEngine

from helpdesk.database import Sessions, engine, sessions
from helpdesk.keys import Keys
from helpdesk.outbound import Outbound, Policy
from helpdesk.settings import Settings
from helpdesk.storage import Files


@dataclass(frozen=True)
class Desk:
    settings: Settings
    database_url: str
    engine: AsyncEngine
    sessions: Sessions
    files: Files
    keys: Keys

    @classmethod
    def open(cls, settings: Settings, database_url: str = "", *, pool: int = 10) -> "Desk":
        """`database_url` is the private PostgreSQL's where the desk runs its own."""
        url = database_url or settings.database_url
        made = engine(url, size=pool)
        return cls(
            settings=settings,
            database_url=url,
            engine=made,
            sessions=sessions(made),
            files=Files(settings.files),
            keys=Keys(settings.sign_key),
        )

    @cached_property
    def outbound(self) -> Outbound:
        """The way to every address that somebody chose."""
        return Outbound(Policy.of(self.settings.allow_hosts))

    @cached_property
    def reading(self) -> Sessions:
        """For what only reads: each statement stands by itself, and nothing has to be begun or ended around it. From
        the same pool; what such a session writes all the same is committed at once."""
        return sessions(self.engine.execution_options(isolation_level="AUTOCOMMIT"))

    @cached_property
    def beside(self) -> Sessions:
        """For what a request reads beside its own transaction, from a pool of its own: in the common one it would
        wait for requests that wait for it."""
        return sessions(self._beside)

    @cached_property
    def _beside(self) -> AsyncEngine:
        return engine(self.database_url, size=1)

    async def close(self) -> None:
        await self.engine.dispose()
        if "_beside" in self.__dict__:
            await self._beside.dispose()
