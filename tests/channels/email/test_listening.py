"""Against a real Dovecot: what arrives is kept, and only then marked as seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from channels.contract import ChannelError, Source
from channels.email import listening
from channels.email.settings import EmailSettings
from tests.channels.email.dovecot import Dovecot, ours, reaching

pytestmark = pytest.mark.mail


class Desk:
    """Keeps what it is given, and can be told to fail."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.batches: list[int] = []
        self.cursor: dict[str, Any] = {}
        self.troubles: list[ChannelError | None] = []
        self.fails = 0
        self.before: Callable[[], None] = lambda: None

    async def keep(self, mails: Sequence[tuple[bytes, Source]]) -> None:
        await asyncio.to_thread(self.before)
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the database is away")
        self.batches.append(len(mails))
        self.kept.update({source.key: raw for raw, source in mails})
        self.cursor = dict(mails[-1][1].cursor or {})

    @property
    def subjects(self) -> list[str]:
        return [raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode() for raw in self.kept.values()]

    async def has(self, *subjects: str, within: float = 5) -> None:
        deadline = time.monotonic() + within
        while sorted(self.subjects) != sorted(subjects):
            assert time.monotonic() < deadline, f"{self.subjects}, expected {subjects}"
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def listening(self, settings: EmailSettings) -> AsyncIterator[None]:
        channel = reaching(settings)
        task = asyncio.create_task(channel.listen(self.keep, self.cursor, trouble=self.troubles.append))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def on_line(self) -> None:
        while None not in self.troubles:
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(listening, "LONGEST_WAIT", 0.5)


async def seen(imap: Dovecot, unseen: int = 0, within: float = 5) -> None:
    deadline = time.monotonic() + within
    while await asyncio.to_thread(imap.unseen) != unseen:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_new_mail_is_there_within_a_second(imap: Dovecot) -> None:
    """IDLE pushes it; nobody would look for another 20 minutes."""
    desk = Desk()
    async with desk.listening(imap.settings()):
        await asyncio.wait_for(desk.on_line(), 5)
        await asyncio.sleep(0.1)
        imap.deliver("pushed")
        await desk.has("pushed", within=10)
        await seen(imap)


async def test_idle_is_renewed_before_the_server_hangs_up(
    imap: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "RENEW", 0.1)
    desk = Desk()
    async with desk.listening(imap.settings()):
        await asyncio.wait_for(desk.on_line(), 5)
        await asyncio.sleep(0.5)
        imap.deliver("after some rounds")
        await desk.has("after some rounds", within=10)
    assert desk.troubles == [None]


async def test_a_mail_that_comes_while_another_is_kept_is_not_overlooked(imap: Dovecot) -> None:
    """The server announces it in the middle of another command, and not again in IDLE."""
    desk = Desk()
    coming = ["third", "second"]
    desk.before = lambda: imap.deliver(coming.pop()) if coming else None
    imap.deliver("first")
    async with desk.listening(imap.settings()):
        await desk.has("first", "second", "third", within=10)
        await seen(imap)


async def test_unread_mails_are_fetched_in_batches(imap: Dovecot) -> None:
    subjects = [f"mail{number}" for number in range(150)]
    imap.deliver(*subjects)
    desk = Desk()
    async with desk.listening(imap.settings()):
        await desk.has(*subjects)
        await seen(imap)
    assert desk.batches == [100, 50]


async def test_read_mails_from_before_are_left_alone(imap: Dovecot) -> None:
    imap.deliver("old", "unread")
    with imap.session() as session:
        session.store("1", "+FLAGS", r"(\Seen)")
    desk = Desk()
    async with desk.listening(imap.settings()):
        await desk.has("unread")
        imap.deliver("new")
        await desk.has("unread", "new")


async def test_all_or_none_of_what_is_there_can_be_asked_for(imap: Dovecot) -> None:
    imap.deliver("old", "unread")
    with imap.session() as session:
        session.store("1", "+FLAGS", r"(\Seen)")
    everything, nothing = Desk(), Desk()
    async with nothing.listening(imap.settings(existing="none")):
        await asyncio.wait_for(nothing.on_line(), 5)
    async with everything.listening(imap.settings(existing="all")):
        await everything.has("old", "unread")
    assert not nothing.kept


async def test_a_mail_is_unseen_until_it_is_kept(imap: Dovecot) -> None:
    desk = Desk()
    while_keeping: list[int] = []
    desk.before = lambda: while_keeping.append(imap.unseen())
    imap.deliver("one")
    async with desk.listening(imap.settings()):
        await desk.has("one")
        await seen(imap)
    assert while_keeping == [1]


