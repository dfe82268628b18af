"""How often a page asks the database: the same for a short ticket and a long one, an empty desk and a full one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from helpdesk.database import Cursor
from tests.scenes import mail
from tests.web.served import Console, Person

PANE = {"hx-request": "true", "hx-target": "div#work"}


@contextmanager
def counted() -> Iterator[list[str]]:
    """What the driver is asked meanwhile; notices of what happened before do not count."""
    seen: list[str] = []
    really = Cursor.execute

    async def heard(self: Cursor, query: Any, *given: Any, **options: Any) -> Any:
        seen.append(str(query))
        return await really(self, query, *given, **options)

    with patch.object(Cursor, "execute", heard):
        yield seen


async def asked(person: Person, path: str, **headers: str) -> int:
    """Statements of the third time: by then it was read, and what the desk says of itself is known."""
    counts = []
    for _ in range(6):
        with counted() as seen:
            answer = await person.get(path, headers={"accept": "text/html", **headers})
        assert answer.status_code == 200, answer.text[:200]
        counts.append(len(seen))
    return min(counts)  # a stream or a notice may have asked something in between


@pytest.fixture
async def ada(console: Console) -> Person:
    return await console.person("Ada")


async def test_a_ticket_page_asks_as_often_whatever_its_length(console: Console, ada: Person):
    scene = console.scene
    short = await scene.receives(mail(sender="short@lumen.example"))
    long = await scene.receives(mail(sender="long@lumen.example"))
    for n in range(12):
        await scene.replies(long, f"Answer {n}")
        await scene.does(long, "note", f"Note {n}", by=scene.agents["Ada"])
    for ticket in (short, long):
        assert await asked(ada, f"/tickets/{ticket.number}", **PANE) <= 5
        assert await asked(ada, f"/tickets/{ticket.number}") <= 8


async def test_a_list_asks_as_often_whatever_it_holds(console: Console, ada: Person):
    scene = console.scene
    before = await asked(ada, "/tickets?view=all")
    for n in range(30):
        await scene.receives(mail(sender=f"c{n}@lumen.example"))
    assert await asked(ada, "/tickets?view=all") == before <= 4


async def test_a_ticket_is_marked_as_read_when_there_is_something_new_and_then_no_more(
    console: Console, ada: Person
):
    ticket = await console.scene.receives()
    writes = []
    for _ in range(2):
        with counted() as seen:
            await ada.look(f"/tickets/{ticket.number}")
        writes.append([each for each in seen if each.startswith("INSERT INTO ticket_read")])
    assert [len(each) for each in writes] == [1, 0]
    await console.scene.receives(mail(sender="marta@lumen.example", thread=(), tokens=()))
    await console.scene.replies(ticket, "An answer")
    with counted() as seen:
        await ada.look(f"/tickets/{ticket.number}")
    assert any(each.startswith("INSERT INTO ticket_read") for each in seen)


async def test_beginning_a_ticket_and_answering_it_ask_little(console: Console, ada: Person):
    begun, answered = [], []
    for n in range(4):
        await ada.look("/tickets")  # what the desk says of itself is known
        form = {"requester": f"new{n}@lumen.example", "client_id": f"attempt-{n}", "opening": "call"}
        with counted() as seen:
            answer = await ada.does(
                "/tickets/new",
                data={**form, "inbox": console.scene.inbox.id, "subject": "Twice", "body": "Charged twice."},
            )
        begun.append(len(seen))
        path = answer.headers["hx-redirect"]
        with counted() as seen:
            reply = {"body": "Here it is.", "client_id": f"reply-{n}", "seen": "0"}
            answer = await ada.does(f"{path}/replies", data=reply)
        assert answer.status_code == 200, answer.text[:200]
        answered.append(len(seen))
    assert min(begun) <= 14
    assert min(answered) <= 15
