"""Who walks the matrix, and what they walk into: six roles, two without an account, and objects of five kinds.

Everything is made once. Roles share what looks the same to all of them; what is somebody's own is made for each.
"""

from dataclasses import dataclass, field

from litestar import Litestar
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.providers import Connection
from ai.providers import Kind as ModelKind
from helpdesk import conditions, webhooks
from helpdesk.bulk import BulkChange, BulkState, Verb
from helpdesk.clock import now
from helpdesk.conditions import Operator, Where
from helpdesk.database import committed
from helpdesk.macros import Macro
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, CustomRole, Membership, Reach, Role
from helpdesk.rules import Rule, RuleRun
from helpdesk.saved_views import SavedView
from helpdesk.sharing import Visibility
from helpdesk.tickets import Removal, Ticket
from helpdesk.tokens import GRANTABLE, ApiToken
from kb.articles import Article
from tests.scenes import Scene, mail
from tests.web.served import HASH
from web import sessions

ROLES = ("admin", "lead", "agent", "light", "custom", "per-team")
NOBODY = ("signed out", "deactivated")
CONDITION = conditions.as_json(Where("active", Operator.is_, True))


@dataclass
class Cast:
    """By role: cookies, tokens, ids of agents; by kind, role and name of the object: the number in addresses."""

    ids: dict[str, int] = field(default_factory=dict)
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @classmethod
    async def of(cls, scene: Scene, app: Litestar) -> "Cast":
        cast = cls()
        people = await _people(scene)
        await cast._tickets(scene, people)
        async with committed(scene.desk.sessions) as session:
            gone = Agent(name="Gone", email="gone@desk.example", role=Role.admin, password_hash=HASH)
            session.add(gone)
            await session.flush()
            for role, agent in {**people, "deactivated": gone}.items():
                cast.ids[role] = agent.id
                cast.cookies[role] = await _signed_in(session, app, agent)
                token, cast.tokens[role] = ApiToken.made(
                    role, agent=agent, scopes=[a.value for a in GRANTABLE]
                )
                session.add(token)
            gone.active = False
            await cast._views(session, scene, people)
            await cast._others(session, scene, people)
        for (kind, role, of), number in list(cast.numbers.items()):
            if role == "agent":
                cast.numbers |= {(kind, nobody, of): number for nobody in NOBODY}
        return cast

    def number(self, kind: str, role: str, of: str) -> int | None:
        return self.numbers.get((kind, role, of))

    def share(self, kind: str, of: str, number: int) -> None:
        self.numbers |= {(kind, role, of): number for role in ROLES}

    async def _tickets(self, scene: Scene, people: dict[str, Agent]) -> None:
        """Of each kind one, from every agent's side; the other team is Technical. Their senders are the contacts."""
        technical = scene.teams["Technical"].id
        for of in ("own", "other", "trashed"):
            ticket = await self._received(scene, of, None, technical)
            self.share("ticket", of, ticket.number)
            self.share("contact", of, ticket.contact_id)
        for role, agent in people.items():
            for of in ("assigned", "followed"):
                ticket = await self._received(scene, of, agent, technical)
                self.numbers["ticket", role, of] = ticket.number
                self.numbers["contact", role, of] = ticket.contact_id

    async def _received(self, scene: Scene, of: str, agent: Agent | None, technical: int) -> Ticket:
        whose = agent.id if agent else 0
        received = await scene.receives(mail(sender=f"{of}.{whose}@customer.example"))
        async with committed(scene.desk.sessions) as session:
            ticket = await session.get_one(Ticket, received.id)
            if of in {"other", "assigned", "followed"}:
                ticket.team_id = technical
            if of == "assigned":
                ticket.assignee_id = whose
            if of == "followed":
                session.add(Participant(ticket_id=ticket.id, agent_id=whose, part=Part.follower))
            if of == "trashed":
                ticket.removed, ticket.removed_at = Removal.trash, now()
        return ticket

    async def _views(self, session: AsyncSession, scene: Scene, people: dict[str, Agent]) -> None:
        somebody = scene.agents["Ada"].id
        billing, technical = scene.teams["Billing"].id, scene.teams["Technical"].id
        for of, visibility, team_id in (
            ("somebody's", Visibility.me, None),
            ("team's", Visibility.team, billing),
            ("other team's", Visibility.team, technical),
            ("everybody's", Visibility.all, None),
        ):
            self.share("view", of, await _view(session, somebody, visibility, team_id))
            self.share("macro", of, await _macro(session, somebody, visibility, team_id))
        for role, agent in people.items():
            self.numbers["view", role, "own"] = await _view(session, agent.id, Visibility.me, None)
            self.numbers["macro", role, "own"] = await _macro(session, agent.id, Visibility.me, None)

    async def _others(self, session: AsyncSession, scene: Scene, people: dict[str, Agent]) -> None:
        ada = scene.agents["Ada"]
        webhook, _ = webhooks.made(
            scene.desk.keys,
            name="Shop",
            url="https://shop.example/hooks",
            events=["ticket.created"],
            includes=[],
            by=ada,
        )
        session.add(webhook)
        await session.flush()
        self.share("webhook", "own", webhook.id)
        model = Connection(name="Model", kind=ModelKind.scripted, model="matrix")
        session.add(model)
        await session.flush()
        self.share("model", "own", model.id)
        for of in ("published", "draft"):
            article = Article.write(f"What is {of}", "Text.")
            if of == "published":
                article.publish()
            session.add(article)
            await session.flush()
            self.share("article", of, article.id)
        await self._runs(session)
        self.share("bulk change", "somebody's", await _bulk(session, ada))
        for role, agent in people.items():
            self.numbers["bulk change", role, "own"] = await _bulk(session, agent)

    async def _runs(self, session: AsyncSession) -> None:
        """What a rule did to a ticket of each team."""
        rule = Rule(name="Urgent", triggers=[], actions=[])
        session.add(rule)
        await session.flush()
        done = {"verb": "priority", "given": {"priority": "urgent"}, "back": {"priority": "normal"}}
        for of in ("own", "other"):
            number = self.numbers["ticket", "admin", of]
            ticket_id = await session.scalar(select(Ticket.id).where(Ticket.number == number))
            run = RuleRun(rule_id=rule.id, ticket_id=ticket_id, once="event-1", done=[done])
            session.add(run)
            await session.flush()
            self.share("rule run", of, run.id)


