"""Words for people: marked where they are written, translated where they are shown.

The catalogues in locales/ hold what customers read. They are read as they were written: nothing has to be compiled.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

CATALOGUES = Path(__file__).parent / "locales"
WHOLE = frozenset({"en"})
"""Languages in which the console is written, too. In any other a colleague reads English rather than half of each."""
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
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
    """To a customer, for the rest of this task, in English where the language has no catalogue."""
    _current.set(_catalogue(known(locale)))


def speak_to_colleague(locale: str) -> None:
    language = known(locale)
    _current.set(_catalogue(language if language in WHOLE else "en"))


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """To a customer, within a task that otherwise speaks to somebody else."""
    before = _current.set(_catalogue(known(locale)))
    try:
        yield
    finally:
        _current.reset(before)


def spoken() -> str:
    """The language in which texts come out now: what a page has to say of itself."""
    return str(translations().info().get("language") or "en")


def direction(language: str) -> str:
    return "rtl" if language.replace("-", "_").partition("_")[0].lower() in RIGHT_TO_LEFT else "ltr"


def known(locale: str) -> str:
    """The catalogue for a locale or language tag: `de` for `de_AT`, `de-CH` and `DE`; `en` where there is none."""
    whole = locale.replace("-", "_").lower()
    found = {name.lower(): name for name in languages()}
    return found.get(whole) or found.get(whole.partition("_")[0]) or "en"


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Those that customers can be spoken to in."""
    return ("en", *sorted(path.parts[-3] for path in CATALOGUES.glob("*/LC_MESSAGES/helpdesk.po")))


@lru_cache(maxsize=64)
def _catalogue(language: str) -> NullTranslations:
    if language == "en":
        return ENGLISH
    from babel.messages.mofile import write_mo  # only a desk that speaks another language needs them
    from babel.messages.pofile import read_po

    with (CATALOGUES / language / "LC_MESSAGES/helpdesk.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
