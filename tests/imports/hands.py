"""An import in a test's hands."""

from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from helpdesk.database import committed
from helpdesk.imports import running
from helpdesk.imports.reports import Report
from helpdesk.imports.rows import ImportRun
from tests.scenes import Scene

FIXTURES = Path(__file__).parent / "fixtures"
VENDORS = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


async def wanted(scene: Scene, vendor: str, *, dry: bool = False, source: str = "") -> int:
    """The id of a run that waits."""
    async with committed(scene.desk.sessions) as session:
        run = ImportRun(
            vendor=vendor,
            source=source or f"{vendor}:acme",
            place=str(FIXTURES / vendor),
            inbox_id=scene.inbox.id,
            dry=dry,
        )
        session.add(run)
        await session.flush()
        return run.id


async def imported(scene: Scene, vendor: str, folder: Path | None = None, **options: Any) -> Report:
    run_id = await wanted(scene, vendor, **options)
    return running.run(scene.desk.database_url, scene.desk.files.folder, run_id, folder or FIXTURES / vendor)


async def counted(scene: Scene, *tables: str) -> list[int]:
    async with scene.desk.sessions() as session:
        return [await session.scalar(select(func.count()).select_from(text(table))) or 0 for table in tables]
