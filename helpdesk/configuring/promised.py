"""Calendars and what is promised in their hours, as they are written down."""

from typing import Any

import msgspec
from sqlalchemy import func, select

from helpdesk import conditions
from helpdesk.access import Action
from helpdesk.calendars import Calendar
from helpdesk.calendars import arranging as calendars
from helpdesk.calendars.week import whole
from helpdesk.configuring.sections import Entry, Line, Section
from helpdesk.configuring.written import condition_in, condition_out
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.sla import Policy, matching
from helpdesk.sla import arranging as policies

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class CalendarEntry(Entry, kw_only=True):
    """Without the address of its feed, which is its own password."""

    time_zone: Line
    week: dict[str, list[tuple[str, str]]]
    country: str = ""
    subdivision: str = ""
    categories: list[str] = msgspec.field(default_factory=lambda: ["public"])
    language: str = ""
    worked: list[str] = msgspec.field(default_factory=list)
    own_holidays: list[dict[str, str]] = msgspec.field(default_factory=list)


class Calendars(Section):
    name, entry, needs = "calendars", CalendarEntry, Action.manage_sla

    async def read(self) -> list[CalendarEntry]:
        rows = await self.session.scalars(select(Calendar).order_by(Calendar.id))
        return [
            CalendarEntry(
                name=row.name,
                time_zone=row.time_zone,
                week={
                    DAYS[int(day)]: [(a, b) for a, b in spans]
                    for day, spans in sorted(row.week.items())
                    if spans
                },
                country=row.country,
                subdivision=row.subdivision,
                categories=list(row.categories),
                language=row.language,
                worked=list(row.worked),
                own_holidays=list(row.own_holidays),
            )
            for row in rows
        ]

    async def put(self, entry: CalendarEntry) -> None:
        if unknown := set(entry.week) - set(DAYS):
            raise Invalid(gettext("“%(day)s” is no day of the week.") % {"day": min(unknown)[:40]})
        week = whole({DAYS.index(day): spans for day, spans in entry.week.items()})
        zone = calendars.known_zone(entry.time_zone)
        own = calendars.own(
            [(str(each.get("day", "")), str(each.get("name", ""))) for each in entry.own_holidays]
        )
        found = await self.session.scalar(
            select(Calendar).where(func.lower(Calendar.name) == func.lower(entry.name)).with_for_update()
        )
        if found is None:
            found = await calendars.made(
                self.session, named=entry.name, time_zone=zone, week=week, country=entry.country, by=self.by
            )
        await calendars.change(
            self.session,
            found,
            by=self.by,
            time_zone=zone,
            week=week,
            country=entry.country,
            subdivision=entry.subdivision,
            categories=entry.categories,
            language=entry.language,
            worked=entry.worked,
            own_holidays=own,
        )

    async def drop(self, entry: CalendarEntry) -> None:
        await calendars.remove(self.session, await self.called(Calendar, entry.name), by=self.by)


class PolicyEntry(Entry, kw_only=True):
    """`targets`: business minutes by priority and metric."""

    calendar: Line
    targets: dict[str, dict[str, int]]
    condition: Any = msgspec.field(default_factory=dict)
    pauses: dict[str, list[str]] = msgspec.field(default_factory=dict)
    warn_minutes: int | None = None
    escalations: list[dict[str, Any]] = msgspec.field(default_factory=list)
    active: bool = True


class Policies(Section):
    name, entry, ordered, needs = "policies", PolicyEntry, True, Action.manage_sla

    async def read(self) -> list[PolicyEntry]:
        return [await self._written(policy) for policy in await policies.all_of(self.session)]

    async def _written(self, policy: Policy) -> PolicyEntry:
        return PolicyEntry(
            name=policy.name,
            calendar=policy.calendar.name,
            targets=policy.targets,
            condition=await condition_out(policy.condition, self.names),
            pauses=policy.pauses,
            warn_minutes=policy.warn_minutes,
            escalations=[await self._escalation(each, self.names.name) for each in policy.escalations],
            active=policy.active,
        )

    async def _escalation(self, given: dict[str, Any], swap: Any) -> dict[str, Any]:
        return {k: await swap(k, v) if k in {"agent", "team"} else v for k, v in given.items()}

    async def put(self, entry: PolicyEntry) -> None:
        condition = await condition_in(entry.condition, self.names)
        given = policies.Given(
            name=entry.name,
            calendar_id=await self.names.id("calendar", entry.calendar),
            condition=matching.read(condition) if condition else conditions.EVERYTHING,
            targets=entry.targets,
            pauses=entry.pauses,
            warn_minutes=entry.warn_minutes,
            escalations=[await self._escalation(each, self.names.id) for each in entry.escalations],
            active=entry.active,
        )
        if found := await self.called(Policy, entry.name):
            await policies.change(self.session, await policies.one(self.session, found.id), given, by=self.by)
        else:
            await policies.make(self.session, given, by=self.by)

    async def drop(self, entry: PolicyEntry) -> None:
        await policies.remove(self.session, await self.called(Policy, entry.name), by=self.by)

    async def arrange(self, names: list[str]) -> None:
        places = {name.casefold(): place for place, name in enumerate(names)}
        for policy in await policies.all_of(self.session):
            policy.position = places.get(policy.name.casefold(), len(places))
