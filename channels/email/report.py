"""What was read out of a folder of mails, one JSON record each: to compare with other parsers."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from channels.contract import Unreadable
from channels.email.reading import ParsedMail, read
from helpdesk.messages import Upload


def records(place: Path) -> Iterator[dict[str, Any]]:
    """Of one file, or of every *.eml in a folder."""
    for path in sorted(place.glob("*.eml")) if place.is_dir() else [place]:
        yield {"id": path.stem, **record(path.read_bytes())}


def record(raw: bytes) -> dict[str, Any]:
    started = time.process_time()
    try:
        mail = read(raw)
        return {**_said(mail), **_facts(mail), "seconds": round(time.process_time() - started, 4)}
    except Unreadable as refusal:
        return {"unreadable": str(refusal), "seconds": round(time.process_time() - started, 4)}


def _said(mail: ParsedMail) -> dict[str, Any]:
    author = mail.senders[0] if mail.senders else None
    return {
        "from_address": author.address if author else "",
        "from_name": author.name if author else "",
        "to": [entry.address for entry in mail.to],
        "cc": [entry.address for entry in mail.cc],
        "reply_to": [entry.address for entry in mail.reply_to],
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "text": mail.plain or "",
        "html": mail.html or "",
        "reply_text": mail.reply.visible,
        "reply_text_keep_sig": mail.reply.written,
        "attachments": [_file(file) for file in mail.attachments],
        "tokens": list(mail.tokens),
        "fingerprint": mail.fingerprint,
    }


def _file(file: Upload) -> dict[str, Any]:
    lines = file.content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")
    return {
        "filename": file.name,
        "content_type": file.content_type,
        "size": len(file.content),
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "sha256_lf": hashlib.sha256(lines).hexdigest(),
        "content_id": file.content_id,
        "disposition": "inline" if file.inline else "attachment",
    }


def _facts(mail: ParsedMail) -> dict[str, Any]:
    facts, bounce = mail.facts, mail.facts.bounce
    return {
        "automatic": list(facts.machine),
        "is_auto_reply": facts.auto_reply,
        "is_out_of_office": facts.out_of_office,
        "suppress_auto_response": "X-Auto-Response-Suppress" in facts.machine,
        "is_feedback_report": facts.feedback_report,
        "is_spam": facts.spam,
        "is_bounce": bounce is not None,
        "bounce_permanent": bounce is not None and bounce.permanent,
        "bounce_hard": bounce is not None and bounce.permanent and bounce.dead_address,
        "bounce_status": list(bounce.statuses) if bounce else [],
        "bounce_recipients": list(bounce.recipients) if bounce else [],
    }
