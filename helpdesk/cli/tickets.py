"""`helpdesk tickets`, `helpdesk ticket 42 …`: the common work of agents, from the command line."""

from pathlib import Path
from typing import Any

import click

from helpdesk.cli.calling import Api, calls, text_or_stdin, told, uploaded

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ATTACH = click.option(
    "--attach", "files", type=FILE, multiple=True, help="A file; may be given several times."
)


@click.group()
def tickets() -> None:
    """List and search tickets."""


@tickets.command("list")
@click.option("--view", help="mine, unassigned, unattended, mentioned, snoozed, all, settled, spam or trash.")
@click.option("--saved-view", type=int, help="A saved view's id.")
@click.option("--search", "q", default="", help='As in the console: status:open tag:vip "exact words" -not')
@click.option("--team", type=int, help="A team's id.")
@click.option("--sort", help="last_message, created, priority, waiting_since, next_due or number.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@calls
async def list_tickets(api: Api, as_json: bool, limit: int, **chosen: Any) -> None:
    """List tickets of a queue, a saved view or a search."""
    params = {name: value for name, value in chosen.items() if value not in (None, "")}
    async for ticket in api.pages("/tickets", params, limit):
        told(ticket) if as_json else click.echo(_line(ticket))


@click.group()
@click.argument("number", type=click.IntRange(1))
@click.pass_context
def ticket(context: click.Context, number: int) -> None:
    """Show one ticket, answer it, change it."""
    context.obj = f"/tickets/{number}"


@ticket.command()
@click.option(
    "--messages", type=click.IntRange(0, 1_000), default=10, show_default=True, help="The newest so many."
)
@calls
async def show(api: Api, path: str, as_json: bool, messages: int) -> None:
    """What it is, and what was said."""
    found = await api.ask("GET", path)
    said = [m async for m in api.pages(f"{path}/messages", {"newest": True}, messages)][::-1]
    if as_json:
        return told(found | {"messages": said})
    click.secho(_line(found), bold=True)
    for message in said:
        author = message["agent"] or message["contact"] or {"name": message["author"]}
        what = " (note)" if message["direction"] == "note" else ""
        click.secho(f"\n{author['name']}{what}, {message['sent_at'][:16].replace('T', ' ')}", fg="cyan")
        click.echo(message["text"])
        for file in message["attachments"]:
            click.echo(f"  [{file['name']}, {file['size']} bytes]")
    return None


@ticket.command()
@click.argument("text", required=False)
@ATTACH
@click.option("--key", help="An Idempotency-Key: the same command twice is one reply.")
@calls
async def reply(
    api: Api, path: str, as_json: bool, text: str | None, files: tuple[Path, ...], key: str | None
) -> None:
    """Answer the customer; without TEXT, with what comes through the pipe."""
    body = {"text": text_or_stdin(text), "attachments": await uploaded(api, files)}
    headers = {"idempotency-key": key} if key else {}
    made = await api.ask("POST", f"{path}/replies", json=body, headers=headers)
    told(made) if as_json else click.echo(
        f"Reply {made['id']} leaves in ten seconds; `withdraw {made['id']}` stops it."
    )


@ticket.command()
@click.argument("text", required=False)
@ATTACH
@calls
async def note(api: Api, path: str, as_json: bool, text: str | None, files: tuple[Path, ...]) -> None:
    """Write a note that only colleagues see."""
    body = {"text": text_or_stdin(text), "attachments": await uploaded(api, files)}
    made = await api.ask("POST", f"{path}/notes", json=body)
    told(made) if as_json else click.echo(f"Note {made['id']} is kept.")


@ticket.command()
@click.argument("reply", type=int)
@calls
async def withdraw(api: Api, path: str, as_json: bool, reply: int) -> None:
    """Take back a reply that has not left."""
    made = await api.ask("DELETE", f"{path}/replies/{reply}")
    told(made) if as_json else click.echo(f"Reply {reply} is taken back.")


@ticket.command()
@click.argument("agent")
@calls
async def assign(api: Api, path: str, as_json: bool, agent: str) -> None:
    """Give it to AGENT: an address, `me`, or `nobody`."""
    await _change(api, path, as_json, assignee=None if agent == "nobody" else agent)


@ticket.command()
@click.argument("team")
@calls
async def team(api: Api, path: str, as_json: bool, team: str) -> None:
    """Move it to TEAM, or to `none`."""
    await _change(api, path, as_json, team=None if team == "none" else team)


@ticket.command()
@click.argument("status")
@calls
async def status(api: Api, path: str, as_json: bool, status: str) -> None:
    """Give it STATUS: a status' name, or new, open, waiting, on_hold, resolved, closed."""
    await _change(api, path, as_json, status=status)


@ticket.command()
@click.argument("priority", type=click.Choice(["low", "normal", "high", "urgent"]))
@calls
async def priority(api: Api, path: str, as_json: bool, priority: str) -> None:
    """Say how urgent it is."""
    await _change(api, path, as_json, priority=priority)


@ticket.command()
@click.argument("tags", nargs=-1, required=True)
@calls
async def tag(api: Api, path: str, as_json: bool, tags: tuple[str, ...]) -> None:
    """Add TAGS; those that are new are made."""
    await _change(api, path, as_json, add_tags=list(tags))


@ticket.command()
@click.argument("tags", nargs=-1, required=True)
@calls
async def untag(api: Api, path: str, as_json: bool, tags: tuple[str, ...]) -> None:
    """Take TAGS off."""
    await _change(api, path, as_json, remove_tags=list(tags))


@ticket.command("set")
@click.argument("values", nargs=-1, required=True, metavar="FIELD=VALUE …")
@calls
async def set_fields(api: Api, path: str, as_json: bool, values: tuple[str, ...]) -> None:
    """Fill custom fields in; FIELD= empties one."""
    pairs = [value.partition("=") for value in values]
    if missing := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"`{missing[0]}` has no `=`.")
    await _change(api, path, as_json, fields={name: value or None for name, _, value in pairs})


