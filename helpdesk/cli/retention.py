"""`helpdesk retention`: how long tickets are kept, and what one person may ask for."""

from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import persons
from helpdesk import retention as kept
from helpdesk.cli.running import with_desk
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.people import Contact, ContactIdentity


@click.group()
def retention() -> None:
    """Say how long tickets are kept; copy out or erase one person."""


@retention.command("list")
def list_rules() -> None:
    """List the rules and what each would do today."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            for rule in (await kept.rules(session)).values():
                due = await kept.preview(session, rule)
                click.echo(
                    f"{rule.inbox.address:32} {'on ' if rule.active else 'off'} {rule.act:10} after {rule.days} days: "
                    f"{due.tickets} tickets, {due.messages} messages, {due.files} files now; {rule.done} done"
                )

    with_desk(act)


@retention.command("set")
@click.argument("inbox")
@click.option("--days", type=click.IntRange(1, 36500), required=True, help="After a ticket was settled.")
@click.option(
    "--act", "how", type=click.Choice([a.value for a in kept.Act]), default=kept.Act.anonymise.value
)
@click.option(
    "--on", is_flag=True, help="Switch it on; the first time it is only made, and says what it would do."
)
def set_rule(inbox: str, days: int, how: str, on: bool) -> None:
    """Make a rule for an inbox. Given a second time, with --on, it is switched on."""

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            found = await _inbox(session, inbox)
            rule = await kept.set_rule(session, found, days=days, act=kept.Act(how), active=on, by=DESK)
            due = await kept.preview(session, rule)
            click.echo(
                f"{due.tickets} tickets with {due.messages} messages and {due.files} files are due now."
            )
            click.echo(
                "The rule is on."
                if rule.active
                else "The rule is off: run the same with --on to switch it on."
            )

    with_desk(act)


@retention.command()
@click.argument("inbox")
def remove(inbox: str) -> None:
    """Remove an inbox's rule; nothing comes back, nothing more goes."""

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            found = await _inbox(session, inbox)
            rule = (await kept.rules(session)).get(found.id)
            if rule is None:
                raise NotFound(f"{inbox} has no rule.")
            await kept.remove_rule(session, rule, by=DESK)

    with_desk(act)


@retention.command("run")
def run_now() -> None:
    """Do now what is due, instead of waiting for the worker."""

    async def act(desk: Desk) -> None:
        total = 0
        while count := await kept.sweep(desk):
            total += count
        click.echo(f"{total} tickets.")

    with_desk(act)


@retention.command()
@click.argument("address")
@click.argument("target", type=click.Path(path_type=Path, resolve_path=True))
def person(address: str, target: Path) -> None:
    """Write everything about one person into a ZIP, for that person."""

    async def act(desk: Desk) -> None:
        if target.exists():  # noqa: ASYNC240 - one look
            raise Conflict(f"{target} exists already.")
        async with committed(desk.sessions) as session:
            files = await persons.copy_out(session, desk, await _contact(session, address), target, by=DESK)
        click.echo(f"{target} holds what is known of {address}, and {files} files.")

    with_desk(act)


@retention.command()
@click.argument("address")
@click.option("--confirm", default="", help="The address once more, where nobody can be asked.")
def erase(address: str, confirm: str) -> None:
    """Erase one person: their name, addresses, notes, and all that was said with them. It cannot be undone."""
    typed = confirm or click.prompt("Type the address once more to erase this person")
    if typed.strip().lower() != address.lower():
        raise Invalid("These are two addresses. Nothing was changed.")

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            contact = await _contact(session, address)
            proof = await kept.erase(session, desk, contact, by=DESK)
        click.echo(f"Erased: {proof.tickets} tickets emptied, {proof.files} files removed.")
        for table, rows in sorted(proof.rows.items()):
            click.echo(f"  {table:24} {rows}")
        for place, rows in proof.remains.items():
            click.echo(f"Still named in {place}: {rows} rows, written by others.")
        if not proof.remains:
            click.echo("Their addresses stand nowhere in the desk any more.")

    with_desk(act)


async def _inbox(session: AsyncSession, address: str) -> Inbox:
    found = await session.scalar(select(Inbox).where(Inbox.address == address.lower()))
    if found is None:
        raise NotFound(f"No inbox has the address {address}. `helpdesk inbox list` shows them.")
    return found


async def _contact(session: AsyncSession, address: str) -> Contact:
    query = select(Contact).join(ContactIdentity, ContactIdentity.contact_id == Contact.id)
    found = await session.scalar(query.where(ContactIdentity.value == address.strip().lower()))
    if found is None:
        raise NotFound(f"Nobody is known as {address}.")
    return found
