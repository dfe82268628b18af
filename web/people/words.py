"""How identities are shown: filters of the templates of this folder."""

from collections.abc import Callable, Iterable
from typing import Any

from helpdesk import identities
from helpdesk.contact_csv.models import State
from helpdesk.i18n import gettext
from helpdesk.messages import Proof
from helpdesk.people import ContactIdentity, Origin


def address(identity: ContactIdentity) -> str:
    return identities.shown(identity.kind, identity.value)


def legible(known: Iterable[ContactIdentity]) -> list[ContactIdentity]:
    """Without the numbers by which programs know somebody."""
    return [each for each in known if each.kind not in identities.UNREAD]


def identity_name(kind: str) -> str:
    return identities.kind_name(kind)


def origin(identity: ContactIdentity) -> str:
    return {
        Origin.message: gettext("wrote from it"),
        Origin.agent: gettext("added by a colleague"),
        Origin.imported: gettext("from an import"),
        Origin.api: gettext("from another program"),
    }[identity.origin]


def proven(identity: ContactIdentity) -> str:
    """How sure it is that the identity is theirs."""
    return {
        Proof.authenticated: gettext("the channel proved that it is theirs"),
        Proof.failed: gettext("its domain has disowned a mail from it"),
        Proof.none: gettext("nothing has proven it yet"),
    }[identity.proof]


def channel_name(channel: str) -> str:
    names = {"email": gettext("Mail"), "slack": "Slack", "chat": gettext("Chat"), "api": gettext("API")}
    return names.get(channel, channel.capitalize())


def import_state(state: State) -> str:
    return {
        State.uploaded: gettext("Uploaded"),
        State.check_wanted: gettext("Being checked"),
        State.checked: gettext("Checked"),
        State.run_wanted: gettext("Being imported"),
        State.done: gettext("Imported"),
        State.revert_wanted: gettext("Being taken back"),
        State.reverted: gettext("Taken back"),
        State.failed: gettext("Failed"),
    }[state]


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (address, legible, identity_name, origin, proven, channel_name, import_state)
}
