"""Tags, types and statuses, as they are written down."""

from sqlalchemy import func, select

from helpdesk import labels, statuses
from helpdesk.access import Action
from helpdesk.configuring.sections import Entry, Section
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.labels import Tag, TicketType
from helpdesk.statuses import Category, Status


class TagEntry(Entry, kw_only=True):
    colour: str = "grey"


class Tags(Section):
    name, entry, needs = "tags", TagEntry, Action.manage_desk

    async def read(self) -> list[TagEntry]:
        rows = await self.session.scalars(select(Tag).order_by(func.lower(Tag.name)))
        return [TagEntry(name=tag.name, colour=tag.colour) for tag in rows]

    async def put(self, entry: TagEntry) -> None:
        (tag,) = await labels.tags_called(self.session, [entry.name], by=self.by)
        await labels.change_tag(self.session, tag, name=entry.name, colour=entry.colour, by=self.by)

    async def drop(self, entry: TagEntry) -> None:
        tag = await self.called(Tag, entry.name)
        if await labels.used(self.session, tag):
            raise Invalid(gettext("Tickets have the tag “%(name)s”. Merge it first.") % {"name": tag.name})
        await labels.delete_tag(self.session, tag, by=self.by)


class TypeEntry(Entry, kw_only=True):
    colour: str = "grey"


class Types(Section):
    name, entry, needs = "types", TypeEntry, Action.manage_desk

    async def read(self) -> list[TypeEntry]:
        order = (TicketType.position, TicketType.id)
        rows = await self.session.scalars(select(TicketType).where(~TicketType.archived).order_by(*order))
        return [TypeEntry(name=each.name, colour=each.colour) for each in rows]

    async def put(self, entry: TypeEntry) -> None:
        found = await self.called(TicketType, entry.name)
        made = await labels.save_type(self.session, found, name=entry.name, colour=entry.colour, by=self.by)
        labels.archive_type(self.session, made, False, by=self.by)

    async def drop(self, entry: TypeEntry) -> None:
        labels.archive_type(self.session, await self.called(TicketType, entry.name), True, by=self.by)


class StatusEntry(Entry, kw_only=True):
    category: Category
    customer_name: str = ""
    colour: str = "blue"


class Statuses(Section):
    name, entry, needs = "statuses", StatusEntry, Action.manage_desk

    async def read(self) -> list[StatusEntry]:
        order = (Status.category, Status.position, Status.id)
        rows = await self.session.scalars(select(Status).where(~Status.archived).order_by(*order))
        return [
            StatusEntry(
                name=row.name,
                category=row.category,
                customer_name="" if row.customer_name == row.name else row.customer_name,
                colour=row.colour,
            )
            for row in rows
        ]

    async def put(self, entry: StatusEntry) -> None:
        found = await self.called(Status, entry.name)
        if found and found.category is not entry.category:
            raise Invalid(
                gettext("“%(name)s” is %(is)s here: a status stays in its category.")
                % {"name": entry.name, "is": found.category}
            )
        made = await statuses.save(
            self.session,
            found,
            category=entry.category,
            name=entry.name,
            customer_name=entry.customer_name,
            colour=entry.colour,
            by=self.by,
        )
        if not made.is_built_in:
            statuses.archive(self.session, made, False, by=self.by)

    async def drop(self, entry: StatusEntry) -> None:
        statuses.archive(self.session, await self.called(Status, entry.name), True, by=self.by)
