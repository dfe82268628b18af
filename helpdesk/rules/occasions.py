"""When a rule is asked: what has to happen first."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from helpdesk.conditions import Scalar
from helpdesk.schedules import Schedule


class Occasion(StrEnum):
    created = "created"
    received = "received"  # the customer wrote
    replied = "replied"  # one of us answered
    noted = "noted"
    changed = "changed"  # `field` of the ticket is another than before
    triaged = "triaged"  # intent, language and mood were read
    warned = "warned"  # a promise is due soon
    breached = "breached"  # a promise was not kept
    rated = "rated"  # the customer said how it was
    idle = "idle"  # nothing happened for `minutes`
    schedule = "schedule"  # at a time that comes round


class Silence(StrEnum):
    """Who has been silent, of `idle`."""

    anybody = "anybody"  # nothing was said or changed
    customer = "customer"  # we answered, and they have not
    us = "us"  # they wrote, and we have not answered


CHANGING = ("assignee", "team", "status", "category", "priority", "type", "tags")
"""What `changed` can be about, beside custom fields of tickets as `fields.<key>`."""


class Trigger(msgspec.Struct, frozen=True, omit_defaults=True):
    """`{"on": "changed", "field": "priority", "was": ["low", "normal"], "now": ["urgent"]}`.

    `was` and `now` are any of, and nothing named is anything: ids, names of priorities and categories, values of
    custom fields. Of `tags`: `was` has what was taken off, `now` what was put on.
    """

    on: Occasion
    field: Annotated[str, Meta(max_length=80)] = ""
    was: Annotated[tuple[Scalar, ...], Meta(max_length=100)] = ()
    now: Annotated[tuple[Scalar, ...], Meta(max_length=100)] = ()
    metric: Annotated[str, Meta(max_length=20)] = ""
    """Of `warned` and `breached`: which promise; empty: any."""
    minutes: Annotated[int, Meta(ge=0, le=60 * 24 * 366)] = 0
    silence: Silence = Silence.anybody
    schedule: Schedule | None = None
