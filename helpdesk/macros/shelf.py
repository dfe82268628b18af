"""Which macros there are for whom, and keeping one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.changes import Verb, change_of, checked
from helpdesk.errors import Conflict, Forbidden, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.macros.placeholders import names_in
from helpdesk.macros.rows import ACTIONS, LONGEST_BODY, MOST_ACTIONS, Macro
from helpdesk.people import Agent, Team
from helpdesk.sharing import NoTeam, Visibility
from helpdesk.texts import clean, written

LONGEST_NAME = 80
LONGEST_FOLDER = 120
MOST = 500
"""Macros of one agent's own."""


@dataclass(frozen=True)
class Given:
    """A macro as somebody writes it. `actions`: see `Macro.actions`."""

    name: str
    body: str = ""
    folder: str = ""
    actions: Sequence[Mapping[str, Any]] = field(default_factory=list)
    visibility: Visibility = Visibility.me
    team_id: int | None = None


def _seen(agent: Agent) -> Select[Macro]:
    return select(Macro).where(Macro.seen_by(agent))


async def offered(
    session: AsyncSession, agent: Agent, words: Iterable[str] = (), most: int = MOST
) -> Sequence[Macro]:
    """Those to choose from at a ticket, most used first. Each of `words` occurs in name, folder or text."""
    text = func.lower(func.concat_ws(" ", Macro.name, Macro.folder, Macro.body))
    fits = [text.contains(word.lower(), autoescape=True) for word in words]
    query = _seen(agent).where(~Macro.archived, *fits).limit(most)
    return (await session.scalars(query.order_by(Macro.used.desc(), func.lower(Macro.name), Macro.id))).all()


async def seen_by(session: AsyncSession, agent: Agent) -> Sequence[Macro]:
    """All of them, by folder and name; archived ones last."""
    order = (Macro.archived, func.lower(Macro.folder), func.lower(Macro.name), Macro.id)
    return (await session.scalars(_seen(agent).order_by(*order))).all()


def of_folder(found: Iterable[Macro]) -> list[tuple[str | None, list[Macro]]]:
    """`seen_by`, folder after folder; None names those that are archived."""
    kept = groupby(found, key=lambda macro: None if macro.archived else macro.folder)
    return [(folder, list(macros)) for folder, macros in kept]


async def one(session: AsyncSession, agent: Agent, macro_id: int, *, to_change: bool = False) -> Macro:
    """Raises NotFound, or Forbidden where it can be seen but not changed."""
    found = await session.scalar(_seen(agent).where(Macro.id == macro_id))
    if found is None:
        raise NotFound
    if to_change and not found.may_be_changed_by(agent):
        raise Forbidden
    return found


async def keep(session: AsyncSession, macro: Macro | None, given: Given, *, by: Agent) -> Macro:
    """A new one, or one as it is from now on. Raises Invalid, MayNotShare, NameTaken, TooMany.

    Nothing is changed on `macro` before everything is known to be right.
    """
    name, folder = _words(given.name), " / ".join(filter(None, map(_words, given.folder.split("/"))))
    body = written(given.body)
    actions = [await _action(session, each, by) for each in given.actions]
    if not name:
        raise Unnamed
    if len(name) > LONGEST_NAME or len(folder) > LONGEST_FOLDER or len(body) > LONGEST_BODY:
        raise Invalid(
            gettext(
                "A macro has a name of up to %(name)s, a folder of up to %(folder)s and %(body)s characters."
            )
            % {"name": LONGEST_NAME, "folder": LONGEST_FOLDER, "body": LONGEST_BODY}
        )
    if not body and not actions:
        raise Empty
    if len(actions) > MOST_ACTIONS:
        raise Invalid(gettext("A macro does at most %(n)s things.") % {"n": MOST_ACTIONS})
    names_in(body)
    if given.visibility is Visibility.team and await session.get(Team, given.team_id or 0) is None:
        raise NoTeam
    what = "changed"
    if macro is None:
        await _room(session, by)
        macro, what = Macro(owner_id=by.id, used=0, archived=False), "added"
    try:
        async with session.begin_nested():
            macro.share(by, given.visibility, given.team_id)
            macro.name, macro.folder, macro.body, macro.actions = name, folder, body, actions
            session.add(macro)
            await session.flush()
    except IntegrityError:
        raise NameTaken from None
    if macro.visibility is not Visibility.me:
        session.add(Event(Kind.macro_edited, by=by, about=macro, what=what))
    return macro


async def remove(session: AsyncSession, macro: Macro, *, by: Agent) -> None:
    """For good, with the log of its uses: what they changed can't be taken back by it any more."""
    if macro.visibility is not Visibility.me:
        session.add(Event(Kind.macro_edited, by=by, about=macro, what="removed"))
    await session.delete(macro)


async def _action(session: AsyncSession, given: Mapping[str, Any], by: Agent) -> dict[str, Any]:
    try:
        verb = Verb(given.get("verb", ""))
    except ValueError:
        raise NoSuchAction from None
    if verb not in ACTIONS:
        raise NoSuchAction
    value = checked(verb, {name: each for name, each in given.items() if name != "verb"})
    if verb is Verb.snooze and value.get("until"):
        raise OnceOnly
    await change_of(verb, value).load(session, by=by)
    return {"verb": verb.value, **value}


async def _room(session: AsyncSession, agent: Agent) -> None:
    if (await session.scalar(select(func.count()).where(Macro.owner_id == agent.id)) or 0) >= MOST:
        raise TooMany


def _words(text: str) -> str:
    return " ".join(clean(text).split())


class Unnamed(Invalid):
    message = _("Give the macro a name.")


class Empty(Invalid):
    message = _("A macro says something, does something, or both. Write a text or choose an action.")


class NoSuchAction(Invalid):
    message = _("A macro cannot do this.")


class OnceOnly(Invalid):
    message = _("A macro snoozes until the customer writes: a date would be over one day.")


class NameTaken(Conflict):
    message = _("There is a macro of this name in this folder already.")


class TooMany(Conflict):
    message = _("You have 500 macros. Delete some that you no longer use.")
