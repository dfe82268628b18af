"""Reports that a mail of ours did not arrive: RFC 3464, and the half of them that follow no standard."""

import re
from dataclasses import dataclass

from channels.email.headers import Headers
from channels.email.mime import Part, read_head

ADDRESS = r"[^\s@<>,;:\"()\[\]']+@[^\s@<>,;:\"()\[\]']+\w"
DAEMON = re.compile(
    r"^(?:mailer-?daemon|postmaster|mail-?daemon|mdaemon|mail[._-]?delivery|mail-deliver|mmdf|uucp|root|bounces?|delivery|"
    r"system[._-]administrator|mailsystem|mail-system|mail|autoanswer|notification|.*-daemon)[+=.\w-]*$",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"undeliver(?:ed|able)|deliver(?:y|ed)[ -]?(?:status|fail|problem|delay|error|report|not|has|unsuccess)|fail(?:ed|ure)[ -]?(?:notice|to deliver|delivery|mail|notif)"
    r"|(?:mail|message|delivery|email|e-mail)[ :]+(?:delivery )?(?:system )?(?:fail|error|delay|could not|undeliver|not deliver|returned|bounced)"
    r"|return(?:ed|ing) (?:mail|message|to sender)|could not (?:send|be deliver|deliver)|not delivered|non ?remis|nondeliverable|non-?delivery|unzustellbar|unable to deliver"
    r"|delayed mail|warning: (?:could not|message .{0,40}delayed)|user unknown|unknown user|mail failure|failure notice|bounce|no se pudo|не доставлен|недоставлен|宛先|配信|送信|エラー|rejected"
    r"|nicht zugestellt|n'a pas pu être|non recapitabile|mancata consegna|onbestelbaar|nie dostarczono|mailbox (?:full|unavailable)|recipient (?:unknown|reject)|^e$",
    re.IGNORECASE,
)
BODY = re.compile(
    r"(?:could|can|did|was|were|has|have|is|are|been|will)(?: ?not|n['’]t)\s+(?:be\s+|been\s+|able\s+to\s+be\s+|able\s+to\s+)?(?:deliver|reach|sent?\b|complet)"
    r"|unable\s+to\s+(?:be\s+)?(?:deliver|send|relay|route)|undeliver(?:ed|able)|fail(?:ed|ure)?\s+(?:to\s+deliver|permanently|address|reasons?|deliver)|deliver[a-z]*\s+(?:\w+\s+){0,5}fail(?:ed|ure)"
    r"|(?:permanent|transient|fatal|delivery|permanent fatal)\s+errors?|error\s+(?:\w+\s+){0,2}(?:deliver|send|transfer)|returned\s+(?:mail|message|to\s+sender)|did\s+not\s+reach"
    r"|user\s+unknown|unknown\s+(?:user|recipient|address|local)|no\s+such\s+(?:user|recipient|mailbox)|mailbox\s+(?:is\s+)?(?:full|unavailable|not\s+found|disabled|does\s+not)|over\s*quota|exceed\w*\s+\w*\s*quota|quota exceeded"
    r"|recipient\s+(?:address\s+)?(?:rejected|unknown|not\s+found)|does\s+not\s+(?:exist|like\s+recipient)|may\s+not\s+exist|not\s+(?:a\s+)?(?:valid|known|recogni[sz]ed)|host\s+(?:unknown|not\s+found)"
    r"|said:\s*[45]\d\d|^\s*(?:<\S+>:?\s*)?[45]\d\d[ -][45]\.\d\.\d|transcript\s+of\s+session|queued?\s+(?:for\s+)?too\s+long|still\s+(?:undelivered|being\s+retried)|mail-?box.{0,20}voll|ist nicht zugestellt"
    r"|не\s+(?:может|удалось|было)\s+\S*\s*достав|доставить сообщение|unzustellbar|nicht\s+(?:\w+\s+)?zugestellt|n'a\s+pas\s+pu\s+être|配信できません|送信できません|エラー|宛先|届けることができません|見つかりません|拒否",
    re.IGNORECASE | re.MULTILINE,
)
DELAYED = re.compile(
    r"delayed|still being retried|warning only|will (?:be retried|keep trying|continue)|not yet been delivered|Delay\)|temporar(?:y|ily)|Zustellung nicht abgeschlossen|has been delayed"
    r"|deferred",
    re.IGNORECASE,
)
ORIGINAL = re.compile(
    r"^[ \t]*(?:[-=*_# ]{2,}.{0,60}(?:original|copy|returned|below|enclosed|header|undelivered|message|unsent|body|follow).{0,80}|(?:message|original message) headers follow.{0,20}|>?received: .+|return-path: .*|message-id:.*|dkim-signature:.*)$",
    re.IGNORECASE | re.MULTILINE,
)
STATUS = re.compile(r"(?<![\d.])([45])\.([0-7])\.(\d{1,3})(?![\d.])")
REPLY_CODE = re.compile(r"(?<![\d.])([45][0-5]\d)(?:[ -]|(?=\s*$))", re.MULTILINE)
RECIPIENT = re.compile(
    rf"^[ \t>]*(?:<({ADDRESS})>:?|({ADDRESS})[ \t]*(?:$|\r|\[|:|\(|on |\.\.\.)|.{{0,80}}?(?:recipient|address|to|user|mail|delivering your mail to|generated from|an)\b[ :]*<?({ADDRESS})>?)",
    re.IGNORECASE | re.MULTILINE,
)
DEAD = re.compile(
    r"user\s*unknown|unknown (?:user|recipient|address|local|mailbox)|no such (?:user|recipient|mailbox|address|person|domain|local)|no mailbox here|(?:address|recipient|user|account|mailbox|domain|host|name)\b.{0,40}(?:does(?:n't| not) exist|not found|unknown|not known|not recogni[sz]ed|invalid|no longer|not exist)"
    r"|host or domain name not found|name or service not known|unrouteable|unroutable|nxdomain|no longer (?:exists|valid|available|on server)|has moved|invalid (?:recipient|mailbox|address)|not a (?:valid|known) (?:user|recipient|mailbox)|not listed in|no existe|addressee unknown|does not have an? .{0,30}account"
    r"|DNS lookup failure|null mx|does not accept (?:mail|e-?mail)|5\.1\.(?:1|2|6|10)\b",
    re.IGNORECASE,
)
ALIVE = re.compile(r"quota|mailbox (?:is )?full|over limit|spam|blocked|blacklist|reputation|rate limit|greylist|too (?:large|big)|timed? ?out|disabled|suspended|inactive|policy", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounce:
    recipients: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()  # enhanced codes of RFC 3463, e.g. "5.1.1"
    permanent: bool = True  # given up; False while the other side goes on trying
    dead_address: bool = False  # nobody is there, rather than full, blocked or out of order
    diagnostic: str = ""
    original_ids: tuple[str, ...] = ()  # Message-ID of our mail, then what it referred to


def bounce(mail: Part, subject: str, sender: str, text: str, *, null_path: bool) -> Bounce | None:
    report = next((part for part in mail.walk() if part.content_type == "message/delivery-status"), None)
    if report:
        return _reported(mail, report, subject, text)
    if _looks_like_one(mail, subject, sender, text, null_path=null_path):
        return _told_in_words(mail, subject, text)
    return None


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
    words = _own_words(text)
    if (
        mail.content_type == "multipart/report"
        and mail.parameters.get("report-type", "delivery-status").lower() == "delivery-status"
    ):
        return True
    daemon = null_path or bool(DAEMON.match(sender.partition("@")[0]))
    named = bool(SUBJECT.search(subject))
    told = bool(BODY.search(words))
    if "x-failed-recipients" in mail.headers:
        return True
    return (
        daemon and (told or named)
        if daemon
        else named
        and told
        and bool(STATUS.search(words) or REPLY_CODE.search(words) or ORIGINAL.search(text))
    )


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
    for match in ORIGINAL.finditer(text):
        if BODY.search(text, 0, match.start()) or STATUS.search(text, 0, match.start()):
            return text[: match.start()][:8_000]
    return text[:8_000]


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
    found = [next(filter(None, match.groups())) for match in RECIPIENT.finditer(words)]
    return tuple(dict.fromkeys(address for address in found if not DAEMON.match(address.partition("@")[0])))[
        :20
    ]


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
