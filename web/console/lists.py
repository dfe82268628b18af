"""What a list shows: the names of queues, and the columns of a saved view that is shown as a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.fields import Subject
from helpdesk.i18n import Text, _
from helpdesk.ordering import Order
from helpdesk.views import Listing, View

QUEUE_NAMES: Mapping[View, Text] = {
    View.mine: _("Mine"),
    View.unassigned: _("Unassigned"),
    View.unattended: _("Unattended"),
    View.mentioned: _("Mentions"),
    View.participating: _("Following"),
    View.snoozed: _("Snoozed"),
    View.all: _("All open"),
    View.settled: _("Resolved"),
    View.spam: _("Spam"),
    View.trash: _("Trash"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table of tickets. `show` tells the template how; `order` that it can be sorted by."""

    name: str
    label: str
    show: str
    value: Callable[[Any], Any]
    order: Order | None = None


_KNOWN: Mapping[str, tuple[Text, str, Order | None]] = {
    "number": (_("Number"), "number", Order.number),
    "subject": (_("Subject"), "subject", None),
    "contact": (_("Requester"), "text", None),
    "company": (_("Company"), "text", None),
    "status": (_("Status"), "status", None),
    "priority": (_("Priority"), "priority", Order.priority),
    "type": (_("Type"), "text", None),
    "tags": (_("Tags"), "tags", None),
    "team": (_("Team"), "team", None),
    "assignee": (_("Assignee"), "text", None),
    "inbox": (_("Inbox"), "text", None),
    "language": (_("Language"), "text", None),
    "created_at": (_("Created"), "instant", Order.created),
    "last_message_at": (_("Last message"), "ago", Order.last_message),
    "waiting_since": (_("Waits since"), "ago", Order.waiting_since),
    "next_due_at": (_("Next due"), "due", Order.next_due),
}
USUAL = ("number", "subject", "contact", "status", "assignee", "last_message_at")


async def offered(session: AsyncSession) -> list[Column]:
    """Every column that there is, custom fields last."""
    known = [
        Column(name, str(label), show, lambda row, name=name: getattr(row, name), order)  # type: ignore[misc]
        for name, (label, show, order) in _KNOWN.items()
    ]
    custom = [
        Column(
            f"fields.{each.key}",
            each.name,
            "text",
            lambda row, each=each: each.show(row.fields.get(each.key)),  # type: ignore[misc]
        )
        for each in await fields.load(session, Subject.ticket)
    ]
    return [*known, *custom]


async def columns(session: AsyncSession, listing: Listing) -> list[Column]:
    """Those of the list's view, in its order; none where it is shown as rows."""
    if listing.saved is None or not listing.saved.columns:
        return []
    known = {column.name: column for column in await offered(session)}
    return [known[name] for name in listing.saved.columns if name in known]
