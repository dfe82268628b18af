"""Strings that have broken other programs survive the console's forms as they survive the API."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select

from helpdesk.labels import Tag
from helpdesk.messages import Message
from helpdesk.people import Contact
from tests.conftest import CORPORA, missing
from tests.scenes import mail
from tests.web.served import Console

NAUGHTY = CORPORA / "security/naughty.jsonl"


def naughty() -> list[str]:
    """What a form can carry: browsers send no half of a surrogate pair."""
    if not NAUGHTY.exists():
        missing(str(NAUGHTY))
    texts = [json.loads(line)["text"] for line in NAUGHTY.read_text().splitlines()]
    return [text.encode("utf-8", "replace").decode() for text in texts]


def lines(longest: int, without: str = "") -> list[str]:
    """All of them as one line each, put together up to this length."""
    packs = [""]
    for text in naughty():
        kept = " ".join(text.replace("\x00", "").translate(dict.fromkeys(map(ord, without))).split())[
            :longest
        ]
        if len(packs[-1]) + len(kept) + 1 > longest:
            packs.append("")
        packs[-1] = f"{packs[-1]} {kept}".strip()
    return [pack for pack in packs if pack]


async def test_a_form_keeps_every_string_as_it_was_typed(console: Console) -> None:
    ada, ticket = await console.person("Ada"), await console.scene.receives(mail())
    at = f"/tickets/{ticket.number}"
    sessions = console.scene.desk.sessions

    async def stored(column: Any, *where: Any) -> list[Any]:
        async with sessions() as session:
            return list(await session.scalars(select(column).where(*where)))

    await ada.does("/settings/tags", data={"name": "x", "colour": "red"})
    (tag,) = await stored(Tag.id)
    forms: list[tuple[str, str, int, str, Callable[[], Awaitable[list[Any]]]]] = [
        (f"{at}/subject", "subject", 500, "", lambda: stored(type(ticket).subject)),
        (f"/contacts/{ticket.contact_id}", "name", 200, "", lambda: stored(Contact.name)),
        (f"/settings/tags/{tag}", "name", 50, ",;", lambda: stored(Tag.name)),
    ]
    for path, field, longest, without, kept in forms:
        for text in lines(longest, without)[::4]:
            more = {"colour": "red"} if "tags" in path else {}
            answer = await ada.does(path, data={field: f" {text}\x00\r\n"} | more)
            assert answer.status_code in {200, 204, 303}, (path, text, answer.text[:300])
            assert await kept() == [text], path

    whole = "\n".join(text.replace("\x00", "") for text in naughty()).replace("\r\n", "\n").strip()
    for path, form in (("notes", {"client_id": "n"}), ("replies", await ada.composer(ticket.number))):
        answer = await ada.does(f"{at}/{path}", data=form | {"body": whole.replace("\n", "\r\n")})
        assert answer.status_code == 200, answer.text[:300]
    said = await stored(Message.text, Message.ticket_id == ticket.id)
    assert [text.replace("\r", "\n") for text in said[1:]] == [whole.replace("\r", "\n")] * 2
    assert (await ada.look(at)).status_code == 200
