"""Cards: one of each ticket in the channel of its team, or in the inbox's, kept as the ticket stands; and what
colleagues write under them.

What is written in the thread of a card is a note, whatever it says. A card is known by its row, written down before
it is posted, and by the mark on it, so that a desk that was killed in between finds its card again. When a ticket
goes to a team with another channel, its old card says so, and its thread stays the ticket's.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import ChannelError, Outcome, Rejected, Unavailable, Uncertain
from channels.slack import lines, people, reading, showing
from channels.slack.calling import Calls
from channels.slack.case import Case
from channels.slack.richtext import mentioned, words
from helpdesk import threads
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.merging.chains import root_id
from helpdesk.messages import Direction, Match, Message
from helpdesk.slack import SlackCard, SlackTeam
from helpdesk.tickets import Removal, Ticket

MARK = "helpdesk_card"
CARDS = "cards/"
"""How it begins what is remembered of a channel in which cards cannot stand."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Card:
    """As it should stand in one channel."""

    id: int
    channel: str
    ts: str
    known: bool
    """Its row was there before."""
    here: bool
    """It is the ticket's card, and not what is left of one."""
    text: str
    blocks: list[dict[str, Any]]


async def show(desk: Desk, inbox: Inbox, calls: Calls, ticket_id: int) -> None:
    """Post the card, or bring it up to date, and the ones elsewhere. Raises Unavailable where Slack asks to wait."""
    async with committed(desk.sessions) as session:
        ticket = await _ticket(session, ticket_id)
        if ticket is None:
            return
        team = await _team(session, inbox, ticket)
        channel = team.channel_id if team else calls.settings.triage_channel
        cards = await _cards(session, inbox, ticket, channel, desk.settings.url)
    for card in cards:
        trouble = await _shown(desk, calls, card, ticket_id)
        if card.channel != channel:
            continue
        if team:
            await lines.write_down(desk, team, trouble)
        else:
            await write_down(desk, inbox, channel, trouble)


async def _team(session: AsyncSession, inbox: Inbox, ticket: Ticket) -> SlackTeam | None:
    """Whose channel the card stands in; None: in the inbox's."""
    return await session.scalar(
        select(SlackTeam).where(
            SlackTeam.inbox_id == inbox.id, SlackTeam.team_id == ticket.team_id, SlackTeam.cards
        )
    )


async def _cards(session: AsyncSession, inbox: Inbox, ticket: Ticket, channel: str, url: str) -> list[Card]:
    """Those that do not stand as they should, the one in `channel` last: the others name its channel."""
    query = select(SlackCard).where(SlackCard.inbox_id == inbox.id, SlackCard.ticket_id == ticket.id)
    rows = {row.channel_id: row for row in await session.scalars(query)}
    known = set(rows)
    if channel and channel not in rows and ticket.removed is None and ticket.erased_at is None:
        rows[channel] = SlackCard(ticket_id=ticket.id, inbox_id=inbox.id, channel_id=channel)
        session.add(rows[channel])
        await session.flush()
    into = await root_id(session, ticket.id) if ticket.removed is Removal.merged else None
    target = await session.scalar(select(Ticket.number).where(Ticket.id == into)) if into else None
    found = []
    for row in sorted(rows.values(), key=lambda row: row.channel_id == channel):
        here = row.channel_id == channel
        if ticket.removed:
            text, blocks = showing.put_away(ticket, url, target)
        else:
            text, blocks = showing.card(ticket, url) if here else showing.moved(ticket, url, channel)
        if row.shown != showing.digest(text, blocks) or not row.ts:
            found.append(Card(row.id, row.channel_id, row.ts, row.channel_id in known, here, text, blocks))
    return found


async def _shown(desk: Desk, calls: Calls, card: Card, ticket_id: int) -> str:
    """Why it does not stand there, in words. A card holds what customers wrote. Raises Unavailable and Uncertain."""
    try:
        if not await lines.is_inside(calls, card.channel):
            return lines.shared()
        await _stands(desk, calls, card, ticket_id)
    except (Unavailable, Uncertain):
        raise
    except ChannelError as error:
        log.warning("no card", channel=card.channel, because=str(error))
        return str(error)
    return ""


