"""What one payload of Slack is; pure, and total: nothing that Slack or a stranger can send makes it raise.

Events, buttons, forms and commands come by HTTP and by Socket Mode alike; here they are the same JSON.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from channels.contract import Unreadable
from channels.slack.richtext import Names, bare, words
from helpdesk import clock
from helpdesk.messages import InboundMessage, Proof, Sender, Upload

TS = re.compile(r"\d{1,10}\.\d{1,9}")
SUBJECT = 80  # characters of the first words that name a ticket
KIND = "slack"  # of identities: workspace/user
SPOKEN = {None, "", "file_share", "thread_broadcast", "me_message", "file_comment"}
"""Subtypes of messages that a person wrote; the others are the channel talking about itself."""
OPEN_TICKET, TO_CUSTOMER = "open_ticket", "to_customer"
"""Our shortcuts, by the ids that the manifest gives them."""
OWN = "desk:"
"""How the ids of our own buttons and forms begin; what else is pressed belongs to other apps."""


class What(StrEnum):
    message = "message"
    edit = "edit"
    deletion = "deletion"
    reaction = "reaction"
    shortcut = "shortcut"
    command = "command"
    button = "button"
    form = "form"
    handshake = "handshake"  # Slack tries the address, or the line
    ended = "ended"  # the app was taken out of the workspace
    ignored = "ignored"


@dataclass(frozen=True, kw_only=True)
class Happening:
    what: What
    why: str = ""
    """Where it is ignored."""
    home: str = ""
    """The workspace that the app stands in."""
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    """Of the message that the thread hangs on; empty outside of threads."""
    user: str = ""
    direct: bool = False
    said: Mapping[str, Any] = field(default_factory=dict)
    """The message as Slack has it."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """All of it: what buttons, forms and commands bring."""

    @property
    def root(self) -> str:
        return self.thread_ts or self.ts

    @property
    def files(self) -> list[Mapping[str, Any]]:
        found = self.said.get("files")
        return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def decoded(raw: bytes) -> Mapping[str, Any]:
    """Raises Unreadable."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Unreadable(f"This is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable("This is no payload of Slack.")
    return found


def read(payload: Mapping[str, Any]) -> Happening:
    """A whole payload, or what one frame of Socket Mode holds."""
    if "envelope_id" in payload and isinstance(payload.get("payload"), dict):
        payload = payload["payload"]
    kind = _text(payload, "type")
    if isinstance(payload.get("event"), dict):
        return _event(payload, payload["event"])
    if "command" in payload:
        return Happening(
            what=What.command,
            home=_text(payload, "team_id"),
            channel=_text(payload, "channel_id"),
            user=_text(payload, "user_id"),
            payload=payload,
        )
    if kind in {"url_verification", "hello", "disconnect"}:
        return Happening(what=What.handshake, payload=payload)
    if kind == "app_rate_limited":
        return _ignored("Slack sends too much at once to deliver all of it", payload)
    return _interaction(payload, kind)


def key_of(payload: Mapping[str, Any]) -> str:
    """The same for every delivery of the same thing, by whichever way it comes."""
    for name in ("event_id", "trigger_id"):
        if found := _text(payload, name):
            view = _dict(payload, "view").get("hash", "")
            return f"{name}/{found}/{view}"[:300]
    return f"body/{hashlib.sha256(msgspec.json.encode(payload, order='sorted')).hexdigest()}"


def external_id(channel: str, ts: str, thread_ts: str = "") -> str:
    """Unique within a workspace; its last part is the thread that an answer belongs into."""
    return f"{channel or '?'}/{ts}" + (f"/{thread_ts}" if thread_ts and thread_ts != ts else "")


def place(external: str) -> tuple[str, str] | None:
    """Channel and thread of a message with this id; None where it is no message of Slack's."""
    parts = external.split("/")
    if len(parts) in {2, 3} and TS.fullmatch(parts[1]) and TS.fullmatch(parts[-1]) and parts[0] != "?":
        return parts[0], parts[-1]
    return None


