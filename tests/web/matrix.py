"""Every route of the application with every role against every kind of object, and what the answer has to be.

What is expected stands here, after the desk's written rules, and not in the code that is tested: who may do what,
and which tickets somebody knows of. Routes are taken from the application as it is.
"""

from dataclasses import dataclass, field
from typing import Any

import httpx
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from structlog.testing import capture_logs

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, CustomRole, Membership, Reach, Role
from helpdesk.tickets import Removal, Ticket
from helpdesk.tokens import GRANTABLE, ApiToken
from tests.scenes import Scene, mail
from tests.web.served import HASH
from web import sessions
from web.app import create_app

UNKNOWN = 999_999_999
EVERYBODY = {"admin", "lead", "agent", "light", "custom", "per-team"}
ANSWERING = {"admin", "lead", "agent", "per-team"}
LEADING = {"admin", "lead"}
ALLOWED: dict[str, set[str]] = {
    # permission           who holds it at all
    "signed_in": EVERYBODY,
    "ticket:read": EVERYBODY,
    "ticket:note": EVERYBODY,
    "knowledge:read": EVERYBODY - {"custom"},
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
    "agents:manage": {"admin"},
    "roles:manage": {"admin"},
    "inboxes:manage": {"admin"},
    "webhooks:manage": {"admin"},
    "tokens:manage": {"admin"},
    "data:manage": {"admin"},
    "audit:read": {"admin"},
}
KNOWN: dict[str, set[str]] = {
    # role      tickets that it knows of
    "admin": {"own", "other", "assigned", "followed", "trashed"},
    "lead": {"own", "assigned", "followed", "trashed"},
    "agent": {"own", "assigned", "followed", "trashed"},
    "light": {"own", "assigned", "followed", "trashed"},
    "custom": {"assigned", "followed"},
    "per-team": {"own", "other", "assigned", "followed", "trashed"},
}
IN_THE_OTHER_TEAM = {"ticket:read", "ticket:note", "signed_in"}
"""What the per-team role's holder may do to tickets of that team: theirs is a role for reading there."""
OBJECTS = ("own", "other", "assigned", "followed", "trashed", "unknown")
NOBODY = ("signed out", "deactivated")
AUTHORS = {("DELETE", "/tickets/{number:int}/followers/{agent_id:str}")}
"""What one may do to oneself only: to somebody unknown it is refused."""
ENDLESS = {"/live"}
"""A stream that is let in never ends; what it tells to whom is tested where streams are."""


class Kept(AsyncSession):
    """Nothing is ever committed, so that every request finds the desk as the one before did."""

    async def commit(self) -> None:
        await self.flush()


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: str
    by_token: bool

    @property
    def is_about_a_ticket(self) -> bool:
        return "/tickets/{number:int}" in self.path or self.path.startswith("/planted/{number:int}")

    @property
    def has_children(self) -> bool:
        return self.path.count("{") > 1

    def at(self, number: int) -> str:
        parts = []
        for part in self.path.split("/"):
            if not part.startswith("{"):
                parts.append(part)
            elif part == "{number:int}":
                parts.append(str(number))
            else:
                parts.append(str(UNKNOWN) if part.endswith(":int}") else f"{UNKNOWN}")
        return "/".join(parts)


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
    cookies: dict[str, dict[str, str]]
    tokens: dict[str, str]
    numbers: dict[str, dict[str, int]]
    checked: int = 0
    wrong: list[Found] = field(default_factory=list)
    unwritten: set[str] = field(default_factory=set)

    @classmethod
    async def of(cls, scene: Scene) -> "Matrix":
        roles = await _people(scene)
        numbers = {role: await _tickets(scene, agent) for role, agent in roles.items()}
        desk = _kept(scene.desk)
        app = create_app(desk)
        cookies, tokens = {}, {}
        async with committed(scene.desk.sessions) as session:
            for role, agent in roles.items():
                cookies[role] = await _signed_in(session, app, agent)
                token, secret = ApiToken.made(role, agent=agent, scopes=[a.value for a in GRANTABLE])
                session.add(token)
                tokens[role] = secret
            off = await session.get_one(Agent, roles["agent"].id)
            gone = Agent(name="Gone", email="gone@desk.example", role=Role.admin, password_hash=HASH)
            session.add(gone)
            await session.flush()
            cookies["deactivated"] = await _signed_in(session, app, gone)
            token, tokens["deactivated"] = ApiToken.made("gone", agent=gone, scopes=["ticket:read"])
            session.add(token)
            gone.active = False
            assert off.active
        numbers |= dict.fromkeys(NOBODY, numbers["agent"])
        return cls(app, cookies, tokens, numbers)

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
                for role in (*KNOWN, *NOBODY):
                    for of in self._objects(route, role):
                        await self._check(client, route, role, of)

    def _objects(self, route: Route, role: str) -> tuple[str, ...]:
        """All of them where the object decides; one that is theirs and one that is nobody's where the role does."""
        if not route.is_about_a_ticket:
            return ("none",)
        decided = role in NOBODY or role not in ALLOWED.get(route.permission, EVERYBODY)
        return ("own", "unknown") if decided else OBJECTS

    async def _check(self, client: httpx.AsyncClient, route: Route, role: str, of: str) -> None:
        expected = self._expected(route, role, of)
        if route.path in ENDLESS and expected == "allowed":
            return
        number = self.numbers[role].get(of, UNKNOWN)
        with capture_logs() as logs:  # a traceback costs seconds to draw; its last line says enough here
            answer = await client.request(
                route.method, route.at(number), headers=self._headers(route, role), **_body(route)
            )
        self.checked += 1
        if not _fits(answer, expected, route):
            why = next((repr(log["exc_info"])[:300] for log in logs if "exc_info" in log), "")
            self.wrong.append(Found(route, role, of, answer.status_code, expected, why))

    def _expected(self, route: Route, role: str, of: str) -> str:
        if route.permission == "public":
            return "open"
        if role in NOBODY:
            return "signed out"
        if role not in ALLOWED[route.permission]:
            return "forbidden"
        if of == "none":
            return "allowed"
        if of not in KNOWN[role]:
            return "unknown"
        elsewhere = role == "per-team" and of in {"other", "assigned", "followed"}
        if elsewhere and route.permission not in IN_THE_OTHER_TEAM:
            return "forbidden"
        return "allowed"

    def _headers(self, route: Route, role: str) -> dict[str, str]:
        headers = {"sec-fetch-site": "same-origin", "accept": "text/html"}
        if route.by_token:
            token = self.tokens.get(role)
            return {"authorization": f"Bearer {token}"} if token else {}
        return headers | self.cookies.get(role, {})


