"""A browser that chats with us, and what it holds."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Row


class Visitor(Row):
    """One browser at one chat. What it may read is decided by `kind` and `address`, which are whose messages are."""

    __tablename__ = "chat_visitor"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of 256 random bits that only the browser has."""
    kind: Mapped[str]
    """`chat` for somebody unknown; `email` or `external` for whom the site has vouched; `email` as well for whoever
    has proved an address by a code."""
    address: Mapped[str]
    """As in contact_identity: made up for somebody unknown."""
    name: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    """Where answers may be mailed to. Proves nothing where nobody has vouched for it."""
    expires_at: Mapped[datetime | None]
    """A site's word holds for a while; somebody unknown stays as long as they come back."""
    revoked_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    """When their chat was last known to be open on a page."""
    typing_at: Mapped[datetime | None]
    read_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The newest message that they have had before their eyes."""
    mailed_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The newest message that was mailed to them because they had left."""
    mailed_at: Mapped[datetime | None]
    transcript_of: Mapped[int | None] = mapped_column(BigInteger)
    """The ticket whose copy they asked for; empty once it was mailed."""
    language: Mapped[str] = mapped_column(server_default="")
    referrer: Mapped[str] = mapped_column(server_default="")
    pages: Mapped[list[Any]] = mapped_column(server_default="[]")
    """The last pages they were on, newest first: url, title, at."""

    proved_at: Mapped[datetime | None]
    """When they proved their address by a code; empty where the site vouches for them."""
    unknown_as: Mapped[str] = mapped_column(server_default="")
    """The address that was made up for them before they proved theirs."""
    portal_session: Mapped[bytes | None]
    """The session in a help centre that they came by, with which this ends."""
    puzzle: Mapped[bytes | None]
    """Digest of the puzzle that was solved for them, so that no other comes with it."""

    __table_args__ = (
        Index("ix_chat_visitor_person", "inbox_id", "kind", "address"),
        Index("ix_chat_visitor_seen", "seen_at"),
        Index(
            "ix_chat_visitor_unknown_as", "inbox_id", "unknown_as", postgresql_where=text("unknown_as <> ''")
        ),
        Index("uq_chat_visitor_puzzle", "puzzle", unique=True),
    )

    @property
    def is_vouched(self) -> bool:
        """Known for who they are: by the site's word, or by a code."""
        return self.kind != "chat"

    @property
    def is_email(self) -> bool:
        return self.kind == "email"

    @property
    def can_be_mailed(self) -> str:
        return self.address if self.kind == "email" else self.email


class ChatCode(Row):
    """Six digits that were mailed to an address that somebody unknown says is theirs."""

    __tablename__ = "chat_code"

    visitor_id: Mapped[int] = mapped_column(ForeignKey("chat_visitor.id", ondelete="CASCADE"), index=True)
    address: Mapped[str]
    origin: Mapped[bytes]
    """A keyed digest of the network address that asked, for counting."""
    nonce: Mapped[bytes]
    digest: Mapped[bytes]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why the mail has not left, in words."""

    __table_args__ = (Index("ix_chat_code_created_at", "created_at"),)
