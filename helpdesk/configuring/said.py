"""Macros and views that colleagues share, as they are written down. What somebody keeps for themselves is theirs."""

from typing import Any

import msgspec
from sqlalchemy import func, select

from helpdesk import conditions, macros, saved_views
from helpdesk.access import Action
from helpdesk.changes import TAKES, Verb
from helpdesk.configuring.sections import Entry, Section
from helpdesk.configuring.written import action_in, action_out, condition_in, condition_out
from helpdesk.errors import NotFound
from helpdesk.macros import Macro
from helpdesk.ordering import Order
from helpdesk.saved_views import SavedView
from helpdesk.sharing import Visibility


def parameter(verb: str) -> str | None:
    """What the one value of a change is called; None where it has none, or several."""
    takes = list(TAKES.get(Verb(verb), ())) if verb in set(Verb) else []
    return takes[0] if len(takes) == 1 else None


class Sharable(Entry, kw_only=True):
    team: str = ""
    """Empty: for everybody."""


class MacroEntry(Sharable, kw_only=True):
    folder: str = ""
    body: str = ""
    actions: list[Any] = msgspec.field(default_factory=list)

    @property
    def key(self) -> str:
        return " / ".join(filter(None, (self.team, self.folder, self.name)))


class Macros(Section):
    name, entry, needs = "macros", MacroEntry, Action.write_templates

    async def read(self) -> list[MacroEntry]:
        rows = await self.session.scalars(
            select(Macro)
            .where(Macro.visibility != Visibility.me, ~Macro.archived)
            .order_by(func.lower(Macro.folder), func.lower(Macro.name), Macro.id)
        )
        return [
            MacroEntry(
                name=row.name,
                team=await self.names.name("team", row.team_id) if row.team_id else "",
                folder=row.folder,
                body=row.body,
                actions=[await action_out(each, self.names) for each in row.actions],
            )
            for row in rows
        ]

    async def _found(self, entry: MacroEntry) -> Macro | None:
        team_id = await self.names.id("team", entry.team) if entry.team else None
        found: Macro | None = await self.session.scalar(
            select(Macro).where(
                func.lower(Macro.name) == func.lower(entry.name),
                func.lower(Macro.folder) == func.lower(entry.folder),
                Macro.visibility == (Visibility.team if team_id else Visibility.all),
                Macro.team_id.is_not_distinct_from(team_id),
            )
        )
        return found

    async def put(self, entry: MacroEntry) -> None:
        team_id = await self.names.id("team", entry.team) if entry.team else None
        given = macros.Given(
            name=entry.name,
            body=entry.body,
            folder=entry.folder,
            actions=[await action_in(each, self.names, parameter) for each in entry.actions],
            visibility=Visibility.team if team_id else Visibility.all,
            team_id=team_id,
        )
        kept = await macros.keep(self.session, await self._found(entry), given, by=self.by)
        kept.archived = False

    async def drop(self, entry: MacroEntry) -> None:
        if (found := await self._found(entry)) is None:
            raise NotFound
        await macros.remove(self.session, found, by=self.by)


class ViewEntry(Sharable, kw_only=True):
    condition: Any = msgspec.field(default_factory=dict)
    icon: str = "list-filter"
    colour: str = ""
    columns: list[str] = msgspec.field(default_factory=list)
    sort: Order = Order.last_message
    reverse: bool = False
    pinned: bool = True

    @property
    def key(self) -> str:
        return " / ".join(filter(None, (self.team, self.name)))


class Views(Section):
    name, entry, ordered, needs = "views", ViewEntry, True, Action.share_views

    async def read(self) -> list[ViewEntry]:
        return [
            ViewEntry(
                name=row.name,
                team=await self.names.name("team", row.team_id) if row.team_id else "",
                condition=await condition_out(row.condition, self.names),
                icon=row.icon,
                colour=row.colour,
                columns=list(row.columns),
                sort=Order(row.sort),
                reverse=row.reverse,
                pinned=row.pinned,
            )
            for row in await self._rows()
        ]

    async def _rows(self) -> list[SavedView]:
        order = (SavedView.position, SavedView.name, SavedView.id)
        shared = select(SavedView).where(SavedView.visibility != Visibility.me)
        return list(await self.session.scalars(shared.order_by(*order)))

    async def _found(self, entry: ViewEntry) -> SavedView | None:
        team_id = await self.names.id("team", entry.team) if entry.team else None
        rows = [row for row in await self._rows() if row.team_id == team_id]
        return next((row for row in rows if row.name.casefold() == entry.name.casefold()), None)

    async def put(self, entry: ViewEntry) -> None:
        team_id = await self.names.id("team", entry.team) if entry.team else None
        condition = await condition_in(entry.condition, self.names)
        view = await self._found(entry) or SavedView(owner_id=self.by.id)
        saved_views.keep(
            view,
            self.by,
            name=entry.name,
            condition=conditions.parse(condition) if condition else conditions.EVERYTHING,
            visibility=Visibility.team if team_id else Visibility.all,
            team_id=team_id,
            icon=entry.icon,
            colour=entry.colour,
            columns=entry.columns,
            sort=entry.sort,
            reverse=entry.reverse,
            pinned=entry.pinned,
        )
        self.session.add(view)
        await self.session.flush()

    async def drop(self, entry: ViewEntry) -> None:
        await self.session.delete(await self._found(entry))

    async def arrange(self, names: list[str]) -> None:
        places = {name.casefold(): place for place, name in enumerate(names, start=1)}
        for entry, row in zip(await self.read(), await self._rows(), strict=True):
            row.position = places.get(entry.key.casefold(), len(places) + 1)
