"""What agents keep for themselves or share with a team or with everybody: saved views, macros."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, and_, or_
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from helpdesk.access import Action, may
from helpdesk.database import Choice
from helpdesk.errors import Forbidden, Invalid
from helpdesk.i18n import _
from helpdesk.people import Agent


class Visibility(StrEnum):
    me = "me"
    team = "team"
    all = "all"


class Shared:
    """Columns of a thing with an owner. `sharing` names the permission to let others have it."""

    sharing: Action

    owner_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    visibility: Mapped[Visibility] = mapped_column(Choice(Visibility), default=Visibility.me)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))

    @declared_attr.directive
    def __table_args__(cls) -> Any:  # noqa: N805
        return (CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="team"),)

    @classmethod
    def seen_by(cls, agent: Agent) -> ColumnElement[bool]:
        return or_(
            cls.owner_id == agent.id,
            cls.visibility == Visibility.all,
            and_(cls.visibility == Visibility.team, cls.team_id.in_(agent.team_ids)),
        )

    def may_be_changed_by(self, agent: Agent) -> bool:
        """One's own; what is shared also by who may share, in a team only of one's own teams."""
        if self.owner_id == agent.id and self.visibility is Visibility.me:
            return True
        if not may(agent, self.sharing):
            return False
        return (
            self.visibility is Visibility.all or self.team_id in agent.team_ids or self.owner_id == agent.id
        )

    def share(self, agent: Agent, visibility: Visibility, team_id: int | None = None) -> None:
        """Raises MayNotShare, NoTeam."""
        if visibility is not Visibility.me and not may(agent, self.sharing):
            raise MayNotShare
        if visibility is Visibility.team and (
            team_id is None or (team_id not in agent.team_ids and not may(agent, Action.manage_desk))
        ):
            raise NoTeam
        self.visibility, self.team_id = visibility, team_id if visibility is Visibility.team else None


class MayNotShare(Forbidden):
    message = _("You may keep this for yourself. Sharing it takes a permission that your role does not have.")


class NoTeam(Invalid):
    message = _("Choose one of your teams to share it with.")
