"""What is measured over HTTP: lists, queues, views, searches, ticket pages, and what agents write."""

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from helpdesk import conditions
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Agent
from helpdesk.saved_views import SavedView
from helpdesk.search import syntax
from helpdesk.search.values import vocabulary
from helpdesk.settings import Settings
from helpdesk.sharing import Visibility
from helpdesk.views import View
from tests.bench.console import Served
from tests.bench.views import HARD, SEARCHES

Operation = Callable[[], Any]


async def saved(settings: Settings) -> dict[str, int]:
    """Views that ask for much, kept for all; their ids by name."""
    desk = Desk.open(settings)
    async with committed(desk.sessions) as session:
        known, owner = await vocabulary(session), await session.scalar(select(Agent.id).limit(1))
        kept = {
            name: SavedView(
                name=name,
                owner_id=owner,
                visibility=Visibility.all,
                pinned=False,
                condition=conditions.as_json(syntax.read(typed, known.find, known.kinds).whole),
            )
            for name, typed in HARD.items()
        }
        session.add_all(kept.values())
    await desk.close()
    return {name: view.id for name, view in kept.items()}


def operations(desk: Served, size: int, views: dict[str, int], inbox_id: int) -> dict[str, Operation]:
    """Replies go to other tickets each time, so that none is longer than the others."""
    number, stranger = iter(range(size - 10, 0, -1)), count()

    def page(path: str, **headers: str) -> Operation:
        return lambda: desk.page(path, **headers)

    def create_and_reply() -> None:
        requester = f"caller{next(stranger)}-{uuid4().hex[:6]}@customers.example"
        desk.reply(desk.create(inbox_id, requester))

    pane = {"hx-request": "true", "hx-target": "div#work"}
    fixed: dict[str, Operation] = {
        "ticket list, 50 rows": page("/tickets?view=all"),
        "ticket page, 5 messages, with a list beside it": page(f"/tickets/{size - 7}?view=all"),
        "ticket page, the pane alone, as a press on a row asks": page(f"/tickets/{size - 7}", **pane),
        "create + reply": create_and_reply,
        "reply": lambda: desk.reply(next(number)),
        "counts of all queues, with an empty list": page("/tickets?view=trash"),
    }
    return (
        fixed
        | {f"queue: {view}": page(f"/tickets?view={view}") for view in View if view is not View.trash}
        | {name: page(f"/tickets?saved={view}") for name, view in views.items()}
        | {name: desk.searching(typed) for name, typed in SEARCHES.items()}
    )
