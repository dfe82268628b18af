"""Events in words: one small line each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from helpdesk.events import ActorKind, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import Text, _, gettext, ngettext
from helpdesk.links import Side
from helpdesk.registers import Registers
from helpdesk.tickets import Priority
from web.console.shell import Directory
from web.console.thread import AnyRow
from web.words import percent, priority_name


@dataclass(frozen=True)
class Line:
    icon: str
    text: str
    why: str = ""
    tone: str = ""
    at: datetime | None = None
    """An instant that the text speaks of, for whoever knows the reader's time zone."""
    via: str = ""
    """The API token by which it was done."""


@dataclass(frozen=True)
class Known:
    """What names there are for the numbers in events."""

    directory: Directory
    registers: Registers
    inboxes: dict[int, str]
    contact: str
    prefix: str = "#"
    """What stands before tickets' numbers."""


@dataclass(frozen=True)
class Told:
    """One event, with who did it and the names it needs."""

    event: AnyRow
    known: Known

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.event.data
        return found

    @property
    def who(self) -> str:
        match self.event.actor:
            case ActorKind.agent:
                return str(self.event.agent or gettext("A former colleague"))
            case ActorKind.contact:
                return self.known.contact if self.event.wrote is None else str(self.event.wrote)
            case ActorKind.assistant:
                return gettext("The assistant")
            case ActorKind.rule:
                return gettext("A rule")
        return gettext("The desk")

    def agent(self, number: int | None) -> str:
        found = self.known.directory.agents.get(number or 0)
        return found.name if found else gettext("nobody")

    def ticket(self, number: object) -> str:
        return f"{self.known.prefix}{number}"

    def line(
        self, icon: str, words: Text, *, tone: str = "", at: datetime | None = None, **names: Any
    ) -> Line:
        return Line(icon, str(words) % {"who": self.who, **names}, tone=tone, at=at)


def told(event: AnyRow, known: Known) -> Line:
    line = LINES[Kind(event.kind)](Told(event, known))
    return replace(line, via=event.token) if event.token else line


def _assigned(e: Told) -> Line:
    now, because = e.data.get("now"), e.data.get("because") or {}
    if "away" in because:
        return e.line("undo-2", _("Back to the team: %(was)s is away"), was=e.agent(because["away"]))
    if because:
        line = e.line("route", _("Given to %(now)s"), now=e.agent(now))
        why = gettext("Because %(reasons)s.") % {"reasons": ", ".join(assigned_because(because))}
        return replace(line, why=why)
    if now is None:
        return e.line("user", _("%(who)s took the ticket off %(was)s"), was=e.agent(e.data.get("was")))
    if now == e.event.actor_id and e.event.actor is ActorKind.agent:
        return e.line("user-check", _("%(who)s took the ticket"))
    return e.line("user-check", _("%(who)s assigned the ticket to %(now)s"), now=e.agent(now))


def assigned_because(because: dict[str, Any]) -> list[str]:
    """Why the desk gave a ticket to somebody, as `helpdesk/routing/choosing.py` decided it."""
    words = {
        "in_turn": gettext("it was their turn"),
        "fewest_open": gettext("they had the fewest open tickets"),
        "longest_free": gettext("they were free for longest"),
    }
    found = [words[because["method"]]] if because.get("method") in words else []
    if "open" in because:
        found.append(gettext("%(open)s of %(cap)s open") % because)
    if skills := because.get("skills"):
        found.append(gettext("has the skill %(names)s") % {"names": ", ".join(skills)})
    if without := because.get("without"):
        found.append(gettext("nobody with %(names)s was free in time") % {"names": ", ".join(without)})
    if language := because.get("language"):
        found.append(gettext("speaks %(language)s") % {"language": language})
    if "of" in because:
        found.append(
            ngettext("only one could", "one of %(num)s who could", because["of"]) % {"num": because["of"]}
        )
    return found


def _moved(e: Told) -> Line:
    team = e.known.directory.teams.get(e.data.get("now") or 0)
    if team is None:
        return e.line("route", _("%(who)s took the ticket out of its team"))
    if confidence := e.data.get("confidence"):
        words = _("Routed to %(team)s, %(sure)s sure")
        reasons = ", ".join(f"“{reason}”" for reason in e.data.get("reasons", []))
        why = gettext("It sounds like %(reasons)s.") % {"reasons": reasons} if reasons else ""
        return Line("route", str(words) % {"team": team.name, "sure": percent(confidence)}, why=why)
    return e.line("route", _("%(who)s moved the ticket to %(team)s"), team=team.name)


