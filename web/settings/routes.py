"""Every page of the settings."""

from typing import Any

from web.settings import (
    agents,
    api,
    audit,
    frame,
    inboxes,
    me,
    notices,
    programs,
    roles,
    teams,
    tokens,
    webhooks,
)

ROUTES: list[Any] = [
    frame.index,
    agents.Accounts,
    agents.Agents,
    agents.OpenInvitations,
    teams.Teams,
    roles.Roles,
    inboxes.Inboxes,
    inboxes.Checks,
    audit.Audit,
    me.Me,
    me.Safety,
    notices.Notices,
    notices.Signatures,
    tokens.Tokens,
    *webhooks.ROUTES,
    *programs.ROUTES,
    api.short,
    api.reference,
]
