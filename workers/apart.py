"""All work beside the web in a process of its own, with a core of its own: no page waits while mail is read.

`apart` starts it and keeps it alive; `main` is what it runs: `python -m workers.apart`.
"""

import os
import sys

from helpdesk.desk import Desk
from helpdesk.memory import spare_the_collector
from helpdesk.settings import Settings
from workers import child
from workers.child import Child

GRACE = 26.0  # seconds that it has to end, of which its parts have all but two


def is_apart(settings: Settings) -> bool:
    """Where nobody has said so: as soon as there are two cores to work on."""
    if settings.workers:
        return settings.workers == "apart"
    return (len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1) > 1


def apart(desk: Desk) -> Child:
    return Child(desk, "workers.apart", "The workers' process", GRACE)


def main() -> None:
    from helpdesk.cli import migrating  # not where only `apart` is needed
    from workers.run import run

    migrating.tables(of_web=False)
    spare_the_collector()
    child.main(lambda desk, stop: run(desk, stop=stop), within=GRACE)


if __name__ == "__main__":
    main()