@ticket.command()
@click.argument("until", metavar="TIME|reply")
@calls
async def snooze(api: Api, path: str, as_json: bool, until: str) -> None:
    """Put it out of sight until a TIME (2026-01-31T09:00:00Z), or until the customer writes."""
    change: dict[str, Any] = {"snoozed_for_reply": True} if until == "reply" else {"snoozed_until": until}
    await _change(api, path, as_json, **change)


@ticket.command()
@calls
async def wake(api: Api, path: str, as_json: bool) -> None:
    """Bring it back before its time."""
    await _change(api, path, as_json, snoozed_until=None)


@ticket.command()
@calls
async def resolve(api: Api, path: str, as_json: bool) -> None:
    """It is settled."""
    _say(await api.ask("POST", f"{path}/resolution"), as_json)


@ticket.command()
@calls
async def reopen(api: Api, path: str, as_json: bool) -> None:
    """It is not settled after all."""
    _say(await api.ask("DELETE", f"{path}/resolution"), as_json)


@ticket.command()
@click.argument("where", type=click.Choice(["spam", "trash"]))
@calls
async def remove(api: Api, path: str, as_json: bool, where: str) -> None:
    """Put it into spam or trash."""
    _say(await api.ask("PUT", f"{path}/removal", json={"to": where}), as_json)


@ticket.command()
@calls
async def restore(api: Api, path: str, as_json: bool) -> None:
    """Bring it back from spam or trash."""
    _say(await api.ask("DELETE", f"{path}/removal"), as_json)


@ticket.command()
@click.argument("into", type=click.IntRange(1))
@calls
async def merge(api: Api, path: str, as_json: bool, into: int) -> None:
    """Put it into the ticket with the number INTO."""
    _say(await api.ask("POST", f"{path}/merges", json={"into": into}), as_json)


@ticket.command()
@click.argument("merge_id", type=click.IntRange(1))
@calls
async def unmerge(api: Api, path: str, as_json: bool, merge_id: int) -> None:
    """Undo a merge or a split; `helpdesk api GET /tickets/42/merges` lists them."""
    _say(await api.ask("DELETE", f"{path}/merges/{merge_id}"), as_json)


async def _change(api: Api, path: str, as_json: bool, **changes: Any) -> None:
    _say(await api.ask("PATCH", path, json=changes), as_json)


def _say(found: dict[str, Any], as_json: bool) -> None:
    told(found) if as_json else click.echo(_line(found))


def _line(found: dict[str, Any]) -> str:
    who = found["assignee"]["name"] if found["assignee"] else "nobody"
    state = found["removed"] or ("snoozed" if found["snoozed_until"] or found["snoozed_for_reply"] else "")
    status = state or found["status"]["name"]
    tags = f"  [{', '.join(found['tags'])}]" if found["tags"] else ""
    return (
        f"#{found['number']:<6} {status:<22} {found['priority']:<7} {who:<20} {found['subject'][:60]}{tags}"
    )
