"""`helpdesk api GET /tickets`: any request that the API takes, from the command line."""

import json
import sys
from typing import Any

import click

from helpdesk.cli.calling import Api, Refused, calls


@click.command()
@click.argument("method", type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
@click.option("--data", help="JSON, or `-` for what comes through the pipe.")
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="May be given several times.")
@click.option("--header", multiple=True, metavar="NAME=VALUE", help="May be given several times.")
@calls
async def api(
    desk: Api,
    as_json: bool,
    method: str,
    path: str,
    data: str | None,
    query: tuple[str, ...],
    header: tuple[str, ...],
) -> None:
    """Send METHOD to PATH, e.g. `helpdesk api GET /tickets?view=mine`, and print what is answered."""
    headers = dict(_pair(each) for each in header)
    given: dict[str, Any] = {"headers": headers}
    if query:
        given["params"] = [_pair(each) for each in query]
    if data is not None:
        given["content"] = (sys.stdin.read() if data == "-" else data).encode()
        headers.setdefault("content-type", "application/json")
    path = "/" + path.removeprefix("/api/v1").lstrip("/")
    answer = await desk.answer(method.upper(), path, **given)
    if "json" not in answer.headers.get("content-type", ""):
        sys.stdout.buffer.write(answer.content)
        return
    click.echo(json.dumps(answer.json(), ensure_ascii=False, indent=None if as_json else 2))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Refused(f"`{text}` has no `=`.", 2)
    return name, value
