"""Reports that a mail of ours did not arrive: RFC 3464, and the half of them that follow no standard."""

import re
from dataclasses import dataclass

from channels.email.failures import (
    ADDRESS,
    ALIVE,
    BODY,
    DAEMON,
    DEAD,
    DELAYED,
    NO_REPLY,
    ORIGINAL,
    RECIPIENT,
    REPLY_CODE,
    STATUS,
    SUBJECT,
)
from channels.email.headers import Headers
from channels.email.mime import Part, read_head

LONGEST, WIDEST = 30_000, 400  # characters of a report, and of one line of it
MOST_RECIPIENTS = 20


@dataclass(frozen=True, slots=True)
class Bounce:
    recipients: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()  # enhanced codes of RFC 3463, e.g. "5.1.1"
    permanent: bool = True  # given up; False while the other side goes on trying
    dead_address: bool = False  # nobody is there, rather than full, blocked or out of order
    diagnostic: str = ""
    original_ids: tuple[str, ...] = ()  # Message-ID of our mail, then what it referred to


def bounce(mail: Part, subject: str, sender: str, text: str, *, null_path: bool) -> Bounce | None:
    text = _readable(text)
    report = next((part for part in mail.walk() if part.content_type == "message/delivery-status"), None)
    if report:
        return _reported(mail, report, subject, text)
    if _looks_like_one(mail, subject, sender, text, null_path=null_path):
        return _told_in_words(mail, subject, text)
    return None


def _readable(text: str) -> str:
    """Reports are short; what is not need not be searched to its end."""
    return "\n".join(line[:WIDEST] for line in text[:LONGEST].split("\n"))


def _reported(mail: Part, report: Part, subject: str, text: str) -> Bounce | None:
    groups = _groups(report)
    actions = {action for group in groups if (action := group.get("action").split(" ")[0].lower())}
    if actions and actions <= {"delivered", "relayed", "expanded"}:
        return None  # a receipt, no bounce
    failed = [
        group
        for group in groups
        if group.get("action").split(" ")[0].lower() not in {"delivered", "relayed", "expanded"}
    ]
    diagnostic = " ".join(group.text("diagnostic-code") for group in failed).strip()
    told = f"{diagnostic}\n{_own_words(text)}"
    recipients = [
        _mailbox(group.get("original-recipient") or group.get("final-recipient")) for group in failed
    ]
    statuses = [
        status for group in failed if (status := _status(group.text("diagnostic-code"), group.get("status")))
    ]
    return Bounce(
        recipients=tuple(dict.fromkeys(filter(None, recipients))) or _recipients(text),
        statuses=tuple(dict.fromkeys(statuses)),
        permanent=_is_permanent(actions, statuses, f"{subject}\n{told}"),
        dead_address=_is_dead(statuses, told),
        diagnostic=diagnostic or _own_words(text)[:500],
        original_ids=_original_ids(mail, text),
    )


def _groups(report: Part) -> list[Headers]:
    """The per-message fields, then those of each recipient, separated by empty lines."""
    blocks = re.split(rb"\r?\n[ \t]*\r?\n", report.content.strip())
    parsed = [read_head(block, 0, len(block))[0] for block in blocks if block.strip()]
    with_recipient = [
        group
        for group in parsed
        if "final-recipient" in group or "original-recipient" in group or "action" in group
    ]
    return with_recipient or parsed


def _status(diagnostic: str, given: str) -> str:
    """The other server's own code says more than a summary such as 5.0.0."""
    told = STATUS.search(diagnostic)
    found = STATUS.search(given)
    if told and (not found or found[0].endswith(".0.0") or found[0][0] == told[0][0]):
        return told[0]
    return found[0] if found else ""


def _mailbox(value: str) -> str:
    found = re.search(ADDRESS, value.partition(";")[2] or value)
    return found[0] if found else ""


def _looks_like_one(mail: Part, subject: str, sender: str, text: str, *, null_path: bool) -> bool:
    reports = mail.parameters.get("report-type", "delivery-status").lower()
    if mail.declared_type == "multipart/report" and reports == "delivery-status":
        return True
    if "x-failed-recipients" in mail.headers:
        return True
    named = bool(SUBJECT.search(subject[:WIDEST]))
    if null_path or _is_daemon(sender):
        return named or bool(BODY.search(_own_words(text)))
    if NO_REPLY.match(sender.partition("@")[0]):
        return named and bool(BODY.search(_own_words(text)))
    if not named or not BODY.search(text):
        return False
    return any(sign.search(text) for sign in (STATUS, REPLY_CODE, ORIGINAL))


def _told_in_words(mail: Part, subject: str, text: str) -> Bounce:
    words = _own_words(text)
    failed = mail.headers.get("x-failed-recipients")
    statuses = tuple(dict.fromkeys(match[0] for match in STATUS.finditer(words)))
    codes = tuple(match[1] for match in REPLY_CODE.finditer(words))
    return Bounce(
        recipients=tuple(re.findall(ADDRESS, failed)) or _recipients(words),
        statuses=statuses,
        permanent=_is_permanent(set(), list(statuses or codes), f"{subject}\n{words}"),
        dead_address=_is_dead(list(statuses), words),
        diagnostic=words.strip()[:500],
        original_ids=_original_ids(mail, text),
    )


def _own_words(text: str) -> str:
    """What the server says itself, without the copy of our mail below it."""
    told = [match.end() for match in (BODY.search(text), STATUS.search(text)) if match]
    below = next((match for match in ORIGINAL.finditer(text) if told and match.start() >= min(told)), None)
    return text[: below.start()] if below else text


def _is_permanent(actions: set[str], statuses: list[str], told: str) -> bool:
    if "failed" in actions:
        return True
    if "delayed" in actions:
        return False
    if re.search(r"permanent|given up|giving up|too long|final", told, re.IGNORECASE):
        return True
    return not DELAYED.search(told) and not (statuses and all(status.startswith("4") for status in statuses))


def _is_dead(statuses: list[str], told: str) -> bool:
    if statuses and all(status.startswith("4") for status in statuses):
        return False
    if any(status in {"5.1.1", "5.1.2", "5.1.6", "5.1.10"} for status in statuses):
        return not ALIVE.search(told)
    return bool(DEAD.search(told)) and not ALIVE.search(told)


def _recipients(words: str) -> tuple[str, ...]:
    """Addresses that stand where reports name whom they could not reach; failing that, any at all."""
    named = [next(filter(None, match.groups())) for match in RECIPIENT.finditer(words)]
    people = [address for address in named or re.findall(ADDRESS, words) if not _is_daemon(address)]
    return tuple(dict.fromkeys(people))[:MOST_RECIPIENTS]


def _is_daemon(address: str) -> bool:
    return bool(DAEMON.match(address.partition("@")[0]))


def _original_ids(mail: Part, text: str) -> tuple[str, ...]:
    for part in mail.walk():
        if part.content_type in {
            "message/rfc822",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global",
        }:
            content = part.content
            headers, _ = read_head(content, 0, len(content))
            if ids := _ids(headers):
                return ids
    found = re.findall(r"^[ \t>]*message-id:\s*<([^<>\s]+)>", text[:200_000], re.IGNORECASE | re.MULTILINE)
    return tuple(found[:1])


def _ids(headers: Headers) -> tuple[str, ...]:
    joined = " ".join([headers.get("message-id"), headers.get("in-reply-to"), headers.get("references")])
    return tuple(dict.fromkeys(re.findall(r"<([^<>\s]+)>", joined)))[:20]
