"""Which ticket a mail belongs to: what other desks' own tests expect, told to ours on a real database.

`KNOWN` names where the desk decides otherwise, and why; such a scenario has to differ, so that the list stays
true. What a scenario says must not happen has no exceptions.
"""

import json
from typing import Any

import pytest
from sqlalchemy import select

from channels.email.reading import read
from helpdesk.messages import Direction, Match, Proof
from helpdesk.people import ContactIdentity
from tests.conftest import CORPORA, missing
from tests.flows.story import HOST, PEOPLE, SUPPORT, Arrival, NotThere, Story
from tests.scenes import Scene

PATH = CORPORA / "mail/scenarios.jsonl"
SCENARIOS = [json.loads(line) for line in PATH.read_text().splitlines()] if PATH.is_file() else []

TAG = "a number in a subject is known to everybody who ever saw one; it proves nothing"
NOTHING_DROPPED = (
    "no mail is dropped: it becomes a ticket marked as automatic, and the desk answers none by itself"
)
BY_AGENTS = "what agents write by mail is nobody's yet: an address in From is no proof of who wrote"
KNOWN = {
    "fu-06": TAG,
    "fu-18": TAG,
    "fu-23": TAG,
    "st-07": TAG,
    "st-08": "tickets cannot be deleted yet",
    "st-09": BY_AGENTS,
    "sec-01": "a new ticket, as expected; the number in its subject is no hint for agents yet",
    "sec-03": "there is no setting that lets strangers in by a reference alone",
    "sec-04": "a leaked reply address lets a stranger write as a stranger, marked as such, and read nothing",
    "sec-10": BY_AGENTS,
    "sec-15": "as sec-04; what came so is never quoted to the requester",
    "sec-24": BY_AGENTS,
    "lp-02": NOTHING_DROPPED,
    "lp-03": NOTHING_DROPPED,
    "lp-08": NOTHING_DROPPED,
    "bo-05": "replies leave from the inbox's own address, so a report that quotes nothing belongs to no ticket",
    "ct-02": "a mail without a subject is called by its first words",
    "ct-05": "an address is shown and compared as it was written",
    "ct-09": "links are shown as they are, however many; what HTML may do is decided when it is shown",
}


def test_the_scenarios_are_there():
    if not SCENARIOS:
        missing("The mail corpus in ../shared/corpora")
    assert len(SCENARIOS) == 82
    assert KNOWN.keys() <= {scenario["id"] for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario["id"]))
async def test_a_mail_lands_where_it_belongs(scene: Scene, scenario: dict[str, Any]):
    story = Story(scene)
    try:
        with story.later:
            await story.begins(scenario["given"])
            sent = await story.outbound()
            arrivals = [await story.receives(mail) for mail in scenario["inbound"]]
            assert await story.outbound() == sent, "a mail that came in made one go out"
            differences = await differing(scene, scenario["expect"], arrivals)
            link = scenario["expect"].get("link")
            if link and await story.linked(arrivals[-1].ticket) != [link]:
                differences.append(f"it is not linked to {link}")
            await nothing_forbidden(story, arrivals)
    except NotThere as what:
        differences = [f"the desk does not know {what} yet"]
    if scenario["id"] in KNOWN:
        assert differences, "it agrees by now: take it off the list"
    else:
        assert not differences


async def differing(scene: Scene, expect: dict[str, Any], arrivals: list[Arrival]) -> list[str]:
    found: list[str] = []
    decisions = expect["decision"]
    wanted = decisions if isinstance(decisions, list) else [decisions] * len(arrivals)
    for arrival, decision in zip(arrivals, wanted, strict=True):
        if not is_as_decided(arrival, decision):
            found.append(f"{decision} was expected, {arrival.decision} {arrival.label} came of it")
    last = arrivals[-1]
    if expect.get("ticket", last.label) != last.label:
        found.append(f"{expect['ticket']} was expected, not {last.label or 'a new ticket'}")
    if "reopen" in expect and expect["reopen"] == last.ticket.is_settled and last.ticket.resolved_at:
        found.append(f"the ticket is {last.ticket.category}")
    if expect.get("auto_reply") is False and not last.message.automatic:
        found.append("a machine might answer it")
    if "tickets" in expect and len(await scene.tickets()) != expect["tickets"]:
        found.append(f"{len(await scene.tickets())} tickets, not {expect['tickets']}")
    if last.contacts_made > expect.get("contacts_created_max", 1):
        found.append(f"{last.contacts_made} contacts were made")
    return [*found, *told_wrongly(expect, last), *unflagged(expect, last)]


