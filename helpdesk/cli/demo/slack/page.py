"""The page to write in: every person and channel of the small Slack. Forms and links; a script keeps it up to date.

It is on loopback, yet any site that is open in the same browser could send it forms: those of other origins, and
names that were made to mean this machine, are refused.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import web as console
from helpdesk.cli.demo.slack import picturing
from helpdesk.cli.demo.slack.serving import SmallSlack
from helpdesk.cli.demo.slack.workspace import BOT, HOME, TRIAGE, Payload, Said

HERE = Path(__file__).parent
TOKENS = Path(console.__file__).parent / "static/css/tokens.css"
SHARED = "C0SHARED"
WAIT = 25.0  # seconds that a look for changes is held
INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp"}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
_templates = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Place:
    """Who looks, and where."""

    person: str
    channel: str
    thread: str = ""

    @property
    def address(self) -> str:
        return self.at(self.thread)

    def at(self, thread: str) -> str:
        return "/?" + urlencode(
            {"as": self.person, "in": self.channel} | ({"thread": thread} if thread else {})
        )


@dataclass
class Page:
    slack: SmallSlack
    desk_url: str = ""
    version: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        self.version += 1
        self._bell.set()
        self._bell = asyncio.Event()

    def routes(self, app: web.Application) -> None:
        app.middlewares.append(_guarded)
        app.router.add_get("/", self.show)
        app.router.add_get("/changes", self.changes)
        app.router.add_get("/shared/{id}", self.file)
        for name in ("page.css", "page.js", "icon.svg"):
            app.router.add_get(f"/{name}", _served(HERE / name))
        app.router.add_get("/tokens.css", _served(TOKENS))
        app.router.add_post("/do/{what}", self.act)

    async def show(self, request: web.Request) -> web.StreamResponse:
        place = self._place(request.query)
        slack = self.slack
        names = {user: person["real_name"] for user, person in slack.people.items()}
        shown = _templates.get_template("page.html").render(
            place=place,
            people=[person for user, person in slack.people.items() if user != BOT],
            me=slack.people[place.person],
            home=HOME,
            channels=self._channels(place.person),
            said=self._said(place, names),
            thread=self._thread(place, names),
            form=self._form(place, names),
            version=self.version,
            connected=bool(slack.lines),
            desk=self.desk_url,
            triage=TRIAGE,
        )
        return web.Response(text=shown, content_type="text/html")

    async def changes(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("since") == str(self.version):
            try:
                async with asyncio.timeout(WAIT):
                    await self._bell.wait()
            except TimeoutError:
                pass
        return web.json_response({"version": self.version})

    async def file(self, request: web.Request) -> web.StreamResponse:
        content = self.slack.files.get(request.match_info["id"])
        if content is None:
            raise web.HTTPNotFound
        kind = request.query.get("kind", "")
        if kind not in INLINE:
            return web.Response(
                body=content,
                headers={"content-disposition": "attachment"},
                content_type="application/octet-stream",
            )
        return web.Response(body=content, content_type=kind)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """One thing that a person does; afterwards they are where they were."""
        given = dict(await request.post())
        place = self._place({name: value for name, value in given.items() if isinstance(value, str)})
        does = getattr(self, f"_{request.match_info['what']}", None)
        if does is None or request.match_info["what"] not in ACTS:
            raise web.HTTPNotFound
        try:
            payload = does(place, given)
        except (KeyError, StopIteration):
            payload = None  # it is not there any more
        if payload:
            await self.slack.tells(payload)
        self.ring()
        raise web.HTTPSeeOther(place.address)

    def _say(self, place: Place, given: dict[str, Any]) -> Payload | None:
        text = str(given.get("text") or "").replace("\r\n", "\n").strip()
        more: dict[str, Any] = {"thread_ts": place.thread} if place.thread else {}
        file = given.get("file")
        if isinstance(file, web.FileField) and file.filename:
            more["files"] = [self.slack.shares(file.filename, file.file.read(), file.content_type)]
        if not text and "files" not in more:
            return None
        if text == "/ticket" or text.startswith("/ticket "):
            return self.slack.commands(place.person, text.removeprefix("/ticket").strip(), place.channel)
        return self.slack.says(place.person, typed(text), place.channel, **more)

    def _edit(self, place: Place, given: dict[str, Any]) -> Payload | None:
        said = self._own(place, given)
        text = typed(str(given["text"]).replace("\r\n", "\n").strip())
        return self.slack.edits(place.channel, said["ts"], text) if text and text != said["text"] else None

    def _delete(self, place: Place, given: dict[str, Any]) -> Payload:
        return self.slack.deletes(place.channel, self._own(place, given)["ts"])

    def _react(self, place: Place, given: dict[str, Any]) -> Payload:
        self.slack.find(place.channel, given["ts"])
        return self.slack.reacts(place.person, given["emoji"], place.channel, given["ts"])

    def _press(self, place: Place, given: dict[str, Any]) -> Payload:
        value = str(given["value"])
        chosen = {"act": {"selected_option": {"value": value}}} if given.get("list") else {}
        return self.slack.presses(place.person, given["action"], value, place.channel, **chosen)

    def _shortcut(self, place: Place, given: dict[str, Any]) -> Payload:
        return self.slack.calls_shortcut(place.person, given["name"], place.channel, given["ts"])

    def _submit(self, place: Place, given: dict[str, Any]) -> Payload:
        view = self.slack.forms.pop(place.person)
        fields = {name.removeprefix("f-"): str(value) for name, value in given.items() if name[:2] == "f-"}
        return self.slack.submits(place.person, view, **fields)

    def _close(self, place: Place, given: dict[str, Any]) -> None:
        self.slack.forms.pop(place.person, None)

    def _own(self, place: Place, given: dict[str, Any]) -> Said:
        said = self.slack.find(place.channel, given["ts"])
        if said["user"] != place.person:
            raise KeyError(place.person)
        return said

    def _place(self, given: Any) -> Place:
        people = [user for user in self.slack.people if user != BOT]
        person = given.get("as") if given.get("as") in people else people[0]
        channels = [id_ for id_, _name in self._channels(person)]
        channel = given.get("in") if given.get("in") in channels else channels[0]
        thread = given.get("thread") or ""
        return Place(person, channel, thread if self.slack.thread(channel, thread) else "")

    def _channels(self, person: str) -> list[tuple[str, str]]:
        inside = self.slack.team(person) == HOME
        written = [id_ for id_ in self.slack.channels if id_[0] != "D" and id_ not in {SHARED, TRIAGE}]
        ours = [(TRIAGE, "# support-triage"), *((id_, f"# {id_}") for id_ in written)] if inside else []
        return [(SHARED, "# shared-with-customers"), *ours, (f"D{person}", "Helpdesk (the app)")]

    def _said(self, place: Place, names: picturing.Names) -> list[dict[str, Any]]:
        every = self.slack.channels[place.channel]
        roots = [one for one in every if one.get("thread_ts") in {None, "", one["ts"]}]
        return self._seen(roots, place, names, "")

    def _thread(self, place: Place, names: picturing.Names) -> list[dict[str, Any]]:
        said = self.slack.thread(place.channel, place.thread) if place.thread else []
        return self._seen(said, place, names, place.thread)

    def _seen(
        self, said: list[Said], place: Place, names: picturing.Names, thread: str
    ) -> list[dict[str, Any]]:
        whispers = [
            one
            for one in self.slack.whispers
            if one["to"] == place.person
            and one["channel"] == place.channel
            and one.get("thread_ts", "") == thread
        ]
        return sorted((self._shown(one, place, names) for one in said + whispers), key=lambda one: one["at"])

    def _shown(self, said: Said, place: Place, names: picturing.Names) -> dict[str, Any]:
        answers = [o for o in self.slack.thread(place.channel, said["ts"]) if o["ts"] != said["ts"]]
        drawn = picturing.blocks(said.get("blocks"), names)
        return {
            "ts": said["ts"],
            "at": float(said["ts"]),
            "app": bool(said.get("bot_id")),
            "who": said.get("username") or names.get(said["user"], "Helpdesk"),
            "own": said["user"] == place.person,
            "whispered": "to" in said,
            "edited": bool(said.get("edited")),
            "text": said.get("text", ""),
            "blocks": drawn or [{"kind": "words", "html": picturing.words(said.get("text", ""), names)}],
            "files": said.get("files", []),
            "marks": [picturing.EMOJI.get(one["name"], one["name"]) for one in said.get("reactions", ())],
            "answers": len(answers),
        }

    def _form(self, place: Place, names: picturing.Names) -> dict[str, Any] | None:
        view = self.slack.forms.get(place.person)
        if view is None:
            return None
        words = {name: view[name]["text"] for name in ("title", "submit", "close") if name in view}
        return {"submit": "", "close": "Close"} | words | {"blocks": picturing.blocks(view["blocks"], names)}


ACTS = {"say", "edit", "delete", "react", "press", "shortcut", "submit", "close"}


def typed(text: str) -> str:
    """As Slack stores what somebody types."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.url.host not in {"127.0.0.1", "localhost"}:
        raise web.HTTPMisdirectedRequest
    if request.path.startswith("/do/"):
        origin = urlsplit(request.headers.get("origin", ""))
        if origin.scheme != "http" or origin.netloc != request.host:
            raise web.HTTPForbidden(text="This form was sent from another site.")
    try:
        answered = await handler(request)
    except web.HTTPException as other:
        other.headers.update(HEADERS)
        raise
    if not answered.prepared:
        answered.headers.update(HEADERS)
    return answered


def _served(path: Path) -> Handler:
    kind = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}[path.suffix]

    async def file(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=await asyncio.to_thread(path.read_text), content_type=kind)

    return file
