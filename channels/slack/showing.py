"""How tickets look in Slack: cards, previews, lists; pure."""

import hashlib
import json
from typing import Any

from channels.slack.mrkdwn import linked, mrkdwn, one_line, sections, unmarked
from channels.slack.reading import OWN
from channels.slack.richtext import bare
from helpdesk.i18n import gettext
from helpdesk.messages import Message, Question
from helpdesk.tickets import Priority, Removal, Ticket

PREVIEW = 280  # characters of what was said last
NAMED, FACT, SAID = 800, 160, 800  # characters as Slack counts them: a card takes 3,000
LISTED = 15  # tickets of a list
TAKE, RESOLVE, REOPEN, PRIORITY, SEND, DISMISS = (
    OWN + name for name in ("take", "resolve", "reopen", "priority", "send", "dismiss")
)
RATE = OWN + "rate-"
"""And the score: what is pressed has a name of its own."""
OPENING, SENDING, ADDING = OWN + "opening", OWN + "sending", OWN + "adding"
"""Our forms."""


def card(ticket: Ticket, url: str) -> tuple[str, list[dict[str, Any]]]:
    """Text for notifications, mrkdwn too, and blocks. `contact`, `assignee`, `team` and `status` are loaded."""
    name, link = _named(ticket, url)
    facts = [
        ticket.contact.name,
        ticket.status.name,
        PRIORITIES()[ticket.priority],
        ticket.team.name if ticket.team else "",
        ticket.assignee.name if ticket.assignee else gettext("nobody has it"),
    ]
    about = " · ".join(one_line(fact.replace("·", "-"), FACT) for fact in facts if fact)
    said = one_line(bare(ticket.preview)[:PREVIEW], SAID)
    lines = [f"*{link}*", about, *([f"> {said}"] if said else ())]
    value = str(ticket.id)
    settle = (
        _button(REOPEN, gettext("Reopen"), value)
        if ticket.is_settled
        else _button(RESOLVE, gettext("Resolve"), value)
    )
    act = [_button(TAKE, gettext("Take it"), value), settle, _priorities(ticket)]
    hint = gettext("Write in the thread: it stays a note until you press “Send to customer”.")
    return name, [
        {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}},
        {"type": "actions", "elements": act},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": hint}]},
    ]


def moved(ticket: Ticket, url: str, channel: str) -> tuple[str, list[dict[str, Any]]]:
    """A card whose ticket stands in another channel now; empty: in none."""
    name, link = _named(ticket, url)
    team = one_line(ticket.team.name, FACT) if ticket.team else ""
    words = gettext("Now with {team}").format(team=team) if team else gettext("No longer with this team")
    if channel:
        words += " · " + gettext("its card is in {channel}").format(channel=f"<#{channel}>")
    hint = gettext("What you write in this thread is still a note of the ticket.")
    return name, [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{link}*\n{words}"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": hint}]},
    ]


def put_away(ticket: Ticket, url: str, target: int | None) -> tuple[str, list[dict[str, Any]]]:
    """Nothing of what the customer wrote: it may be deleted soon. `target`: the number of what it was merged into."""
    name, link = f"#{ticket.number}", linked(f"{url}/tickets/{ticket.number}", f"#{ticket.number}", NAMED)
    words = {
        Removal.spam: gettext("Put away as spam"),
        Removal.trash: gettext("In the trash"),
        Removal.merged: gettext("Merged into {ticket}").format(
            ticket=linked(f"{url}/tickets/{target}", f"#{target}", NAMED)
        ),
    }[ticket.removed or Removal.trash]
    hint = gettext("What you write in this thread is still a note of the ticket.")
    return name, [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{link}*\n{words}"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": hint}]},
    ]


def digest(text: str, shown: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([text, shown], sort_keys=True).encode()).hexdigest()


def kept_as_note(note: Message) -> tuple[str, list[dict[str, Any]]]:
    text = gettext("Kept as a note. The customer sees nothing of it.")
    act = [_button(SEND, gettext("Send to customer …"), str(note.id), style="primary")]
    return text, [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "elements": act},
    ]


def preview(note: Message, ticket: Ticket, signature: str, *, seen: int, channel: str) -> dict[str, Any]:
    """A form that shows what would be sent, and to whom; only its button sends. `seen`: the last message that its
    author can have read by now; `channel`: where they pressed."""
    about = {"note": note.id, "says": says(note), "to": to(ticket), "seen": seen, "channel": channel}
    text = f"{note.text}\n\n-- \n{signature}" if signature else note.text
    whom = gettext("To {name}, in ticket #{number}:").format(
        name=unmarked(ticket.contact.name)[:200], number=ticket.number
    )
    said = sections(mrkdwn(text))
    return {
        "type": "modal",
        "callback_id": SENDING,
        "private_metadata": json.dumps(about),
        "title": {"type": "plain_text", "text": gettext("Send to customer")[:24]},
        "submit": {"type": "plain_text", "text": gettext("Send")[:24]},
        "close": {"type": "plain_text", "text": gettext("Do not send")[:24]},
        "blocks": [_plain(whom), {"type": "divider"}, *said],
    }


