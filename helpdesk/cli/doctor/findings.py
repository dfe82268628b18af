"""One thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    good = "good"
    advice = "advice"
    """The desk works, though not as well as it could, or this cannot be told yet."""
    wrong = "wrong"


@dataclass(frozen=True)
class Finding:
    name: str
    verdict: Verdict
    says: str
    mend: str = ""


def good(name: str, says: str) -> Finding:
    return Finding(name, Verdict.good, says)


def advice(name: str, says: str, mend: str = "") -> Finding:
    return Finding(name, Verdict.advice, says, mend)


def wrong(name: str, says: str, mend: str) -> Finding:
    return Finding(name, Verdict.wrong, says, mend)
