"""Takes up a run of the assistant and never comes to an end: `python -m tests.faults.hanging HOME URL RUN`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from ai.assistant.running import Answering
from helpdesk.desk import Desk
from helpdesk.ports import Vectors
from helpdesk.settings import Settings
from tests.conftest import SECRET


class Hangs:
    name = "hangs"
    dimensions = 384

    async def embed(self, texts: Sequence[str]) -> Vectors:
        print("thinking", flush=True)
        await asyncio.sleep(3600)
        raise AssertionError(texts)


async def main(home: str, url: str, run: int) -> None:
    desk = Desk.open(Settings(home=Path(home), secret=SECRET, database_url=url))
    await Answering(desk, Hangs()).answer(run)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
