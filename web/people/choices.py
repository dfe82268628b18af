"""What can be chosen for a person: companies by name, languages, time zones."""

from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import companies
from helpdesk.access import Action, may
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.people import Agent, Company

LANGUAGES = [
    *("ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "ga", "he", "hi"),
    *("hr", "hu", "id", "is", "it", "ja", "ko", "lt", "lv", "mk", "ms", "nb", "nl", "pl", "pt", "pt-BR"),
    *("ro", "ru", "sk", "sl", "sq", "sr", "sv", "th", "tr", "uk", "ur", "vi", "zh", "zh-TW"),
]
"""Offered; any other tag that CLDR knows can be typed in an import or sent to the API."""


async def company(session: AsyncSession, agent: Agent, name: str) -> Company | None:
    """By its name; made when it is new, since who writes a name means a company."""
    if not name.strip():
        return None
    found = await companies.called(session, name)
    if found is None and not may(agent, Action.change_contacts):
        raise Invalid(gettext("There is no company of this name."))
    return found or await companies.create(session, name, by=agent)


@cache
def languages(locale: str) -> list[tuple[str, str]]:
    """Tag and name in the agent's language, by name."""
    shown = Locale.parse(locale, sep="_") if locale else Locale("en")
    named = [(tag, Locale.parse(tag.replace("-", "_")).get_display_name(shown) or tag) for tag in LANGUAGES]
    return sorted(named, key=lambda each: each[1].lower())


@cache
def zones() -> list[str]:
    return sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))
    )