async def write_down(desk: Desk, inbox: Inbox, channel: str, trouble: str) -> None:
    """Of the inbox's own channel, for the settings; a team's has a row of its own."""
    mine = Kept.inbox_id == inbox.id, Kept.source == f"{CARDS}{channel}"
    async with committed(desk.sessions) as session:
        await session.execute(delete(Kept).where(*mine, Kept.outcome != trouble))
        if trouble:
            given = {"raw": b"", "digest": "", "state": KeptState.settled, "outcome": trouble}
            row = insert(Kept).values(inbox_id=inbox.id, source=f"{CARDS}{channel}", **given)
            await session.execute(row.on_conflict_do_nothing())


async def trouble(session: AsyncSession, inbox_id: int, channel: str) -> str:
    """Why no cards stand in the inbox's own channel, in words; empty where they do."""
    query = select(Kept.outcome).where(Kept.inbox_id == inbox_id, Kept.source == f"{CARDS}{channel}")
    return await session.scalar(query) or ""


async def _stands(desk: Desk, calls: Calls, card: Card, ticket_id: int) -> None:
    given: dict[str, Any] = {"channel": card.channel, "text": card.text, "blocks": card.blocks}
    ts = card.ts
    if card.known and not ts:
        ts = await _posted_before(calls, card.channel, ticket_id)
    if not ts and not card.here:  # it never stood there
        async with committed(desk.sessions) as session:
            await session.execute(delete(SlackCard).where(SlackCard.id == card.id))
        return
    if ts:
        with suppress(Rejected):  # somebody deleted it: then it was not wanted
            await calls.ask("chat_update", ts=ts, **given)
    else:
        mark = {"event_type": MARK, "event_payload": {"ticket": str(ticket_id)}}
        answer = await calls.tell("chat_postMessage", metadata=mark, **given)
        ts = str(answer.get("ts") or "")
    async with committed(desk.sessions) as session:
        if row := await session.get(SlackCard, card.id):
            row.ts, row.shown = ts, showing.digest(card.text, card.blocks)


async def is_ours(case: Case, channel: str, root: str = "") -> bool:
    """Whether only colleagues write there: where cards stand now, and in the thread of any card."""
    if not channel or channel == case.calls.settings.triage_channel:
        return bool(channel)
    teams = select(SlackTeam.id).where(
        SlackTeam.inbox_id == case.inbox.id, SlackTeam.channel_id == channel, SlackTeam.cards
    )
    cards = select(SlackCard.id).where(
        SlackCard.inbox_id == case.inbox.id,
        SlackCard.channel_id == channel,
        SlackCard.ts == root,
        SlackCard.ts != "",
    )
    async with case.desk.sessions() as session:
        return bool(await session.scalar(select(or_(teams.exists(), cards.exists()))))


async def said_there(case: Case) -> Outcome:
    """Somebody wrote where cards stand."""
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
                Message.client_id.in_(named(case.found.channel, case.found.ts)),
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


def named(channel: str, ts: str) -> tuple[str, str]:
    """What a note that was written under a card is called, so that it is one however often it comes; and what one
    was called while there was a single channel for cards."""
    return f"slack-{channel}-{ts}", f"slack-{ts}"


async def _note(case: Case, person: people.Person, ticket_id: int, text: str) -> Message | None:
    async with committed(case.desk.sessions) as session:
        found = await threads.again(session, ticket_id, Match.reference)
        if found is None or not text.strip():
            return None
        names = named(case.found.channel, case.found.ts)
        there = select(Message.id).where(Message.ticket_id == found.ticket.id, Message.client_id.in_(names))
        if await session.scalar(there):
            return None
        by = await people.agent(session, case.me, person)
        if by is None:
            text = gettext("{name} in Slack: {text}").format(name=person.name, text=text)
        note = found.ticket.note(text, by=by or DESK, client_id=names[0])
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