def written_at(ts: str) -> datetime:
    if TS.fullmatch(ts):
        return min(datetime.fromtimestamp(float(ts), UTC), clock.now())
    return clock.now()


def inbound(
    found: Happening,
    *,
    home: str,
    name: str = "",
    names: Names | None = None,
    uploads: tuple[Upload, ...] = (),
    remarks: tuple[str, ...] = (),
    automatic: bool = False,
) -> InboundMessage:
    """`remarks` are lines of the desk about what could not be brought over; `automatic`: it opens nothing again."""
    text = _without_mention(found, words(found.said, names), names or {})
    return InboundMessage(
        external_id=external_id(found.channel, found.ts, found.thread_ts),
        sender=Sender(
            address=f"{home}/{found.user}", name=name or found.user, kind=KIND, proof=Proof.authenticated
        ),
        text="\n\n".join(part for part in (text, *remarks) if part),
        subject=_subject(bare(text)) or None,
        received_at=written_at(found.ts),
        attachments=uploads,
        automatic=automatic,
        marked=True,
    )


def _subject(text: str) -> str:
    """Cut between words, where there are some."""
    if len(text) <= SUBJECT:
        return text
    begun = text[: SUBJECT - 1]
    return (begun.rpartition(" ")[0] if " " in begun[SUBJECT // 2 :] else begun) + "…"


def parse(raw: bytes) -> InboundMessage:
    """Without asking Slack who wrote it, or for files."""
    found = read(decoded(raw))
    if found.what is not What.message:
        raise Unreadable(f"Nobody's words: {found.why or found.what}")
    names = tuple(f"[{_text(file, 'name') or _text(file, 'id')}]" for file in found.files)
    return inbound(found, home=found.home, remarks=names)


def says_something(said: Mapping[str, Any]) -> bool:
    return bool(words(said).strip() or Happening(what=What.message, said=said).files)


def of_message(said: Mapping[str, Any], payload: Mapping[str, Any], *, channel: str, home: str) -> Happening:
    """A message as Slack has it, wherever it stood: in an event, a shortcut or a thread that was asked for."""
    ts, thread_ts = _text(said, "ts"), _text(said, "thread_ts")
    given = Happening(
        what=What.message,
        home=home,
        channel=channel,
        ts=ts or _text(said, "event_ts"),
        thread_ts="" if thread_ts == ts else thread_ts,
        user=_text(said, "user"),
        direct=said.get("channel_type") == "im" or channel.startswith("D"),
        said=said,
        payload=payload,
    )
    why = _nobodys(said)
    return replace(given, what=What.ignored, why=why) if why else given


def _event(payload: Mapping[str, Any], event: Mapping[str, Any]) -> Happening:
    home = _home(payload)
    match event.get("type"):
        case "message":
            return _message(payload, event, home)
        case "app_mention":
            return of_message(event, payload, channel=_text(event, "channel"), home=home)
        case "reaction_added":
            return _reaction(payload, event, home)
        case "app_uninstalled" | "tokens_revoked":
            return Happening(what=What.ended, home=home, payload=payload)
    name = str(event.get("type") or "no name")
    return _ignored(f"nobody wrote or asked anything ({name[:60]})", payload)


def _message(payload: Mapping[str, Any], event: Mapping[str, Any], home: str) -> Happening:
    channel = _text(event, "channel")
    match event.get("subtype"):
        case "message_changed":
            return _changed(payload, event, channel, home)
        case "message_deleted":
            before = _dict(event, "previous_message")
            return _as(What.deletion, before, payload, channel, home, ts=_text(event, "deleted_ts"))
    return of_message(event, payload, channel=channel, home=home)


def _changed(payload: Mapping[str, Any], event: Mapping[str, Any], channel: str, home: str) -> Happening:
    """Slack says so, too, when a preview was put under a link, or somebody answered in a thread."""
    after, before = _dict(event, "message"), _dict(event, "previous_message")
    if after.get("subtype") == "tombstone":
        return _as(What.deletion, before or after, payload, channel, home, ts=_text(after, "ts"))
    if why := _nobodys(after):
        return _ignored(why, payload)
    if not after.get("edited") or (before and words(before) == words(after)):
        return _ignored("its words are the same as before", payload)
    return _as(What.edit, after, payload, channel, home, ts=_text(after, "ts") or _text(before, "ts"))


def _reaction(payload: Mapping[str, Any], event: Mapping[str, Any], home: str) -> Happening:
    item = _dict(event, "item")
    if item.get("type") != "message" or not _text(item, "channel"):
        return _ignored("it marks no message", payload)
    return Happening(
        what=What.reaction,
        home=home,
        channel=_text(item, "channel"),
        ts=_text(item, "ts"),
        user=_text(event, "user"),
        payload=payload,
    )


def _interaction(payload: Mapping[str, Any], kind: str) -> Happening:
    home = _text(_dict(payload, "team"), "id")
    user = _text(_dict(payload, "user"), "id")
    channel = _text(_dict(payload, "channel"), "id")
    given: dict[str, Any] = {"home": home, "user": user, "channel": channel, "payload": payload}
    match kind:
        case "message_action":
            said = _dict(payload, "message")
            ts, thread_ts = _text(said, "ts") or _text(payload, "message_ts"), _text(said, "thread_ts")
            return Happening(
                what=What.shortcut, ts=ts, thread_ts="" if thread_ts == ts else thread_ts, said=said, **given
            )
        case "block_actions" | "interactive_message":
            return Happening(what=What.button, **given)
        case "view_submission":
            return Happening(what=What.form, **given)
        case "shortcut":
            return Happening(what=What.shortcut, **given)
        case "view_closed" | "dialog_cancellation":
            return _ignored("a form was closed", payload)
    return _ignored(f"the desk offers nothing of this kind ({kind[:60] or 'no name'})", payload)


def _nobodys(said: Mapping[str, Any]) -> str:
    """Why these are no words of a person; empty where they are."""
    subtype = _text(said, "subtype")
    if subtype == "bot_message" or said.get("bot_id") or said.get("bot_profile"):
        return "a program wrote it"
    if subtype not in SPOKEN:
        return f"the channel itself says so ({subtype[:60]})"
    if said.get("user") == "USLACKBOT":
        return "Slack itself wrote it"
    if not _text(said, "user"):
        return "nobody is named as its author"
    return "" if says_something(said) else "it holds neither words nor files"


def _as(
    what: What, said: Mapping[str, Any], payload: Mapping[str, Any], channel: str, home: str, *, ts: str
) -> Happening:
    thread_ts = _text(said, "thread_ts")
    return Happening(
        what=what,
        home=home,
        channel=channel,
        ts=ts,
        thread_ts="" if thread_ts == ts else thread_ts,
        user=_text(said, "user"),
        direct=channel.startswith("D"),
        said=said,
        payload=payload,
    )


def _ignored(why: str, payload: Mapping[str, Any]) -> Happening:
    return Happening(what=What.ignored, why=why, payload=payload)


def _home(payload: Mapping[str, Any]) -> str:
    """In a channel that is shared with other workspaces the outer team may be theirs."""
    given = payload.get("authorizations")
    first = given[0] if isinstance(given, list) and given and isinstance(given[0], dict) else {}
    return _text(first, "team_id") or _text(payload, "team_id")


def _without_mention(found: Happening, text: str, names: Names) -> str:
    """“@Desk, where is …” without whom it is said to: the app, which each payload names."""
    given = found.payload.get("authorizations")
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and one.get("is_bot") and (id_ := _text(one, "user_id")):
            shorter = re.sub(rf"^@(?:{re.escape(id_)}|{re.escape(names.get(id_, id_))})[\s,:]*", "", text)
            text = shorter or text
    return text


def _dict(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(holder: Mapping[str, Any], name: str) -> str:
    found = holder.get(name)
    return found[:200].replace("\x00", "") if isinstance(found, str) else ""
