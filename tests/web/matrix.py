"""Every route of the application with every role against every kind of object, and what the answer has to be.

What is expected stands here, after the desk's written rules, and not in the code that is tested: who may do what,
and which objects somebody knows of. Routes are taken from the application as it is.

Left out is only what is equal by the way a request goes: the gate (`web.auth.guard`) knows roles and no objects,
and is through before any object is looked for. So whom it refuses is asked for one object and not for all, and a
public route, where it looks at nobody, is asked by three. An address without one of `SUBJECTS` is asked once a role.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from litestar import Litestar
from msgspec.structs import replace as changed
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from structlog.testing import capture_logs

from tests.scenes import Scene
from tests.web.matrix_cast import NOBODY, ROLES, Cast
from web.api.openapi import PREFIX, of_app
from web.api.rates import Rates
from web.app import create_app

UNKNOWN = 999_999_999
EVERYBODY = set(ROLES)
ANSWERING = {"admin", "lead", "agent", "per-team"}
LEADING = {"admin", "lead"}
ALLOWED: dict[str, set[str]] = {
    # permission           who holds it at all
    "signed_in": EVERYBODY,
    "ticket:read": EVERYBODY,
    "ticket:note": EVERYBODY,
    "knowledge:read": EVERYBODY - {"custom"},
    "knowledge:write": ANSWERING,
    "knowledge:publish": LEADING,
    "contact:read": EVERYBODY - {"custom"},
    "ticket:reply": ANSWERING,
    "ticket:create": ANSWERING,
    "ticket:assign": ANSWERING,
    "ticket:change": ANSWERING,
    "ticket:settle": ANSWERING,
    "ticket:merge": ANSWERING,
    "ticket:remove": ANSWERING,
    "ticket:bulk": ANSWERING,
    "contact:change": ANSWERING,
    "outbox:read": LEADING,
    "view:share": LEADING,
    "template:write": LEADING,
    "ticket:export": LEADING,
    "contact:merge": LEADING,
    "contact:export": LEADING,
    "ticket:delete": {"admin"},
    "contact:import": {"admin"},
    "desk:manage": {"admin"},
    "sla:manage": {"admin"},
    "rules:manage": {"admin"},
    "ticket:report": LEADING,
    "agents:manage": {"admin"},
    "roles:manage": {"admin"},
    "inboxes:manage": {"admin"},
    "webhooks:manage": {"admin"},
    "tokens:manage": {"admin"},
    "data:manage": {"admin"},
    "audit:read": {"admin"},
}
SUBJECTS = {
    # what names one in an address    what it is
    "/tickets/{number:int}": "ticket",
    "/planted/{number:int}": "ticket",
    "/contacts/{number:int}": "contact",
    "/views/{view_id:int}": "view",
    "/saved-views/{view_id:int}": "view",
    "/macros/{macro_id:int}": "macro",
    "/rule-runs/{run_id:int}": "rule run",
    "/webhooks/{webhook_id:int}": "webhook",
    "/articles/{number:int}": "article",
    "/articles/{slug:str}": "article",
    "/models/{connection_id:int}": "model",
    "/bulk/{bulk_id:int}": "bulk change",
    "/bulk-changes/{bulk_id:int}": "bulk change",
}
TICKETS = ("own", "other", "assigned", "followed", "trashed", "unknown")
OBJECTS: dict[str, tuple[str, ...]] = {
    "ticket": TICKETS,
    "contact": TICKETS,  # of whom each of these tickets is
    "macro": ("own", "somebody's", "team's", "other team's", "everybody's", "unknown"),
    "view": ("own", "somebody's", "team's", "other team's", "everybody's", "unknown"),
    "rule run": ("own", "other", "unknown"),  # on a ticket of one's own team, or of the other
    "webhook": ("own", "unknown"),
    "article": ("published", "draft", "unknown"),
    "model": ("own", "unknown"),
    "bulk change": ("own", "somebody's", "unknown"),
    "": ("none",),
}
_theirs = {"own", "assigned", "followed", "trashed"}
_all = {*_theirs, "other"}
_shared = {"own", "team's", "everybody's"}
KNOWN: dict[str, dict[str, set[str]]] = {
    # subject     role → the ones that it knows of
    "ticket": {
        "admin": _all,
        "lead": _theirs,
        "agent": _theirs,
        "light": _theirs,
        "custom": {"assigned", "followed"},
        "per-team": _all,
    },
    # everybody may write next, so whoever reads contacts knows of all; light agents of those of their tickets
    "contact": dict.fromkeys(ROLES, _all) | {"light": _theirs},
    "macro": dict.fromkeys(ROLES, _shared) | {"per-team": {*_shared, "other team's"}},
    "view": dict.fromkeys(ROLES, _shared) | {"per-team": {*_shared, "other team's"}},
    "rule run": {role: {"own"} for role in ROLES}
    | {"admin": {"own", "other"}, "per-team": {"own", "other"}, "custom": set()},
    "webhook": {"admin": {"own"}},
    "article": {role: {"published", "draft"} if role in ANSWERING else {"published"} for role in ROLES},
    "model": {"admin": {"own"}},
    "bulk change": {role: {"own"} for role in ROLES},
}
IN_THE_OTHER_TEAM = {"ticket:read", "ticket:note", "signed_in"}
"""What the per-team role's holder may do to tickets of that team: theirs is a role for reading there."""
FILLED = {
    # what some forms and addresses must bring before the desk asks about anything else
    "GET /tickets/{number:int}/composer": {"params": {"suggestion": "1"}},
    "POST /tickets/{number:int}/merge": {"data": {"into": "1"}},
    "POST /knowledge/articles/{number:int}/feedback": {"data": {"helpful": "true"}},
}
PAIRS = {
    "POST /tickets/{number:int}/merge",
    "POST /api/v1/tickets/{number:int}/merges",
    "POST /api/v1/tickets/{number:int}/splits",
}
"""What they are about, a second ticket or a message, is looked for at once with the ticket of the address."""
ENDLESS = {"/live"}
"""A stream that is let in never ends; what it tells to whom is tested where streams are."""


