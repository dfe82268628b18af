"""Fetch what arrives in a folder: every mail at least once, none marked as seen before it is kept."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from channels.contract import ChannelError, Keep, Source
from channels.email.mailbox import Lost, Mailbox
from channels.email.mime import MAX_SIZE
from channels.email.settings import EmailSettings
from helpdesk.i18n import gettext
from helpdesk.outbound import Policy

RENEW = 10 * 60.0  # seconds of one IDLE; servers hang up after 29 minutes, some routers after 15
AT_ONCE = (
    100  # mails of one FETCH: five times faster than one by one; aioimaplib parses recursively, so not more
)
BATCH = 8 * 1024 * 1024  # bytes of one FETCH and one commit
BEGINNING = 1024 * 1024  # of a mail that is too big for the desk
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before a reconnect

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a folder was read. UIDs mean something only together with their UIDVALIDITY."""

    folder: str
    uidvalidity: int
    uid: int  # everything from `first` up to here is kept
    first: int  # mails below it lay there before the mailbox was connected
    since: str  # ISO day of that, for the day UIDVALIDITY changes; "" takes everything

    @classmethod
    def stored(cls, cursor: Mapping[str, Any], folder: str) -> "Position | None":
        try:
            found = msgspec.convert(dict(cursor), cls)
        except msgspec.ValidationError:
            return None
        return found if found.folder == folder else None


async def listen(
    settings: EmailSettings,
    policy: Policy,
    keep: Keep,
    cursor: Mapping[str, Any],
    trouble: Callable[[ChannelError | None], None] | None = None,
) -> None:
    """Runs until cancelled. Whatever goes wrong, it waits a while and starts from the last kept mail."""
    position = Position.stored(cursor, settings.folder)
    wait = FIRST_WAIT
    while True:
        reader = Reader(settings, policy, keep, position)
        try:
            await reader.follow(on_line=lambda: trouble and trouble(None))
        except ChannelError as error:
            log.warning(
                "mailbox off line", host=settings.imap_host, user=settings.imap_user, reason=str(error)
            )
            if trouble:
                trouble(error)
        except Exception:
            # keep() raised: the database is away, or worse. Nothing was marked as seen, all comes again.
            log.exception("mails could not be kept", host=settings.imap_host, user=settings.imap_user)
        if reader.worked:
            wait = FIRST_WAIT
        position = reader.position
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        wait = min(wait * 2, LONGEST_WAIT)


class Reader:
    """One connection's life."""

    def __init__(
        self, settings: EmailSettings, policy: Policy, keep: Keep, position: Position | None
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.keep = keep
        self.position = position
        self.worked = False  # got as far as reading, so the next wait is short again
        self._again: set[int] = set()  # kept, but still unseen: a flag that does not stick must not loop

    async def follow(self, *, on_line: Callable[[], object]) -> None:
        mailbox = await Mailbox.open(self.settings, self.policy)
        try:
            self.position = await self._start(mailbox)
            await self._catch_up(mailbox)
            self.worked = True
            on_line()
            while True:
                if not mailbox.mail_announced:
                    await mailbox.wait(RENEW)
                await self._catch_up(mailbox)
        finally:
            mailbox.close()

    async def _start(self, mailbox: Mailbox) -> Position:
        before = self.position
        if before and before.uidvalidity == mailbox.uidvalidity:
            return before
        fresh = Position(folder=mailbox.folder, uidvalidity=mailbox.uidvalidity, uid=0, first=1, since="")
        if before is None:
            if self.settings.existing == "all":
                return fresh
            return replace(fresh, first=mailbox.uidnext, since=datetime.now(UTC).date().isoformat())
        log.warning(
            "mailbox was renumbered, reading it again", user=self.settings.imap_user, folder=mailbox.folder
        )
        if not before.since:
            return fresh
        found = await mailbox.search("SINCE", _imap_day(before.since))
        return replace(fresh, first=min(found, default=mailbox.uidnext), since=before.since)

    async def _catch_up(self, mailbox: Mailbox) -> None:
        """Until a search that nothing interrupted finds nothing new."""
        while True:
            found = await self._arrived(mailbox)
            for uids in _chunks([uid for uid in found if uid not in self._again], AT_ONCE):
                await self._keep_all(mailbox, uids)
            self._again = set(found)
            if not mailbox.mail_announced:
                return

    async def _arrived(self, mailbox: Mailbox) -> list[int]:
        """What is new by number, and what is unread: a crash between commit and flag leaves such."""
        assert self.position is not None  # noqa: S101
        begin = max(self.position.uid + 1, self.position.first)
        # `n:*` always names the last mail as well, even when its number is below n.
        fresh = [uid for uid in await mailbox.search("UID", f"{begin}:*") if uid >= begin]
        lowest = self.position.first if self.settings.existing == "none" else 1
        unread = await mailbox.search("UNSEEN", "UID", f"{lowest}:*")
        return sorted({*fresh, *(uid for uid in unread if uid >= lowest)})

    async def _keep_all(self, mailbox: Mailbox, uids: Sequence[int]) -> None:
        sizes = await mailbox.sizes(uids)
        for batch in _by_size([(uid, sizes[uid]) for uid in uids if uid in sizes]):
            size = sizes[batch[0]]
            too_big = size > MAX_SIZE
            mails = await mailbox.fetch(batch, only_first=BEGINNING if too_big else None)
            await self._keep(mailbox, mails, cut_from=size if too_big else None)

    async def _keep(
        self, mailbox: Mailbox, mails: Sequence[tuple[int, bytes]], *, cut_from: int | None
    ) -> None:
        if not mails:
            return
        position = self.position
        batch: list[tuple[bytes, Source]] = []
        for uid, raw in sorted(mails):
            assert position is not None  # noqa: S101
            position = replace(position, uid=max(position.uid, uid))
            key = f"{position.folder}/{position.uidvalidity}/{uid}"
            batch.append((raw, Source(key=key, cursor=asdict(position), cut_from=cut_from)))
        await self.keep(batch)
        self.position = position
        await mailbox.mark_seen(uid for uid, _ in mails)


def _chunks(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (uids[start : start + size] for start in range(0, len(uids), size))


def _by_size(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Batches that fit into memory; a mail over the limit stands alone."""
    batch: list[int] = []
    total = 0
    for uid, size in sizes:
        if batch and (total + size > BATCH or size > MAX_SIZE):
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += size
        if size > MAX_SIZE:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def _imap_day(day: str) -> str:
    """One day earlier than ISO `day`: the server's days are in its own time zone. Months are English (RFC 3501)."""
    date = datetime.fromisoformat(day) - timedelta(days=1)
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][
        date.month - 1
    ]
    return f"{date.day}-{month}-{date.year}"


async def check(settings: EmailSettings, policy: Policy) -> None:
    mailbox = await Mailbox.open(settings, policy)
    try:
        await mailbox.search("UID", "1:1")
        if mailbox.read_only:
            words = gettext("The folder {folder} can only be read: the desk could not mark mails as seen.")
            raise ChannelError(words.format(folder=mailbox.folder))
    except Lost as error:
        raise ChannelError(str(error)) from None
    finally:
        mailbox.close()