def is_as_decided(arrival: Arrival, decision: str) -> bool:
    match decision:
        case "bounce" | "bounce_unverified_or_new":
            return bool(arrival.message.automatic and arrival.read and arrival.read.facts.bounce)
        case "feedback_report":
            return bool(arrival.message.automatic and arrival.read and arrival.read.facts.feedback_report)
        case "drop":  # the desk drops nothing: a copy of what it said itself is kept, and not shown again
            return arrival.message.copy_of_id is not None
        case "duplicate_or_linked":
            return arrival.decision == "duplicate"
        case "new_or_quarantine":
            return arrival.decision in {"new", "quarantine"}
    return arrival.decision == decision


def told_wrongly(expect: dict[str, Any], arrival: Arrival) -> list[str]:
    """Title, requester, words, ids as the desk has them."""
    bounce = arrival.read.facts.bounce if arrival.read else None
    has = {
        "title": arrival.ticket.subject,
        "requester": arrival.message.sender,
        "author": arrival.message.sender if arrival.message.agent_id is None else "agent",
        "message_id": arrival.message.external_id,
        "reply_text": arrival.message.text,
        "recipient": next(iter(bounce.recipients), None) if bounce else None,
        "permanent": bounce.permanent if bounce else None,
        "note_by": None,
        "body": None,
    }
    found = []
    for name, value in expect.items():
        value = PEOPLE.get(str(value).strip("{}"), value)
        if name in has and has[name] != value:
            found.append(f"{name} is {has[name]!r}, not {value!r}")
    if any(piece in arrival.ticket.subject for piece in expect.get("title_not_contains", [])):
        found.append("the title holds what it must not")
    return found


def unflagged(expect: dict[str, Any], arrival: Arrival) -> list[str]:
    """What an agent sees beside the message."""
    flags = {
        "unverified_sender": arrival.message.proof != Proof.authenticated,
        "auto": arrival.message.automatic,
        "token_sender_mismatch": arrival.message.matched is Match.stranger_token,
    }
    wanted = [flag.partition(":")[0] for flag in expect.get("flags", [])]
    return [f"nothing says {flag}" for flag in wanted if not flags.get(flag)]


async def nothing_forbidden(story: Story, arrivals: list[Arrival]) -> None:
    """No mail speaks as an agent, is lost, or is shown to anybody but who wrote it."""
    for arrival in arrivals:
        assert arrival.message.direction is Direction.inbound
        assert arrival.message.agent_id is None
        assert arrival.message.contact_id is not None
    last = arrivals[-1]
    if last.decision == "quarantine" or last.message.sender == SUPPORT:
        return
    home = story.tickets.get(last.label, last.ticket)
    bytes_ = await story.answer_to(home)
    answer = read(bytes_)
    to = {entry.address for entry in (*answer.to, *answer.cc)}
    own = await addresses_of(story, home.contact_id)
    assert to <= own, "an answer goes to somebody who did not ask"
    for message in await story.scene.messages(home):
        foreign = message.sender and message.sender not in own and message.direction is Direction.inbound
        if foreign and message.text.strip():
            assert message.text.strip() not in answer.text.replace("> ", ""), (
                "a stranger's words are passed on"
            )
    if last.decision == "new":
        assert not any(f"It began with {name}" in answer.text for name in story.tickets)
    assert re_sent_safely(bytes_)


def re_sent_safely(mail: bytes) -> bool:
    """What came in as headers goes out as nothing but text."""
    head = mail.partition(b"\r\n\r\n")[0].lower()
    return b"\r\nbcc:" not in head and head.count(b"\r\nmessage-id:") == 1 and f"@{HOST}>".encode() in head


async def addresses_of(story: Story, contact_id: int) -> set[str]:
    async with story.scene.desk.sessions() as session:
        query = select(ContactIdentity.value).where(ContactIdentity.contact_id == contact_id)
        return set(await session.scalars(query))
