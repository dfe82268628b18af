"""The triage channel: a card of each ticket, kept as the ticket stands, and what colleagues write under it.

What is written in the thread of a card is a note, whatever it says. A card is known by its row, written down before
it is posted, and by the mark on it, so that a desk that was killed in between finds its card again.
"""

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import Outcome, Rejected
from channels.slack import people, reading, showing
from channels.slack.calling import Calls
from channels.slack.case import Case
from channels.slack.richtext import mentioned, words
from helpdesk import threads
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Match, Message
from helpdesk.slack import SlackCard
from helpdesk.tickets import Ticket

MARK = "helpdesk_card"


async def show(desk: Desk, inbox: Inbox, calls: Calls, ticket_id: int) -> None:
    """Post the card, or bring it up to date. Raises Unavailable where Slack asks to wait."""
    channel = calls.settings.triage_channel
    async with committed(desk.sessions) as session:
        ticket = await _ticket(session, ticket_id)
        row = await session.scalar(
            select(SlackCard).where(SlackCard.inbox_id == inbox.id, SlackCard.ticket_id == ticket_id)
        )
        if ticket is None or (row is None and ticket.removed is not None):
            return
        text, blocks = showing.card(ticket, desk.settings.url)
        stands = showing.digest(text, blocks)
        known = row is not None
        if row is None or row.channel_id != channel:
            if row:
                await session.delete(row)
                await session.flush()
            row, known = SlackCard(ticket_id=ticket_id, inbox_id=inbox.id, channel_id=channel), False
            session.add(row)
        elif row.shown == stands and row.ts:
            return
        await session.flush()
        row_id, ts = row.id, row.ts
    if known and not ts:
        ts = await _posted_before(calls, channel, ticket_id)
    if ts:
        with suppress(Rejected):  # somebody deleted it: then it was not wanted
            await calls.ask("chat_update", channel=channel, ts=ts, text=text, blocks=blocks)
    else:
        mark = {"event_type": MARK, "event_payload": {"ticket": str(ticket_id)}}
        answer = await calls.tell(
            "chat_postMessage", channel=channel, text=text, blocks=blocks, metadata=mark
        )
        ts = str(answer.get("ts") or "")
    async with committed(desk.sessions) as session:
        if card := await session.get(SlackCard, row_id):
            card.ts, card.shown = ts, stands


async def said_there(case: Case) -> Outcome:
    """Somebody wrote in the triage channel."""
    found = case.found
    ticket_id = await ticket_of(case, found.root)
    if ticket_id is None:
        return Outcome("ignored: it is under no card")
    person = await people.who(case.calls, found.user, found.said)
    if person.is_outside(case.me) or person.bot:
        return Outcome("ignored: nobody of ours wrote it")
    names = await people.names(case.calls, mentioned(found.said))
    note = await _note(case, person, ticket_id, words(found.said, names))
    if note is None:
        return Outcome("note: it is there already")
    text, blocks = showing.kept_as_note(note)
    given = {"channel": found.channel, "user": found.user, "thread_ts": found.root}
    await tell(case, text, blocks=blocks, **given)
    return Outcome("note", note.id)


async def edited_there(case: Case) -> Outcome:
    """Its author put a note right; what they said first is kept beside it."""
    person = await people.who(case.calls, case.found.user, case.found.said)
    names = await people.names(case.calls, mentioned(case.found.said))
    async with committed(case.desk.sessions) as session:
        note = await session.scalar(
            select(Message).where(
                Message.client_id == named(case.found.ts),
                Message.inbox_id == case.inbox.id,
                Message.direction == Direction.note,
            )
        )
        by = await people.agent(session, case.me, person)
        if note is None or by is None or note.agent_id != by.id:
            return Outcome("ignored: it changes no note")
        found = await threads.again(session, note.ticket_id, Match.reference)
        if found:
            found.ticket.edit_note(note, words(case.found.said, names), by=by)
    return Outcome("edit: a note")


async def ticket_of(case: Case, card_ts: str) -> int | None:
    async with case.desk.sessions() as session:
        return await session.scalar(
            select(SlackCard.ticket_id).where(
                SlackCard.inbox_id == case.inbox.id,
                SlackCard.channel_id == case.found.channel,
                SlackCard.ts == card_ts,
            )
        )


async def tell(case: Case, text: str, **given: object) -> None:
    """For one person's eyes. Words that do not arrive are no reason to do anything again."""
    try:
        await case.calls.ask("chat_postEphemeral", text=text, **given)
    except Rejected:
        return


def named(ts: str) -> str:
    """What a note that was written under a card is called, so that it is one however often it comes."""
    return f"slack-{ts}"


async def _note(case: Case, person: people.Person, ticket_id: int, text: str) -> Message | None:
    async with committed(case.desk.sessions) as session:
        found = await threads.again(session, ticket_id, Match.reference)
        if found is None or not text.strip():
            return None
        name = named(case.found.ts)
        there = select(Message.id).where(Message.ticket_id == found.ticket.id, Message.client_id == name)
        if await session.scalar(there):
            return None
        by = await people.agent(session, case.me, person)
        if by is None:
            text = gettext("{name} in Slack: {text}").format(name=person.name, text=text)
        note = found.ticket.note(text, by=by or DESK, client_id=name)
        note.sent_at = reading.written_at(case.found.ts)
        await session.flush()
        return note


async def _posted_before(calls: Calls, channel: str, ticket_id: int) -> str:
    answer = await calls.ask("conversations_history", channel=channel, include_all_metadata=True, limit=200)
    for said in answer.get("messages") or ():
        mark = said.get("metadata") or {}
        about = mark.get("event_payload") or {}
        if mark.get("event_type") == MARK and str(about.get("ticket")) == str(ticket_id):
            return str(said.get("ts") or "")
    return ""


async def _ticket(session: AsyncSession, ticket_id: int) -> Ticket | None:
    return await session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .options(
            joinedload(Ticket.contact),
            joinedload(Ticket.assignee),
            joinedload(Ticket.team),
            joinedload(Ticket.status),
        )
    )
