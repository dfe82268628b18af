"""The real model for tests: exported once into pytest's cache by a child, so that no test process loads torch."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ai.embedding import OnnxEmbedder, embedder
from helpdesk.settings import Settings

EXPORT = Path(__file__).parent.parent / "ai/embedding/export.py"
__all__ = ["model", "model_home"]


@pytest.fixture(scope="session")
def model_home(request: pytest.FixtureRequest) -> Path:
    """A desk's home that holds the export made by the present code."""
    version = hashlib.sha256(EXPORT.read_bytes()).hexdigest()[:12]
    home = request.config.rootpath / ".pytest_cache/d/model" / version
    home.mkdir(parents=True, exist_ok=True)
    if list(home.glob("models/*/about.json")):
        return home
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # xdist's workers wait for the first of them
        code = (
            "import sys; from pathlib import Path; from ai.embedding.export import export; "
            "from helpdesk.settings import Settings; export(Settings(home=Path(sys.argv[1])))"
        )
        subprocess.run([sys.executable, "-c", code, str(home)], check=True, capture_output=True, timeout=300)
    return home


@pytest.fixture(scope="session")
def model(model_home: Path) -> OnnxEmbedder:
    return embedder(Settings(home=model_home), threads=2)
