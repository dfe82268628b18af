"""Words for people: marked where they are written, translated where they are shown."""

from contextvars import ContextVar
from functools import lru_cache
from gettext import NullTranslations, translation
from pathlib import Path

CATALOGUES = Path(__file__).parent / "locales"
ENGLISH = NullTranslations()
_current: ContextVar[NullTranslations | None] = ContextVar("translations", default=None)


class Text:
    """A message that is translated when it is shown, not when it is written."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message

    def __str__(self) -> str:
        return gettext(self.message)

    def __repr__(self) -> str:
        return f"_({self.message!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other.message == self.message

    def __hash__(self) -> int:
        return hash(self.message)


def _(message: str) -> Text:
    return Text(message)


def gettext(message: str) -> str:
    return translations().gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    return translations().ngettext(singular, plural, n)


def translations() -> NullTranslations:
    return _current.get() or ENGLISH


def speak(locale: str) -> None:
    """Use this locale's catalogue for the rest of this task; an unknown one falls back to English."""
    _current.set(_catalogue(locale))


@lru_cache(maxsize=64)
def _catalogue(locale: str) -> NullTranslations:
    return translation("helpdesk", CATALOGUES, languages=[locale], fallback=True)
