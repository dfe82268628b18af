"""Who hears of what has happened: from an event to the agents it concerns, and to letters where one is due."""

from collections.abc import Collection, Iterable, Mapping
from itertools import chain

from procrastinate.jobs import Job
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels import registry
from helpdesk import notifications
from helpdesk.access import Action, may, sees
from helpdesk.chat import ChatCode
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.invitations import Invitation, PasswordReset
from helpdesk.mentions import Mention, mentioned
from helpdesk.notifications import Notification, Reason
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Membership, with_access
from helpdesk.portal import PortalLink
from helpdesk.satisfaction import BAD, Survey
from helpdesk.tickets import Ticket
from helpdesk.tokens import ApiToken
from kb.reviews import ReviewMail
from workers import jobs

Heard = dict[int, Reason]
"""Agent → why; the first reason that was given stays."""
Following = set[int]
"""The agents who follow a ticket."""
LETTERS = {
    Kind.invited: Invitation.__tablename__,
    Kind.password_reset_asked: PasswordReset.__tablename__,
    Kind.customer_link_asked: PortalLink.__tablename__,
    Kind.chat_code_asked: ChatCode.__tablename__,
}
FOLLOWED = frozenset(
    {
        Kind.message_received,
        Kind.replied,
        Kind.noted,
        Kind.assigned,
        Kind.team_changed,
        Kind.priority_changed,
        Kind.resolved,
        Kind.reopened,
        Kind.merged,
        Kind.third_party_answered,
        Kind.sla_breached,
    }
)
"""What followers hear of."""
PROMISES = {
    Kind.sla_warned: Reason.due_soon,
    Kind.sla_breached: Reason.late,
    Kind.sla_escalated: Reason.late,
}


async def notify(desk: Desk, event_ids: list[int]) -> None:
    """Safe to run twice: nobody hears of the same event again, and a letter knows whether it was sent."""
    async with committed(desk.sessions) as session:
        events = (
            await session.scalars(
                select(Event)
                .where(Event.id.in_(event_ids))
                .options(joinedload(Event.ticket), joinedload(Event.message))
                .order_by(Event.id)
            )
        ).all()
        following = await _following(session, {event.ticket_id for event in events if event.ticket_id})
        letters = []
        for event in events:
            if event.kind in LETTERS:
                letters.append(jobs.letter(LETTERS[event.kind], event.about_id or 0))
            elif event.kind is Kind.article_reviewed:
                letters += [
                    jobs.letter(ReviewMail.__tablename__, number) for number in event.data.get("mails", ())
                ]
            elif event.ticket:
                letters += await _told(session, event, event.ticket, following[event.ticket.id])
        await jobs.defer(session, letters)


async def _following(session: AsyncSession, ticket_ids: Collection[int]) -> Mapping[int, Following]:
    """Of each of these tickets, in one statement."""
    found: dict[int, Following] = {ticket_id: set() for ticket_id in ticket_ids}
    query = select(Participant.ticket_id, Participant.agent_id).where(
        Participant.ticket_id.in_(ticket_ids), Participant.agent_id.is_not(None)
    )
    for ticket_id, agent_id in (await session.execute(query)).all() if found else ():
        found[ticket_id].add(agent_id or 0)
    return found


async def _told(session: AsyncSession, event: Event, ticket: Ticket, following: Following) -> list[Job]:
    if ticket.removed and event.actor is not ActorKind.agent:
        return []  # what was put away, as spam is on arrival, disturbs nobody
    heard = await _heard(session, event, ticket, following)
    if event.actor is ActorKind.agent:
        heard.pop(event.actor_id or 0, None)
    if not heard:
        return []
    query = select(Agent).where(Agent.id.in_(heard), Agent.active).options(*with_access())
    agents = [
        agent
        for agent in (await session.scalars(query)).unique()
        if notifications.wanted(agent, heard[agent.id])
    ]
    seeing = _seeing(agents, ticket, following)
    to_mail = await notifications.tell(
        session, event, ((agent, heard[agent.id]) for agent in agents if agent.id in seeing)
    )
    at = event.created_at + notifications.MAIL_AFTER
    return [jobs.letter(Notification.__tablename__, number, at=at) for number in to_mail]


def _seeing(agents: Iterable[Agent], ticket: Ticket, following: Following) -> set[int]:
    """Those who may know of the ticket."""
    return {agent.id for agent in agents if sees(agent, ticket.team_id, ticket.assignee_id, following)}


async def _heard(session: AsyncSession, event: Event, ticket: Ticket, following: Following) -> Heard:
    heard: Heard = {}
    if event.kind is Kind.noted and event.message:
        heard |= await _mentioned(session, event, ticket, following)
    for agent_id, reason in chain(_concerned(event, ticket), await _in_team(session, event, ticket)):
        if agent_id:
            heard.setdefault(agent_id, reason)
    if event.kind in FOLLOWED:
        for follower in following:
            heard.setdefault(follower, Reason.followed)
    return heard


