"""Tokens: what a server counted, or what a text comes to where it counts nothing."""

from dataclasses import dataclass

LETTERS = 3.2  # of a token, at the least


@dataclass(frozen=True)
class Usage:
    """For one answer; None where nobody counted."""

    tokens_in: int | None = None
    tokens_out: int | None = None


def estimated(text: str) -> int:
    """Rather too many than too few."""
    return round(len(text) / LETTERS) + 1
