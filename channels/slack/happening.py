"""What a stored payload changes at the desk. Everything here can come twice, late and out of order.

Slack is asked first — who wrote it, what was said before, for the files —, then one transaction files it. A message
has the same id however often it comes, an edit says what the message says now, and a ticket belongs to its thread.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from channels.contract import Outcome, Rejected, Unreadable
from channels.slack import bringing, filing, people, reading, speaking, triage
from channels.slack.calling import Calls
from channels.slack.case import Case
from channels.slack.filing import Spot
from channels.slack.people import Person
from channels.slack.pleasantries import is_pleasantry
from channels.slack.reading import Happening, What
from channels.slack.richtext import mentioned, words
from helpdesk import clock, i18n
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.messages import Message
from helpdesk.slack import Customers

LATE = timedelta(days=1)
"""An edit of a message that the desk has never seen is read as the message itself, unless it is older."""


async def interpret(desk: Desk, inbox: Inbox, calls: Calls, raw: bytes) -> Outcome:
    """Raises Unavailable where Slack has to be asked again later."""
    try:
        found = reading.read(reading.decoded(raw))
    except Unreadable as error:
        return Outcome(f"ignored: {error}")
    if found.what in {What.ignored, What.handshake}:
        return Outcome(f"ignored: {found.why or found.what}")
    if found.what is What.ended:
        people.forget(calls)
        return Outcome("the app was taken out of the workspace")
    case = Case(desk, inbox, calls, await people.me(calls), found)
    if not _is_for_us(case):
        return Outcome("ignored: it is for another workspace")
    match found.what:
        case What.message:
            return await _unless_taken_back(case, await _message(case))
        case What.edit:
            return await _edit(case)
        case What.deletion:
            await filing.is_newest(desk, inbox, found.channel, found.ts, filing.TAKEN_BACK)
            return Outcome(f"deletion: {await _change(case, None)}")
        case What.reaction:
            return await _reaction(case)
    return await _act(case)


async def _act(case: Case) -> Outcome:
    with i18n.speaking(await speaking.language_of(case)):
        return await _acted(case)


async def _acted(case: Case) -> Outcome:
    from channels.slack import acting  # which opens tickets by this module

    match case.found.what:
        case What.button:
            return await acting.pressed(case)
        case What.shortcut:
            return await acting.shortcut(case)
        case What.form:
            return await acting.submitted(case)
    return await acting.commanded(case)


def _is_for_us(case: Case) -> bool:
    """Buttons and forms of a shared channel name the workspace of who pressed them; they come signed all the same."""
    home = case.found.home
    told = case.found.what in {What.message, What.edit, What.deletion, What.reaction}
    return not (told and home and case.me.team) or home in {case.me.team, case.me.enterprise}


async def _message(case: Case) -> Outcome:
    found, me = case.found, case.me
    if found.user == me.user:
        return Outcome("ignored: the desk itself wrote it")
    if await triage.is_ours(case, found.channel, found.root):
        return await triage.said_there(case)
    customers = await filing.customers_in(case.desk, case.inbox, found.channel)
    if customers is Customers.nobody:
        return Outcome("ignored: the desk does not listen in this channel")
    if found.direct and not case.calls.settings.direct_messages:
        return Outcome("ignored: direct messages open no tickets")
    person = await people.who(case.calls, found.user, found.said)
    if person.bot:
        return Outcome("ignored: a program wrote it")
    ticket_id = await filing.ticket_at(case.desk, case.inbox, found.channel, found.root)
    if person.is_customer(me, customers, direct=found.direct):
        return await _of_customer(case, person, ticket_id)
    if ticket_id is None:
        return Outcome("ignored: one of ours wrote it, outside of any ticket")
    return await _of_ours(case, person, ticket_id)


async def _unless_taken_back(case: Case, outcome: Outcome) -> Outcome:
    """Where the deletion came before its message, it ends as it would have the other way round."""
    found = case.found
    if outcome.message_id and await filing.was_taken_back(case.desk, case.inbox, found.channel, found.ts):
        await _change(case, None)
    return outcome


async def _of_customer(case: Case, person: Person, ticket_id: int | None) -> Outcome:
    found = case.found
    nice = not found.files and is_pleasantry(words(found.said))
    if ticket_id is not None:
        quiet = nice and await filing.is_settled(case.desk, ticket_id)
        return _received(await _file(case, person, spot_of(found), into=ticket_id, quiet=quiet))
    if found.thread_ts:
        if nice:
            return Outcome("ignored: a pleasantry")
        return await open_from(case, found.channel, found.ts, found.thread_ts, customer=person.id)
    spot = spot_of(found)
    minutes = case.calls.settings.group_minutes
    into = await filing.just_wrote(case.desk, case.inbox, spot, minutes=minutes, direct=found.direct)
    if nice and into is None:
        return Outcome("ignored: a pleasantry")
    return _received(await _file(case, person, spot, into=into))


async def _of_ours(case: Case, person: Person, ticket_id: int) -> Outcome:
    inbound = await _inbound(case, person)
    message = await filing.record(case.desk, case.inbox, inbound, case.me, person, ticket_id)
    return Outcome("answer: one of ours wrote it in Slack", message.id if message else None)


async def _edit(case: Case) -> Outcome:
    found = case.found
    if await triage.is_ours(case, found.channel, found.root):
        return await triage.edited_there(case)
    if not await filing.is_newest(case.desk, case.inbox, found.channel, found.ts, _edited(found)):
        return Outcome("edit: a later one is known")
    names = await people.names(case.calls, mentioned(found.said))
    came = await _change(case, reading.inbound(found, home=case.me.team, names=names).text)
    if came == "unknown" and clock.now() - reading.written_at(found.ts) < LATE:
        return await _message(replace(case, found=replace(found, what=What.message)))
    return Outcome(f"edit: {came}")


def _edited(found: Happening) -> str:
    """When, as Slack says: ten digits, so that they sort; nothing where it does not say."""
    edited = found.said.get("edited")
    stamp = str(edited.get("ts") or "") if isinstance(edited, dict) else ""
    return stamp if reading.TS.fullmatch(stamp) else ""


async def _change(case: Case, text: str | None) -> str:
    ids = filing.ids_of(case.found.channel, case.found.ts, case.found.thread_ts)
    return await filing.change(case.desk, case.inbox, ids, text)


async def _reaction(case: Case) -> Outcome:
    found = case.found
    mark = str(found.payload["event"].get("reaction") or "").partition("::")[0]
    if mark not in {case.calls.settings.ticket_emoji.strip(": "), "admission_tickets"}:
        return Outcome("ignored: another reaction")
    if await filing.customers_in(case.desk, case.inbox, found.channel) is Customers.nobody:
        return Outcome("ignored: the desk does not listen in this channel")
    if found.user == case.me.user or (await people.who(case.calls, found.user)).bot:
        return Outcome("ignored: a program marked it")
    return await open_from(case, found.channel, found.ts, "")


async def open_from(
    case: Case, channel: str, ts: str, thread_ts: str, *, customer: str = "", subject: str = ""
) -> Outcome:
    """A ticket of the whole thread that a message stands in; `customer` is whose it is, else whoever wrote first.

    Where the thread has a ticket already, what is missing in it is added and nothing else.
    """
    if await triage.is_ours(case, channel, thread_ts or ts):
        return Outcome("ignored: what colleagues say under cards is no customer's question")
    said = await _said_before(case, channel, ts, thread_ts)
    if (first := next((one for one in said if one.get("ts") == ts), None)) and not thread_ts:
        thread_ts = str(first.get("thread_ts") or "")
        if thread_ts and thread_ts != ts:
            said = await _said_before(case, channel, ts, thread_ts)
    spoken = [
        one
        for message in said
        if (one := reading.of_message(message, case.found.payload, channel=channel, home=case.me.team)).what
        is What.message
        and one.user != case.me.user
    ]
    if not spoken:
        return Outcome("ignored: there is nothing that a person wrote")
    return await _opened(case, spoken, customer, subject)


async def _said_before(case: Case, channel: str, ts: str, thread_ts: str) -> list[Mapping[str, Any]]:
    """With the very message that this is about, even where Slack does not tell it: of a long thread it tells the
    beginning, and of one whose first message was deleted nothing."""
    given = case.found.said if case.found.ts == ts else {}
    try:
        said = await bringing.said_before(case.calls, channel, ts, thread_ts)
    except Rejected:
        if not given:
            raise
        said = []
    return said if not given or any(one.get("ts") == ts for one in said) else [*said, given]


async def _opened(case: Case, spoken: list[Happening], customer: str, subject: str) -> Outcome:
    customers = await filing.customers_in(case.desk, case.inbox, spoken[0].channel)
    authors = {one.user: await people.who(case.calls, one.user, one.said) for one in spoken}
    theirs = {
        user
        for user, person in authors.items()
        if person.is_customer(case.me, customers, direct=spoken[0].direct)
    } or {customer or spoken[0].user}  # a colleague who asks is a customer of the desk, too
    requester = customer if customer in theirs else next(o.user for o in spoken if o.user in theirs)
    root = spoken[0]
    spot = Spot(root.channel, root.root, requester, reading.written_at(root.ts))
    ticket_id = await filing.ticket_at(case.desk, case.inbox, spot.channel, spot.ts)
    opening = next(one for one in spoken if one.user == requester)
    message: Message | None = None
    for one in [opening, *(other for other in spoken if other is not opening)]:
        part = replace(case, found=one)
        if one.user in theirs:
            filed = await _file(part, authors[one.user], spot, into=ticket_id, subject=subject)
            message, ticket_id = message or filed, filed.ticket_id
        elif ticket_id is not None:
            await _of_ours(part, authors[one.user], ticket_id)
    return _received(message) if message else Outcome("ignored: there is nothing that a customer wrote")


async def _file(
    case: Case, person: Person, spot: Spot, *, into: int | None = None, quiet: bool = False, subject: str = ""
) -> Message:
    inbound = await _inbound(case, person, quiet=quiet)
    if subject:
        inbound = replace(inbound, subject=subject)
    return await filing.receive(case.desk, case.inbox, inbound, spot, into=into)


async def _inbound(case: Case, person: Person, *, quiet: bool = False) -> Any:
    uploads, remarks = await bringing.files(case.calls, case.found)
    names = await people.names(case.calls, mentioned(case.found.said))
    return reading.inbound(
        case.found,
        home=case.me.team,
        name=person.name,
        names=names,
        uploads=uploads,
        remarks=remarks,
        automatic=quiet,
    )


def spot_of(found: Happening) -> Spot:
    return Spot(found.channel, found.root, found.user, reading.written_at(found.ts))


def _received(message: Message) -> Outcome:
    return Outcome("message", message.id)


def payload_of(found: Happening, name: str) -> Mapping[str, Any]:
    given = found.payload.get(name)
    return given if isinstance(given, dict) else {}
