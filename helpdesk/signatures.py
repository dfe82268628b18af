"""How agents sign: one signature for everything, or another one for an inbox."""

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base
from helpdesk.people import Agent

LONGEST = 4_000


class Signature(Base):
    """In place of the agent's own signature, for what leaves this inbox."""

    __tablename__ = "agent_signature"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id", ondelete="CASCADE"), primary_key=True)
    text: Mapped[str] = mapped_column(server_default="")


async def signature(session: AsyncSession, agent: Agent, inbox_id: int) -> str:
    """What stands under this agent's answers from this inbox; empty where nothing does."""
    own = await session.scalar(
        select(Signature.text).where(Signature.agent_id == agent.id, Signature.inbox_id == inbox_id)
    )
    return (agent.signature if own is None else own).strip()


async def of(session: AsyncSession, agent: Agent) -> dict[int, str]:
    """Inbox → what stands there in place of the agent's own."""
    rows = await session.execute(
        select(Signature.inbox_id, Signature.text).where(Signature.agent_id == agent.id)
    )
    return dict(rows.tuples().all())


async def sign(session: AsyncSession, agent: Agent, inbox_id: int, text: str | None) -> None:
    """None: as everywhere else."""
    if text is None:
        await session.execute(
            Signature.__table__.delete().where(  # type: ignore[attr-defined]
                Signature.agent_id == agent.id, Signature.inbox_id == inbox_id
            )
        )
        return
    row = insert(Signature).values(agent_id=agent.id, inbox_id=inbox_id, text=text)
    await session.execute(
        row.on_conflict_do_update(index_elements=["agent_id", "inbox_id"], set_={"text": text})
    )
