"""Every payload of the corpus with something wrong in it: taken by the hook, and dealt with or listed with a reason."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from channels.slack import reading
from channels.slack.reading import What
from helpdesk.intake import Kept, KeptState
from tests.channels.slack.conftest import Room
from tests.channels.slack.corpus import payloads

DEEP: Any = "deep"
for _ in range(60):
    DEEP = {"elements": [DEEP], "type": "rich_text"}
WRONG: list[Any] = [
    None,
    7,
    -1.5,
    True,
    "",
    "x" * 50_000,
    [],
    [None],
    {},
    {"type": 3},
    DEEP,
    "\x00\ud800",
    "no_such",
]


def places(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = (
        found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def changed(payload: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Without what stands there, where `value` is `...`."""
    made = copy.deepcopy(payload)
    holder: Any = made
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return made


def test_nothing_that_is_changed_in_a_payload_makes_reading_fail():
    chosen = random.Random(1)  # noqa: S311 - the same every time
    for name, payload in payloads():
        for path in places(payload):
            made = changed(payload, path, chosen.choice([..., *WRONG]))
            found = reading.read(made)
            if found.what is What.message:
                assert reading.inbound(found, home=found.home).storable().external_id, (name, path)
            elif found.what is What.ignored:
                assert found.why, (name, path)


@pytest.mark.parametrize("seed", [0, 1])
async def test_each_is_taken_and_settled_with_an_outcome(
    room: Room, seed: int, monkeypatch: pytest.MonkeyPatch
):
    async def at_once(*_: Any) -> None: ...

    monkeypatch.setattr("workers.interpreting.asyncio.sleep", at_once)
    chosen = random.Random(seed)  # noqa: S311 - the same every time
    taken = 0
    for name, payload in payloads():
        if payload.get("type") == "url_verification":
            continue
        path = chosen.choice(list(places(payload)))
        made = changed(payload, path, chosen.choice([..., *WRONG]))
        reply = await room.is_called(made)
        assert reply.status in {200, 400}, (name, path)
        taken += reply.status == 200
    await room.interprets()
    async with room.desk.sessions() as session:
        kept = (await session.scalars(select(Kept).where(Kept.inbox_id == room.inbox.id))).all()
    assert taken > 200
    assert [each.outcome for each in kept if each.state is KeptState.handed] == []
    assert [e.source for e in kept if not (e.outcome or e.trouble) and e.message_id is None] == []