async def _people(scene: Scene) -> dict[str, Agent]:
    billing, technical = scene.teams["Billing"], scene.teams["Technical"]
    async with committed(scene.desk.sessions) as session:
        reader = CustomRole(name="Reader", permissions=["ticket:read", "ticket:note"], reach=Reach.assigned)
        looks = CustomRole(name="Looks in", permissions=["ticket:read", "ticket:note"], reach=Reach.teams)
        session.add_all([reader, looks])
        await session.flush()
        roles = (Role.admin, Role.lead, Role.agent, Role.light_agent, Role.agent, Role.agent)
        made = {
            name: Agent(name=name.title(), email=f"{name}@roles.example", role=role, password_hash=HASH)
            for name, role in zip(ROLES, roles, strict=True)
        }
        made["custom"].custom_role_id = reader.id
        session.add_all(made.values())
        await session.flush()
        for agent in made.values():
            session.add(Membership(team_id=billing.id, agent_id=agent.id))
        session.add(Membership(team_id=technical.id, agent_id=made["per-team"].id, custom_role_id=looks.id))
    return made


async def _view(session: AsyncSession, owner: int, visibility: Visibility, team_id: int | None) -> int:
    view = SavedView(
        name="A view",
        owner_id=owner,
        visibility=visibility,
        team_id=team_id,
        condition=CONDITION,
        columns=[],
    )
    session.add(view)
    await session.flush()
    return view.id


async def _macro(session: AsyncSession, owner: int, visibility: Visibility, team_id: int | None) -> int:
    macro = Macro(name=f"For {visibility} {team_id}", body="Hi", owner_id=owner, actions=[])
    macro.visibility, macro.team_id = visibility, team_id
    session.add(macro)
    await session.flush()
    return macro.id


async def _bulk(session: AsyncSession, agent: Agent) -> int:
    made = BulkChange(agent_id=agent.id, verb=Verb.trash, given={}, state=BulkState.done, total=1)
    session.add(made)
    await session.flush()
    return made.id


async def _signed_in(session: AsyncSession, app: Litestar, agent: Agent) -> dict[str, str]:
    token = await sessions.begin(session, agent)
    csrf = sessions.csrf_token(app.state.csrf_key, sessions.hashed(token))
    return {"cookie": f"desk={token}", "x-csrf-token": csrf}
