"""What other programs are told of: subscriptions, deliveries, payloads.

The dispatcher puts every event into the deliveries of those who subscribed to it (`enlist`), in the transaction
that takes it out of the outbox: none is lost, none is put in twice. `workers/webhooks.py` sends them.
"""

from helpdesk.webhooks.deliveries import (
    KEPT_FOR,
    MOST_REPLAYED,
    Delivery,
    State,
    enlist,
    forget,
    replay,
    replay_since,
    waiting_as_dead,
)
from helpdesk.webhooks.endpoints import (
    GIVE_UP,
    MOST,
    ROTATION,
    Outcome,
    Secrets,
    Webhook,
    made,
)
from helpdesk.webhooks.payloads import INCLUDES, VERSION, bodies
from helpdesk.webhooks.posting import post
from helpdesk.webhooks.subjects import EVENTS, GROUPS, TEST

__all__ = [
    "EVENTS",
    "GIVE_UP",
    "GROUPS",
    "INCLUDES",
    "KEPT_FOR",
    "MOST",
    "MOST_REPLAYED",
    "ROTATION",
    "TEST",
    "VERSION",
    "Delivery",
    "Outcome",
    "Secrets",
    "State",
    "Webhook",
    "bodies",
    "enlist",
    "forget",
    "made",
    "post",
    "replay",
    "replay_since",
    "waiting_as_dead",
]
