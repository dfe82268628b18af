"""How verbs reach a desk: over its API. Far away with HELPDESK_URL and HELPDESK_TOKEN; else this machine's desk.

Both ways go through the same routes, rules and answers. For this machine's desk the application runs inside the
command, on the desk's own database, for the agent whom `--as` names: whoever can read that database needs no token.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx

from helpdesk.cli.running import running
from helpdesk.settings import load

PREFIX = "/api/v1"
PATIENCE = 60.0
T = TypeVar("T")
CODES = {401: 4, 403: 4, 404: 3, 409: 5, 412: 5, 422: 5, 429: 6, 502: 6, 503: 6}
"""What a command exits with: 1 refused, 2 called wrongly, 3 not there, 4 not allowed, 5 conflict, 6 try later."""


class Refused(click.ClickException):
    """The desk said no; its own words, and where there are several mistakes, each."""

    def __init__(self, words: str, code: int = 1, problem: dict[str, Any] | None = None) -> None:
        super().__init__(words)
        self.exit_code, self.problem = code, problem  # type: ignore[misc]  # click reads it of the instance

    def show(self, file: Any = None) -> None:
        context = click.get_current_context(silent=True)
        if self.problem and context and context.params.get("as_json"):
            click.echo(json.dumps(self.problem, ensure_ascii=False), err=True)
        else:
            click.secho(self.message, fg="red", err=True)


class Api:
    """One desk, for one command."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def ask(self, method: str, path: str, **given: Any) -> Any:
        """The answer's JSON; None where there is none. Raises Refused."""
        answer = await self.answer(method, path, **given)
        return answer.json() if answer.content else None

    async def answer(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            answer = await self.client.request(method, f"{PREFIX}{path}", **given)
        except httpx.TransportError as error:
            raise Refused(
                f"{self.client.base_url} does not answer: {error or type(error).__name__}.", 6
            ) from None
        if answer.is_success:
            return answer
        raise _refused(answer)

    async def pages(self, path: str, params: dict[str, Any], most: int) -> AsyncIterator[Any]:
        """Items of a list, page after page, until there are `most`."""
        after, count = "", 0
        while count < most:
            limit = min(100, most - count)
            page = await self.ask("GET", path, params={**params, "limit": limit, "after": after})
            for item in page["items"]:
                yield item
            count += len(page["items"])
            if not (after := page["next"] or ""):
                return


def calls(verb: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """A command whose first argument is the desk, then what its group has found; takes `--as` and `--json`."""

    @click.option(
        "--as", "as_agent", envvar="HELPDESK_AS", metavar="EMAIL", help="This machine's desk: as whom."
    )
    @click.option("--json", "as_json", is_flag=True, help="What the API answers, for programs.")
    @wraps(verb)
    def command(*args: Any, as_agent: str | None, **options: Any) -> T:
        found = click.get_current_context().obj

        async def act() -> T:
            async with reached(as_agent) as api:
                return await verb(api, *([found] if found else []), *args, **options)

        return asyncio.run(act())

    return command


@asynccontextmanager
async def reached(as_agent: str | None) -> AsyncIterator[Api]:
    if url := os.environ.get("HELPDESK_URL"):
        if not (token := os.environ.get("HELPDESK_TOKEN")):
            raise Refused(
                "HELPDESK_URL is set, HELPDESK_TOKEN is not. Make a token under Settings, API tokens.", 2
            )
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=PATIENCE) as client:
            yield Api(client)
        return
    if not as_agent:
        raise Refused(
            "Say for whom: `--as you@example.com` for this machine's desk (or HELPDESK_AS), or set HELPDESK_URL and "
            "HELPDESK_TOKEN for a desk elsewhere.",
            2,
        )
    async with running(load(), pool=2) as desk:
        from web.app import create_app

        transport = httpx.ASGITransport(app=_for(create_app(desk), as_agent), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", timeout=PATIENCE) as client:
            yield Api(client)


def _for(app: Any, email: str) -> Any:
    """The application, told who asks in a way that no request can."""
    from web.api.gate import HERE

    async def asked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, HERE: email}, receive, send)

    return asked


def told(found: Any) -> None:
    click.echo(json.dumps(found, ensure_ascii=False, indent=None if not sys.stdout.isatty() else 2))


def text_or_stdin(text: str | None) -> str:
    """What was given, or what comes through the pipe."""
    if text not in (None, "-"):
        return str(text)
    if sys.stdin.isatty():
        click.echo("Write, and end with Ctrl-D:", err=True)
    if not (read := sys.stdin.read()).strip():
        raise Refused("There is nothing to send: give a text, or write one into the command.", 2)
    return read


async def uploaded(api: Api, files: tuple[Path, ...]) -> list[str]:
    handles = []
    for file in files:
        content = await asyncio.to_thread(file.read_bytes)
        kept = await api.ask("POST", "/uploads", params={"name": file.name}, content=content)
        handles.append(kept["handle"])
    return handles


def _refused(answer: httpx.Response) -> Refused:
    try:
        problem: dict[str, Any] = answer.json()
        words = problem["detail"]
    except (ValueError, KeyError, TypeError):
        return Refused(f"The desk answered {answer.status_code}.", CODES.get(answer.status_code, 1))
    return Refused(words, CODES.get(answer.status_code, 1), problem)