class Kept(AsyncSession):
    """A request's session commits nothing, so that every request finds the desk as the one before did."""

    async def commit(self) -> None:
        await self.flush()


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: str
    by_token: bool

    @property
    def subject(self) -> str:
        return next((kind for part, kind in SUBJECTS.items() if part in self.path), "")

    @property
    def has_children(self) -> bool:
        """Something else is looked for besides, which may well be what is missing."""
        return self.path.count("{") > 1 or f"{self.method} {self.path}" in PAIRS

    def at(self, number: int, me: int, children: dict[str, int] | None = None) -> str:
        """The object is the first number. What belongs to it does not exist, but an agent is who asks."""
        first, *parts = self.path.split("/{")
        values = {"agent_id": me} | (children or {})
        named = self.subject != ""
        for part in parts:
            name, _, rest = part.partition("}")
            first += f"/{number if named else values.get(name.partition(':')[0], UNKNOWN)}{rest}"
            named = False
        return first


@dataclass
class Found:
    """One answer that is not as it must be."""

    route: Route
    role: str
    of: str
    status: int
    expected: str
    why: str = ""

    def __str__(self) -> str:
        return (
            f"{self.route.method} {self.route.path} [{self.route.permission}] as {self.role} on {self.of}: "
            f"{self.status}, expected {self.expected} {self.why}"
        )


