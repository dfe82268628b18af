"""Where a ticket stands: the verbs that change its status."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.errors import Conflict
from helpdesk.events import Actor, ActorKind, Event, Kind
from helpdesk.i18n import _
from helpdesk.messages import Direction
from helpdesk.statuses import BUILT_IN, Category, Status
from helpdesk.tickets.row import TicketRow


class Standing(TicketRow):
    __abstract__ = True

    needs_all_fields: ClassVar[bool] = False
    """An agent has resolved it since it was loaded: it is only kept when every required field is filled in.
    `completing.py` asks for that where the change meets the database, so no way to resolve goes around it.
    Rules and the desk itself may resolve what nobody has filled in."""

    def resolve(self, *, by: Actor, because: Mapping[str, Any] | None = None) -> None:
        """`because` goes on record where nobody pressed it."""
        if self.is_settled:
            raise AlreadyResolved
        was = self._standing()
        self._stand(Category.resolved)
        self.resolved_at, self.waiting_since, self.snoozed_until = now(), None, None
        self.events.add(Event(Kind.resolved, by=by, **was, **_why(because)))
        sla.tell(self, Kind.resolved, self.resolved_at, by=by)
        self.__dict__["needs_all_fields"] = by.actor is ActorKind.agent

    def reopen(self, *, by: Actor) -> None:
        if not self.is_settled:
            raise NotSettled
        was = self._standing()
        self._stand(Category.open)
        self.resolved_at = None
        if self.last_direction is Direction.inbound:
            self.waiting_since = self.last_message_at
        self.events.add(Event(Kind.reopened, by=by, **was))
        sla.tell(self, Kind.reopened, now(), by=by)
        sla.reconsider(self, sla.ANYTHING)

    def take_up(self, *, by: Actor) -> None:
        """Ours to act on again, where it waited for somebody."""
        if self.category in {Category.waiting, Category.on_hold}:
            self._change(Category.open, by=by)

    def hold(self, *, by: Actor) -> None:
        """Somebody other than the customer and us has to act first."""
        self._change(Category.on_hold, by=by)

    def close(self, *, by: Actor, because: Mapping[str, Any] | None = None) -> None:
        """Resolved for good."""
        if self.category is not Category.resolved:
            self.resolve(by=by, because=because)
        self._change(Category.closed, by=by, because=because)

    def fall_silent(self, since: datetime | None = None) -> None:
        """Silence begins, or begins anew: from now on the customer is waited for."""
        self.silent_since, self.reminded_at = since or now(), None

    def break_silence(self) -> None:
        self.silent_since = self.reminded_at = None

    def become(self, status: Status, *, by: Actor) -> None:
        """Take a status that somebody chose, by the verb that its category stands for."""
        if status.id == self.status_id:
            return
        if status.archived:
            raise NotOffered
        if status.category.is_settled and not self.is_settled:
            self.resolve(by=by)
        elif self.is_settled and not status.category.is_settled:
            self.reopen(by=by)
        self._change(status.category, by=by, status_id=status.id)

    def _change(
        self,
        category: Category,
        *,
        by: Actor,
        status_id: int | None = None,
        because: Mapping[str, Any] | None = None,
    ) -> None:
        was, was_id = self.category, self.status_id
        self._stand(category, status_id)
        if self.status_id != was_id:
            self.events.add(
                Event(
                    Kind.status_changed,
                    by=by,
                    was=was,
                    was_status=was_id,
                    now=category,
                    status=self.status_id,
                    **_why(because),
                )
            )
        if category is not was:
            sla.tell(self, Kind.status_changed, now(), by=by)

    def _standing(self) -> dict[str, Any]:
        """What an event says of before."""
        return {"was": self.category, "was_status": self.status_id}

    def _stand(self, category: Category, status_id: int | None = None) -> None:
        """Category and status together, or the database refuses."""
        if category is not self.category:
            self.fall_silent() if category is Category.waiting else self.break_silence()
        self.category, self.status_id = category, status_id or BUILT_IN[category]


def _why(because: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"because": dict(because)} if because else {}


class AlreadyResolved(Conflict):
    message = _("This ticket is already resolved.")


class NotSettled(Conflict):
    message = _("This ticket is open already.")


class NotOffered(Conflict):
    message = _("This status is archived. Choose another one, or bring it back in the settings.")
