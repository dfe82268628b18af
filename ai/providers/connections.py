"""Which language models this desk can ask: one row a connection, and which of them serves which purpose."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import cast

from sqlalchemy import BigInteger, ForeignKey, Numeric, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ai.providers.purposes import Purpose
from helpdesk.database import Base, Choice, Row
from helpdesk.i18n import Text, _
from helpdesk.keys import Keys

MOST = 20
"""Connections of one desk."""
CONTEXT = 8_192  # tokens that a model reads where nobody said how many


class Kind(StrEnum):
    openai = "openai"
    """Any server that speaks OpenAI's chat completions: Ollama, vLLM, Mistral, OpenAI …"""
    local = "local"
    """A model by name or folder, run by transformers in the models' process."""
    scripted = "scripted"
    """Says what it was told to: for tests. `model` names the script."""


KINDS: dict[Kind, Text] = {
    Kind.openai: _("A server with an OpenAI-compatible API"),
    Kind.local: _("A model on this machine"),
}
"""What the console offers."""


class Connection(Row):
    __tablename__ = "model_connection"

    name: Mapped[str]
    """What colleagues call it."""
    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    base_url: Mapped[str] = mapped_column(default="", server_default="")
    """Ends before `/chat/completions`, e.g. `https://api.mistral.ai/v1`."""
    model: Mapped[str]
    """As the server calls it; for a local model its name or folder."""
    sealed_key: Mapped[bytes | None]
    """The API key, sealed by `Keys.seal`; None where the server wants none."""
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    mask_names: Mapped[bool] = mapped_column(default=True, server_default="true")
    """People's names leave as placeholders, too; secrets, addresses and numbers always do."""
    mask_fields: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Custom fields whose values leave as placeholders, like `contact.birthday`: subject and key."""
    keep_texts: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Prompts and answers are kept for the log. What leaves the house always is."""
    context: Mapped[int] = mapped_column(default=CONTEXT, server_default=str(CONTEXT))
    """Tokens of question and answer together that the model can hold."""
    input_price: Mapped[Decimal] = mapped_column(Numeric(12, 4), default=Decimal(0), server_default="0")
    """For a million tokens that it reads, in the currency of the bill."""
    output_price: Mapped[Decimal] = mapped_column(Numeric(12, 4), default=Decimal(0), server_default="0")
    """For a million tokens that it writes."""
    daily_tokens: Mapped[int | None] = mapped_column(BigInteger)
    """What it may read and write from midnight to midnight, desk's time; None: no end."""
    daily_money: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why the last call failed, in words; empty when it did not."""
    trouble_since: Mapped[datetime | None]

    @property
    def leaves(self) -> bool:
        """Whether what it is asked leaves the desk's own processes."""
        return self.kind is not Kind.local

    @property
    def keeps_texts(self) -> bool:
        return self.leaves or self.keep_texts

    def seal_key(self, keys: Keys, key: str) -> None:
        self.sealed_key = keys.seal(key) if key else None

    def key(self, keys: Keys) -> str:
        """Raises Misconfigured where the desk's secret is another one than when it was sealed."""
        return cast("str", keys.unseal(self.sealed_key)) if self.sealed_key else ""

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        return (self.input_price * tokens_in + self.output_price * tokens_out) / 1_000_000


class Served(Base):
    """Which connection serves a purpose. No row: the desk does without a language model there."""

    __tablename__ = "model_purpose"

    purpose: Mapped[Purpose] = mapped_column(Choice(Purpose), primary_key=True)
    connection_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("model_connection.id", ondelete="CASCADE"), index=True
    )


async def serving(session: AsyncSession, purpose: Purpose) -> Connection | None:
    """The connection that was chosen, paused or not."""
    found: Connection | None = await session.scalar(
        select(Connection)
        .join(Served, Served.connection_id == Connection.id)
        .where(Served.purpose == purpose)
        .execution_options(populate_existing=True)
    )
    return found
