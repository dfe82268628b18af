"""The words of measuring that tables keep."""

from enum import StrEnum


class Began(StrEnum):
    """How a stretch of open work began."""

    created = "created"
    reopened = "reopened"
    written = "written"  # we wrote again after it was resolved
