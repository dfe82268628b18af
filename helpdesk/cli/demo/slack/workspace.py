"""What is said in a small workspace, and the payloads that Slack sends for it. It forgets nothing."""

import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

HOME, THEIRS = "T0HOME", "T0THEIRS"
BOT = "U0BOT"
TRIAGE = "C0TRIAGE"
TOKEN, APP_TOKEN = "xoxb-1-test", "xapp-1-test"

Said = dict[str, Any]
Payload = dict[str, Any]


@dataclass
class Workspace:
    url: str = ""
    """Where it is served."""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: defaultdict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, bytes] = field(default_factory=dict)
    whispers: list[Said] = field(default_factory=list)
    """What only one person sees: `to` names them."""
    forms: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Person → the form that is open before them."""
    _newest: float = 0.0

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def add(self, user: str, name: str, *, team: str = THEIRS, email: str = "", **flags: Any) -> str:
        profile = {"display_name": name, "email": email}
        self.people[user] = {"id": user, "team_id": team, "real_name": name, "profile": profile} | flags
        return user

    # What people do: each returns the payload that Slack sends for it

    def says(self, user: str, text: str, channel: str = "C0SHARED", **more: Any) -> Payload:
        said = {"type": "message", "user": user, "text": text, "ts": self.now(), "team": self.team(user)}
        said |= {"user_team": self.team(user), **more}
        self.channels[channel].append(said)
        return self.event(
            {**said, "channel": channel, "channel_type": "im" if channel[0] == "D" else "channel"}
        )

    def edits(self, channel: str, ts: str, text: str) -> Payload:
        said = self.find(channel, ts)
        before = dict(said)
        said |= {"text": text, "edited": {"user": said["user"], "ts": self.now()}}
        changed = {"subtype": "message_changed", "message": dict(said), "previous_message": before}
        return self.event({"type": "message", "channel": channel, "ts": self.now(), **changed})

    def deletes(self, channel: str, ts: str) -> Payload:
        said = self.find(channel, ts)
        self.channels[channel].remove(said)
        gone = {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": said}
        return self.event({"type": "message", "channel": channel, "ts": self.now(), **gone})

    def reacts(self, user: str, emoji: str, channel: str, ts: str) -> Payload:
        for said in self.channels[channel]:
            if said["ts"] == ts:
                said.setdefault("reactions", []).append({"name": emoji, "users": [user]})
        item = {"type": "message", "channel": channel, "ts": ts}
        return self.event({"type": "reaction_added", "user": user, "reaction": emoji, "item": item})

    def shares(self, name: str, content: bytes, kind: str = "image/png", **more: Any) -> Said:
        """A file to hang on a message: `says(…, files=[slack.shares(…)])`."""
        id_ = self.named("F")
        self.files[id_] = content
        url = f"{self.url}/files/{id_}"
        return {"id": id_, "name": name, "mimetype": kind, "size": len(content), "url_private": url} | more

    def presses(self, user: str, action: str, value: str, channel: str = TRIAGE, **more: Any) -> Payload:
        act = {"type": "button", "action_id": action, "value": value, "action_ts": self.now()}
        return {
            "type": "block_actions",
            **self.asked_by(user),
            "channel": {"id": channel},
            "response_url": f"{self.url}/respond/{user}/{channel}",
            "actions": [act | more.pop("act", {})],
        } | more

    def calls_shortcut(self, user: str, name: str, channel: str, ts: str) -> Payload:
        return {
            "type": "message_action",
            **self.asked_by(user),
            "callback_id": name,
            "channel": {"id": channel},
            "message": self.find(channel, ts),
        }

    def submits(self, user: str, view: dict[str, Any], **entered: str) -> Payload:
        """Each field under the name of its block; what was chosen from a list looks otherwise than what was typed."""
        lists = {
            block.get("block_id")
            for block in view.get("blocks", ())
            if block.get("element", {}).get("type") == "static_select"
        }
        values = {
            name: {name: {"selected_option": {"value": value}} if name in lists else {"value": value}}
            for name, value in entered.items()
        }
        shown = {"id": self.named("V"), **view, "state": {"values": values}}
        return {"type": "view_submission", **self.asked_by(user), "view": shown}

    def commands(self, user: str, text: str, channel: str) -> Payload:
        return {
            "command": "/ticket",
            "text": text,
            "team_id": HOME,
            "user_id": user,
            "channel_id": channel,
            "trigger_id": self.trigger(user),
            "response_url": f"{self.url}/respond/{user}/{channel}",
        }

    def asked_by(self, user: str) -> Payload:
        return {
            "team": {"id": HOME},
            "user": {"id": user, "team_id": self.team(user)},
            "trigger_id": self.trigger(user),
        }

    def event(self, event: dict[str, Any]) -> Payload:
        return {
            "type": "event_callback",
            "team_id": HOME,
            "event_id": self.named("Ev"),
            "event": event,
            "authorizations": [{"team_id": HOME, "user_id": BOT, "is_bot": True}],
        }

    # What the app's calls change

    def posts(self, given: dict[str, Any]) -> Said:
        said = {"user": BOT, "bot_id": "B0BOT", "type": "message", "ts": self.now(), **given}
        self.channels[given["channel"]].append(said)
        return said

    def whisper(self, to: str, channel: str, given: dict[str, Any]) -> Said:
        said = {**given, "user": BOT, "bot_id": "B0BOT", "ts": self.now(), "to": to, "channel": channel}
        self.whispers = [*self.whispers[-99:], said]
        return said

    # What is asked

    def find(self, channel: str, ts: str) -> Said:
        return next(said for said in self.channels[channel] if said["ts"] == ts)

    def thread(self, channel: str, root: str) -> list[Said]:
        return [one for one in self.channels[channel] if root in {one["ts"], one.get("thread_ts")}]

    def team(self, user: str) -> str:
        return str(self.people.get(user, {}).get("team_id", THEIRS))

    def trigger(self, user: str) -> str:
        return f"{self.named('trigger.')}.{user}"

    def named(self, prefix: str) -> str:
        """An id that nothing else has, not even after a restart: a desk remembers those of events for days."""
        return f"{prefix}{secrets.token_hex(6).upper()}"

    def now(self) -> str:
        """Of the next message: no two have the same."""
        self._newest = max(time.time(), self._newest + 0.000_002)
        return f"{self._newest:.6f}"
