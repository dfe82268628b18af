"""What the desk has sent, and what it is about to send."""

from litestar import get
from sqlalchemy import select

from helpdesk.access import Action, is_visible
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Contact
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html

SHOWN = 50


@get("/outbox", opt=permits(Action.read_outbox))
async def outbox(session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
    rows = await session.execute(
        select(
            Message.id,
            Message.text,
            Message.author,
            Message.sent_at,
            Message.send_after,
            Message.delivered_at,
            Message.delivery,
            Message.trouble,
            Message.external_id,
            Message.recipients,
            Message.attempts,
            Ticket.number,
            Ticket.subject,
            Contact.name.label("contact"),
            Agent.name.label("agent"),
        )
        .join(Ticket, Ticket.id == Message.ticket_id)
        .join(Contact, Contact.id == Ticket.contact_id)
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .where(
            is_visible(agent, Action.read_outbox),
            Message.direction == Direction.outbound,
            Message.delivery.is_not(None),
        )
        .order_by(Message.id.desc())
        .limit(SHOWN)
    )
    shell = await Shell.load(session, agent)
    name = "outbox/_letters.html" if page.asks_for("letters") else "outbox/index.html"
    return page(name, letters=rows.all(), shell=shell)
