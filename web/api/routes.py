"""All routes of the API, behind its gate, with its own answers and refusals."""

from typing import Any

from litestar import Request, Router, get
from litestar.di import Provide

from helpdesk.access import Action
from web.api import (
    assignment,
    bulk,
    calendars,
    colleagues,
    companies,
    contact_imports,
    contact_pictures,
    contacts,
    events,
    files,
    given,
    inboxes,
    knowledge,
    later,
    listing,
    macros,
    me,
    merges,
    messages,
    notifications,
    options,
    originals,
    partaking,
    promises,
    saved,
    sides,
    starting,
    suggestions,
    teams,
    templates,
    tickets,
    webhooks,
    words,
)
from web.api.answers import Answer, Signs, database_session
from web.api.gate import admit
from web.api.loading import visible_ticket
from web.api.openapi import PREFIX, read
from web.api.problems import HANDLERS
from web.auth import WAY_IN, permits
from web.dependencies import CurrentDesk

RESOURCES: list[Any] = [
    listing.TicketLists,
    starting.NewTickets,
    starting.Deletions,
    bulk.BulkChanges,
    knowledge.Search,
    saved.SavedViews,
    tickets.Tickets,
    tickets.Resolutions,
    tickets.Removals,
    messages.Messages,
    originals.Originals,
    suggestions.Suggestions,
    messages.Replies,
    messages.Deliveries,
    messages.Notes,
    later.Schedules,
    later.Releases,
    sides.Sides,
    files.Uploads,
    files.Attachments,
    partaking.Participants,
    partaking.Links,
    merges.Merges,
    merges.Splits,
    events.TicketEvents,
    events.Audit,
    contacts.Contacts,
    contacts.Identities,
    contacts.Blocking,
    contacts.ContactNotes,
    contacts.ContactMerges,
    contact_pictures.History,
    contact_pictures.Duplicates,
    contact_pictures.Differences,
    contact_imports.ContactImports,
    contact_imports.ContactExports,
    companies.Companies,
    companies.Domains,
    me.Me,
    notifications.Notifications,
    me.Agents,
    colleagues.Accounts,
    colleagues.Invitations,
    teams.Teams,
    assignment.TeamAssignment,
    assignment.AgentAssignment,
    teams.Roles,
    words.Statuses,
    words.Types,
    words.Tags,
    words.Fields,
    inboxes.Inboxes,
    options.DeskOptions,
    templates.Templates,
    macros.Macros,
    macros.MacroPlans,
    macros.MacroUses,
    calendars.Calendars,
    promises.TicketPromises,
    promises.SlaPolicies,
    knowledge.Articles,
    webhooks.Webhooks,
    webhooks.Deliveries,
]


@get("/openapi.json", opt=permits(Action.public) | {"undocumented": True})
async def openapi(request: Request[Any, Any, Any], desk: CurrentDesk) -> dict[str, Any]:
    return await read(request.app, desk.settings.url)


def routes() -> Router:
    return Router(
        PREFIX,
        route_handlers=[openapi, *RESOURCES],
        opt={WAY_IN: admit},
        dependencies={
            "session": Provide(database_session),
            "given": Provide(given.body),
            "ticket": Provide(visible_ticket),
        },
        response_class=Answer,
        exception_handlers=HANDLERS,
        middleware=[Signs],
        request_max_body_size=given.LARGEST,
    )
