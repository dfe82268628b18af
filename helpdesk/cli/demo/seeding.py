"""The demo's company, told through the same verbs that real days use: the past is replayed on a moved clock."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import clock, intake, measures
from helpdesk.calendars import Calendar
from helpdesk.calendars.arranging import lay_out
from helpdesk.cli.demo import assistant, colleagues, content, library, portal, rated, readers, sorting
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, InboundMessage, Message, Sender, Upload
from helpdesk.people import Agent, Company, Contact, ContactIdentity, Role, Team
from helpdesk.sla import Policy
from helpdesk.statuses import Category
from helpdesk.tickets import Priority, Ticket, TicketRead
from kb.articles import Article
from web.passwords import hashed

PASSWORD = "try-the-desk"  # noqa: S105 - the demo listens on loopback only
LATER = timedelta(minutes=3)

Tell = Callable[[str], None]


async def seed(desk: Desk, company: content.Company, smtp_port: int, tell: Tell) -> bool:
    """Fills an empty desk; False where somebody is there already."""
    async with desk.sessions() as session:
        if await session.scalar(select(func.count()).select_from(Agent)):
            return False
    tell(f"Telling the story of {company.name}")
    async with committed(desk.sessions) as session:
        people(desk, session, company, smtp_port)
        await session.flush()
        await articles(session, company)
        for calendar in await session.scalars(select(Calendar)):
            await lay_out(session, calendar)
    async with committed(desk.sessions) as session:
        story = await Story.begin(desk, session, company)
    for told in sorted(company.tickets, key=lambda ticket: ticket.messages[0].ago, reverse=True):
        async with committed(desk.sessions) as session:
            await story.tell(session, told)
    async with committed(desk.sessions) as session:
        await sorting.sort(session)
        await assistant.arrange(desk, session)
    await colleagues.limit(desk)
    async with committed(desk.sessions) as session:
        await rated.rate(desk, session)
    async with committed(desk.sessions) as session:
        await measures.recount(session, await session.scalars(select(Ticket.id)))
        await portal.show(desk, session, company)
    return True


def people(desk: Desk, session: AsyncSession, company: content.Company, smtp_port: int) -> None:
    teams = {
        team.name: Team(
            name=team.name, colour=team.colour, description=team.description, examples=list(team.examples)
        )
        for team in company.teams
    }
    password = hashed(PASSWORD)
    session.add_all(teams.values())
    session.add_all(
        Agent(
            name=agent.name,
            email=agent.mail,
            role=Role(agent.role),
            password_hash=password,
            time_zone=agent.time_zone,
            signature=agent.signature,
            teams=[teams[name] for name in agent.teams],
        )
        for agent in company.agents
    )
    session.add(
        Inbox(
            name=company.inbox.name,
            channel="email",
            address=company.inbox.address,
            sealed_settings=desk.keys.seal(mailbox(smtp_port)),
        )
    )
    session.add(policy(company))
    firms = {firm.name: Company(name=firm.name) for firm in company.companies}
    session.add_all(firms.values())
    first: dict[str, timedelta] = defaultdict(timedelta)
    """How long ago each wrote first."""
    for message in (message for ticket in company.tickets for message in ticket.messages):
        first[message.author] = max(first[message.author], message.ago)
    for contact in company.contacts:
        firm, since = firms.get(contact.company or ""), clock.now() - first[contact.mail]
        identity = ContactIdentity(kind="email", value=contact.mail, created_at=since)
        session.add(
            Contact(
                name=contact.name,
                title=contact.title or "",
                company=firm,
                identities=[identity],
                created_at=since,
            )
        )


def mailbox(smtp_port: int) -> dict[str, object]:
    """The demo's own mail server takes what customers write and what the desk answers."""
    return {"smtp_host": "127.0.0.1", "smtp_port": smtp_port, "smtp_security": "none"}


def policy(company: content.Company) -> Policy:
    hours = company.calendar
    week = {str(day - 1): [[hours.opens, hours.closes]] for day in hours.weekdays}
    targets = {
        priority.value: {
            "first_response": getattr(company.sla, priority).first_response,
            "resolution": getattr(company.sla, priority).resolution,
        }
        for priority in Priority
    }
    calendar = Calendar(
        name=hours.name,
        time_zone=hours.time_zone,
        week=week,
        country=hours.country,
        subdivision=hours.subdivision,
        language=hours.language,
        own_holidays=[{"day": day.day, "name": day.name} for day in hours.holidays],
    )
    return Policy(name=company.sla.name, calendar=calendar, targets=targets)


