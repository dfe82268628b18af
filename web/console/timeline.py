"""Events in words: one small line each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from helpdesk.events import ActorKind, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import Text, _, gettext
from helpdesk.links import Side
from helpdesk.registers import Registers
from helpdesk.tickets import Priority
from web.console import assistant_words, link_words, patience_words, rule_words
from web.console.sharing_words import assigned_because
from web.console.shell import Directory
from web.console.thread import AnyRow
from web.ratings.words import rated
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
    gave: int | None = None
    """To whom the desk gave the ticket by itself: who may assign can give it back."""
    story: str = ""
    """Where all of it is told, below the ticket's own address."""


@dataclass(frozen=True)
class Known:
    """What names there are for the numbers in events."""

    directory: Directory
    registers: Registers
    inboxes: dict[int, str]
    contact: str
    prefix: str = "#"
    """What stands before tickets' numbers."""

    def name(self, of: str, which: Any) -> str | None:
        """Of an agent, team, status, type or field; None where it is not known."""
        if of == "field":
            field = self.registers.fields[Subject.ticket].get(which)
            return field.name if field else None
        known: dict[str, dict[int, Any]] = {
            "agent": self.directory.agents,
            "team": self.directory.teams,
            "status": self.registers.statuses,
            "type": self.registers.types,
        }
        found = known[of].get(which)
        return str(found.name) if found else None


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
    if event.actor is ActorKind.assistant and "triage" in event.data:
        line = replace(line, story="readings")
    return replace(line, via=event.token) if event.token else line


def _assigned(e: Told) -> Line:
    now, because = e.data.get("now"), e.data.get("because") or {}
    if "away" in because:
        return e.line("undo-2", _("Back to the team: %(was)s is away"), was=e.agent(because["away"]))
    if "given_back" in because:
        was = because["given_back"]
        if was == e.event.actor_id and e.event.actor is ActorKind.agent:
            return e.line("undo-2", _("%(who)s gave the ticket back to the team"))
        return e.line("undo-2", _("%(who)s gave %(was)s’s ticket back to the team"), was=e.agent(was))
    if "answered" in because:
        line = e.line("user-check", _("%(who)s has the ticket now"))
        return replace(
            line, why=gettext("Because they were the first to answer; the chat’s settings say so."), gave=now
        )
    if because:
        line = e.line("route", _("Given to %(now)s"), now=e.agent(now))
        why = gettext("Because %(reasons)s.") % {"reasons": ", ".join(assigned_because(because))}
        return replace(line, why=why, gave=now)
    if now is None:
        return e.line("user", _("%(who)s took the ticket off %(was)s"), was=e.agent(e.data.get("was")))
    if now == e.event.actor_id and e.event.actor is ActorKind.agent:
        return e.line("user-check", _("%(who)s took the ticket"))
    return e.line("user-check", _("%(who)s assigned the ticket to %(now)s"), now=e.agent(now))


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
    if "resolved" in (because := e.data.get("because") or {}):
        return Line("lock", patience_words.closed(because))
    status = e.known.registers.statuses.get(e.data.get("status") or 0)
    name = status.name if status else e.data.get("now", "")
    return e.line("circle", _("%(who)s set the status to %(now)s"), now=name)


def _resolved(e: Told) -> Line:
    if "silent" in (because := e.data.get("because") or {}):
        return Line("circle-check", patience_words.resolved(because), tone="good")
    return e.line("circle-check", _("%(who)s resolved the ticket"), tone="good")


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


def _linked(e: Told) -> Line:
    if (
        e.event.actor is ActorKind.desk
        and e.event.kind is Kind.linked
        and e.data["side"] in link_words.OPENED
    ):
        return e.line("link", link_words.OPENED[Side(e.data["side"])], number=e.ticket(e.data["number"]))
    words = link_words.SIDES[Side(e.data["side"])][0 if e.event.kind is Kind.linked else 1]
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


def _rated(e: Told) -> Line:
    words, tone = rated(e.data)
    return e.line("star", words, tone=tone, score=e.data.get("now"), was=e.data.get("was"))


