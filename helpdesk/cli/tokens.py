"""`helpdesk token`: make, list and revoke API tokens, on the machine of the desk itself."""

import json
from datetime import timedelta

import click
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import tokens
from helpdesk.cli.running import with_desk
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.events import DESK
from helpdesk.people import Agent, with_access
from helpdesk.tokens import LASTS, LONGEST, ApiToken


@click.group()
def token() -> None:
    """Make, list and revoke API tokens."""


@token.command()
@click.argument("name")
@click.option("--for", "email", required=True, metavar="EMAIL", help="The agent for whom it acts.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="e.g. ticket:read; several times. All the agent may do otherwise.",
)
@click.option("--days", type=click.IntRange(1, LONGEST.days), default=LASTS.days, show_default=True)
@click.option("--never-expires", is_flag=True, help="Good until it is revoked.")
@click.option("--from", "addresses", multiple=True, metavar="NETWORK", help="Only from there; several times.")
@click.option("--json", "as_json", is_flag=True)
def new(
    name: str,
    email: str,
    scopes: tuple[str, ...],
    days: int,
    never_expires: bool,
    addresses: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a token called NAME and print its secret, once."""
    made: dict[str, object] = {}

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            agent = await _agent(session, email)
            token, secret = await tokens.issue(
                session,
                name,
                agent=agent,
                by=DESK,
                scopes=scopes or [action.value for action in tokens.offered(agent)],
                lasts=None if never_expires else timedelta(days=days),
                addresses=addresses,
            )
            made.update(
                id=token.id, secret=secret, expires_at=token.expires_at and token.expires_at.isoformat()
            )

    with_desk(act)
    click.echo(json.dumps(made) if as_json else made["secret"])


@token.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_tokens(as_json: bool) -> None:
    """List tokens; never their secrets."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            query = select(ApiToken).options(joinedload(ApiToken.agent)).order_by(ApiToken.id)
            for each in await session.scalars(query):
                click.echo(json.dumps(_told(each)) if as_json else _line(each))

    with_desk(act)


@token.command()
@click.argument("token_id", type=int)
def revoke(token_id: int) -> None:
    """End a token; programs that use it stop working at once."""

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            if (found := await session.get(ApiToken, token_id, with_for_update=True)) is None:
                raise NotFound(f"There is no token {token_id}. `helpdesk token list` shows them.")
            found.revoke(session, by=DESK)

    with_desk(act)
    click.echo(f"Token {token_id} is revoked.")


def _told(each: ApiToken) -> dict[str, object]:
    return {
        "id": each.id,
        "name": each.name,
        "prefix": each.prefix,
        "agent": each.agent.email,
        "scopes": each.scopes,
        "addresses": each.addresses,
        "expires_at": each.expires_at and each.expires_at.isoformat(),
        "revoked_at": each.revoked_at and each.revoked_at.isoformat(),
        "last_used_at": each.last_used_at and each.last_used_at.isoformat(),
    }


def _line(each: ApiToken) -> str:
    until = f"until {each.expires_at:%Y-%m-%d}" if each.expires_at else "for ever"
    state = "revoked" if each.revoked_at else "expired" if each.is_expired else until
    return f"{each.id:>5}  {each.prefix}…  {state:<18} {each.agent.email:<32} {each.name}"


async def _agent(session: AsyncSession, email: str) -> Agent:
    rows = await session.scalars(
        select(Agent).where(func.lower(Agent.email) == email.lower(), Agent.active).options(*with_access())
    )
    if (found := rows.unique().one_or_none()) is None:
        raise NotFound(f"No active agent has the address {email}. `helpdesk user list` shows them.")
    return found
