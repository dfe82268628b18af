"""What docs/api.md shows is run as it stands, in a shell, against a served desk."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console

DOC = Path(__file__).parents[3] / "docs/api.md"
STRICT = 'set -euo pipefail; curl() { command curl --fail-with-body -sS "$@"; }\n'


def shown() -> list[str]:
    """Each command, or what belongs together: blocks, parted at their empty lines."""
    blocks = re.findall(r"```sh\n(.*?)```", DOC.read_text(), re.DOTALL)
    return [part for block in blocks for part in block.strip().split("\n\n")]


async def shell(script: str, home: Path, **environ: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        STRICT + script,
        cwd=home,
        env={**os.environ, "PATH": path, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 200)
    assert process.returncode == 0, f"{script}\n{said.decode()}"
    return said.decode()


async def test_every_command_of_the_document_works(console: Console, caller: Calls, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        missing("curl")
    desk, parts = console.scene.desk, shown()
    ticket, reader = await console.scene.receives(mail()), await caller()
    (tmp_path / "invoice.pdf").write_bytes(b"%PDF-1.7 by hand")
    assert [part for part in parts if part.startswith("helpdesk token new")], "tokens come first"
    environ = {
        "DATABASE_URL": desk.database_url,
        "HELPDESK_HOME": str(desk.settings.home),
        "HELPDESK_SECRET": desk.settings.secret,
    }
    ran = 0
    for part in parts:
        etag = (await reader.get(f"/tickets/{ticket.number}")).headers["etag"]
        script = part.replace("https://support.example.com", console.url).replace('"9f0c…"', etag)
        script = script.replace("/tickets/42", f"/tickets/{ticket.number}").replace(
            "example.com", "desk.example"
        )
        script = script.replace("token revoke 3", f"token revoke {reader.token_id + 1}")
        said = await shell(script, tmp_path, HELPDESK_TOKEN=reader.secret, **environ)
        assert "helpdesk token" not in part or re.search(r"\bhd_[\w-]{20,}", said)
        ran += 1
    assert ran >= 5
    after = (await reader.get(f"/tickets/{ticket.number}")).json()
    assert after["status"]["category"] == "resolved"
    messages = (await reader.get(f"/tickets/{ticket.number}/messages")).json()["items"]
    assert [file["name"] for message in messages for file in message["attachments"]] == ["invoice.pdf"]


def test_an_example_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no_such_command"):
        asyncio.run(shell("no_such_command | cat", tmp_path))