def _mailed(e: Told) -> Line:
    """The address is the browser's, which is forgotten in time; then the customer's name stands for it."""
    to = e.event.reached or e.known.contact
    if e.data.get("refused"):
        return e.line(
            "circle-alert", _("Could not be mailed to %(to)s, who had left the chat"), tone="bad", to=to
        )
    return e.line("mail", _("Mailed to %(to)s, who had left the chat"), to=to)


def _late(e: Told) -> Line:
    words = {
        "first_response": gettext("The first response is late"),
        "next_response": gettext("The next response is late"),
        "update": gettext("An update is late"),
        "resolution": gettext("The resolution is late"),
    }
    return Line("timer-off", words.get(str(e.data.get("metric")), gettext("A promise is late")), tone="bad")


def _policy(e: Told) -> Line:
    name = e.data.get("name") or gettext("another policy")
    if e.data.get("fixed"):
        return e.line("clock", _("%(who)s chose the policy %(name)s by hand"), name=name)
    if "fixed" in e.data:
        return e.line("clock", _("%(who)s left the policy to its conditions again"))
    if e.data.get("now") is None:
        return Line("clock", gettext("No policy fits the ticket any more"))
    return Line("clock", gettext("The policy %(name)s holds now") % {"name": name})


def _applied(e: Told) -> Line:
    tone = "bad" if e.data.get("refused") else ""
    words = rule_words.applied(e.data, e.known.name)
    return Line("workflow", words, tone=tone, story=f"rule-runs/{e.data.get('run')}")


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
    Kind.resolved: _resolved,
    Kind.reminded: lambda e: Line("bell-ring", patience_words.reminded(e.data)),
    Kind.left_alone: lambda e: e.line("bell-off", patience_words.left_alone(e.data)),
    Kind.reopened: _says("rotate-ccw", _("%(who)s opened the ticket again")),
    Kind.rated: _rated,
    Kind.address_proved: _says("shield-check", _("The customer proved their address by a code")),
    Kind.mailed_after_leaving: _mailed,
    Kind.sla_breached: _late,
    Kind.policy_changed: _policy,
    Kind.reply_failed: _says("circle-alert", _("A reply could not be delivered"), tone="bad"),
    Kind.quarantined: _says(
        "shield-alert", _("A message could not be read; its original is kept"), tone="bad"
    ),
    Kind.macro_used: lambda e: e.line("zap", _("%(who)s used the macro %(name)s"), name=e.data.get("name")),
    Kind.rule_applied: _applied,
    Kind.rule_undone: lambda e: Line("undo-2", rule_words.undone(e.data, e.who)),
    Kind.rule_stopped: lambda e: Line("workflow", rule_words.stopped(e.data), tone="bad"),
    Kind.triage_undone: _says("undo-2", _("%(who)s took back what the assistant had done")),
    Kind.macro_undone: lambda e: e.line("undo-2", _("%(who)s took a macro back")),
    **dict.fromkeys(assistant_words.KINDS, lambda e: Line(*assistant_words.line(e.event, e.who))),
}
"""What a ticket's thread tells in a line."""

SHOWN_OTHERWISE = frozenset(
    {
        Kind.ticket_created,
        Kind.message_received,
        Kind.replied,
        Kind.announced,
        Kind.reply_scheduled,
        Kind.reply_withdrawn,
        Kind.reply_sent,
        Kind.reply_uncertain,
        Kind.reply_retried,
        Kind.noted,
        Kind.note_edited,
        Kind.message_edited,
        Kind.forwarded,
        Kind.third_party_answered,
        Kind.sla_started,
        Kind.sla_met,
        Kind.sla_warned,
        Kind.sla_escalated,
        Kind.triaged,
        Kind.reading_corrected,
        Kind.suggested,
        Kind.suggestion_used,
        Kind.suggestion_dismissed,
        Kind.rule_notified,
        Kind.rule_called,
        Kind.draft_wanted,
    }
)
"""What a ticket's page tells by the message itself, its promises, or its suggestion."""
