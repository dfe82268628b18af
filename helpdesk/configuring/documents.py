"""A desk's configuration as one YAML document: written, compared, put in place.

    text = await written(session, by=agent)
    found = await plan(session, text, by=agent)       # what would be other than before, and why not
    await apply(session, text, by=agent)              # all of it or nothing

Names stand for ids, so the file of one desk is good for another. What the file does not have stays, unless it is
asked to go (`prune`), and then only in the sections that the file has.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from enum import StrEnum
from typing import Any

import msgspec
import yaml
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import may, require
from helpdesk.configuring.automated import Rules
from helpdesk.configuring.lists import Statuses, Tags, Types
from helpdesk.configuring.names import Names
from helpdesk.configuring.promised import Calendars, Policies
from helpdesk.configuring.said import Macros, Views
from helpdesk.configuring.sections import Section
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.people import Agent

SECTIONS: tuple[type[Section], ...] = (Tags, Types, Statuses, Calendars, Policies, Macros, Views, Rules)
"""In the order in which they need each other."""
VERSION = 1
LARGEST = 2_000_000  # characters
MOST = 2_000
"""Entries of one section: each is tried on its own."""
HEAD = "helpdesk"


class BadDocument(Invalid):
    """The file as a whole cannot be read; names the line where there is one."""


class What(StrEnum):
    added = "added"
    changed = "changed"
    removed = "removed"
    moved = "moved"  # asked in another order


@dataclass(frozen=True)
class Step:
    """One thing that applying the file does."""

    section: str
    what: What
    key: str
    diff: tuple[str, ...] = ()
    """Lines that begin with `+`, `-` or a space."""
    trouble: str = ""
    """Why it cannot be done, in words."""


@dataclass
class Plan:
    steps: list[Step] = field(default_factory=list)

    @property
    def troubles(self) -> list[Step]:
        return [step for step in self.steps if step.trouble]

    def count(self, what: What) -> int:
        return sum(step.what is what for step in self.steps)


class Refused(Invalid):
    """Something in the file cannot be done, so nothing was. `plan` says what."""

    def __init__(self, plan: Plan) -> None:
        first = plan.troubles[0]
        words = gettext("Nothing was changed: %(section)s “%(key)s”: %(why)s")
        super().__init__(words % {"section": first.section, "key": first.key, "why": first.trouble})
        self.plan = plan


async def written(session: AsyncSession, *, by: Agent, only: Collection[str] = ()) -> str:
    """The document of this desk, as far as `by` may arrange it; `only` names sections."""
    names = Names(session)
    document: dict[str, Any] = {HEAD: VERSION}
    for section in SECTIONS:
        if (not only or section.name in only) and may(by, section.needs):
            entries = await section(session, names, by).read()
            document[section.name] = [_plain(entry) for entry in entries]
    return dump(document)


def dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def read(text: str) -> dict[str, list[Any]]:
    """Section → entries, each of its own kind. Raises BadDocument."""
    if len(text) > LARGEST:
        raise BadDocument(gettext("The file is too large: at most two million characters."))
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader without references
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise BadDocument(gettext("This is no YAML: %(why)s") % {"why": str(error)[:300]}) from None
    if not isinstance(found, dict) or found.pop(HEAD, None) != VERSION:
        raise BadDocument(gettext("The file has to begin with “helpdesk: 1”."))
    known = {section.name: section for section in SECTIONS}
    if unknown := [str(name) for name in found if name not in known]:
        raise BadDocument(
            gettext("There is no section “%(name)s”. Known are: %(known)s.")
            % {"name": unknown[0][:40], "known": ", ".join(known)}
        )
    return {name: _entries(known[name], given) for name, given in found.items()}


def _entries(section: type[Section], given: Any) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadDocument(gettext("“%(name)s” is a list of entries.") % {"name": section.name})
    if len(given) > MOST:
        words = gettext("“%(name)s” has more than %(most)s entries.")
        raise BadDocument(words % {"name": section.name, "most": MOST})
    found = []
    for place, each in enumerate(given, start=1):
        try:
            found.append(msgspec.convert(each, section.entry, strict=True))
        except (msgspec.ValidationError, TypeError) as error:
            called = each.get("name") if isinstance(each, dict) else None
            words = gettext("%(section)s, entry %(place)s (%(name)s): %(why)s")
            raise BadDocument(
                words % {"section": section.name, "place": place, "name": called, "why": error}
            ) from None
    times = Counter(entry.key.casefold() for entry in found)
    if twice := [entry.key for entry in found if times[entry.key.casefold()] > 1]:
        words = gettext("%(section)s: “%(name)s” stands there twice.")
        raise BadDocument(words % {"section": section.name, "name": twice[0]})
    return found


async def plan(session: AsyncSession, text: str, *, by: Agent, prune: bool = False) -> Plan:
    """Does everything and takes it back, so that what would be refused is known. Raises BadDocument."""
    document = await asyncio.to_thread(read, text)  # seconds, where it is large
    made = Plan()
    savepoint = await session.begin_nested()
    try:
        await _work(session, document, made, by=by, prune=prune)
    finally:
        await savepoint.rollback()
    return made


async def apply(session: AsyncSession, text: str, *, by: Agent, prune: bool = False) -> Plan:
    """All of it in the caller's transaction. Raises BadDocument, Refused."""
    document = await asyncio.to_thread(read, text)  # seconds, where it is large
    made = Plan()
    async with session.begin_nested():
        await _work(session, document, made, by=by, prune=prune)
        if made.troubles:
            raise Refused(made)
    if made.steps:
        counts: dict[str, Any] = {what.value: made.count(what) for what in What}
        session.add(Event(Kind.configuration_applied, by=by, **counts))
    return made


