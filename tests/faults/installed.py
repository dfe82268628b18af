"""The faulty channel, installed as another package would be: by an entry point."""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
METADATA = "Metadata-Version: 2.1\nName: faulty\nVersion: 1\n"
ENTRY_POINTS = "[helpdesk.channels]\nfaulty = tests.faults.faulty:FaultyChannel\n"


def install(folder: Path) -> Path:
    """What has to be on the path of every process that is to find it."""
    info = folder / "site" / "faulty-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return info.parent


def python_path(site: Path) -> str:
    return os.pathsep.join([str(site), str(ROOT), os.environ.get("PYTHONPATH", "")])