@dataclass
class Matrix:
    app: Litestar
    cast: Cast
    checked: int = 0
    wrong: list[Found] = field(default_factory=list)
    unwritten: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, scene: Scene) -> "Matrix":
        made: async_sessionmaker[Any] = async_sessionmaker(
            scene.desk.engine, class_=Kept, expire_on_commit=False
        )
        settings = changed(scene.desk.settings, api_rate=1_000_000)
        app = create_app(replace(scene.desk, sessions=made, settings=settings))
        return cls(app, await Cast.of(scene, app))

    @property
    def routes(self) -> list[Route]:
        return [
            Route(method, route.path, handler.opt["permission"].value, bool(handler.opt.get("way_in")))
            for route in self.app.routes
            for handler in getattr(route, "route_handlers", [])
            for method in sorted(getattr(handler, "http_methods", set()) - {"OPTIONS", "HEAD"})
        ]

    async def walk(self, routes: list[Route]) -> None:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            for route in routes:
                if route.permission != "public" and route.permission not in ALLOWED:
                    self.unwritten.add(route.permission)
                    continue
                self.app.state["rates"] = Rates()  # strangers are slowed down, which is tested elsewhere
                for role, of in _asked(route):
                    await self._check(client, route, role, of)

    async def _check(self, client: httpx.AsyncClient, route: Route, role: str, of: str) -> None:
        expected = _expected(route, role, of)
        if route.path in ENDLESS and expected == "allowed":
            return
        number = self.cast.number(route.subject, role, of) or UNKNOWN
        address = route.at(number, self.cast.ids.get(role, UNKNOWN))
        sent = self.headers(route, role), self._body(route, expected)
        with capture_logs() as logs:  # a traceback costs seconds to draw; its last line says enough here
            answer = await client.request(route.method, address, headers=sent[0], **sent[1])
        self.checked += 1
        if not _fits(answer, expected, route):
            why = next((repr(log["exc_info"])[:300] for log in logs if "exc_info" in log), "")
            self.wrong.append(Found(route, role, of, answer.status_code, expected, why))

    def headers(self, route: Route, role: str) -> dict[str, str]:
        if route.by_token:
            token = self.cast.tokens.get(role)
            return {"authorization": f"Bearer {token}"} if token else {}
        # refusals come as JSON: drawing a page of words around each would take most of the time
        headers = {"sec-fetch-site": "same-origin", "accept": "application/json"}
        return headers | self.cast.cookies.get(role, {})

    def _body(self, route: Route, expected: str) -> dict[str, Any]:
        """Who must be refused sends what the document shows, so that nothing but the object can refuse it."""
        if expected != "allowed" and (filled := FILLED.get(f"{route.method} {route.path}")):
            return filled
        if not route.by_token:
            return {} if route.method in {"GET", "DELETE"} else {"data": {}}
        path = route.path.removeprefix(PREFIX).replace(":int}", "}")
        described = of_app(self.app, "")["paths"].get(path, {})
        takes = described.get(route.method.lower(), {}).get("requestBody", {}).get("content", {})
        if (shown := takes.get("application/json")) is None:
            return {}
        return {"json": {} if expected == "allowed" else shown["example"]}


def _asked(route: Route) -> list[tuple[str, str]]:
    """Which roles ask for which objects."""
    every = OBJECTS[route.subject]
    if route.permission == "public":
        return [(role, every[0]) for role in ("admin", *NOBODY)]
    held = ALLOWED[route.permission]
    asked = [(role, of) for role in ROLES for of in (every if role in held else every[:1])]
    return [*asked, *((role, every[0]) for role in NOBODY)]


def _expected(route: Route, role: str, of: str) -> str:
    if route.permission == "public":
        return "open"
    if role in NOBODY:
        return "signed out"
    if role not in ALLOWED[route.permission]:
        return "forbidden"
    if of == "none":
        return "allowed"
    if of not in KNOWN[route.subject][role]:
        return "unknown"
    return "allowed" if _may(route, role, of) else "forbidden"


def _may(route: Route, role: str, of: str) -> bool:
    """What an object takes beyond a permission: a role for its team, or to share views."""
    if (
        route.subject in {"ticket", "rule run"}
        and role == "per-team"
        and of in {"other", "assigned", "followed"}
    ):
        return route.permission in IN_THE_OTHER_TEAM
    if route.subject in {"view", "macro"} and route.method != "GET":
        return of == "own" or role in LEADING
    if route.subject == "article" and of == "published" and route.path.endswith(("/settings", "/slug")):
        return role in LEADING
    return True


def _fits(answer: httpx.Response, expected: str, route: Route) -> bool:
    status = answer.status_code
    to_sign_in = status == 303 and answer.headers["location"].startswith("/sign-in")
    if status >= 500 and status != 503:
        return False
    match expected:
        case "open":
            return status not in {401, 403} or route.by_token
        case "signed out":
            return status == 401
        case "forbidden":
            return status == 403 or (status == 404 and route.has_children)
        case "unknown":
            return status == 404
    if route.path == "/sign-out":
        return to_sign_in
    missing = route.has_children or not route.subject
    return not to_sign_in and status not in {401, 403} and (missing or status != 404)
