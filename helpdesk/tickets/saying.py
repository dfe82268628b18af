"""What is said in a ticket: by the customer, to the customer, among colleagues."""

from datetime import datetime, timedelta

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.errors import Conflict, Forbidden
from helpdesk.events import DESK, Actor, ActorKind, Event, Kind
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Direction, InboundMessage, Match, Message, wording
from helpdesk.people import Contact
from helpdesk.statuses import Category
from helpdesk.tickets.keeping import Keeping
from helpdesk.tickets.row import UNDO


class Saying(Keeping):
    __abstract__ = True

    def receive(
        self, inbound: InboundMessage, contact: Contact, *, inbox: Inbox, matched: Match | None = None
    ) -> Message:
        """The customer wrote. A settled or waiting ticket opens again, unless a machine wrote."""
        message = Message.inbound(inbound, contact, inbox=inbox, matched=matched)
        self.messages.add(message)
        self.events.add(Event(Kind.message_received, by=contact, message=message))
        self.arrive(message, contact)
        return message

    def arrive(self, message: Message, contact: Contact) -> None:
        """What one of the customer's messages changes, when it comes or when it is found to belong here."""
        self._show(message)
        if not message.automatic:
            self.waiting_since = self.waiting_since or message.sent_at
            self.has_suggestion = False
            self._wake(contact)
            sla.tell(self, Kind.message_received, now(), by=contact, since=message.sent_at)

    def reply(
        self,
        body: str,
        *,
        by: Actor,
        client_id: str | None = None,
        wait: timedelta = UNDO,
        copies: tuple[str, ...] = (),
    ) -> Message:
        """Queue an answer; it leaves when its time to be taken back is over. Delivery is a reaction.

        `client_id` names the attempt of one composer, so that a form that is sent twice is one reply.
        """
        message = Message.written(Direction.outbound, body, by=by, inbox_id=self.inbox_id)
        message.client_id, message.copies = client_id, list(copies)
        self.messages.add(message)
        self.send(message, by=by, wait=wait)
        return message

    def send(self, message: Message, *, by: Actor, wait: timedelta = UNDO) -> None:
        """Queue what was written: from now on it counts as our answer."""
        message.delivery, message.send_after = Delivery.queued, message.sent_at + wait
        message.before = {
            "status": self.category,
            "status_id": self.status_id,
            "snoozed_until": self.snoozed_until and self.snoozed_until.isoformat(),
            "waiting_since": self.waiting_since and self.waiting_since.isoformat(),
            "first_replied_at": self.first_replied_at and self.first_replied_at.isoformat(),
            "preview": self.preview,
            "last_direction": self.last_direction,
            "silent_since": self.silent_since and self.silent_since.isoformat(),
            "reminded_at": self.reminded_at and self.reminded_at.isoformat(),
        }
        self._show(message)
        self._stand(Category.waiting)
        self.fall_silent(message.sent_at)
        self.waiting_since, self.has_suggestion = None, False
        if by.actor is ActorKind.agent and self.first_replied_at is None:
            self.first_replied_at = message.sent_at
        self.events.add(Event(Kind.replied, by=by, message=message))
        sla.tell(self, Kind.replied, message.sent_at, by=by)

    def announce(self, body: str, *, by: Actor, wait: timedelta = UNDO) -> Message:
        """A message of the desk's own to the customer: an acknowledgement, a reminder, a survey.

        It answers nothing: status, promises, preview, and since when the customer waits stay as they are. Other
        machines are told that one wrote it, so that none answers.
        """
        message = Message.written(Direction.outbound, body, by=by, inbox_id=self.inbox_id)
        message.automatic, message.before = True, {}
        message.delivery, message.send_after = Delivery.queued, message.sent_at + wait
        self.messages.add(message)
        self.events.add(Event(Kind.announced, by=by, message=message))
        return message

    def remind(self, body: str, *, days: int, by: Actor) -> Message:
        """Tell a customer who has been silent for so many days that they are waited for."""
        message = self.announce(body, by=by)
        self.reminded_at = message.sent_at
        self.events.add(Event(Kind.reminded, by=by, message=message, days=days))
        return message

    def leave_alone(self, *, by: Actor, because: str = "asked") -> None:
        """The desk does nothing by itself because the customer is silent. `because`: asked or failed."""
        if self.left_alone_at is None:
            self.left_alone_at = now()
            self.events.add(Event(Kind.left_alone, by=by, now=True, because=because))

    def watch_again(self, *, by: Actor) -> None:
        """No longer left alone; silence begins anew."""
        if self.left_alone_at is not None:
            self.left_alone_at = None
            self._wait_anew()
            self.events.add(Event(Kind.left_alone, by=by, now=False))

    def withdraw(self, message: Message, *, by: Actor) -> None:
        """Take back a reply that has not left: the ticket is as it was before."""
        if message.delivery is not Delivery.queued or message.before is None:
            raise AlreadySent
        before = message.before
        message.delivery, message.withdrawn_at = None, now()
        self.events.add(Event(Kind.reply_withdrawn, by=by, message=message))
        if message.automatic:
            if message.sent_at == self.reminded_at:
                self.leave_alone(by=by)
            return
        self._stand(Category(before["status"]), before.get("status_id"))
        self.silent_since = _instant(before.get("silent_since"))
        self.reminded_at = _instant(before.get("reminded_at"))
        self.waiting_since = _instant(before["waiting_since"])
        self.snoozed_until = _instant(before.get("snoozed_until"))
        self.preview, self.last_direction = before["preview"], before["last_direction"]
        if self.first_replied_at == message.sent_at and before["first_replied_at"] is None:
            self.first_replied_at = None
        sla.tell(self, Kind.reply_withdrawn, message.withdrawn_at, by=by, since=message.sent_at)

    def retry(self, message: Message, *, by: Actor) -> None:
        """Send a reply once more that was not taken."""
        if message.delivery is not Delivery.failed:
            raise NotFailed
        message.delivery, message.send_after, message.trouble = Delivery.queued, now(), None
        self.events.add(Event(Kind.reply_retried, by=by, message=message))

    def note(self, body: str, *, by: Actor, client_id: str | None = None) -> Message:
        """Something for colleagues only; the customer never sees it."""
        message = Message.written(Direction.note, body, by=by, inbox_id=self.inbox_id)
        message.client_id = client_id
        self.messages.add(message)
        self.events.add(Event(Kind.noted, by=by, message=message))
        return message

    def edit_note(self, note: Message, body: str, *, by: Actor) -> None:
        """Put one's own note right; what it said first is kept beside it, whoever reads it."""
        if note.direction is not Direction.note or note.ticket_id != self.id:
            raise NoNote
        if by.actor is not ActorKind.agent or note.agent_id != by.id:
            raise NotYourNote
        text = wording(body)
        if text == note.text:
            return
        if note.original is None:
            note.original = note.text
        note.text, note.edited_at = text, now()
        self.events.add(Event(Kind.note_edited, by=by, message=note))

    def _wake(self, contact: Contact) -> None:
        self._come_back(by=contact)
        if self.is_settled:
            self.reopen(by=contact)
        elif self.category in {Category.waiting, Category.on_hold}:
            self._change(Category.open, by=DESK)

    def _show(self, message: Message) -> None:
        self.preview = message.line
        self.last_direction = message.direction
        self.last_message_at = max(self.last_message_at or message.created_at, message.created_at)


class AlreadySent(Conflict):
    message = _("This reply has already left and cannot be taken back.")


class NotFailed(Conflict):
    message = _("Only a reply that could not be delivered can be sent again.")


class NoNote(Conflict):
    message = _("Only notes can be edited: what a customer was sent stays as it was sent.")


class NotYourNote(Forbidden):
    message = _("Only its author can edit a note. Write a note of your own.")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
