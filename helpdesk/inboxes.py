"""Inboxes: one configured account of a channel each."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Row
from helpdesk.people import Team


class Inbox(Row):
    __tablename__ = "inbox"

    name: Mapped[str]
    """What customers see as the sender, e.g. `Support`."""
    channel: Mapped[str]
    """The folder's name in `channels/`; a new channel needs no migration."""
    address: Mapped[str] = mapped_column(unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    """Who gets what nobody else was chosen for."""
    active: Mapped[bool] = mapped_column(default=True)
    sealed_settings: Mapped[bytes]
    """The channel's settings as JSON, sealed by `Keys.seal`: they hold passwords."""
    cursor: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """How far the channel has read; moved in the commit that stores what was read."""
    trouble: Mapped[str] = mapped_column(server_default="")
    """Why it does not work at the moment, in words; empty when it does."""
    trouble_since: Mapped[datetime | None]
    public_id: Mapped[str] = mapped_column(
        default=lambda: secrets.token_hex(16),
        server_default=text("replace(gen_random_uuid()::text, '-', '')"),
        unique=True,
    )
    """What stands in public addresses of this inbox, in place of its number."""
    answers_through_id: Mapped[int | None] = mapped_column(ForeignKey("inbox.id", ondelete="SET NULL"))
    """The inbox that answers leave from, where this one only takes messages: a form answers by e-mail."""

    answers_through: Mapped["Inbox | None"] = relationship(remote_side="Inbox.id", lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise")

    @property
    def way_out(self) -> "Inbox":
        """The inbox that its answers leave from; `answers_through` is loaded."""
        return self.answers_through or self
