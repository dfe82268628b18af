"""Events in words: one small line each."""

from dataclasses import dataclass
from typing import Any

from helpdesk.events import ActorKind, Kind
from helpdesk.i18n import gettext
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


def told(event: AnyRow, directory: Directory, contact: str) -> Line:
    who = _who(event, contact)
    data: dict[str, Any] = event.data
    match event.kind:
        case Kind.assigned if data.get("now") is None:
            return Line(
                "user",
                gettext("%(who)s took the ticket off %(was)s")
                % {"who": who, "was": _agent(data.get("was"), directory)},
            )
        case Kind.assigned if data.get("now") == event.actor_id and event.actor is ActorKind.agent:
            return Line("user-check", gettext("%(who)s took the ticket") % {"who": who})
        case Kind.assigned:
            return Line(
                "user-check",
                gettext("%(who)s assigned the ticket to %(now)s")
                % {"who": who, "now": _agent(data["now"], directory)},
            )
        case Kind.team_changed:
            return _moved(who, data, directory)
        case Kind.priority_changed:
            return Line(
                "flag",
                gettext("%(who)s set the priority to %(now)s")
                % {"who": who, "now": priority_name(Priority(data["now"]))},
            )
        case Kind.resolved:
            return Line("circle-check", gettext("%(who)s resolved the ticket") % {"who": who}, tone="good")
        case Kind.reopened:
            return Line("rotate-ccw", gettext("%(who)s opened the ticket again") % {"who": who})
        case Kind.sla_breached:
            return Line("timer-off", _breached(data.get("metric", "")), tone="bad")
        case Kind.reply_failed:
            return Line("circle-alert", gettext("A reply could not be delivered"), tone="bad")
    return Line("info", str(event.kind))


def _moved(who: str, data: dict[str, Any], directory: Directory) -> Line:
    team = directory.teams.get(data.get("now") or 0)
    if team is None:
        return Line("route", gettext("%(who)s took the ticket out of its team") % {"who": who})
    if confidence := data.get("confidence"):
        words = gettext("Routed to %(team)s, %(sure)s sure") % {
            "team": team.name,
            "sure": percent(confidence),
        }
        return Line("route", words, why=", ".join(f"“{reason}”" for reason in data.get("reasons", [])))
    return Line("route", gettext("%(who)s moved the ticket to %(team)s") % {"who": who, "team": team.name})


def _breached(metric: str) -> str:
    if metric == "first_response":
        return gettext("The first response is late")
    return gettext("The resolution is late")


def _who(event: AnyRow, contact: str) -> str:
    match event.actor:
        case ActorKind.agent:
            return str(event.agent or gettext("A former colleague"))
        case ActorKind.contact:
            return contact
        case ActorKind.assistant:
            return gettext("The assistant")
    return gettext("The desk")


def _agent(number: int | None, directory: Directory) -> str:
    agent = directory.agents.get(number or 0)
    return agent.name if agent else gettext("nobody")