def _fits(answer: httpx.Response, expected: str, route: Route) -> bool:
    status = answer.status_code
    to_sign_in = status == 303 and answer.headers["location"].startswith("/sign-in")
    if status >= 500 and status != 503:
        return False
    match expected:
        case "open":
            return status not in {401, 403} or route.by_token
        case "signed out":
            return status == 401 or to_sign_in
        case "forbidden":
            return status == 403 or _before_the_object(answer) or (status == 404 and route.has_children)
        case "unknown":
            return status == 404 or _before_the_object(answer)
    if (route.method, route.path) in AUTHORS:
        return status in {403, 404}
    missing = route.has_children or not route.is_about_a_ticket
    if route.path == "/sign-out":
        return to_sign_in
    return not to_sign_in and status not in {401, 403} and (missing or status != 404)


def _before_the_object(answer: httpx.Response) -> bool:
    """A form that was not filled in is refused before anything is looked up, whatever the ticket."""
    refused = ("could not read this request", "not filled in", "validation")
    return answer.status_code == 400 and any(words in answer.text for words in refused)


def _body(route: Route) -> dict[str, Any]:
    if route.method in {"GET", "DELETE"}:
        return {}
    return {"json": {}} if route.by_token else {"data": {}}


def _kept(desk: Desk) -> Desk:
    from dataclasses import replace

    from msgspec.structs import replace as changed

    made = async_sessionmaker(desk.engine, class_=Kept, expire_on_commit=False)
    return replace(desk, sessions=made, settings=changed(desk.settings, api_rate=1_000_000))


async def _people(scene: Scene) -> dict[str, Agent]:
    billing, technical = scene.teams["Billing"], scene.teams["Technical"]
    async with committed(scene.desk.sessions) as session:
        reader = CustomRole(name="Reader", permissions=["ticket:read", "ticket:note"], reach=Reach.assigned)
        looks = CustomRole(name="Looks in", permissions=["ticket:read", "ticket:note"], reach=Reach.teams)
        session.add_all([reader, looks])
        await session.flush()
        made = {
            name: Agent(name=name.title(), email=f"{name}@roles.example", role=role, password_hash=HASH)
            for name, role in (
                ("admin", Role.admin),
                ("lead", Role.lead),
                ("agent", Role.agent),
                ("light", Role.light_agent),
                ("custom", Role.agent),
                ("per-team", Role.agent),
            )
        }
        made["custom"].custom_role_id = reader.id
        session.add_all(made.values())
        await session.flush()
        for agent in made.values():
            session.add(Membership(team_id=billing.id, agent_id=agent.id))
        session.add(Membership(team_id=technical.id, agent_id=made["per-team"].id, custom_role_id=looks.id))
    return made


async def _tickets(scene: Scene, agent: Agent) -> dict[str, int]:
    """One of each kind, from this agent's side; the other team is Technical."""
    numbers = {}
    technical = scene.teams["Technical"].id
    for kind in ("own", "other", "assigned", "followed", "trashed"):
        received = await scene.receives(mail(sender=f"{kind}.{agent.id}@customer.example"))
        async with committed(scene.desk.sessions) as session:
            ticket = await session.get_one(Ticket, received.id)
            if kind in {"other", "assigned", "followed"}:
                ticket.team_id = technical
            if kind == "assigned":
                ticket.assignee_id = agent.id
            if kind == "followed":
                session.add(Participant(ticket_id=ticket.id, agent_id=agent.id, part=Part.follower))
            if kind == "trashed":
                ticket.removed, ticket.removed_at = Removal.trash, now()
            numbers[kind] = ticket.number
    return numbers


async def _signed_in(session: AsyncSession, app: Litestar, agent: Agent) -> dict[str, str]:
    token = await sessions.begin(session, agent)
    csrf = sessions.csrf_token(app.state.csrf_key, sessions.hashed(token))
    return {"cookie": f"desk={token}", "x-csrf-token": csrf}
