"""Webhook: an address that another program listens at, what it is told, and how it is doing."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk import signing
from helpdesk.clock import now
from helpdesk.database import Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.keys import Keys
from helpdesk.people import Agent
from helpdesk.texts import clean

if TYPE_CHECKING:
    from helpdesk.webhooks.deliveries import Delivery

MOST = 50
"""Webhooks of one desk: each is served by a task of its own, so that a dead one holds up nobody."""
GIVE_UP = timedelta(hours=72)
"""How long one delivery is tried, and how long an endpoint may take nothing before it is switched off."""
SLACK = timedelta(minutes=1)
"""The first delivery that is given up was put in a moment before it failed for the first time."""
ROTATION = timedelta(hours=24)
"""How long the secret before signs along, so that receivers can change theirs at leisure."""
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 72_000)
)
LONGEST_ASKED = timedelta(hours=12)
"""The longest Retry-After that is honoured."""
THE_MESSAGE = frozenset({400, 413, 415, 422})
"""Answers that are about one message: it waits by itself, those behind it go on."""
GONE = 410
EXCERPT = 2_000  # characters of an answer that the log keeps
TRIES = 20  # that the log of one delivery keeps, the newest


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt. `status` is None where nobody answered."""

    status: int | None = None
    words: str = ""
    excerpt: str = ""
    took: timedelta = timedelta(0)
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Secrets:
    """What an endpoint's messages are signed with: the secret, and for a while the one before."""

    now: str
    before: str = ""
    until: datetime | None = None

    def valid(self, at: datetime) -> list[str]:
        return [self.now, self.before] if self.until and at < self.until else [self.now]

    def sealed(self, keys: Keys) -> bytes:
        until = self.until.isoformat() if self.until else None
        return keys.seal({"now": self.now, "before": self.before, "until": until})

    @classmethod
    def unsealed(cls, keys: Keys, sealed: bytes) -> "Secrets":
        held = cast("dict[str, Any]", keys.unseal(sealed))
        until = datetime.fromisoformat(held["until"]) if held["until"] else None
        return cls(held["now"], held["before"], until)


class Webhook(Row):
    __tablename__ = "webhook"

    name: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(server_default="{}")
    """Names of `EVENTS` that it is told of."""
    includes: Mapped[list[str]] = mapped_column(server_default="{}")
    """Which personal text goes along: names of `INCLUDES`."""
    sealed_secrets: Mapped[bytes]
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id", ondelete="SET NULL"))

    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Attempts in a row that it did not take."""
    failing_since: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why the last attempt failed, in words; empty when it did not."""
    retry_at: Mapped[datetime | None]
    """Nothing is sent to it before: those behind the first wait with it, and stay in order."""
    busy_until: Mapped[datetime | None]
    """Until when somebody is at work on it, unless they died."""
    off_because: Mapped[str] = mapped_column(default="", server_default="")
    """Why the desk switched it off; empty when an agent did."""
    off_at: Mapped[datetime | None]
    last_delivered_at: Mapped[datetime | None]

    made_by: Mapped[Agent | None] = relationship(lazy="raise")

    def rotate(self, keys: Keys, *, by: Actor) -> tuple[str, Event]:
        """The new secret, to be shown once; the old one signs along for a day. One more at a time can't."""
        before = Secrets.unsealed(keys, self.sealed_secrets)
        if before.until and now() < before.until:
            raise RotatingAlready
        fresh = Secrets(signing.new_secret(), before.now, now() + ROTATION)
        self.sealed_secrets = fresh.sealed(keys)
        return fresh.now, Event(Kind.webhook_key_changed, by=by, about=self)

    def switch_off(self, *, by: Actor, because: str = "") -> Event:
        self.active, self.off_at, self.off_because = False, now(), because
        return Event(Kind.webhook_switched_off, by=by, about=self, failed=bool(because))

    def switch_on(self, *, by: Actor) -> Event:
        self.active, self.off_at, self.off_because = True, None, ""
        self.forgive()
        return Event(Kind.webhook_switched_on, by=by, about=self)

    def forgive(self) -> None:
        """Start anew: the address was changed, or somebody wants it tried now."""
        self.failures, self.failing_since, self.retry_at, self.trouble = 0, None, None, ""

    def record(self, delivery: "Delivery", outcome: Outcome) -> Event | None:
        """Write down one attempt and when the next is due; returns what everybody should hear of, if anything."""
        at = now()
        delivery.note_attempt(outcome, at)
        if outcome.taken:
            self.forgive()
            self.last_delivered_at = at
            return None
        self.failures += 1
        self.failing_since = self.failing_since or at
        self.trouble = clean(outcome.words)
        if outcome.status == GONE:
            return self.switch_off(by=DESK, because=gettext("It answered that it is gone for good (410)."))
        if at - self.failing_since >= GIVE_UP - SLACK:
            words = gettext("It took nothing for {hours} hours: {trouble}")
            hours = int(GIVE_UP.total_seconds() // 3600)
            return self.switch_off(by=DESK, because=words.format(hours=hours, trouble=self.trouble))
        alone = outcome.status in THE_MESSAGE
        wait = _wait(delivery.attempts if alone else self.failures, outcome.retry_after)
        delivery.put_off(at + wait, at)
        if not alone:
            self.retry_at = min(at + wait, self.failing_since + GIVE_UP)
        return None


def made(
    keys: Keys, *, name: str, url: str, events: list[str], includes: list[str], by: Agent
) -> tuple[Webhook, str]:
    """A webhook and its secret, which is shown once."""
    secret = signing.new_secret()
    webhook = Webhook(
        name=name,
        url=url,
        events=events,
        includes=includes,
        sealed_secrets=Secrets(secret).sealed(keys),
        active=True,
        failures=0,
        trouble="",
        off_because="",
        made_by_id=by.id,
    )
    return webhook, secret


def _wait(failed: int, asked: timedelta | None) -> timedelta:
    """Spread by a fifth, so that many that failed together do not come back together."""
    planned: timedelta = WAITS[min(max(failed, 1), len(WAITS)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311
    return max(planned, min(asked or timedelta(0), LONGEST_ASKED))


class RotatingAlready(Conflict):
    message = _(
        "The secret was changed less than a day ago and the one before still signs along. Wait for it to end."
    )


class TooManyWebhooks(Invalid):
    message = _("There are as many webhooks as a desk may have (50). Remove one that is no longer used.")
