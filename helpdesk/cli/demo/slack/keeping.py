"""What was said in the demo's Slack, kept in the demo's home, so that the next start goes on from here."""

import base64
import json
from pathlib import Path

from helpdesk.cli.demo.slack.workspace import Workspace


def put(workspace: Workspace, path: Path) -> None:
    """Whole, or not at all."""
    said = {
        "channels": workspace.channels,
        "files": {id_: base64.b64encode(content).decode() for id_, content in workspace.files.items()},
        "whispers": workspace.whispers,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(said))
    beside.rename(path)


def get(workspace: Workspace, path: Path) -> None:
    if not path.exists():
        return
    said = json.loads(path.read_text())
    workspace.channels.update(said["channels"])
    workspace.files.update({id_: base64.b64decode(content) for id_, content in said["files"].items()})
    workspace.whispers[:] = said["whispers"]