async def test_what_could_not_be_kept_stays_unseen_and_comes_again(imap: Dovecot) -> None:
    desk = Desk()
    desk.fails = 2
    unseen_before_third: list[int] = []
    desk.before = lambda: unseen_before_third.append(imap.unseen())
    imap.deliver("precious")
    async with desk.listening(imap.settings()):
        await desk.has("precious")
        await seen(imap)
    assert unseen_before_third == [1, 1, 1]


async def test_somebody_else_reading_a_mail_first_does_not_hide_it(imap: Dovecot) -> None:
    """An agent's phone marks it as read a moment before the desk looks: the number is still new."""
    desk = Desk()
    async with desk.listening(imap.settings()):
        await asyncio.wait_for(desk.on_line(), 5)
        imap.deliver("first")
        await desk.has("first")
    imap.deliver("read on a phone")
    with imap.session() as session:
        session.store("2", "+FLAGS", r"(\Seen)")
    async with desk.listening(imap.settings()):
        await desk.has("first", "read on a phone")


async def test_a_killed_connection_is_noticed_at_once(imap: Dovecot) -> None:
    desk = Desk()
    async with desk.listening(imap.settings()):
        await asyncio.wait_for(desk.on_line(), 5)
        await asyncio.sleep(0.1)
        imap.kill_sessions()
        imap.deliver("after the crash")
        await desk.has("after the crash", within=10)
        async with asyncio.timeout(5):  # the mail is kept a moment before the line is called back
            while desk.troubles[-1] is not None:
                await asyncio.sleep(0.01)
    assert any(isinstance(trouble, ChannelError) for trouble in desk.troubles)


async def test_a_restart_of_the_server_loses_nothing(imap: Dovecot) -> None:
    desk = Desk()
    async with desk.listening(imap.settings()):
        imap.deliver("before")
        await desk.has("before")
        await asyncio.to_thread(imap.stop)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(imap.start)
        imap.deliver("after")
        await desk.has("before", "after")


async def test_a_renumbered_mailbox_is_read_again(imap: Dovecot) -> None:
    """After a change of UIDVALIDITY old numbers mean nothing: all comes again, and the desk knows it by content."""
    imap.deliver("before")
    desk = Desk()
    async with desk.listening(imap.settings()):
        await desk.has("before")
        await seen(imap)
        await asyncio.to_thread(imap.renumber)
        await desk.has("before", "before", within=8)
        imap.deliver("after")
        await desk.has("before", "before", "after")
    assert len({key.split("/")[1] for key in desk.kept}) == 2


async def test_a_mail_that_is_too_big_comes_without_its_end(
    imap: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MAX_SIZE", 20_000)
    monkeypatch.setattr(listening, "BEGINNING", 1_000)
    imap.deliver_raw(b"Subject: big\r\n\r\n" + b"x" * 60 + b"\r\n" + b"much more text\r\n" * 2_000)
    imap.deliver("small")
    desk = Desk()
    cut: list[int | None] = []

    async def keep(mails: Sequence[tuple[bytes, Source]]) -> None:
        cut.extend(source.cut_from for _, source in mails)
        await desk.keep(mails)

    channel = reaching(imap.settings())
    task = asyncio.create_task(channel.listen(keep, {}))
    await desk.has("big", "small")
    task.cancel()
    assert max(map(len, desk.kept.values())) == 1_000
    assert cut[1] is None
    assert cut[0] is not None
    assert cut[0] > 30_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imap_password": "wrong"}, "refuses the login of support@example.test"),
        ({"imap_user": 'odd "name" here'}, "refuses the login"),
        ({"folder": "Tickets & Zubehör"}, "has no folder Tickets & Zubehör. It has: INBOX"),
        ({"ca_file": ""}, "The certificate of localhost is not trusted"),
        ({"imap_host": "127.0.0.1"}, "The certificate of 127.0.0.1 is not trusted"),
        ({"imap_host": "nowhere.invalid"}, "There is no server named nowhere.invalid"),
        ({"imap_port": 1}, "refuses connections on port 1"),
        ({"imap_port": "plain"}, "does not speak TLS on port"),
        ({"ca_file": "/nowhere.pem"}, "ca_file"),
    ],
)
async def test_wrong_settings_are_explained(imap: Dovecot, changes: dict[str, Any], words: str) -> None:
    if changes.get("imap_port") == "plain":
        changes = {"imap_port": imap.imap}
    settings = imap.settings(**changes)
    with pytest.raises(ChannelError) as trouble:
        await listening.check(settings, ours(settings))
    assert words in str(trouble.value)


async def test_right_settings_pass_the_check(imap: Dovecot) -> None:
    for settings in (imap.settings(), imap.settings(imap_security="none", imap_port=imap.imap)):
        await listening.check(settings, ours(settings))
