"""Handing over: colleagues get the ticket and what they need to know, the customer is told, the assistant is out.

Needs no model and no network, so it works when everything else does not.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.decisions import REASONS, Answer, Ask, Reason, UseTool, read
from ai.assistant.rows import Mode, Policy, Run
from ai.assistant.wording import wording
from helpdesk.engagements import Engagement, Hold
from helpdesk.events import ASSISTANT, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.messages import Message
from helpdesk.people import Team
from helpdesk.tickets import Ticket

SHOWN = 400  # characters of the customer's words in a summary


async def hand_over(
    session: AsyncSession,
    ticket: Ticket,
    reason: Reason,
    *,
    policy: Policy | None,
    engagement: Engagement | None,
    message: Message | None,
    trouble: str = "",
    language: str | None = None,
) -> Message | None:
    """The ticket is locked, and nobody has taken over. What the customer is told, where anything is."""
    if engagement is None:
        engagement = Engagement(
            ticket_id=ticket.id, state=Hold.handed_over, turns=0, tokens=0, cost=0.0, asked_back=0
        )
        session.add(engagement)
    spoke = bool(engagement.turns)
    engagement.end(Hold.handed_over, reason)
    ticket.with_assistant = False
    ticket.events.add(Event(Kind.assistant_handed_over, by=ASSISTANT, reason=reason))
    ticket.note(await summary(session, ticket, reason, message, trouble), by=ASSISTANT)
    if policy and policy.team_id and (team := await session.get(Team, policy.team_id)):
        ticket.move(team, by=ASSISTANT)
    words = wording(language or (policy and policy.language) or ticket.language)
    told = ticket.announce(
        words.handed_over if spoke else words.first_contact, by=ASSISTANT, wait=timedelta(0)
    )
    await session.flush()
    return told


async def summary(
    session: AsyncSession, ticket: Ticket, reason: Reason, message: Message | None, trouble: str
) -> str:
    """In the desk's words: a model that was talked into something cannot speak to colleagues either."""
    why = gettext("The assistant hands this over because %(why)s.") % {"why": str(REASONS[reason])}
    parts = [f"{why} {trouble}".strip()]
    if message and message.text.strip():
        asked = " ".join(message.text.split())
        parts.append(
            gettext("Asked last: “%(text)s”") % {"text": asked[:SHOWN] + ("…" if asked[SHOWN:] else "")}
        )
    runs = await session.scalars(
        select(Run)
        .where(Run.ticket_id == ticket.id, Run.mode == Mode.answer, Run.reply_id.is_not(None))
        .order_by(Run.id.desc())
        .limit(6)
    )
    tried = [line for run in reversed(runs.all()) if (line := _tried(run))]
    if tried:
        parts.append("\n".join([gettext("Tried so far:"), *(f"- {line}" for line in tried)]))
    return "\n\n".join(parts)


def _tried(run: Run) -> str:
    decision = read(run.decision)
    if isinstance(decision, Answer):
        cited = {number for sentence in decision.sentences for number in sentence.citations}
        titles = dict.fromkeys(p["title"] for p in run.passages if p["number"] in cited)
        return gettext("answered from %(titles)s") % {"titles": ", ".join(f"“{title}”" for title in titles)}
    if isinstance(decision, Ask):
        return gettext("asked back: %(what)s") % {"what": ", ".join(decision.options) or decision.field}
    if isinstance(decision, UseTool):
        return gettext("used the tool %(name)s") % {"name": decision.tool}
    return ""
