"""What a decision does: under the ticket's lock, only while nobody else has taken over, in one transaction."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import identity, sources, tools
from ai.assistant.deciding import Decided
from ai.assistant.decisions import Answer, Ask, Confirm, Decision, HandOver, Reason, UseTool
from ai.assistant.ending import hand_over
from ai.assistant.gathering import Passage, Situation
from ai.assistant.rows import Act, ActState, Confirmation, Policy, Run, State
from ai.assistant.wording import Wording, wording
from ai.compose import Part, Sentence, body_of
from ai.courtesy import greeting
from ai.language import language_of
from helpdesk.desk import Desk
from helpdesk.engagements import Engagement, Hold, begin, is_free
from helpdesk.events import ASSISTANT
from helpdesk.messages import Direction, Message
from helpdesk.tickets import Ticket

WAIT = timedelta(seconds=2)
"""Until a reply leaves: long enough to stop it with a quick hand, short enough for a chat."""


@dataclass(frozen=True)
class Floor:
    """Who may speak, and for whom."""

    desk: Desk
    session: AsyncSession
    ticket: Ticket
    run: Run
    policy: Policy
    voice: Policy
    message: Message
    contact_name: str = ""


async def overtaken(session: AsyncSession, ticket: Ticket, run: Run, engagement: Engagement | None) -> str:
    """Why nothing may be said any more; asked with the ticket locked, so it stays true until the commit."""
    if not run.is_open:
        return "ended"
    if ticket.removed or ticket.is_settled:
        return "settled"
    if run.engagement_id and not (engagement and engagement.is_active and engagement.id == run.engagement_id):
        return "taken_over"
    if not run.engagement_id and not await is_free(session, ticket):
        return "taken_over"
    newer = await session.scalar(
        select(func.count()).where(
            Message.ticket_id == ticket.id,
            Message.direction == Direction.inbound,
            Message.id > run.message_id,
            ~Message.automatic,
            Message.copy_of_id.is_(None),
            Message.side_id.is_(None),
        )
    )
    return "newer_message" if newer else ""


async def act(
    floor: Floor, decided: Decided, situation: Situation, engagement: Engagement | None
) -> Act | None:
    """What the customer gets of a decision. A tool that may be used now is returned: it is called when nobody waits
    for the ticket, and `report` says what came of it."""
    decision = decided.decision
    if isinstance(decision, HandOver):
        await give_up(floor, decision.reason, engagement)
        return None
    engagement = engagement or await begin(floor.session, floor.ticket)
    floor.run.engagement_id = engagement.id
    if isinstance(decision, UseTool):
        return await use(floor, decision, engagement, verified=situation.verified)
    if isinstance(decision, Confirm):
        settle(floor, engagement)
    else:
        passages = decided.passages or situation.passages
        words = [said(decision, passages, situation, _words(floor))]
        if isinstance(decision, Answer):
            articles = [passage.article_id for passage in passages if passage.number in decision.cited]
            words += await sources.addresses(floor.session, floor.desk, floor.ticket.inbox_id, articles)
        await say(floor, engagement, "\n".join(words))
        engagement.asked_back += isinstance(decision, Ask)
    floor.run.end(State.done)
    return None


def settle(floor: Floor, engagement: Engagement) -> None:
    """The customer says that it helped; nobody is written to."""
    engagement.confirmed = True
    engagement.end(Hold.done, "confirmed")
    floor.ticket.with_assistant = False
    floor.ticket.resolve(by=ASSISTANT, because={"confirmed": True})


def said(decision: Decision, passages: tuple[Passage, ...], situation: Situation, words: Wording) -> str:
    if isinstance(decision, Answer):
        titles = dict.fromkeys(passage.title for passage in passages if passage.number in decision.cited)
        body = body_of(
            tuple(Sentence(text=s.text, kind=Part.content, begins=s.begins) for s in decision.sentences)
        )
        return f"{body}\n\n{words.sources.format(titles=', '.join(map(words.quotes.format, titles)))}"
    if isinstance(decision, Ask):
        if decision.matter:
            return words.matter
        if len(decision.options) == 1:
            return words.this.format(title=words.quotes.format(decision.options[0]))
        if decision.options:
            return "\n".join(
                [words.which, "", *(f"{i}. {title}" for i, title in enumerate(decision.options, 1))]
            )
        name = next(
            (field.name for field in situation.missing if field.key == decision.field), decision.field
        )
        return words.field.format(field=name)
    return ""


async def say(floor: Floor, engagement: Engagement, body: str) -> Message:
    """One reply, with who speaks where it is the first of the engagement."""
    parts = [body]
    language = language_of_floor(floor)
    if not engagement.turns:
        parts.insert(0, greeting(language, floor.contact_name))
        parts.append(announcement(floor.voice, language, floor.ticket))
    message = floor.ticket.reply("\n\n".join(parts), by=ASSISTANT, wait=WAIT)
    await floor.session.flush()
    engagement.turns += 1
    floor.run.reply_id = message.id
    return message


def announcement(voice: Policy, language: str, ticket: Ticket) -> str:
    if voice.announcement:
        return voice.announcement
    words = wording(language)
    return words.announce.format(name=voice.name or "Milo", desk=ticket.inbox.name)


async def use(floor: Floor, decision: UseTool, engagement: Engagement, *, verified: bool) -> Act | None:
    """Proof first, then whose word the tool needs."""
    tool = await tools.named(floor.session, decision.tool)
    proof = tools.needs_identity(tool) and not verified
    state = ActState.asked_proof if proof else ActState.doing
    made = tools.propose(floor.ticket, floor.run, decision.tool, decision.arguments, state)
    floor.session.add(made)
    await floor.session.flush()
    if not proof:
        return await allowed_or_asked(floor, made, engagement)
    await ask_who(floor, engagement)
    return None


async def ask_who(floor: Floor, engagement: Engagement) -> None:
    """A code by mail; where none may be sent, a person."""
    address = await identity.send_code(floor.session, floor.desk.keys, floor.ticket)
    if address is None:
        await give_up(floor, Reason.unproved, engagement)
    else:
        await say(floor, engagement, _words(floor).code_sent.format(address=address))
        floor.run.end(State.done)


async def allowed_or_asked(floor: Floor, made: Act, engagement: Engagement) -> Act | None:
    tool = await tools.named(floor.session, made.tool)
    needs = tool.confirmation if tool else Confirmation.none
    if needs is Confirmation.customer:
        made.state = ActState.asked_customer
        what = tools.in_words(made, tool)
        await say(floor, engagement, _words(floor).confirm.format(what=what))
        floor.run.end(State.done)
    elif needs is Confirmation.agent:
        made.state = ActState.asked_agent
        await give_up(floor, Reason.needs_agent, engagement)
    else:
        made.begin()
        return made
    return None


async def report(floor: Floor, made: Act, result: tools.Result, engagement: Engagement | None) -> None:
    """After the call, with the ticket locked again. What was done stays done, whoever speaks now."""
    tools.finish(floor.ticket, made, result)
    if why := await overtaken(floor.session, floor.ticket, floor.run, engagement):
        floor.run.end(State.overtaken, trouble=why)
    elif result.done and engagement:
        await say(floor, engagement, result.words)
        floor.run.end(State.done)
    else:
        await give_up(floor, Reason.refused, engagement, trouble=result.words)


async def give_up(floor: Floor, reason: Reason, engagement: Engagement | None, *, trouble: str = "") -> None:
    told = await hand_over(
        floor.session,
        floor.ticket,
        reason,
        policy=floor.policy,
        engagement=engagement,
        message=floor.message,
        trouble=trouble,
        language=language_of_floor(floor),
    )
    floor.run.kind = "hand_over"
    floor.run.reply_id = floor.run.reply_id or (told.id if told else None)
    if floor.run.is_open:
        floor.run.end(State.done)


def language_of_floor(floor: Floor) -> str:
    """The one that the policy wants, else the customer's: triage may not have read this message yet."""
    known = floor.voice.language or floor.ticket.language
    return known or language_of(floor.message.text).label or "en"


def _words(floor: Floor) -> Wording:
    return wording(language_of_floor(floor))
