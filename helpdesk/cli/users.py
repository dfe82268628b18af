"""`helpdesk user`: agents from the command line, for the first admin and for emergencies."""

import secrets

import click
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from helpdesk.cli.running import with_desk
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, NotFound
from helpdesk.people import Agent, Role, team_called
from web.passwords import hashed, refuse_weak


@click.group()
def user() -> None:
    """Add agents, change their passwords, list them."""


@user.command()
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.agent.value)
@click.option("--team", "teams", multiple=True, help="May be given several times; made where it is new.")
@click.option("--password", help="Made up and shown once where none is given.")
def add(email: str, name: str, role: str, teams: tuple[str, ...], password: str | None) -> None:
    """Add an agent who can sign in."""
    made = password or "-".join(secrets.token_hex(2) for _ in range(4))

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            if await _agent(session, email):
                raise Conflict(f"There is an agent with the address {email} already.")
            session.add(
                Agent(
                    name=name,
                    email=email.lower(),
                    role=Role(role),
                    password_hash=_hashed(made),
                    teams=[await team_called(session, team) for team in teams],
                )
            )

    with_desk(act)
    click.echo(f"{name} can sign in as {email}" + ("." if password else f" with {made}"))


@user.command()
@click.argument("email")
@click.password_option()
def password(email: str, password: str) -> None:
    """Set an agent's password."""

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            if not (agent := await _agent(session, email)):
                raise NotFound(f"No agent has the address {email}. `helpdesk user list` shows them.")
            agent.password_hash = _hashed(password)

    with_desk(act)
    click.echo(f"The password of {email} is changed.")


@user.command("list")
def list_agents() -> None:
    """List the agents."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            for agent in await session.scalars(
                select(Agent).options(selectinload(Agent.teams)).order_by(Agent.name)
            ):
                teams = ", ".join(team.name for team in agent.teams) or "no team"
                click.echo(f"{agent.name:24} {agent.email:32} {agent.role.value:12} {teams}")

    with_desk(act)


async def _agent(session: AsyncSession, email: str) -> Agent | None:
    return await session.scalar(select(Agent).where(func.lower(Agent.email) == email.lower()))


def _hashed(password: str) -> str:
    refuse_weak(password)
    return hashed(password)
