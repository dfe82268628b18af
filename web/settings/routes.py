"""Every page of the settings."""

from typing import Any

from web.settings import agents, api, frame, me, notices, roles, teams, tokens

ROUTES: list[Any] = [
    frame.index,
    agents.Accounts,
    agents.Agents,
    agents.OpenInvitations,
    teams.Teams,
    roles.Roles,
    me.Me,
    me.Safety,
    notices.Notices,
    notices.Signatures,
    tokens.Tokens,
    api.short,
    api.reference,
]
