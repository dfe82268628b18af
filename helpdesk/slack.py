"""Slack as the desk knows it: which conversation is which ticket, who counts as a customer where, and the cards.

Only ids and times: what was said, and by whom, stands in messages and contacts, so that erasing a person works.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row


class SlackThread(Row):
    """A thread that belongs to a ticket. Messages that were written one after the other share one."""

    __tablename__ = "slack_thread"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    channel_id: Mapped[str]
    thread_ts: Mapped[str]
    """Of the message that it hangs on; unique only within its channel."""
    author: Mapped[str]
    """Who wrote that message: a Slack user id."""
    wrote_at: Mapped[datetime]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)

    __table_args__ = (
        UniqueConstraint("inbox_id", "channel_id", "thread_ts"),
        Index("ix_slack_thread_author", "inbox_id", "channel_id", "author", "wrote_at"),
    )


class Customers(StrEnum):
    """Who is a customer in a channel; everybody else there is one of ours."""

    outsiders = "outsiders"  # people of other workspaces, and guests
    everyone = "everyone"
    nobody = "nobody"  # the desk does not listen there


class SlackChannel(Row):
    """A channel in which other people are customers than usual."""

    __tablename__ = "slack_channel"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    channel_id: Mapped[str]
    customers: Mapped[Customers] = mapped_column(Choice(Customers))

    __table_args__ = (UniqueConstraint("inbox_id", "channel_id"),)


class SlackCard(Row):
    """A card of a ticket. Where its team's channel is now, it says how the ticket stands; elsewhere, where it went."""

    __tablename__ = "slack_card"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    channel_id: Mapped[str]
    ts: Mapped[str] = mapped_column(default="", server_default="")
    """Of the card; empty while it is being posted, or when nobody knows whether it was."""
    shown: Mapped[str] = mapped_column(default="", server_default="")
    """What stands on it, as a digest."""

    __table_args__ = (
        UniqueConstraint("inbox_id", "ticket_id", "channel_id"),
        Index("ix_slack_card_ts", "inbox_id", "channel_id", "ts"),
    )


class SlackTeam(Row):
    """A channel of ours for a team: it hears there what happens to its tickets, whichever inbox they came to, and
    those of the inbox whose app writes have their cards there."""

    __tablename__ = "slack_team"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    """Whose app writes there."""
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[str]
    new: Mapped[bool]
    assigned: Mapped[bool]
    warned: Mapped[bool]
    """A promise is due soon, or was not kept."""
    answered: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The customer wrote again."""
    settled: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Resolved, or opened again."""
    cards: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Cards of the inbox's tickets that are the team's stand here rather than in the inbox's triage channel."""
    calendar_id: Mapped[int | None] = mapped_column(
        ForeignKey("business_calendar.id", ondelete="SET NULL"), index=True
    )
    """Outside of its hours no line is written; None: at any time."""
    held: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    """Events that are told when the hours begin."""
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why nothing stands there, in words."""

    __table_args__ = (UniqueConstraint("inbox_id", "team_id"),)
