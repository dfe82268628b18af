from collections.abc import Iterator

import pytest

from tests.channels.email.dovecot import BINARY, Dovecot, dovecot
from tests.conftest import missing


@pytest.fixture(scope="session")
def running_dovecot() -> Iterator[Dovecot]:
    if not BINARY:
        missing("Dovecot (apt install dovecot-imapd dovecot-lmtpd)")
    with dovecot() as server:
        yield server


@pytest.fixture
def imap(running_dovecot: Dovecot) -> Dovecot:
    """An empty mailbox."""
    running_dovecot.empty()
    return running_dovecot