def to(ticket: Ticket) -> list[int]:
    """Whom it would go to: another ticket, after a merge, may be somebody else's."""
    return [ticket.id, ticket.contact_id]


def says(note: Message) -> str:
    return hashlib.sha256(note.text.encode()).hexdigest()


def opening(channel: str, ts: str, thread_ts: str, proposed: str) -> dict[str, Any]:
    """The form that a ticket is opened with."""
    subject = {
        "type": "input",
        "block_id": "subject",
        "label": {"type": "plain_text", "text": gettext("Subject")},
        "element": {
            "type": "plain_text_input",
            "action_id": "subject",
            "initial_value": " ".join(proposed.split())[:150],
            "max_length": 300,
        },
    }
    options = [_option(name, words) for name, words in PRIORITIES().items()]
    priority = {
        "type": "input",
        "block_id": "priority",
        "label": {"type": "plain_text", "text": gettext("Priority")},
        "element": {
            "type": "static_select",
            "action_id": "priority",
            "options": options,
            "initial_option": _option(Priority.normal, PRIORITIES()[Priority.normal]),
        },
    }
    return {
        "type": "modal",
        "callback_id": OPENING,
        "private_metadata": json.dumps({"channel": channel, "ts": ts, "thread_ts": thread_ts}),
        "title": {"type": "plain_text", "text": gettext("Open a ticket")[:24]},
        "submit": {"type": "plain_text", "text": gettext("Open a ticket")[:24]},
        "close": {"type": "plain_text", "text": gettext("Cancel")[:24]},
        "blocks": [subject, priority],
    }


def question(asked: Question) -> dict[str, Any]:
    """A button for each answer; five to a row is what Slack shows well, and eleven it takes."""
    return {
        "type": "actions",
        "elements": [
            _button(f"{RATE}{score}", label, f"{asked.rating}/{score}") for score, label in asked.choices
        ],
    }


def adding(rating: str) -> dict[str, Any]:
    """The form that opens when an answer was pressed, for words beside it."""
    label = gettext("Anything you would like to add? (optional)")
    field = {"type": "plain_text_input", "action_id": "comment", "multiline": True, "max_length": 3_000}
    return {
        "type": "modal",
        "callback_id": ADDING,
        "private_metadata": json.dumps({"rating": rating}),
        "title": {"type": "plain_text", "text": gettext("Your answer")[:24]},
        "submit": {"type": "plain_text", "text": gettext("Send")[:24]},
        "close": {"type": "plain_text", "text": gettext("Close")[:24]},
        "blocks": [
            _plain(gettext("Thank you! Your answer is here.")),
            {
                "type": "input",
                "block_id": "comment",
                "optional": True,
                "label": {"type": "plain_text", "text": label},
                "element": field,
            },
        ],
    }


def listed(tickets: list[Ticket], url: str) -> str:
    lines = [
        f"• <{url}/tickets/{t.number}|#{t.number}> {one_line(t.subject[:120])} · {one_line(t.status.name)}"
        for t in tickets[:LISTED]
    ]
    if len(tickets) > LISTED:
        lines.append(gettext("… and more: {url}").format(url=url))
    return "\n".join(lines)


def PRIORITIES() -> dict[Priority, str]:  # noqa: N802 - a table whose words are translated when it is read
    return {
        Priority.low: gettext("Low"),
        Priority.normal: gettext("Normal"),
        Priority.high: gettext("High"),
        Priority.urgent: gettext("Urgent"),
    }


def _named(ticket: Ticket, url: str) -> tuple[str, str]:
    """Text, and a link of it."""
    name = f"#{ticket.number} {ticket.subject[:250]}"
    return one_line(name, NAMED), linked(f"{url}/tickets/{ticket.number}", name, NAMED)


def _priorities(ticket: Ticket) -> dict[str, Any]:
    chosen = ticket.priority
    return {
        "type": "static_select",
        "action_id": PRIORITY,
        "placeholder": {"type": "plain_text", "text": gettext("Priority")},
        "options": [_option(f"{ticket.id}/{name}", words) for name, words in PRIORITIES().items()],
        "initial_option": _option(f"{ticket.id}/{chosen}", PRIORITIES()[chosen]),
    }


def _option(value: str, words: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": words[:75]}, "value": str(value)}


def _button(action: str, words: str, value: str, **more: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": words[:75]}
    return {"type": "button", "action_id": action, "text": text, "value": value, **more}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text[:2_900]}}
