"""Public holidays of countries and their parts, from the library `holidays`; of no use to arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from babel.core import get_global

from helpdesk.errors import Invalid
from helpdesk.i18n import _

if TYPE_CHECKING:
    from holidays import HolidayBase

PUBLIC = "public"


class NoSuchCountry(Invalid):
    message = _("Of this country no public holidays are known. Choose one from the list.")


class NoSuchPart(Invalid):
    message = _(
        "This country has no such part, or no such kind or language of holidays. Choose from the lists."
    )


@dataclass(frozen=True)
class Kept:
    """What is known of one country's holidays; codes, as the library has them."""

    subdivisions: tuple[tuple[str, str], ...]
    """Code and name; a part without a name of its own is named by its code."""
    categories: tuple[str, ...]
    languages: tuple[str, ...]
    language: str


@cache
def countries() -> tuple[str, ...]:
    from holidays import list_supported_countries

    return tuple(sorted(list_supported_countries(include_aliases=False)))


def country_of(time_zone: str) -> str:
    """The country in which clocks go like this; empty for one that no country, or none with holidays, has."""
    code = str(get_global("zone_territories").get(time_zone, ""))
    return code if code in countries() else ""


@cache
def kept(country: str) -> Kept:
    """Raises NoSuchCountry."""
    found = _country(country)
    aliases: dict[str, str] = {}
    for name, code in getattr(found, "subdivisions_aliases", {}).items():
        aliases.setdefault(code, name)
    parts = ((code, aliases.get(code, code)) for code in found.subdivisions)
    return Kept(
        subdivisions=tuple(sorted(parts, key=lambda part: part[1].casefold())),
        categories=tuple(sorted(found.supported_categories, key=lambda name: (name != PUBLIC, name))),
        languages=tuple(sorted(found.supported_languages)),
        language=found.default_language or "",
    )


def days(
    country: str, subdivision: str, categories: Iterable[str], language: str, years: Iterable[int]
) -> dict[date, str]:
    """Day → name. Raises NoSuchCountry and NoSuchPart."""
    known = kept(country)
    wanted = tuple(dict.fromkeys(categories))
    if (
        (subdivision and subdivision not in dict(known.subdivisions))
        or not set(wanted) <= set(known.categories)
        or (language and language not in known.languages)
    ):
        raise NoSuchPart
    if not wanted:
        return {}
    found = _country(
        country,
        subdiv=subdivision or None,
        categories=wanted,
        language=language or known.language or None,  # else it speaks as this process's environment does
        years=list(years),
    )
    return dict(sorted(found.items()))


def _country(country: str, **given: Any) -> "HolidayBase":
    from holidays import country_holidays

    if country not in countries():
        raise NoSuchCountry
    return country_holidays(country, **given)
