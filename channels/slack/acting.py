"""What agents do from Slack: buttons on cards, forms, the command. As in the console, each as far as they may.

Who presses is known by the e-mail address of their account in our workspace, and only there.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import ChannelError, Outcome
from channels.slack import bringing, filing, people, rating, showing, triage
from channels.slack.case import Case
from channels.slack.happening import open_from, payload_of
from channels.slack.manifest import COMMAND
from channels.slack.reading import OPEN_TICKET, OWN, TO_CUSTOMER
from channels.slack.richtext import words
from helpdesk.access import Action, require, visible_tickets
from helpdesk.database import committed
from helpdesk.errors import Conflict, Forbidden, HelpdeskError, NotFound
from helpdesk.events import DESK
from helpdesk.i18n import _, gettext
from helpdesk.merging.snapshots import public_of
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent
from helpdesk.signatures import signature
from helpdesk.slack import Customers
from helpdesk.tickets import Priority, Ticket


class NoAgent(Forbidden):
    message = _("No agent of the desk has the e-mail address of your account here.")


class NotThere(Forbidden):
    message = _("In this channel nothing becomes a ticket.")


class SaidMeanwhile(Conflict):
    message = _(
        "More was said in this ticket since you were shown your answer. Look at both before you send it."
    )


class Elsewhere(Conflict):
    message = _("This ticket was merged into another one: look there.")


class PutAway(Conflict):
    message = _("This ticket was put away. Bring it back in the desk first.")


class ChangedMeanwhile(Conflict):
    message = _("The note says something else now than you were shown. Look at it again before you send it.")


async def pressed(case: Case) -> Outcome:
    given = case.found.payload.get("actions")
    act = given[0] if isinstance(given, list) and given and isinstance(given[0], dict) else {}
    name = str(act.get("action_id") or "")
    if not name.startswith(OWN):
        return Outcome("ignored: a button of another app")
    chosen = act.get("selected_option")
    value = str((chosen if isinstance(chosen, dict) else act).get("value") or "")
    try:
        if name.startswith(showing.RATE):
            return await rating.pressed(case, value)
        if name == showing.SEND:
            return await _preview(case, note_id=_number(value))
        return await _change(case, name, value)
    except (HelpdeskError, ValueError) as error:
        return await _refused(case, error)


async def shortcut(case: Case) -> Outcome:
    name = case.found.payload.get("callback_id")
    try:
        if name == OPEN_TICKET:
            text = words(case.found.said)
            form = showing.opening(case.found.channel, case.found.ts, case.found.thread_ts, text)
            await _show(case, form)
            return Outcome("form: open a ticket")
        if name == TO_CUSTOMER:
            return await _preview(case, note_names=triage.named(case.found.channel, case.found.ts))
    except HelpdeskError as error:
        return await _refused(case, error)
    return Outcome("ignored: a shortcut of another app")


async def submitted(case: Case) -> Outcome:
    view = payload_of(case.found, "view")
    about = _about(view)
    try:
        match view.get("callback_id"):
            case showing.SENDING:
                return await _send(case, about, str(view.get("id") or ""))
            case showing.OPENING:
                return await _open(case, view, about)
            case showing.ADDING:
                return await rating.added(case, str(about.get("rating")), _entered(view, "comment"))
    except (HelpdeskError, ValueError) as error:
        return await _refused(case, error, channel=str(about.get("channel") or ""))
    return Outcome("ignored: a form of another app")


async def commanded(case: Case) -> Outcome:
    payload = case.found.payload
    if payload.get("command") != COMMAND:
        return Outcome("ignored: another command")
    wanted = str(payload.get("text") or "").strip().lstrip("#")
    try:
        async with case.desk.sessions() as session:
            agent = await _agent(case, session)
            text = await _listed(case, session, agent, wanted)
    except HelpdeskError as error:
        text = str(error)
    url = str(payload.get("response_url") or "")
    if bringing.is_slacks(url, case.calls.settings.api_url):
        body = json.dumps({"response_type": "ephemeral", "text": text}).encode()
        await case.desk.outbound.ask(
            "POST", url, headers={"content-type": "application/json"}, content=body, redirects=0
        )
    return Outcome("command")


async def _change(case: Case, name: str, value: str) -> Outcome:
    ticket_id, _slash, chosen = value.partition("/")
    async with committed(case.desk.sessions) as session:
        agent = await _agent(case, session)
        ticket = await _reached(session, agent, _number(ticket_id))
        if ticket.id != _number(ticket_id):
            raise Elsewhere
        if ticket.removed:
            raise PutAway
        match name:
            case showing.TAKE:
                require(agent, Action.assign, ticket)
                ticket.assign(agent, by=agent)
            case showing.RESOLVE if not ticket.is_settled:
                require(agent, Action.settle, ticket)
                ticket.resolve(by=agent)
            case showing.REOPEN if ticket.is_settled:
                require(agent, Action.settle, ticket)
                ticket.reopen(by=agent)
            case showing.PRIORITY:
                require(agent, Action.change, ticket)
                ticket.prioritise(Priority(chosen), by=agent)
    return Outcome(f"button: {name.removeprefix(OWN)}")


async def _preview(case: Case, *, note_id: int = 0, note_names: tuple[str, ...] = ()) -> Outcome:
    """What would be sent, before anything is."""
    async with case.desk.sessions() as session:
        agent = await _agent(case, session)
        wanted = Message.id == note_id if note_id else Message.client_id.in_(note_names)
        note = await session.scalar(
            select(Message).where(
                wanted, Message.inbox_id == case.inbox.id, Message.direction == Direction.note
            )
        )
        if note is None:
            raise NotFound(gettext("Only what stands in the thread of a card can be sent from here."))
        ticket = await _reached(session, agent, note.ticket_id)
        require(agent, Action.reply, ticket)
        seen = await _newest_of_others(session, ticket, agent)
        below = await signature(session, agent, ticket.inbox_id)
        form = showing.preview(note, ticket, below, seen=seen, channel=case.found.channel)
    await _show(case, form)
    return Outcome("form: preview")


async def _send(case: Case, about: Mapping[str, Any], view_id: str) -> Outcome:
    """The one way from an internal thread to the customer: what the form showed. Its id makes it one reply."""
    note_id, seen = _number(str(about.get("note"))), int(str(about.get("seen") or 0))
    async with committed(case.desk.sessions) as session:
        agent = await _agent(case, session)
        note = await session.get(Message, note_id)
        if note is None or note.direction is not Direction.note or note.inbox_id != case.inbox.id:
            raise NotFound
        ticket = await _reached(session, agent, note.ticket_id)
        require(agent, Action.reply, ticket)
        name = f"slack-{view_id}"
        there = select(Message).where(Message.ticket_id == ticket.id, Message.client_id == name)
        if (reply := await session.scalar(there)) is None:
            if ticket.removed:
                raise PutAway
            if about.get("says") != showing.says(note):
                raise ChangedMeanwhile
            if (
                about.get("to") != showing.to(ticket)
                or await _newest_of_others(session, ticket, agent) > seen
            ):
                raise SaidMeanwhile
            reply = ticket.reply(note.text, by=agent, client_id=name)
            await session.flush()
        reply_id = reply.id
    return Outcome("answer: sent from a card", reply_id)


async def _newest_of_others(session: AsyncSession, ticket: Ticket, agent: Agent) -> int:
    """The id of the last thing that a customer or a colleague said: whoever answers has to have read it."""
    others = Message.agent_id.is_distinct_from(agent.id)
    newest = select(func.max(Message.id)).where(public_of(ticket), ~Message.announced, others)
    return await session.scalar(newest) or 0


async def _open(case: Case, view: Mapping[str, Any], about: Mapping[str, Any]) -> Outcome:
    channel, ts = str(about.get("channel") or ""), str(about.get("ts") or "")
    if await filing.customers_in(case.desk, case.inbox, channel) is Customers.nobody:
        raise NotThere
    outcome = await open_from(
        case,
        channel,
        ts,
        str(about.get("thread_ts") or ""),
        subject=" ".join(_entered(view, "subject").split())[:300],
    )
    if outcome.message_id and (priority := _entered(view, "priority")):
        person = await people.who(case.calls, case.found.user)
        if person.is_outside(case.me):  # how urgent it is to us is not for customers to say
            return outcome
        async with committed(case.desk.sessions) as session:
            message = await session.get_one(Message, outcome.message_id)
            ticket = await filing.loaded(session, message.ticket_id)
            if ticket:
                by = await people.agent(session, case.me, person)
                ticket.prioritise(Priority(priority), by=by or DESK)
    return outcome


async def _listed(case: Case, session: AsyncSession, agent: Agent, wanted: str) -> str:
    seen = visible_tickets(agent).options(joinedload(Ticket.status)).limit(showing.LISTED + 1)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        found = list(await session.scalars(seen.where(Ticket.number == int(wanted))))
        return showing.listed(found, case.desk.settings.url) or gettext("There is no such ticket.")
    if wanted:
        return gettext("`/ticket` lists your tickets, `/ticket 42` shows one.")
    mine = seen.where(Ticket.assignee_id == agent.id, Ticket.is_active).order_by(Ticket.id.desc())
    found = list(await session.scalars(mine))
    return showing.listed(found, case.desk.settings.url) or gettext("You have no open tickets.")


async def _agent(case: Case, session: AsyncSession) -> Agent:
    person = await people.who(case.calls, case.found.user, within=people.FRESH)
    found = await people.agent(session, case.me, person)
    if found is None:
        raise NoAgent
    return found


async def _reached(session: AsyncSession, agent: Agent, ticket_id: int) -> Ticket:
    """As it stands, where it is now; the way there has to be theirs, too."""
    if not await _is_visible(session, agent, ticket_id):
        raise NotFound
    ticket = await filing.loaded(session, ticket_id)
    if ticket is None or not await _is_visible(session, agent, ticket.id):
        raise NotFound
    return ticket


async def _is_visible(session: AsyncSession, agent: Agent, ticket_id: int) -> bool:
    query = visible_tickets(agent).where(Ticket.id == ticket_id).with_only_columns(Ticket.id)
    return await session.scalar(query) is not None


async def _show(case: Case, form: dict[str, Any]) -> None:
    trigger = str(case.found.payload.get("trigger_id") or "")
    try:
        await case.calls.tell("views_open", trigger_id=trigger, view=form)
    except ChannelError as error:
        words_ = gettext("The form could not be opened ({why}). Press the button again.")
        raise Conflict(words_.format(why=error)) from None


async def _refused(case: Case, error: Exception, *, channel: str = "") -> Outcome:
    """`channel`: where a form was opened from, since what it brings does not say so."""
    words_ = str(error) if isinstance(error, HelpdeskError) else gettext("This can't be done any more.")
    channel = case.found.channel or channel or case.calls.settings.triage_channel
    if channel and case.found.user:
        await triage.tell(case, words_, channel=channel, user=case.found.user)
    return Outcome(f"refused: {words_}")


def _entered(view: Mapping[str, Any], name: str) -> str:
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    block = values.get(name) if isinstance(values, dict) else None
    field = block.get(name) if isinstance(block, dict) else None
    if not isinstance(field, dict):
        return ""
    chosen = field.get("selected_option")
    return str((chosen if isinstance(chosen, dict) else field).get("value") or "")


def _about(view: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(text: str) -> int:
    """Raises ValueError."""
    found = int(text)
    if not 0 < found < 2**63:
        raise ValueError(text)
    return found
