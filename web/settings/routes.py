"""Every page of the settings."""

from typing import Any

from web.settings import agents, frame, me, notices, roles, teams

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
]
