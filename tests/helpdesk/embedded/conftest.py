import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpdesk.embedded.servers import StartOwner, desk, eventually

REPOSITORY = Path(__file__).parents[3]
OWNER = """
import sys, time
from pathlib import Path
from helpdesk.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), fsync=False)
{before}
postgres.start()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that the server's user can reach; pytest's own are closed to everybody but root."""
    memory = Path("/dev/shm")  # noqa: S108 - kills and restarts are the same there, and disks are slow
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    folder = Path(tempfile.mkdtemp(prefix="desk-", dir=memory if roomy else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(room: Path) -> Path:
    return room / "home"


@pytest.fixture
def owner(home: Path) -> Iterator[StartOwner]:
    """Another process that owns the server in `home`."""
    started: list[subprocess.Popen[str]] = []

    def start(before: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER.format(before=before), home],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
        assert eventually(lambda: not desk(home).files.processes())
