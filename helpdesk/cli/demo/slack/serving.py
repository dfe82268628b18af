"""The Web API that a desk calls, the files, and Socket Mode: what is not acknowledged is sent down the next line."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import WSMsgType, web

from helpdesk.cli.demo.slack.workspace import APP_TOKEN, BOT, HOME, TOKEN, Payload, Workspace

LARGEST = 26 * 1024**2  # bytes of one request
SIGN_IN = "<html>Sign in</html>"
"""What Slack shows whoever asks for a file without the right to."""


@dataclass
class SmallSlack(Workspace):
    lines: list[web.WebSocketResponse] = field(default_factory=list)
    unheard: dict[str, str] = field(default_factory=dict)
    """Envelope → frame that nobody has acknowledged."""
    opened: int = 0
    scopes: str = ""
    changed: Callable[[], None] = lambda: None
    """Called when something in it is another."""

    async def tells(self, payload: Payload) -> None:
        """Down the newest line, or as soon as there is one; again where the line breaks before it is acknowledged."""
        kind = "events_api" if "event" in payload else "interactive"
        envelope, frame = self.framed(payload, "slash_commands" if "command" in payload else kind)
        self.unheard[envelope] = frame
        self.changed()
        if self.lines:
            await _send(self.lines[-1], frame)

    def framed(self, payload: Payload, kind: str) -> tuple[str, str]:
        envelope = self.named("envelope-")
        frame = {
            "type": kind,
            "envelope_id": envelope,
            "payload": payload,
            "accepts_response_payload": False,
        }
        return envelope, json.dumps(frame)

    def acknowledges(self, envelope: str) -> None:
        self.unheard.pop(envelope, None)

    async def instead(self, method: str, given: dict[str, Any]) -> Any:
        """What is answered in place of the usual; None: the usual."""

    def answer(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "auth.test":
                who = {"team": "Desk Inc", "user": "helpdesk"}
                return {**who, "team_id": HOME, "user_id": BOT, "bot_id": "B0BOT"}
            case "apps.connections.open":
                return {"url": f"{self.url.replace('http', 'ws')}/link"}
            case "users.info":
                found = self.people.get(given["user"])
                return {"user": found} if found else {"ok": False, "error": "user_not_found"}
            case "chat.postMessage":
                said = self.posts(given)
                return {"ts": said["ts"], "channel": given["channel"], "message": said}
            case "chat.postEphemeral":
                said = self.whisper(given["user"], given["channel"], given)
                return {"message_ts": said["ts"]}
            case "chat.update":
                if not (there := self.thread(given["channel"], given["ts"])):
                    return {"ok": False, "error": "message_not_found"}
                there[0].update(given)
                return {"ts": given["ts"], "channel": given["channel"]}
            case "views.open":
                self.forms[str(given["trigger_id"]).rpartition(".")[2]] = given["view"]
        return self._told(method, given)

    def _told(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "conversations.replies":
                return {"messages": self.thread(given["channel"], given["ts"])}
            case "conversations.history":
                return {"messages": self.channels[given["channel"]][::-1]}
            case "conversations.open":
                return {"channel": {"id": f"D{given['users']}"}}
            case "conversations.info":
                return {"channel": {"id": given["channel"], "name": "triage", "is_member": True}}
            case "files.getUploadURLExternal":
                id_ = self.named("F")
                return {"upload_url": f"{self.url}/upload/{id_}", "file_id": id_}
            case "files.completeUploadExternal":
                files = [self._uploaded(file) for file in given["files"]]
                self.posts(
                    {"channel": given["channel_id"], "thread_ts": given.get("thread_ts"), "files": files}
                )
        return {}

    def _uploaded(self, file: dict[str, Any]) -> dict[str, Any]:
        size = len(self.files.get(file["id"], b""))
        return {"id": file["id"], "name": file["title"], "mimetype": "", "size": size}

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            given |= await request.json()
        else:
            given |= {name: _value(str(value)) for name, value in (await request.post()).items()}
        instead = await self.instead(method, given)
        if isinstance(instead, tuple):
            status, headers, body = instead
            return web.json_response(body, status=status, headers=headers)
        if request.headers.get("authorization", "") not in {f"Bearer {TOKEN}", f"Bearer {APP_TOKEN}"}:
            return web.json_response({"ok": False, "error": "invalid_auth"})
        answer = self.answer(method, given)
        self.changed()
        if instead == "lose" and request.transport:
            request.transport.abort()
        return web.json_response({"ok": True} | answer, headers={"x-oauth-scopes": self.scopes})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.Response(text=SIGN_IN, content_type="text/html")
        return web.Response(body=self.files[request.match_info["id"]])

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        self.files[request.match_info["name"]] = await request.read()
        return web.Response(text="OK")

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        given = await request.json()
        await self.instead("respond", given)
        self.whisper(request.match_info["user"], request.match_info["channel"], given)
        self.changed()
        return web.Response(text="ok")

    async def _link(self, request: web.Request) -> web.StreamResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        self.lines.append(line)
        self.opened += 1
        try:
            await line.send_str(json.dumps({"type": "hello", "num_connections": 1}))
            for frame in list(self.unheard.values()):
                await _send(line, frame)
            async for message in line:
                if message.type is WSMsgType.TEXT:
                    self.acknowledges(json.loads(message.data).get("envelope_id", ""))
        finally:
            self.left(line)
        return line

    def left(self, line: web.WebSocketResponse) -> None:
        if line in self.lines:
            self.lines.remove(line)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/files/{id}", self._file)
        app.router.add_post("/upload/{name}", self._upload)
        app.router.add_post("/respond/{user}/{channel}", self._respond)
        app.router.add_get("/link", self._link)
        return app

    @asynccontextmanager
    async def served(
        self, port: int = 0, *, also: Callable[[web.Application], None] = lambda _app: None
    ) -> AsyncIterator[Self]:
        app = self.application()
        also(app)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


async def _send(line: web.WebSocketResponse, frame: str) -> None:
    try:
        await line.send_str(frame)
    except (ConnectionError, RuntimeError):
        return  # it stays unheard


def _value(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in "[{" else text
    except ValueError:
        return text
