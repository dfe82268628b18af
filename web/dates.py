"""Days and times of day as a language writes them."""

from datetime import date, time
from functools import lru_cache

from babel.dates import format_date, format_skeleton, format_time

SKELETONS = {
    "d MMM": "MMMd",
    "d MMM y": "yMMMd",
    "EEE d MMM": "MMMEd",
    "EEEE d MMM": "MMMEd",
    "EEEE d MMM y": "yMMMEd",
    "MMM y": "yMMM",
}
"""What CLDR knows each of our patterns by."""


@lru_cache(maxsize=4096)
def written(on: date, pattern: str, locale: str) -> str:
    """English is written in our own order; other languages put words, points and commas where they belong."""
    skeleton = None if locale.startswith("en") else SKELETONS.get(pattern)
    if skeleton is None:
        return format_date(on, pattern, locale=locale)
    return format_skeleton(skeleton, on, locale=locale)


@lru_cache(maxsize=4096)
def clock_face(at: time, locale: str) -> str:
    return format_time(at, "HH:mm" if locale != "en_US" else "short", locale=locale)
