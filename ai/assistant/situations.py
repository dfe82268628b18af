"""The situation that a run stands before: of a ticket, at a message, or of somebody who tries the assistant out."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import identity, policies, tools
from ai.assistant.decisions import Ask, read
from ai.assistant.gathering import (
    Situation,
    Turn,
    chosen,
    found_for,
    question_of_turns,
    turns_from,
    with_first,
)
from ai.assistant.phrases import says_it_helped, says_yes
from ai.assistant.rows import Policy, Run, State
from ai.drafting.turns import turns_of
from ai.language import language_of
from ai.questions import question_of
from helpdesk import fields, maildomains
from helpdesk.engagements import latest
from helpdesk.events import ActorKind
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.inboxes import Inbox
from helpdesk.people import Contact
from helpdesk.portal import centres
from helpdesk.portal.centres import HelpCentre
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from kb.readers import Reader

LONGEST = 30  # messages of a ticket that are looked at


async def situation_of(session: AsyncSession, embedder: Embedder, run: Run, policy: Policy) -> Situation:
    """As it is now, but nothing that was said after the run's message."""
    ticket = await session.get_one(Ticket, run.ticket_id)
    contact = await session.get_one(Contact, ticket.contact_id)
    every = await policies.of_inbox(session, run.inbox_id)
    messages = [m for m in await turns_of(session, ticket, limit=LONGEST) if m.id <= run.message_id]
    engagement = await latest(session, ticket)
    before = await decided_before(session, run)
    options = before.options if isinstance(before, Ask) else ()
    picked = chosen(messages[-1].text, options) or _agreed(messages[-1].text, options)
    question = picked or question_of(ticket.subject, messages)
    asked = next((m for m in reversed(messages) if m.id == run.message_id), messages[-1])
    language = ticket.language or language_of(asked.text).label
    verified = await identity.is_verified(session, ticket)
    reader = Reader.customer(contact) if verified else Reader.public()
    if brand := await centres.brand_of(session, run.inbox_id):  # none tells what only another one says
        reader = replace(reader, collections=tuple(brand.collection_ids))
    found = await found_for(session, embedder, question, reader=reader, language=language)
    voice = policies.voice(every, policy)
    return Situation(
        subject=ticket.subject,
        turns=turns_from(messages),
        question=question,
        contact_name=contact.name,
        language=voice.language or language,
        hits=with_first(found.hits, picked),
        passages=found.passages,
        confidence=found.confidence,
        sure=found.sure,
        near=found.near,
        other_language=found.other_language,
        picked=picked if any(hit.title == picked for hit in found.hits) else "",
        missing=tuple(await _missing(session, ticket)),
        tools=tuple(await tools.offered(session)),
        verified=verified,
        asked_back=engagement.asked_back if engagement and engagement.is_active else 0,
        options=options,
        said=tuple(m.text for m in messages if m.author is ActorKind.assistant),
        own=await own_hosts(session),
        policy=voice,
        desk="",
    )


async def situation_tried(
    session: AsyncSession, embedder: Embedder, policy: Policy, subject: str, text: str
) -> Situation:
    """Somebody tries it out: no ticket, nobody's data, and what anybody may read."""
    turns = (Turn(True, text),)
    question = question_of_turns(subject, turns)
    language = policy.language or language_of(text).label
    found = await found_for(session, embedder, question, reader=Reader.public(), language=language)
    return Situation(
        subject=subject,
        turns=turns,
        question=question,
        language=language,
        hits=found.hits,
        passages=found.passages,
        confidence=found.confidence,
        sure=found.sure,
        near=found.near,
        other_language=found.other_language,
        tools=tuple(await tools.offered(session)),
        own=await own_hosts(session),
        policy=policy,
    )


def _agreed(text: str, options: tuple[str, ...]) -> str:
    """A yes to the only one that was offered."""
    return options[0] if len(options) == 1 and (says_yes(text) or says_it_helped(text)) else ""


async def own_hosts(session: AsyncSession) -> tuple[str, ...]:
    """Where links may lead: the domains that the desk's inboxes write from with what lies below them, its help
    centres, and their websites. Of a public provider, where anybody can have pages, a desk owns nothing."""
    addresses = await session.scalars(select(Inbox.address).where(Inbox.address.is_not(None)).distinct())
    domains = {maildomains.domain_of(address) for address in addresses if address and "@" in address}
    own = {f".{each}" for each in domains if each and not maildomains.is_public(each)}
    sites = await session.execute(select(HelpCentre.host, HelpCentre.website).where(HelpCentre.active))
    for host, website in sites:
        own |= {each for each in (host, website.rstrip("/")) if each}
    return tuple(sorted(own))


async def decided_before(session: AsyncSession, run: Run) -> Any:
    """What it decided the last time on this ticket."""
    stored = await session.scalar(
        select(Run.decision)
        .where(Run.ticket_id == run.ticket_id, Run.id < run.id, Run.state == State.done)
        .order_by(Run.id.desc())
        .limit(1)
    )
    return read(stored or {})


async def _missing(session: AsyncSession, ticket: Ticket) -> list[CustomField]:
    registry = await fields.load(session, Subject.ticket)
    asked = (FieldKind.text, FieldKind.pattern, FieldKind.number)
    return [f for f in registry.missing(ticket.fields) if f.customer_can_see and f.kind in asked]