async def articles(session: AsyncSession, company: content.Company) -> None:
    categories = await library.arrange(session)
    for number, told in enumerate(company.articles):
        with ago(timedelta(days=91 + 7 * number % 60, hours=number % 9)):
            article = Article.write(
                told.title, told.body, slug=told.slug, category_id=categories[told.category]
            )
            article.publish()
            session.add(article)
            await session.flush()
    await library.add(session, categories)
    await readers.come(session)
    session.add(Event(Kind.article_changed, by=DESK))


class Story:
    """Replays one ticket after the other."""

    def __init__(self, desk: Desk, inbox: Inbox, company: content.Company) -> None:
        self.desk, self.inbox = desk, inbox
        self.agents: dict[str, Agent] = {}
        self.teams: dict[str, Team] = {}
        self.names = {contact.mail: contact.name for contact in company.contacts}

    @classmethod
    async def begin(cls, desk: Desk, session: AsyncSession, company: content.Company) -> "Story":
        inbox = (await session.scalars(select(Inbox).options(joinedload(Inbox.team)))).one()
        story = cls(desk, inbox, company)
        story.agents = {agent.email: agent for agent in await session.scalars(select(Agent))}
        story.teams = {team.name: team for team in await session.scalars(select(Team))}
        return story

    async def tell(self, session: AsyncSession, told: content.Ticket) -> None:
        ticket: Ticket | None = None
        for number, message in enumerate(told.messages):
            with ago(message.ago):
                if message.kind == "inbound":
                    ticket = await self.inbound(session, told, message, number, ticket)
                elif ticket is not None:
                    self.written(ticket, message)
                if number == 0 and ticket is not None:
                    self.taken(ticket, told)
                await session.flush()
        if ticket is not None:
            with ago(max(told.messages[-1].ago - LATER, timedelta(0))):
                self.settled(ticket, told)
                await session.flush()
            await self.read(session, ticket, told)

    async def inbound(
        self,
        session: AsyncSession,
        told: content.Ticket,
        message: content.Message,
        number: int,
        ticket: Ticket | None,
    ) -> Ticket:
        name = self.names.get(message.author, "")
        received = await intake.receive(
            self.desk,
            session,
            self.inbox,
            InboundMessage(
                external_id=f"{told.subject.encode().hex()[:24]}.{number}@{message.author.partition('@')[2]}",
                fingerprint=message.text,
                sender=Sender(address=message.author, name=name),
                subject=told.subject,
                text=message.text.strip(),
                html=message.html,
                received_at=clock.now(),
                tokens=(self.token(ticket, message.author),) if ticket else (),
                attachments=tuple(
                    Upload(name=file.name, content_type=file.content_type, content=file.content.encode())
                    for file in message.attachments
                ),
            ),
        )
        query = select(Ticket).where(Ticket.id == received.ticket_id)
        return (
            await session.scalars(
                query.options(
                    selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar)
                )
            )
        ).one()

    def token(self, ticket: Ticket, address: str) -> str:
        return self.desk.keys.reply_token(ticket.reply_key, address)

    def written(self, ticket: Ticket, message: content.Message) -> None:
        by = self.agents[message.author]
        if message.kind == "note":
            ticket.note(message.text, by=by)
            return
        reply = ticket.reply(message.text, by=by)
        delivered(reply)

    def taken(self, ticket: Ticket, told: content.Ticket) -> None:
        lead = next(agent for agent in self.agents.values() if agent.role is Role.admin)
        if told.team:
            ticket.move(self.teams[told.team], by=lead)
        if told.priority != ticket.priority:
            ticket.prioritise(Priority(told.priority), by=lead)
        if told.assignee:
            ticket.assign(self.agents[told.assignee], by=lead)

    def settled(self, ticket: Ticket, told: content.Ticket) -> None:
        by = self.agents[told.assignee] if told.assignee else next(iter(self.agents.values()))
        match Category(told.category):
            case Category.resolved if not ticket.is_settled:
                ticket.resolve(by=by)
            case Category.closed:
                ticket.close(by=by)
            case Category.on_hold:
                ticket.hold(by=by)

    async def read(self, session: AsyncSession, ticket: Ticket, told: content.Ticket) -> None:
        """Whoever works on it has read it; what is new has been read by nobody."""
        if told.assignee and told.messages[-1].kind != "inbound":
            agent = self.agents[told.assignee]
            session.add(TicketRead(ticket_id=ticket.id, agent_id=agent.id, seen_at=clock.now()))


def delivered(reply: Message) -> None:
    reply.delivery, reply.delivered_at, reply.before = Delivery.sent, reply.sent_at, None


@contextmanager
def ago(age: timedelta) -> Iterator[None]:
    with clock.moved(-age):
        yield
