"""An inbox whose channel fails as it is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import registry
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from tests.faults.installed import install, python_path
from tests.scenes import Scene


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The faulty channel is installed, here and for every process that is started from here."""
    site = install(tmp_path)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", python_path(site))
    registry.all.cache_clear()
    yield
    registry.all.cache_clear()


@pytest.fixture
async def inbox(scene: Scene, faulty: None, tmp_path: Path) -> Inbox:
    """An inbox on the faulty channel; its journal is `journal`, its folder `spool` below tmp_path."""
    (tmp_path / "spool").mkdir()
    settings = {"journal": str(tmp_path / "journal"), "spool": str(tmp_path / "spool")}
    made = Inbox(
        name="Faulty",
        channel="faulty",
        address="faulty@desk.example",
        sealed_settings=scene.desk.keys.seal(settings),
        team=None,
    )
    async with committed(scene.desk.sessions) as session:
        session.add(made)
    return made
