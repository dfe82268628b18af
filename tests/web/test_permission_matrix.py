"""Nobody reaches what is not theirs, on whatever route: the whole matrix, and proof that it finds an omission."""

import pytest
from litestar import get, post
from litestar.params import FromPath
from sqlalchemy import select

import web.app
from helpdesk.access import Action
from helpdesk.errors import Misconfigured
from helpdesk.tickets import Ticket
from tests.scenes import Scene
from tests.web.matrix import Matrix
from web.auth import permits
from web.dependencies import Session


@get("/planted/{number:int}", opt=permits(Action.read))
async def forgets_the_ticket(number: FromPath[int], session: Session) -> str:
    """What a careless route looks like: the role was asked, the ticket was not."""
    return (await session.scalars(select(Ticket.subject).where(Ticket.number == number))).one_or_none() or "-"


@post("/planted", opt=permits(Action.signed_in))
async def asks_too_little() -> str:
    return "Everybody may do this."


@get("/planted/open")
async def names_nothing() -> str:
    return "No permission is named."


@pytest.mark.timeout(900)  # a request of each role to each route
async def test_every_route_answers_every_role_as_it_must(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = await Matrix.of(scene)
    await matrix.walk(matrix.routes)
    with capsys.disabled():
        print(f"\n{matrix.checked} (route, role, object) triples checked over {len(matrix.routes)} routes")
    assert not matrix.unwritten, "write down in tests/web/matrix.py who may do these"
    assert not matrix.wrong, "\n" + "\n".join(map(str, matrix.wrong[:400]))
    assert matrix.checked > 2_000


async def test_a_route_that_forgets_the_ticket_is_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.app, "ROUTES", [*web.app.ROUTES, forgets_the_ticket])
    matrix = await Matrix.of(scene)
    await matrix.walk([route for route in matrix.routes if route.path.startswith("/planted")])
    found = {(wrong.role, wrong.of) for wrong in matrix.wrong}
    assert {("agent", "other"), ("custom", "own"), ("agent", "unknown")} <= found
    assert all(wrong.expected == "unknown" for wrong in matrix.wrong)


async def test_a_route_that_names_no_permission_keeps_the_desk_from_starting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.app, "ROUTES", [*web.app.ROUTES, names_nothing])
    with pytest.raises(Misconfigured, match="names no permission"):
        await Matrix.of(scene)


async def test_a_permission_that_nobody_wrote_down_is_found(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.web.matrix.ALLOWED", {"ticket:read": {"admin"}})
    monkeypatch.setattr(web.app, "ROUTES", [*web.app.ROUTES, asks_too_little])
    matrix = await Matrix.of(scene)
    await matrix.walk([route for route in matrix.routes if route.path == "/planted"])
    assert matrix.unwritten == {"signed_in"}
