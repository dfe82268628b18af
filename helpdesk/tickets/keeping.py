"""Out of sight and back: asleep until a time or the next reply, in spam, in the trash."""

from datetime import datetime, timedelta

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.statuses import Category
from helpdesk.tickets.row import NEXT_REPLY, Removal
from helpdesk.tickets.standing import Standing

FURTHEST = timedelta(days=3 * 366)
"""How far ahead a ticket can be put to sleep: what is typed with a wrong year is no plan."""


class Keeping(Standing):
    __abstract__ = True

    @property
    def is_asleep(self) -> bool:
        return self.snoozed_until is not None

    @property
    def wakes_at(self) -> datetime | None:
        """None also where only the customer wakes it."""
        return None if self.snoozed_until == NEXT_REPLY else self.snoozed_until

    def snooze(self, until: datetime, *, by: Actor) -> None:
        """Out of every queue of work until then; `NEXT_REPLY` for until the customer writes, which always wakes."""
        if self.is_settled:
            raise NothingToSnooze
        if self.removed:
            raise Removed
        if until != NEXT_REPLY and not now() < until <= now() + FURTHEST:
            raise BadTime
        if until != self.snoozed_until:
            self.snoozed_until = until
            told = None if until == NEXT_REPLY else until.isoformat()
            self.events.add(Event(Kind.snoozed, by=by, until=told))
            sla.tell(self, Kind.snoozed, now(), by=by)

    def wake(self, *, by: Actor, because: str = "asked") -> None:
        """`because`: asked, time or reply."""
        if self.snoozed_until is None:
            raise Awake
        self.snoozed_until = None
        self._wait_anew()
        self.events.add(Event(Kind.woken, by=by, because=because))
        sla.tell(self, Kind.woken, now(), by=by)

    def remove(self, why: Removal, *, by: Actor) -> None:
        """To spam or trash, from where it can be restored as it was."""
        if why is Removal.merged:
            raise ValueError("a merge removes a ticket, not this")
        if self.removed in {why, Removal.merged}:
            raise Removed
        was, self.removed, self.removed_at = self.removed, why, now()
        self.events.add(Event(Kind.removed, by=by, was=was, now=why))
        sla.tell(self, Kind.removed, self.removed_at, by=by)

    def restore(self, *, by: Actor, because: str = "asked") -> None:
        if self.removed is None:
            raise NotRemoved
        if self.removed is Removal.merged:
            raise MergedAway
        was, self.removed, self.removed_at = self.removed, None, None
        self._wait_anew()
        self.events.add(Event(Kind.restored, by=by, was=was, because=because))
        sla.tell(self, Kind.restored, now(), by=by)
        sla.reconsider(self, sla.ANYTHING)

    def _wait_anew(self) -> None:
        """It was out of sight: nobody is reminded the moment it comes back."""
        if self.category is Category.waiting:
            self.fall_silent()

    def _come_back(self, *, by: Actor) -> None:
        """The customer wrote: it is work again, whatever had put it aside but spam."""
        if self.removed is Removal.trash:
            self.restore(by=DESK, because="reply")
        if self.snoozed_until is not None:
            self.wake(by=by, because="reply")


class NothingToSnooze(Conflict):
    message = _("A resolved ticket is out of sight already; it opens again when the customer writes.")


class BadTime(Invalid):
    message = _("Choose a time in the future, within three years.")


class Awake(Conflict):
    message = _("This ticket is not snoozed any more.")


class Removed(Conflict):
    message = _("This ticket was put away already.")


class NotRemoved(Conflict):
    message = _("This ticket is neither in spam nor in the trash any more.")


class MergedAway(Conflict):
    message = _("This ticket was merged into another one. Undo the merge to have it back.")
