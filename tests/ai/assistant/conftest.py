"""A desk whose assistant may answer, customers who write to it, and models that say what they are told to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from ai.assistant import starting
from ai.assistant.rows import Mode, Policy, Run
from ai.assistant.running import Answering
from ai.embedding import OnnxEmbedder
from helpdesk.database import committed
from helpdesk.engagements import Engagement
from helpdesk.messages import Message
from helpdesk.people import Agent
from helpdesk.ports import LanguageModel
from kb.articles import Article, Audience
from kb.index import index_changed, weigh_lexemes
from tests.ai.test_suggestions import ASKED, OTHERS, PRINTER
from tests.scenes import Scene, mail

NOTHING = (
    "Could you translate my birth certificate into Portuguese before Friday, and what would a notary charge?"
)


@dataclass
class Conversation:
    """One customer with the assistant of this desk."""

    scene: Scene
    embedder: OnnxEmbedder
    model: LanguageModel | None = None
    ticket: Any = None
    """Of the database, once the customer has written."""

    async def says(
        self, text: str, *, subject: str = "Printer shows PRT-09", think: bool = True, **rest: Any
    ) -> Run | None:
        """The customer writes, and whatever follows from it; the run there was."""
        desk = self.scene.desk
        if self.ticket and "tokens" not in rest and "sender" not in rest:
            rest["tokens"] = (desk.keys.reply_token(self.ticket.reply_key, "marta@lumen.example"),)
        self.ticket = await self.scene.receives(
            mail(text, subject=subject, **({"name": "Marta Lind"} | rest))
        )
        return await self.considers(think=think)

    async def considers(self, *, think: bool = True) -> Run | None:
        assert self.ticket
        asked = [m for m in await self.scene.messages(self.ticket) if m.direction == "inbound"][-1]
        async with committed(self.scene.desk.sessions) as session:
            run = await starting.consider(session, asked.id)
        if run and think:
            await self.answering().answer(run.id)
        return await self.run() if run else None

    def answering(self) -> Answering:
        async def models(_session: Any, _ticket: int) -> LanguageModel | None:
            return self.model

        return Answering(self.scene.desk, self.embedder, models)

    async def run(self) -> Run:
        assert self.ticket
        async with self.scene.desk.sessions() as session:
            found = await session.scalars(
                select(Run).where(Run.ticket_id == self.ticket.id).order_by(Run.id.desc()).limit(1)
            )
            return found.one()

    async def runs(self) -> list[Run]:
        assert self.ticket
        async with self.scene.desk.sessions() as session:
            return list(
                await session.scalars(select(Run).where(Run.ticket_id == self.ticket.id).order_by(Run.id))
            )

    async def engagement(self) -> Any:
        """The newest, or None."""
        assert self.ticket
        async with self.scene.desk.sessions() as session:
            return await session.scalar(
                select(Engagement)
                .where(Engagement.ticket_id == self.ticket.id)
                .order_by(Engagement.id.desc())
                .limit(1)
            )

    async def heard(self) -> list[Message]:
        """What the customer got, oldest first."""
        assert self.ticket
        return [
            m
            for m in await self.scene.messages(self.ticket)
            if m.direction == "outbound" and not m.withdrawn_at
        ]

    async def notes(self) -> list[str]:
        assert self.ticket
        return [m.text for m in await self.scene.messages(self.ticket) if m.direction == "note"]


async def allow(scene: Scene, mode: Mode = Mode.answer, **given: Any) -> Policy:
    async with committed(scene.desk.sessions) as session:
        policy = Policy(inbox_id=scene.inbox.id, topic=given.pop("topic", ""), mode=mode, **given)
        session.add(policy)
    return policy


async def publish(scene: Scene, model: OnnxEmbedder, *articles: Article) -> None:
    async with committed(scene.desk.sessions) as session:
        for article in articles:
            article.publish()
        session.add_all(articles)
        await session.flush()
        await index_changed(session, model)
        await weigh_lexemes(session)


@pytest.fixture
async def knowledge(scene: Scene, model: OnnxEmbedder) -> Scene:
    await publish(
        scene,
        model,
        Article.write("Label printer shows PRT-09: lost the wireless network", PRINTER, slug="prt-09"),
        *(Article.write(title, body) for title, body in OTHERS.items()),
        Article.write("Goodwill", "Agents may give 50 euro.", audience=Audience.internal),
    )
    return scene


@pytest.fixture
async def talk(knowledge: Scene, model: OnnxEmbedder) -> Conversation:
    await allow(knowledge)
    return Conversation(knowledge, model)


Asks = Callable[..., Any]
__all__ = ["ASKED", "NOTHING", "Agent", "Conversation", "allow", "publish"]
