"""Where each article came from, and what was read and waits for somebody's yes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base, Choice, Row


class ImportedArticle(Base):
    """The same id from the same source is the same article, however often it is imported."""

    __tablename__ = "imported_article"

    source: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[str]
    """Of what was read the last time."""
    version: Mapped[int]
    """The article's, as the import left it: one that is newer was edited here."""
    imported_at: Mapped[datetime] = mapped_column(insert_default=now)


class Stage(StrEnum):
    reading = "reading"  # or waiting to be read
    failed = "failed"  # to be read: it can be tried again
    read = "read"  # waits for somebody's yes
    writing = "writing"  # or waiting to be written
    written = "written"


class KnowledgeImport(Row):
    """What was read from a file or a website, until somebody has looked at it; then what came of it."""

    __tablename__ = "knowledge_import"

    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    source: Mapped[str]
    file_name: Mapped[str]
    found: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Documents and troubles; empty again once they are written."""
    written_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    stage: Mapped[Stage] = mapped_column(Choice(Stage), default=Stage.read, server_default="read")
    address: Mapped[str] = mapped_column(default="", server_default="")
    """Of a website; empty where it is a file."""
    file: Mapped[str] = mapped_column(default="", server_default="")
    """Where the upload lies until it is read (`kb.imports.ordering`)."""
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why it could not be read, or written."""
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int] = mapped_column(default=0, server_default="0")
    """Files or pages of this stage; 0 while nobody knows."""
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often a worker has begun this stage: one that dies of it each time is not asked for ever."""
    choices: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What was said with the yes: `publish`, `overwrite`."""

    @property
    def is_under_way(self) -> bool:
        return self.stage in {Stage.reading, Stage.writing}
