"""Who calls: a bearer token, and nothing else. The console's cookie opens nothing here."""

from typing import Any, cast

from litestar import Request
from sqlalchemy import func, select

from helpdesk import tokens
from helpdesk.access import Action, require
from helpdesk.desk import Desk
from helpdesk.i18n import _
from helpdesk.people import Agent, with_access
from helpdesk.tokens import ApiToken, BadToken
from web.addresses import address_of, counted_as
from web.api import once
from web.api.rates import FREE_OF_STRANGERS, Rate, Rates, TooMany
from web.auth import opened

HERE = "helpdesk.agent"
"""Set in the ASGI scope by `helpdesk` commands that run the application inside themselves: the agent's address.
No request can bring it."""


class NoToken(BadToken):
    message = _("Send a token: `Authorization: Bearer hd_…`. Make one under Settings, API tokens.")


async def admit(request: Request[Any, Any, Any], action: Action) -> Agent | None:
    if email := cast("dict[str, Any]", request.scope).get(HERE):
        return await _here(request, str(email))
    if action is Action.public:
        return None
    rates: Rates = request.app.state.rates
    address = counted_as(request)
    if rates.is_over(f"address {address}", FREE_OF_STRANGERS):
        _says(request, rates.take(f"address {address}", FREE_OF_STRANGERS)[0])
        raise TooMany
    token = await _token(request, rates, address)
    desk: Desk = request.app.state.desk
    rate, fits = rates.take(f"token {token.id}", desk.settings.api_rate)
    _says(request, rate)
    if not fits:
        raise TooMany
    session = opened(request)
    if await tokens.used(session, token, address_of(request)):
        await session.commit()  # nobody who uses the same token waits for this request
    require(token.agent, action)
    await once.repeat(request, session, token)
    return token.agent


async def _token(request: Request[Any, Any, Any], rates: Rates, address: str) -> ApiToken:
    scheme, *rest = request.headers.get("authorization", "").split(maxsplit=1) or [""]
    try:
        if scheme.lower() != "bearer" or not rest:
            raise NoToken
        return await tokens.recognised(opened(request), rest[0].strip(), address)
    except BadToken:
        rates.take(f"address {address}", FREE_OF_STRANGERS)
        raise


async def _here(request: Request[Any, Any, Any], email: str) -> Agent:
    rows = await opened(request).scalars(
        select(Agent).where(func.lower(Agent.email) == email.lower(), Agent.active).options(*with_access())
    )
    if (agent := rows.unique().one_or_none()) is None:
        raise BadToken(f"No active agent has the address {email}. `helpdesk user list` shows them.")
    return agent


def _says(request: Request[Any, Any, Any], rate: Rate) -> None:
    request.scope["state"]["rate"] = rate
