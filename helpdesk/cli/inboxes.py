"""`helpdesk inbox`: connect a mailbox, with a check in words before anything is stored."""

import re
from typing import Any, cast

import click
import msgspec
from sqlalchemy import select

from channels import registry
from channels.contract import Channel, ReachesOut
from helpdesk.cli.running import with_desk
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.inboxes import Inbox
from helpdesk.people import team_called

ADDRESS = re.compile(r"[^\s@+<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
"""Without a plus: what stands behind one are reply tokens."""


@click.group()
def inbox() -> None:
    """Connect a mailbox, check it, list inboxes."""


@inbox.command()
@click.argument("address")
@click.option("--name", default="Support", show_default=True, help="What customers see as the sender.")
@click.option("--channel", default="email", show_default=True, type=click.Choice(sorted(registry.all())))
@click.option("--team", help="Who gets what arrives here; made where it is new.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting of the channel.")
@click.option(
    "--check/--no-check", "wants_check", default=True, help="Try to connect before storing anything."
)
def add(
    address: str, name: str, channel: str, team: str | None, given: tuple[str, ...], wants_check: bool
) -> None:
    """Connect an inbox. Passwords that are not given with --set are asked for."""
    if not ADDRESS.fullmatch(address):
        raise Invalid(f"{address} is no e-mail address.")
    kind = registry.get(channel)
    settings = _settings(kind, dict(_pair(text) for text in given))

    async def act(desk: Desk) -> None:
        if wants_check:
            await _reaching(desk, kind(settings, address=address)).check()
        async with committed(desk.sessions) as session:
            if await session.scalar(select(Inbox).where(Inbox.address == address.lower())):
                raise Conflict(f"There is an inbox with the address {address} already.")
            session.add(
                Inbox(
                    name=name,
                    channel=channel,
                    address=address.lower(),
                    team=await team_called(session, team) if team else None,
                    sealed_settings=desk.keys.seal(msgspec.to_builtins(settings)),
                )
            )

    with_desk(act)
    click.echo(f"{address} is connected. A running desk picks it up within seconds.")


@inbox.command()
@click.argument("address")
def check(address: str) -> None:
    """Try an inbox's settings and say what happens."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            found = await session.scalar(select(Inbox).where(Inbox.address == address.lower()))
        if not found:
            raise NotFound(f"No inbox has the address {address}. `helpdesk inbox list` shows them.")
        settings = cast("dict[str, Any]", desk.keys.unseal(found.sealed_settings))
        await _reaching(desk, registry.opened(found.channel, settings, found.address)).check()

    with_desk(act)
    click.echo(f"{address} works.")


@inbox.command("list")
def list_inboxes() -> None:
    """List the inboxes and what troubles them."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            for found in await session.scalars(select(Inbox).order_by(Inbox.address)):
                click.echo(f"{found.address:36} {found.channel:10} {found.trouble or 'works'}")

    with_desk(act)


def _reaching(desk: Desk, channel: Channel) -> Channel:
    """As the workers will: a server in a private network has to be named in HELPDESK_ALLOW_HOSTS."""
    if isinstance(channel, ReachesOut):
        channel.outbound = desk.outbound
    return channel


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"--set takes NAME=VALUE, and `{text}` has no `=`.")
    return name, value


def _settings(kind: type[Channel], given: dict[str, str]) -> msgspec.Struct:
    fields = kind.Settings.__struct_fields__
    if unknown := sorted(set(given) - set(fields)):
        raise Invalid(f"{unknown[0]} is no setting of this channel. Known: {', '.join(fields)}.")
    values: dict[str, Any] = dict(given)
    for name in fields:
        if name.endswith("password") and name not in given:
            values[name] = click.prompt(name.replace("_", " ").capitalize(), hide_input=True)
    try:
        return msgspec.convert(values, kind.Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"The settings cannot be read: {error}.") from None