def _concerned(event: Event, ticket: Ticket) -> Iterable[tuple[int | None, Reason]]:
    match event.kind:
        case Kind.assigned:
            yield event.data.get("now"), Reason.assigned
        case Kind.message_received | Kind.third_party_answered:
            yield ticket.assignee_id, Reason.answered
        case Kind.noted:
            yield ticket.assignee_id, Reason.noted
        case Kind.rated if _is_bad(event):
            yield event.data.get("assignee"), Reason.rated
        case Kind.sla_warned | Kind.sla_breached:
            yield ticket.assignee_id, PROMISES[event.kind]
        case Kind.sla_escalated:
            yield event.data.get("agent"), Reason.late
        case Kind.woken:
            yield ticket.assignee_id, Reason.woken
        case Kind.rule_notified:
            yield from ((agent, Reason.rule) for agent in event.data["agents"])
        case Kind.reply_failed if event.message:
            yield event.message.agent_id, Reason.failed


def _is_bad(event: Event) -> bool:
    """Of this ticket, and worse than before: who changes a word of it is not reported again."""
    score, was = event.data.get("now"), event.data.get("was")
    about_ticket = event.data.get("survey") == Survey.csat
    return about_ticket and score is not None and score <= BAD and (was is None or score < was)


async def _in_team(session: AsyncSession, event: Event, ticket: Ticket) -> list[tuple[int, Reason]]:
    if event.kind is Kind.rule_notified:
        teams = select(Membership.agent_id).where(Membership.team_id.in_(event.data["teams"]))
        return [(member, Reason.rule) for member in await session.scalars(teams)]
    reason = {
        Kind.ticket_created: Reason.team,
        Kind.team_changed: Reason.team,
    }.get(event.kind) or PROMISES.get(event.kind)
    told = {Kind.team_changed: "now", Kind.sla_escalated: "team"}.get(event.kind)
    team = event.data.get(told) if told else ticket.team_id
    somebodys = ticket.assignee_id and event.kind in {Kind.sla_warned, Kind.sla_breached}
    if reason is None or team is None or somebodys:
        return []
    members = await session.scalars(select(Membership.agent_id).where(Membership.team_id == team))
    if event.kind is Kind.ticket_created and not ticket.assignee_id and await _is_live(session, ticket):
        reason = Reason.chat
    return [(member, reason) for member in members]


async def _is_live(session: AsyncSession, ticket: Ticket) -> bool:
    """Somebody sits before it and waits."""
    inbox = await session.get(Inbox, ticket.inbox_id)
    kind = registry.all().get(inbox.channel) if inbox else None
    return bool(kind and kind.capabilities.realtime)


async def _mentioned(session: AsyncSession, event: Event, ticket: Ticket, following: Following) -> Heard:
    """Whoever is mentioned follows the ticket from now on, and so may see it: they are added to `following`, too.

    Where the author may not hand tickets to colleagues, only those are meant who see it anyway.
    """
    text = event.message.text if event.message else ""
    if "@" not in text:
        return {}
    agents = await session.scalars(select(Agent).where(Agent.active).options(*with_access()))
    meant = mentioned(text, agents.unique())
    author = await _author(session, event)
    if author and not may(author, Action.assign, ticket):
        seeing = _seeing(meant, ticket, following)
        meant = [agent for agent in meant if agent.id in seeing]
    if meant:
        rows = [{"agent_id": agent.id, "ticket_id": ticket.id, "at": now()} for agent in meant]
        await session.execute(insert(Mention).on_conflict_do_nothing(), rows)
    for agent in meant:
        if agent.id not in following and author and agent.id != author.id:
            following.add(agent.id)
            session.add(Participant(ticket_id=ticket.id, agent_id=agent.id, part=Part.follower))
            session.add(
                Event(
                    Kind.participant_added, by=author, ticket_id=ticket.id, agent=agent.id, part=Part.follower
                )
            )
    await session.flush()
    return {agent.id: Reason.mentioned for agent in meant}


async def _author(session: AsyncSession, event: Event) -> Agent | None:
    """With what they may do, by the token at hand if there was one."""
    if event.actor is not ActorKind.agent:
        return None
    query = select(Agent).where(Agent.id == event.actor_id).options(*with_access())
    author = (await session.scalars(query)).unique().one_or_none()
    if author and event.token_id:
        token = await session.get(ApiToken, event.token_id)
        author.act_by(event.token_id, frozenset(token.scopes) if token else frozenset())
    return author