async def _work(
    session: AsyncSession, document: Mapping[str, list[Any]], made: Plan, *, by: Agent, prune: bool
) -> None:
    names = Names(session)
    going = []
    for kind in SECTIONS:
        if kind.name in document:
            require(by, kind.needs)
            section, wanted = kind(session, names, by), document[kind.name]
            present = {entry.key.casefold(): entry for entry in await section.read()}
            troubles = {entry.key: await _put(section, entry, present) for entry in wanted}
            names.forget()
            made.steps += await _steps(section, wanted, present, troubles)
            named = {entry.key.casefold() for entry in wanted}
            left = [present[key] for key in present if key not in named]
            going += [(section, entry) for entry in left] if prune else []
            await _arrange(section, wanted, present, made)
    for section, entry in reversed(going):  # what needs others goes before them
        trouble = await _tried(section, section.drop(entry))
        made.steps.append(Step(section.name, What.removed, entry.key, _diff(entry, None), trouble))


async def _put(section: Section, entry: Any, present: Mapping[str, Any]) -> str:
    """What went wrong, in words."""
    before = present.get(entry.key.casefold())
    if before is not None and _plain(before) == _plain(entry):
        return ""
    return await _tried(section, section.put(entry))


async def _steps(
    section: Section, wanted: Sequence[Any], present: Mapping[str, Any], troubles: Mapping[str, str]
) -> list[Step]:
    """What became of each: what was written in other words for the same is no difference."""
    after = {entry.key.casefold(): entry for entry in await section.read()}
    steps = []
    for entry in wanted:
        key, trouble = entry.key.casefold(), troubles[entry.key]
        before, now = present.get(key), entry if trouble else after.get(key, entry)
        if trouble or before is None or _plain(before) != _plain(now):
            what = What.changed if before else What.added
            steps.append(Step(section.name, what, entry.key, _diff(before, now), trouble))
    return steps


async def _arrange(section: Section, wanted: Sequence[Any], present: Mapping[str, Any], made: Plan) -> None:
    if not section.ordered:
        return
    order = [entry.key.casefold() for entry in wanted]
    before = [key for key in present if key in order]
    moved = before != [key for key in order if key in present]
    if moved:
        made.steps.append(Step(section.name, What.moved, ", ".join(entry.key for entry in wanted)[:200]))
    if moved or len(before) < len(order):
        await section.arrange([entry.key for entry in wanted])


async def _tried(section: Section, doing: Any) -> str:
    """What went wrong, in words; one that is refused takes no other with it."""
    try:
        async with section.session.begin_nested():
            await doing
            await section.session.flush()
    except HelpdeskError as error:
        return str(error)
    return ""


def _plain(entry: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(entry)
    return plain


def _diff(before: Any, after: Any) -> tuple[str, ...]:
    was, now = (dump(_plain(each)).splitlines() if each else [] for each in (before, after))
    lines = list(unified_diff(was, now, lineterm="", n=99))
    return tuple(lines[3:])  # behind the names of files and the place


class _Dumper(yaml.SafeDumper):
    """Longer texts stand as blocks, as somebody would write them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


class _Loader(yaml.SafeLoader):
    """Without references, by which a small file could become an endless one, and without a name said twice."""

    def compose_node(self, parent: Any, index: int) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*) are not used here")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        found = super().construct_scalar(node)
        found.encode()  # half of a character can be written, and kept nowhere
        return found

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            said = self.construct_object(key, deep=deep)
            if said in seen:
                raise yaml.YAMLError(f"“{said}” stands there twice, line {key.start_mark.line + 1}")
            seen.add(said)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""Days stay what was written."""
