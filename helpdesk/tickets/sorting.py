"""What a ticket is about and where it belongs: type, tags, custom fields, subject, priority, inbox."""

from collections.abc import Mapping
from typing import Any

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.fields import Registry
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.labels import MOST_TAGS, Tag, TicketType
from helpdesk.texts import clean
from helpdesk.tickets.row import Priority, TicketRow
from helpdesk.values import FieldKind

LONGEST_SUBJECT = 500  # characters; what a mail had beyond is in its raw bytes
TOLD = frozenset({FieldKind.choice, FieldKind.choices, FieldKind.boolean})
"""Kinds whose values an event may repeat: the desk's own words, never what somebody wrote about a person."""


class Sorting(TicketRow):
    __abstract__ = True

    def prioritise(self, priority: Priority, *, by: Actor) -> None:
        """Its targets are measured anew from the start; `policy.calendar` and `clocks` are loaded."""
        if priority is self.priority:
            return
        before, self.priority = self.priority, priority
        self.events.add(Event(Kind.priority_changed, by=by, was=before, now=priority))
        sla.tell(self, Kind.priority_changed, now(), by=by)
        sla.reconsider(self, "priority")

    def classify(self, kind: TicketType | None, *, by: Actor) -> None:
        if self.type_id == (kind.id if kind else None):
            return
        if kind and kind.archived:
            raise TypeNotOffered
        before, self.type_id = self.type_id, kind.id if kind else None
        self.events.add(Event(Kind.type_changed, by=by, was=before, now=self.type_id))
        sla.reconsider(self, "type")

    def tag(self, *tags: Tag, by: Actor) -> None:
        """`tags` are loaded. Those it has already are left alone."""
        new = [tag for tag in dict.fromkeys(tags) if tag not in self.tags]
        if len(self.tags) + len(new) > MOST_TAGS:
            raise TooManyTags
        for tag in new:
            self.tags.append(tag)
            self.events.add(Event(Kind.tagged, by=by, tag=tag.id, name=tag.name))
            sla.reconsider(self, "tags")

    def untag(self, *tags: Tag, by: Actor) -> None:
        """`tags` are loaded."""
        for tag in [tag for tag in dict.fromkeys(tags) if tag in self.tags]:
            self.tags.remove(tag)
            self.events.add(Event(Kind.untagged, by=by, tag=tag.id, name=tag.name))
            sla.reconsider(self, "tags")

    def fill(self, registry: Registry, given: Mapping[str, Any], *, by: Actor) -> None:
        """Custom fields by key, as a form, a file or the API gives them; raises Invalid naming the field."""
        after = registry.changed(self.fields, given)
        for key in given:
            was, new = self.fields.get(key), after.get(key)
            if was != new:
                told = {"was": was, "now": new} if registry[key].kind in TOLD else {"emptied": new is None}
                self.events.add(Event(Kind.field_changed, by=by, field=key, **told))
                sla.reconsider(self, f"fields.{key}")
        if after != self.fields:
            self.fields = after

    def rename(self, subject: str, *, by: Actor) -> None:
        line = " ".join(clean(subject).split())
        if not line or len(line) > LONGEST_SUBJECT:
            raise BadSubject
        if line != self.subject:
            self.subject = line
            self.events.add(Event(Kind.subject_changed, by=by))
            sla.reconsider(self, "subject")

    def transfer(self, inbox: Inbox, *, by: Actor) -> None:
        """Answers leave from this inbox's address from now on; those that wait to leave as well."""
        if inbox.id == self.inbox_id:
            return
        if not inbox.active:
            raise InboxOff
        before, self.inbox = self.inbox_id, inbox
        self.inbox_id = inbox.id
        self.events.add(Event(Kind.inbox_changed, by=by, was=before, now=inbox.id))
        sla.reconsider(self, "inbox")


class TypeNotOffered(Conflict):
    message = _("This type is archived. Choose another one, or bring it back in the settings.")


class TooManyTags(Conflict):
    message = _("A ticket has room for 50 tags. Remove one first.")


class BadSubject(Invalid):
    message = _("A subject has between 1 and 500 characters.")


class InboxOff(Conflict):
    message = _("This inbox is switched off, so no answer could leave from it. Choose another one.")
