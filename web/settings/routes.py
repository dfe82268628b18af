"""Every page of the settings."""

from typing import Any

from web.settings import agents, api, frame, inboxes, me, notices, roles, teams, tokens, webhooks

ROUTES: list[Any] = [
    frame.index,
    agents.Accounts,
    agents.Agents,
    agents.OpenInvitations,
    teams.Teams,
    roles.Roles,
    inboxes.Inboxes,
    inboxes.Checks,
    me.Me,
    me.Safety,
    notices.Notices,
    notices.Signatures,
    tokens.Tokens,
    *webhooks.ROUTES,
    api.short,
    api.reference,
]
