"""A served desk and a signed-in agent, as one client sees them."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx

PASSWORD = "a password for benchmarks"


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    client: httpx.Client
    seconds_to_first_page: float
    csrf: str = ""

    def sign_in(self, email: str) -> None:
        answer = self.client.post("/sign-in", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text[:300]
        page = self.client.get("/tickets?view=all").text
        found = re.search(r'csrf[^>]*?(?:content|value)="([0-9a-f]{64})"', page)
        assert found, "no CSRF token on the page"
        self.csrf = found[1]

    def page(self, path: str, **headers: str) -> None:
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code)

    def searching(self, typed: str) -> Callable[[], None]:
        path = f"/search?{urlencode({'q': typed})}"
        return lambda: self.page(path)

    def create(self, inbox_id: int, requester: str) -> int:
        """A ticket on a customer's behalf; its number."""
        answer = self.client.post(
            "/tickets/new",
            data={
                "requester": requester,
                "client_id": uuid4().hex,
                "inbox": inbox_id,
                "subject": "Charged twice",
                "body": "They called: their card was charged twice in March.",
                "opening": "call",
            },
            headers={"x-csrf-token": self.csrf},
        )
        assert answer.status_code == 303, (answer.status_code, answer.text[:300])
        return int(answer.headers["location"].rpartition("/")[2])

    def reply(self, number: int) -> None:
        answer = self.client.post(
            f"/tickets/{number}/replies",
            data={"body": "Here is the invoice you asked for.", "client_id": uuid4().hex, "seen": 2**60},
            headers={"x-csrf-token": self.csrf, "hx-request": "true"},
        )
        assert answer.status_code == 200, (number, answer.status_code, answer.text[:300])


@contextmanager
def served(
    database_url: str, home: Path, *options: str, command: Sequence[str] = (), secret: str = ""
) -> Iterator[Served]:
    """By `helpdesk serve`, or by another command that serves a desk."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {
        **os.environ,
        "DATABASE_URL": database_url,
        "HELPDESK_HOME": str(home),
        "HELPDESK_PORT": str(port),
        "HELPDESK_LOG_LEVEL": "warning",
        **({"HELPDESK_SECRET": secret} if secret else {}),
    }
    began = time.monotonic()
    serve = command or [str(Path(sys.executable).parent / "helpdesk"), "serve"]
    process = subprocess.Popen([*serve, *options], env=environ)
    try:
        with httpx.Client(base_url=url, headers={"origin": url}, timeout=60) as client:
            while True:
                assert process.poll() is None, "the desk ended"
                try:
                    client.get("/sign-in")
                    break
                except httpx.TransportError:
                    time.sleep(0.02)
            yield Served(process, client, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
