"""The manifest of the Slack app: what it may do and what it hears, so that nobody has to tick forty boxes."""

from typing import Any

from channels.slack.reading import OPEN_TICKET, TO_CUSTOMER
from helpdesk.i18n import gettext

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:read",
    "users:read",
    "users:read.email",
)
EVENTS = (
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
    "tokens_revoked",
)
COMMAND = "/ticket"
NAME = 35  # characters; Slack takes no more


def manifest(name: str, *, url: str = "") -> dict[str, Any]:
    """In the language that is spoken here: everybody in a workspace sees the same names of an app.

    `url` is where Slack calls the inbox; without it the app uses Socket Mode.
    """
    called = {"request_url": url} if url else {}
    return {
        "display_information": {
            "name": name[:NAME] or "Helpdesk",
            "description": gettext("Threads become tickets; answers come back into the thread."),
        },
        "features": {
            "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": name[:NAME] or "Helpdesk", "always_online": True},
            "shortcuts": [
                {
                    "name": gettext("Open a ticket"),
                    "type": "message",
                    "callback_id": OPEN_TICKET,
                    "description": gettext("Make a ticket of this message and what was said before"),
                },
                {
                    "name": gettext("Send to customer"),
                    "type": "message",
                    "callback_id": TO_CUSTOMER,
                    "description": gettext("Send this internal message to the customer, after a preview"),
                },
            ],
            "slash_commands": [
                {
                    "command": COMMAND,
                    "description": gettext("Your tickets, or one of them"),
                    "usage_hint": gettext("[number]"),
                    "should_escape": True,
                    **({"url": url} if url else {}),
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**called, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **called},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
