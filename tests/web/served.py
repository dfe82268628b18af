"""The real application, served by uvicorn on loopback over a real PostgreSQL, and people who use it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from html import unescape
from typing import Any

import httpx
import uvicorn
from litestar import Litestar

from helpdesk.desk import Desk
from tests.scenes import Scene
from web.app import furnished, routed
from web.auth import is_https
from web.passwords import hashed

PASSWORD = "a good long password"
HASH = hashed(PASSWORD)


class Person(httpx.AsyncClient):
    """Somebody with a browser: its cookies, its headers, and the token of the page it looks at."""

    token = ""

    async def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        answer = await self.post("/sign-in", data={"email": email, "password": password, **fields})
        if answer.status_code == 303:
            await self.look("/tickets")
        return answer

    def brings(self, token: str) -> None:
        """A session cookie that it did not get from the desk just now."""
        self.cookies.set("desk", token, domain="127.0.0.1", path="/")

    async def look(self, path: str, **options: Any) -> httpx.Response:
        answer = await self.get(path, headers={"accept": "text/html"}, **options)
        if found := re.search(r'<meta name="csrf" content="(\w+)"', answer.text):
            self.token = found[1]
        return answer

    async def does(self, path: str, method: str = "POST", **options: Any) -> httpx.Response:
        """What a press on a button of the page sends through htmx."""
        headers = {"x-csrf-token": self.token, "hx-request": "true", "hx-target": "div#work"}
        return await self.request(method, path, headers=headers | options.pop("headers", {}), **options)

    async def composer(self, number: int) -> dict[str, str]:
        """The hidden fields of the reply form, as the page has them now."""
        text = (await self.look(f"/tickets/{number}")).text
        form = text[text.index('class="as-reply"') : text.index('class="as-note"')]
        return {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        }


class Console:
    """The served application; `await console.person("Ada")` is signed in."""

    def __init__(self, scene: Scene, app: Any, url: str, stack: AsyncExitStack) -> None:
        self.scene, self.app, self.url, self._stack = scene, app, url, stack

    async def stranger(self) -> Person:
        headers = {"sec-fetch-site": "same-origin"}
        return await self._stack.enter_async_context(
            Person(base_url=self.url, headers=headers, timeout=10, follow_redirects=False)
        )

    async def person(self, name: str) -> Person:
        person = await self.stranger()
        answer = await person.sign_in(self.scene.agents[name].email)
        assert answer.status_code == 303, answer.text
        return person


FREE: dict[bool, list[Litestar]] = {True: [], False: []}
"""Applications that nobody uses at the moment: laying their routes takes longer than most tests."""


@contextmanager
def application(desk: Desk) -> Iterator[Litestar]:
    https = is_https(desk)
    app = FREE[https].pop() if FREE[https] else routed(https=https)
    yield furnished(app, desk)
    FREE[https].append(app)


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[tuple[Any, str, uvicorn.Server]]:
    with application(desk) as app:
        async with _served(app) as (url, server):
            yield app, url, server


@asynccontextmanager
async def _served(app: Litestar) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,  # on a busy machine the default ends lines that a test is about to use
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not serving.done(), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        app.state.live.close()
        server.should_exit = True
        await serving
