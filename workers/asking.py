"""Customers are asked how it was: who is due is found every few seconds, and the mail gets its links as it leaves."""

import asyncio
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import options, satisfaction
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.i18n import speaking
from helpdesk.languages import language_for
from helpdesk.messages import Message, OutboundMessage, Question
from helpdesk.portal import centres
from helpdesk.satisfaction import due, wording

EVERY = 10.0  # seconds
BATCH = 25  # customers of one transaction

log = structlog.get_logger(__name__)


async def asking(desk: Desk) -> None:
    """For ever; several workers at once do no harm."""
    while True:
        more = await once(desk)
        await asyncio.sleep(0 if more else EVERY)


async def once(desk: Desk) -> bool:
    """One batch of each; whether there may be more."""
    async with committed(desk.sessions) as session:
        decided = await due.ask_about_resolved(session, BATCH)
    async with committed(desk.sessions) as session:
        recommended = await due.ask_for_recommendation(session, BATCH)
    if decided or recommended:
        log.info("customers asked", about_tickets=decided, for_recommendation=recommended)
    return decided == BATCH or recommended > 0


async def with_answers(
    desk: Desk, session: AsyncSession, message: Message, outbound: OutboundMessage
) -> OutboundMessage:
    """A question as the customer gets it: with a link behind each answer. Other announcements are as they were."""
    rating = await satisfaction.of_message(session, message.id)
    if rating is None:
        return outbound
    name = (await options.load(session)).desk_name or outbound.from_name
    origin = await centres.origin_for(session, message.ticket.inbox_id, desk.settings.url)
    link = satisfaction.link(origin, desk.keys, rating)
    with speaking(await language_for(session, message.ticket)):
        subject = wording.subject(rating.kind, outbound.subject, name)
        offered = wording.choices(rating.kind, link)
        mail = wording.mail(rating.kind, message.text, offered, subject)
        labels = tuple((choice.score, f"{choice.face} {choice.label}".strip()) for choice in offered)
    question = Question(words=message.text, rating=rating.public_id, choices=labels)
    return replace(outbound, subject=mail.subject, text=mail.text, html=mail.html, question=question)
