"""A worker in a process of its own, to be killed: `python -m tests.faults.worker URL HOME [assist]`."""

import asyncio
import signal
import sys
from pathlib import Path

from helpdesk.desk import Desk
from helpdesk.settings import Settings
from tests.conftest import SECRET
from workers.run import run


async def main(url: str, home: str, assist: str = "") -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    desk = Desk.open(Settings(home=Path(home), secret=SECRET, database_url=url))
    print("ready", flush=True)
    await run(desk, assist=bool(assist), stop=stop)
    await desk.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
