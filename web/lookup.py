"""Questions of agents to what the desk knows: the model that reads them is loaded when the first one is asked."""

from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding.answering import Answering
from helpdesk.desk import Desk
from helpdesk.people import Agent
from helpdesk.ports import Embedder
from kb.everything import Found, found_everywhere

MOST = 8
LONGEST = 500  # characters of a question


class Lookup:
    def __init__(self, desk: Desk) -> None:
        self.answering = Answering(desk.settings, beside=desk.beside)

    async def everywhere(
        self, session: AsyncSession, question: str, *, agent: Agent, besides: int | None = None
    ) -> list[Found]:
        """Articles, macros and solved tickets; raises ModelNotReady."""
        return await found_everywhere(
            session,
            await self.embedder(session),
            question[:LONGEST],
            agent=agent,
            limit=MOST,
            locale=agent.locale,
            besides=besides,
        )

    async def embedder(self, session: AsyncSession) -> Embedder:
        return await self.answering.embedder(session)
