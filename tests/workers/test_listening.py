"""Inboxes are listened to as they come, change and go, and say in words when they cannot be."""

import json
from pathlib import Path

from sqlalchemy import func, select, update

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from tests.scenes import Scene
from tests.workers.hands import at_work, eventually


async def row(scene: Scene, inbox: Inbox) -> Inbox:
    async with scene.desk.sessions() as session:
        return await session.get_one(Inbox, inbox.id)


async def changed(scene: Scene, inbox: Inbox, **values: object) -> None:
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Inbox).where(Inbox.id == inbox.id).values(**values))
        await session.execute(select(func.pg_notify("helpdesk", f"inbox-{inbox.id}")))


async def test_what_is_fetched_is_kept_with_the_cursor_before_it_is_removed(
    scene: Scene, inbox: Inbox, tmp_path: Path
):
    for n in range(3):
        (tmp_path / "spool" / f"{n}.json").write_text(json.dumps({"from": "a@b.example", "text": f"n{n}"}))
    async with at_work(scene.desk, jobs=False):

        async def three_tickets() -> bool:
            return len(await scene.tickets()) == 3

        await eventually(three_tickets)
    assert (await row(scene, inbox)).cursor == {"last": "2.json"}
    assert list((tmp_path / "spool").iterdir()) == []
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Kept)) == 3


async def test_trouble_is_written_on_the_inbox_and_taken_off_again(
    scene: Scene, inbox: Inbox, tmp_path: Path
):
    flag = tmp_path / "spool" / "trouble"
    flag.touch()
    async with at_work(scene.desk, jobs=False) as supervisor:

        async def troubled() -> bool:
            return (await row(scene, inbox)).trouble == "The folder is closed."

        async def fine() -> bool:
            now = await row(scene, inbox)
            return now.trouble == "" and now.trouble_since is None

        await eventually(troubled)
        assert (await row(scene, inbox)).trouble_since
        flag.unlink()
        await eventually(fine)

        await changed(scene, inbox, sealed_settings=scene.desk.keys.seal({"journl": "x"}))

        async def told() -> bool:
            return (
                "settings of the inbox faulty@desk.example cannot be read"
                in (await row(scene, inbox)).trouble
            )

        await eventually(told)
        part = f"listen to {inbox.address}"
        assert "cannot be read" in supervisor.health()["parts"][part]["trouble"]

        await changed(scene, inbox, active=False)

        async def gone() -> bool:
            return part not in supervisor.parts

        await eventually(gone)
