"""What can be promised about a ticket, and the steps that a promise goes through."""

from enum import StrEnum


class Metric(StrEnum):
    first_response = "first_response"
    """From the customer's first words to our first answer by a person."""
    next_response = "next_response"
    """From the first of the customer's words that we have not answered to the answer; one clock a cycle."""
    update = "update"
    """From our answer to our next one, whoever wrote in between, until the ticket is resolved."""
    resolution = "resolution"
    """From the customer's first words until the ticket is resolved."""


RESPONSES = frozenset({Metric.first_response, Metric.next_response, Metric.update})
"""What an answer by a person meets."""


class Step(StrEnum):
    start = "start"
    pause = "pause"
    resume = "resume"
    meet = "meet"
    unmeet = "unmeet"
    warn = "warn"
    breach = "breach"
    escalate = "escalate"
    recompute = "recompute"
    cancel = "cancel"