def _prioritised(e: Told) -> Line:
    return e.line(
        "flag", _("%(who)s set the priority to %(now)s"), now=priority_name(Priority(e.data["now"]))
    )


def _status(e: Told) -> Line:
    status = e.known.registers.statuses.get(e.data.get("status") or 0)
    name = status.name if status else e.data.get("now", "")
    return e.line("circle", _("%(who)s set the status to %(now)s"), now=name)


def _type(e: Told) -> Line:
    kind = e.known.registers.types.get(e.data.get("now") or 0)
    if kind is None:
        return e.line("layers", _("%(who)s took the type away"))
    return e.line("layers", _("%(who)s set the type to %(now)s"), now=kind.name)


def _field(e: Told) -> Line:
    field = e.known.registers.fields[Subject.ticket].get(e.data.get("field", ""))
    name = field.name if field else e.data.get("field", "")
    if e.data.get("emptied") or ("now" in e.data and e.data["now"] is None):
        return e.line("pencil", _("%(who)s emptied %(field)s"), field=name)
    if field and "now" in e.data:
        now = field.show(e.data["now"])
        return e.line("pencil", _("%(who)s set %(field)s to %(now)s"), field=name, now=now)
    return e.line("pencil", _("%(who)s changed %(field)s"), field=name)


def _inbox(e: Told) -> Line:
    name = e.known.inboxes.get(e.data.get("now") or 0, gettext("another inbox"))
    return e.line("inbox", _("%(who)s moved the ticket to %(inbox)s; answers leave from there"), inbox=name)


def _requester(e: Told) -> Line:
    return e.line("user", _("%(who)s made %(whom)s the requester"), whom=_whom(e))


def _joined(e: Told) -> Line:
    agent = e.data.get("agent")
    if agent and agent == e.event.actor_id and e.event.actor is ActorKind.agent:
        return e.line("eye", _("%(who)s follows the ticket"))
    if agent:
        return e.line("eye", _("%(who)s had %(whom)s follow the ticket"), whom=e.agent(agent))
    if e.data.get("because") == "mail":
        return e.line("users", _("%(who)s has %(whom)s in copy"), whom=_whom(e))
    return e.line("users", _("%(who)s put %(whom)s in copy"), whom=_whom(e))


def _left(e: Told) -> Line:
    agent = e.data.get("agent")
    if agent and agent == e.event.actor_id and e.event.actor is ActorKind.agent:
        return e.line("eye", _("%(who)s follows the ticket no more"))
    if agent:
        return e.line("eye", _("%(who)s ended that %(whom)s follows the ticket"), whom=e.agent(agent))
    return e.line("user-minus", _("%(who)s took %(whom)s out of copy"), whom=_whom(e))


def _whom(e: Told) -> str:
    return str(e.event.whom or gettext("somebody"))


def _snoozed(e: Told) -> Line:
    if until := e.data.get("until"):
        return e.line("alarm-clock", _("%(who)s snoozed the ticket until"), at=datetime.fromisoformat(until))
    return e.line("alarm-clock", _("%(who)s snoozed the ticket until the next reply"))


def _woken(e: Told) -> Line:
    match e.data.get("because"):
        case "time":
            return Line("alarm-clock", gettext("The ticket woke: its time had come"))
        case "reply":
            return e.line("alarm-clock", _("%(who)s wrote and woke the ticket"))
    return e.line("alarm-clock", _("%(who)s woke the ticket"))


def _removed(e: Told) -> Line:
    if e.data.get("because") == "blocked":
        return Line("ban", gettext("Went to spam: the sender is blocked"), tone="bad")
    if e.data.get("now") == "spam":
        return e.line("ban", _("%(who)s marked the ticket as spam"), tone="bad")
    return e.line("trash-2", _("%(who)s moved the ticket to the trash"), tone="bad")


def _restored(e: Told) -> Line:
    if e.data.get("because") == "reply":
        return Line("undo-2", gettext("Taken out of the trash: the customer wrote"))
    return e.line("undo-2", _("%(who)s restored the ticket"))


SIDES = {
    Side.related: (_("%(who)s linked %(number)s"), _("%(who)s removed the link to %(number)s")),
    Side.parent: (_("%(who)s made %(number)s the parent"), _("%(who)s took away the parent %(number)s")),
    Side.child: (_("%(who)s made %(number)s a child"), _("%(who)s took away the child %(number)s")),
    Side.duplicate_of: (
        _("%(who)s marked this as a duplicate of %(number)s"),
        _("%(who)s took back that this is a duplicate of %(number)s"),
    ),
    Side.duplicate: (
        _("%(who)s marked %(number)s as a duplicate of this"),
        _("%(who)s took back that %(number)s is a duplicate of this"),
    ),
}


