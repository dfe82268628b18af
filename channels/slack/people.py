"""Who somebody in Slack is: a customer, one of ours, one of our agents. Asked once and remembered for a while.

Remembered in memory only: names and addresses of people stand in contacts and nowhere else.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.contract import ChannelError, Unavailable
from channels.slack.calling import Calls
from helpdesk.people import Agent, with_access
from helpdesk.slack import Customers

REMEMBERED = 1_800.0  # seconds
FRESH = 60.0  # and where it says who may press a button
MOST = 20_000  # people
ITSELF = "the app"  # no user's id
NAMED = 15  # people who are looked up because a message names them


@dataclass(frozen=True)
class Me:
    """The app itself, and where it stands."""

    team: str
    user: str
    bot: str = ""
    enterprise: str = ""


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    email: str = ""
    team: str = ""
    enterprise: str = ""
    guest: bool = False
    """Somebody in our workspace who sees only the channels they were invited to: mostly a customer."""
    bot: bool = False
    language: str = ""
    """In which Slack speaks to them."""

    def is_outside(self, me: Me) -> bool:
        """Whoever is not known to be one of ours is treated as a customer: then nothing they say is lost."""
        homes = {home for home in (me.team, me.enterprise) if home}
        ours = self.team in homes or (me.enterprise in homes and self.enterprise == me.enterprise)
        return self.guest or not ours

    def is_customer(self, me: Me, customers: Customers, *, direct: bool) -> bool:
        if customers is Customers.nobody:
            return False
        return direct or customers is Customers.everyone or self.is_outside(me)


_known: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()


async def me(calls: Calls) -> Me:
    if (found := _remembered(calls, ITSELF)) is not None:
        return found  # type: ignore[no-any-return]
    answer = await calls.ask("auth_test")
    made = Me(
        team=str(answer.get("team_id") or ""),
        user=str(answer.get("user_id") or ""),
        bot=str(answer.get("bot_id") or ""),
        enterprise=str(answer.get("enterprise_id") or ""),
    )
    return _remember(calls, ITSELF, made)  # type: ignore[no-any-return]


async def who(
    calls: Calls, user: str, said: Mapping[str, Any] | None = None, *, within: float = REMEMBERED
) -> Person:
    """`said` is what they wrote: it tells their workspace where Slack does not let the app look them up."""
    if (found := _remembered(calls, user, within)) is not None:
        return found  # type: ignore[no-any-return]
    team = _team(said or {})
    try:
        answer = await calls.ask("users_info", user=user, include_locale=True)
    except Unavailable:
        raise
    except ChannelError:
        return Person(user, _called(said or {}) or user, team=team)
    given = answer.get("user")
    return _remember(calls, user, _person(user, given if isinstance(given, dict) else {}, team))  # type: ignore[no-any-return]


async def names(calls: Calls, users: Iterable[str]) -> dict[str, str]:
    """Of those that can be looked up; a name that is missing holds up nothing."""
    found = {}
    for user in sorted(users)[:NAMED]:
        try:
            found[user] = (await who(calls, user)).name
        except ChannelError:
            break
    return found


async def agent(session: AsyncSession, me: Me, person: Person) -> Agent | None:
    """The desk's agent with this e-mail address. Nobody from outside is one, whatever address they have."""
    if not person.email or person.bot or person.is_outside(me):
        return None
    return await session.scalar(
        select(Agent)
        .options(*with_access())
        .where(func.lower(Agent.email) == person.email.lower(), Agent.active)
    )


def forget(calls: Calls) -> None:
    for key in [key for key in _known if key[0] == calls.settings.bot_token]:
        del _known[key]


def _person(user: str, given: Mapping[str, Any], team: str) -> Person:
    profile = given.get("profile")
    about: Mapping[str, Any] = profile if isinstance(profile, dict) else {}
    grid = given.get("enterprise_user")
    is_theirs = given.get("is_email_confirmed", True) and not given.get("deleted")
    name = about.get("display_name") or about.get("real_name") or given.get("real_name") or given.get("name")
    return Person(
        id=user,
        name=" ".join(str(name or user).split())[:200],
        email=str(about.get("email") or "") if is_theirs else "",
        team=str(given.get("team_id") or team),
        enterprise=str(grid.get("enterprise_id") or "") if isinstance(grid, dict) else "",
        guest=any(given.get(flag) for flag in ("is_restricted", "is_ultra_restricted", "is_stranger")),
        bot=bool(given.get("is_bot")),
        language=str(given.get("locale") or "")[:12],
    )


def _team(said: Mapping[str, Any]) -> str:
    profile = said.get("user_profile")
    found = said.get("user_team") or (profile.get("team") if isinstance(profile, dict) else "")
    return str(found or said.get("team") or "")


def _called(said: Mapping[str, Any]) -> str:
    profile = said.get("user_profile")
    about: Mapping[str, Any] = profile if isinstance(profile, dict) else {}
    return str(about.get("display_name") or about.get("real_name") or "")[:200]


def _remembered(calls: Calls, user: str, within: float = REMEMBERED) -> Any:
    found = _known.get((calls.settings.bot_token, user))
    return found[1] if found and found[0] > monotonic() - within else None


def _remember(calls: Calls, user: str, made: Any) -> Any:
    _known[calls.settings.bot_token, user] = (monotonic(), made)
    while len(_known) > MOST:
        _known.popitem(last=False)
    return made
