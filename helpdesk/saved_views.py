"""Views that people keep: a condition, the columns and the order in which its tickets are shown, and for whom."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk import conditions
from helpdesk.access import Action, may
from helpdesk.conditions import Condition
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict, Forbidden, Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent
from helpdesk.texts import clean

LONGEST_NAME = 60
MOST = 100
"""Views of one agent's own."""


class Visibility(StrEnum):
    me = "me"
    team = "team"
    all = "all"


class SavedView(Row):
    __tablename__ = "saved_view"

    name: Mapped[str]
    icon: Mapped[str] = mapped_column(default="list-filter", server_default="list-filter")
    colour: Mapped[str] = mapped_column(default="", server_default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    visibility: Mapped[Visibility] = mapped_column(Choice(Visibility), default=Visibility.me)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    condition: Mapped[dict[str, Any]]
    columns: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Shown as a table with these; empty: as rows."""
    sort: Mapped[str] = mapped_column(default="last_message", server_default="last_message")
    reverse: Mapped[bool] = mapped_column(default=False, server_default="false")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    pinned: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Stands beside the queues; others are behind one press."""

    __table_args__ = (CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="team"),)

    @property
    def wanted(self) -> Condition:
        """Custom fields may have gone since it was saved; then nothing has them."""
        return conditions.parse(self.condition)


def can_see(agent: Agent) -> ColumnElement[bool]:
    ways = [
        SavedView.owner_id == agent.id,
        SavedView.visibility == Visibility.all,
        and_(SavedView.visibility == Visibility.team, SavedView.team_id.in_(agent.team_ids)),
    ]
    return or_(*ways)


def may_change(agent: Agent, view: SavedView) -> bool:
    """One's own; what is shared also by who may share, in a team only of one's own teams."""
    if view.owner_id == agent.id and view.visibility is Visibility.me:
        return True
    if not may(agent, Action.share_views):
        return False
    return view.visibility is Visibility.all or view.team_id in agent.team_ids or view.owner_id == agent.id


async def seen_by(session: AsyncSession, agent: Agent) -> Sequence[SavedView]:
    """In their order: shared ones as they were arranged, one's own among them."""
    query = select(SavedView).where(can_see(agent)).order_by(SavedView.position, SavedView.name, SavedView.id)
    return (await session.scalars(query)).all()


async def one(session: AsyncSession, agent: Agent, view_id: int, *, to_change: bool = False) -> SavedView:
    """Raises NotFound, or Forbidden where it can be seen but not changed."""
    found = await session.scalar(select(SavedView).where(SavedView.id == view_id, can_see(agent)))
    if found is None:
        raise NotFound
    if to_change and not may_change(agent, found):
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
    if visibility is not Visibility.me and not may(agent, Action.share_views):
        raise MayNotShare
    if visibility is Visibility.team and (
        team_id is None or (team_id not in agent.team_ids and not may(agent, Action.manage_desk))
    ):
        raise NoTeam
    view.name, view.condition = called, conditions.as_json(condition)
    view.visibility, view.team_id = visibility, team_id if visibility is Visibility.team else None
    for column, value in rest.items():
        setattr(view, column, value)


async def arrange(session: AsyncSession, agent: Agent, order: Sequence[int]) -> None:
    """Put the views that the agent may change into this order; the others keep their place."""
    found = {view.id: view for view in await seen_by(session, agent)}
    movable = [found[number] for number in order if number in found and may_change(agent, found[number])]
    for position, view in enumerate(dict.fromkeys(movable), start=1):
        view.position = position


async def room_for_one_more(session: AsyncSession, agent: Agent) -> None:
    own = await session.scalars(select(SavedView.id).where(SavedView.owner_id == agent.id).limit(MOST))
    if len(own.all()) >= MOST:
        raise TooMany


class Unnamed(Invalid):
    message = _("Give the view a name.")


class MayNotShare(Forbidden):
    message = _(
        "You may keep views for yourself. Sharing them takes a permission that your role does not have."
    )


class NoTeam(Invalid):
    message = _("Choose one of your teams to share the view with.")


class TooMany(Conflict):
    message = _("You have 100 views. Delete one that you no longer use, then save this one.")