def _linked(e: Told) -> Line:
    words = SIDES[Side(e.data["side"])][0 if e.event.kind is Kind.linked else 1]
    return e.line("link", words, number=e.ticket(e.data["number"]))


def _merged(e: Told) -> Line:
    if e.event.kind is Kind.unmerged and e.data.get("split"):
        words = _("%(who)s took the message that had become %(target)s back into %(source)s")
        return e.line("undo-2", words, source=e.ticket(e.data["source"]), target=e.ticket(e.data["target"]))
    pair: dict[str, Any] = {end: e.ticket(e.data.get(end)) for end in ("source", "target")}
    words = {
        Kind.merged: _("%(who)s merged %(source)s into %(target)s"),
        Kind.unmerged: _("%(who)s undid the merge of %(source)s into %(target)s"),
        Kind.split_off: _("%(who)s made %(target)s of a message of %(source)s"),
    }[Kind(e.event.kind)]
    return e.line("split" if e.event.kind is Kind.split_off else "git-merge", words, **pair)


def _late(e: Told) -> Line:
    words = {
        "first_response": gettext("The first response is late"),
        "next_response": gettext("The next response is late"),
        "update": gettext("An update is late"),
        "resolution": gettext("The resolution is late"),
    }
    return Line("timer-off", words.get(str(e.data.get("metric")), gettext("A promise is late")), tone="bad")


def _says(icon: str, words: Text, tone: str = "", **names: str) -> Callable[[Told], Line]:
    """A line that needs who did it, and of the event's data what `names` names."""
    return lambda e: e.line(icon, words, tone=tone, **{k: e.data.get(v, "") for k, v in names.items()})


LINES: dict[Kind, Callable[[Told], Line]] = {
    Kind.assigned: _assigned,
    Kind.team_changed: _moved,
    Kind.priority_changed: _prioritised,
    Kind.status_changed: _status,
    Kind.type_changed: _type,
    Kind.tagged: _says("tag", _("%(who)s added the tag %(name)s"), name="name"),
    Kind.untagged: _says("tag", _("%(who)s removed the tag %(name)s"), name="name"),
    Kind.field_changed: _field,
    Kind.subject_changed: _says("pencil", _("%(who)s changed the subject")),
    Kind.inbox_changed: _inbox,
    Kind.requester_changed: _requester,
    Kind.participant_added: _joined,
    Kind.participant_removed: _left,
    Kind.snoozed: _snoozed,
    Kind.woken: _woken,
    Kind.removed: _removed,
    Kind.restored: _restored,
    Kind.linked: _linked,
    Kind.unlinked: _linked,
    Kind.merged: _merged,
    Kind.unmerged: _merged,
    Kind.split_off: _merged,
    Kind.resolved: _says("circle-check", _("%(who)s resolved the ticket"), tone="good"),
    Kind.reopened: _says("rotate-ccw", _("%(who)s opened the ticket again")),
    Kind.sla_breached: _late,
    Kind.reply_failed: _says("circle-alert", _("A reply could not be delivered"), tone="bad"),
    Kind.quarantined: _says(
        "shield-alert", _("A message could not be read; its original is kept"), tone="bad"
    ),
    Kind.macro_used: lambda e: e.line("zap", _("%(who)s used the macro %(name)s"), name=e.data.get("name")),
    Kind.macro_undone: lambda e: e.line("undo-2", _("%(who)s took a macro back")),
}
"""What a ticket's thread tells in a line."""

SHOWN_OTHERWISE = frozenset(
    {
        Kind.ticket_created,
        Kind.message_received,
        Kind.replied,
        Kind.reply_scheduled,
        Kind.reply_withdrawn,
        Kind.reply_sent,
        Kind.reply_uncertain,
        Kind.reply_retried,
        Kind.noted,
        Kind.note_edited,
        Kind.forwarded,
        Kind.third_party_answered,
        Kind.sla_started,
        Kind.sla_met,
        Kind.sla_warned,
        Kind.sla_escalated,
        Kind.policy_changed,
        Kind.triaged,
        Kind.suggested,
        Kind.suggestion_used,
        Kind.suggestion_dismissed,
    }
)
"""What a ticket's page tells by the message itself, its promises, or its suggestion."""
