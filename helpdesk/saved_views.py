"""Views that people keep: a condition, the columns and the order in which its tickets are shown, and for whom."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk import conditions
from helpdesk.access import Action
from helpdesk.conditions import Condition
from helpdesk.database import Row
from helpdesk.errors import Conflict, Forbidden, Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent
from helpdesk.sharing import Shared, Visibility
from helpdesk.texts import clean

LONGEST_NAME = 60
MOST = 100
"""Views of one agent's own."""


class SavedView(Shared, Row):
    __tablename__ = "saved_view"
    sharing = Action.share_views

    name: Mapped[str]
    icon: Mapped[str] = mapped_column(default="list-filter", server_default="list-filter")
    colour: Mapped[str] = mapped_column(default="", server_default="")
    condition: Mapped[dict[str, Any]]
    columns: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Shown as a table with these; empty: as rows."""
    sort: Mapped[str] = mapped_column(default="last_message", server_default="last_message")
    reverse: Mapped[bool] = mapped_column(default=False, server_default="false")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    pinned: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Stands beside the queues; others are behind one press."""

    @property
    def wanted(self) -> Condition:
        """Custom fields may have gone since it was saved; then nothing has them."""
        return conditions.parse(self.condition)


async def seen_by(session: AsyncSession, agent: Agent) -> Sequence[SavedView]:
    """In their order: shared ones as they were arranged, one's own among them."""
    query = (
        select(SavedView)
        .where(SavedView.seen_by(agent))
        .order_by(SavedView.position, SavedView.name, SavedView.id)
    )
    return (await session.scalars(query)).all()


async def one(session: AsyncSession, agent: Agent, view_id: int, *, to_change: bool = False) -> SavedView:
    """Raises NotFound, or Forbidden where it can be seen but not changed."""
    found = await session.scalar(select(SavedView).where(SavedView.id == view_id, SavedView.seen_by(agent)))
    if found is None:
        raise NotFound
    if to_change and not found.may_be_changed_by(agent):
        raise Forbidden
    return found


def keep(
    view: SavedView,
    agent: Agent,
    *,
    name: str,
    condition: Condition,
    visibility: Visibility,
    team_id: int | None = None,
    **rest: Any,
) -> None:
    """Write what was chosen into a new or an old view; raises where the agent may not share like that."""
    called = " ".join(clean(name).split())
    if not called:
        raise Unnamed
    if len(called) > LONGEST_NAME:
        raise Invalid(gettext("A view's name has at most %(n)s characters.") % {"n": LONGEST_NAME})
    view.share(agent, visibility, team_id)
    view.name, view.condition = called, conditions.as_json(condition)
    for column, value in rest.items():
        setattr(view, column, value)


async def arrange(session: AsyncSession, agent: Agent, order: Sequence[int]) -> None:
    """Put the views that the agent may change into this order; the others keep their place."""
    found = {view.id: view for view in await seen_by(session, agent)}
    movable = [
        found[number] for number in order if number in found and found[number].may_be_changed_by(agent)
    ]
    for position, view in enumerate(dict.fromkeys(movable), start=1):
        view.position = position


async def room_for_one_more(session: AsyncSession, agent: Agent) -> None:
    own = await session.scalars(select(SavedView.id).where(SavedView.owner_id == agent.id).limit(MOST))
    if len(own.all()) >= MOST:
        raise TooMany


class Unnamed(Invalid):
    message = _("Give the view a name.")


class TooMany(Conflict):
    message = _("You have 100 views. Delete one that you no longer use, then save this one.")
