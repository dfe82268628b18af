"""What kind of mail it is: written by a person, or by a machine, and which sort of machine."""

import re
from dataclasses import dataclass

from channels.email.bounces import Bounce, bounce
from channels.email.failures import AUTO_REPLY, NO_REPLY, OUT_OF_OFFICE
from channels.email.headers import Headers
from channels.email.mime import Part

SUPPRESSED = re.compile(r"\b(?:all|oof|autoreply|dr|rn|nrn)\b", re.IGNORECASE)
LOUD = {  # headers that only machines set
    name.lower(): name
    for name in (
        "X-Autoreply",
        "X-Autorespond",
        "X-Auto-Reply-From",
        "X-Autoreply-From",
        "X-Mail-Autoreply",
        "X-Failed-Recipients",
        "X-FC-MachineGenerated",
        "X-Loop",
        "X-MS-Exchange-Generated-Message-Source",
        "X-MS-Exchange-Inbox-Rules-Loop",
        "Feedback-ID",
    )
}
UNASKED = {"bulk", "junk", "list", "auto_reply", "auto-reply"}  # Precedence, of which some mails have two
SPAM = re.compile(r"^\s*(?:yes|true|fail|spam)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MailFacts:
    machine: tuple[str, ...] = ()  # why no automatic answer may go out, in words; empty for a person's mail
    auto_reply: bool = False  # an answer that a program sent: out of office, receipt confirmation
    out_of_office: bool = False
    bulk: bool = False  # from a list or a newsletter
    feedback_report: bool = False  # somebody pressed "this is spam" (RFC 5965)
    spam: bool = False  # so our own mail server says
    bounce: Bounce | None = None

    @property
    def automatic(self) -> bool:
        return bool(self.machine)


def facts(mail: Part, subject: str, sender: str, text: str) -> MailFacts:
    headers = mail.headers
    null_path = _is_null(headers.get("return-path")) if "return-path" in headers else False
    complained = _is_complaint(mail)
    vacation = _is_out_of_office(headers, subject)
    returned = None
    if not complained and not (vacation and not null_path):
        returned = bounce(mail, subject, sender, text, null_path=null_path)
    bulk = _is_bulk(headers)
    machine = [*_marks(headers, subject, sender, null_path=null_path)]
    machine += ["delivery report"] if returned else []
    machine += ["feedback report"] if complained else []
    machine += ["mailing list"] if bulk else []
    machine += ["out of office"] if vacation and "out of office" not in machine else []
    return MailFacts(
        machine=tuple(dict.fromkeys(machine)),
        auto_reply=_is_auto_reply(headers, subject) or vacation,
        out_of_office=vacation and returned is None,
        bulk=bulk,
        feedback_report=complained,
        spam=any(SPAM.match(headers.get(name)) for name in ("x-spam-flag", "x-ses-spam-verdict", "x-spam")),
        bounce=returned,
    )


def _is_null(path: str) -> bool:
    return path.strip() == "<>" or "mailer-daemon@" in path.lower()


def _marks(headers: Headers, subject: str, sender: str, *, null_path: bool) -> list[str]:
    """Each sign by itself is enough (RFC 3834, and what vendors made up before it)."""
    marks = [f"Auto-Submitted: {word}"] if (word := _auto_submitted(headers)) else []
    if SUPPRESSED.search(headers.get("x-auto-response-suppress")):
        marks.append("X-Auto-Response-Suppress")
    marks += [f"Precedence: {word}" for word in map(str.lower, headers.all("precedence")) if word in UNASKED]
    marks += [label for name, label in LOUD.items() if name in headers]
    if "vacation" in headers.get("x-mailer").lower():
        marks.append("X-Mailer: vacation")
    if null_path:
        marks.append("empty return path")
    if NO_REPLY.match(sender.partition("@")[0]):
        marks.append("sender takes no answers")
    if OUT_OF_OFFICE.search(subject) or AUTO_REPLY.match(subject):
        marks.append("subject of an automatic answer")
    if re.match(r"undeliver|unzustellbar|mail delivery (?:failed|subsystem|system)", subject, re.IGNORECASE):
        marks.append("subject of a delivery report")
    return marks


def _auto_submitted(headers: Headers) -> str:
    """`no` is a person's mail, and so is a forward by rule: a person wrote what was forwarded."""
    word = headers.get("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    return "" if word in {"no", "auto-forwarded"} else word


def _is_auto_reply(headers: Headers, subject: str) -> bool:
    return (
        bool(_auto_submitted(headers))
        or any(name in headers for name in ("x-autoreply", "x-autorespond", "x-auto-reply-from"))
        or headers.get("precedence").lower() in {"auto_reply", "auto-reply"}
        or bool(
            re.search(r"\b(?:all|autoreply|oof)\b", headers.get("x-auto-response-suppress"), re.IGNORECASE)
        )
        or bool(AUTO_REPLY.match(subject))
    )


def _is_out_of_office(headers: Headers, subject: str) -> bool:
    if OUT_OF_OFFICE.search(subject) or "vacation" in headers.get("auto-submitted").lower():
        return True
    if "x-ms-exchange-inbox-rules-loop" in headers or "vacation" in headers.get("x-mailer").lower():
        return True
    return bool(AUTO_REPLY.match(subject)) and "x-auto-response-suppress" in headers


def _is_bulk(headers: Headers) -> bool:
    return any(
        name in headers for name in ("list-id", "list-unsubscribe", "list-post", "list-help", "mailing-list")
    ) or (
        headers.get("precedence").lower() in {"bulk", "list"}
        and "x-autoreply" not in headers
        and not _auto_submitted(headers)
    )


def _is_complaint(mail: Part) -> bool:
    if (
        mail.declared_type == "multipart/report"
        and mail.parameters.get("report-type", "").lower() == "feedback-report"
    ):
        return True
    return any(part.content_type == "message/feedback-report" for part in mail.walk())
