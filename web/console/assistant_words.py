"""What the assistant did, in lines for a ticket's thread."""

from typing import Any

from ai.assistant.decisions import REASONS, Reason
from helpdesk.events import ActorKind, Kind
from helpdesk.i18n import gettext
from web.console.thread import AnyRow

KINDS = (
    Kind.assistant_engaged,
    Kind.assistant_handed_over,
    Kind.assistant_stopped,
    Kind.assistant_acted,
    Kind.assistant_code_sent,
    Kind.assistant_verified,
)


def line(event: AnyRow, who: str) -> tuple[str, str]:
    """Icon and words."""
    data: dict[str, Any] = event.data
    match event.kind:
        case Kind.assistant_engaged if event.actor is ActorKind.agent:
            return "sparkles", gettext("%(who)s handed the ticket to the assistant") % {"who": who}
        case Kind.assistant_engaged:
            return "sparkles", gettext("The assistant has the ticket")
        case Kind.assistant_handed_over:
            return "users", gettext("The assistant handed over because %(why)s") % {"why": reason(data)}
        case Kind.assistant_stopped:
            return "user-check", gettext("%(who)s took over from the assistant") % {"who": who}
        case Kind.assistant_code_sent:
            return "key-round", gettext("The assistant sent a code to the address on file")
        case Kind.assistant_verified:
            return "shield-check", gettext("The customer proved who they are by a code")
    return "plug", acted(data)


def reason(data: dict[str, Any]) -> str:
    """Why it handed over; one of a newer version is told by its name."""
    given = str(data.get("reason", ""))
    return str(REASONS[Reason(given)]) if given in Reason.__members__ else given


def acted(data: dict[str, Any]) -> str:
    words = {
        "asked_proof": gettext("The assistant wants to use %(tool)s and asks who writes"),
        "asked_customer": gettext("The assistant asks the customer whether it may use %(tool)s"),
        "asked_agent": gettext("The assistant needs a colleague's word to use %(tool)s"),
        "doing": gettext("The assistant uses %(tool)s"),
        "done": gettext("%(tool)s was done"),
        "failed": gettext("%(tool)s failed"),
        "refused": gettext("%(tool)s was refused"),
    }
    return words.get(str(data.get("state")), "%(tool)s") % {"tool": data.get("tool", "")}
