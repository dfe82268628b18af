"""The overview of the keyboard shows every key there is, and no key means two things."""

import re
from html import unescape
from pathlib import Path

from tests.scenes import mail
from tests.web.served import Console

SCRIPTS = Path(__file__).parents[2] / "web/static/js"
BY_SCRIPT = {"j", "k", "o", "Enter", "x"}
"""What the list does by itself, without an element that says so."""


def said(page: str) -> list[str]:
    return [key for keys in re.findall(r'data-keys="([^"]+)"', page) for key in unescape(keys).split("|")]


async def test_the_overview_shows_every_key_and_each_means_one_thing(console: Console):
    ticket = await console.scene.receives(mail("Hello"))
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    settled = (await ada.does(f"/tickets/{ticket.number}/resolution")).text
    merging = (await ada.does(f"/tickets/{ticket.number}/merge", "GET")).text
    shown = {key for keys in re.findall(r'data-shows="([^"]+)"', page) for key in unescape(keys).split(" | ")}
    there = set(said(page)) | set(said(settled)) | set(said(merging)) | BY_SCRIPT
    assert there - shown == set()
    assert shown - there == {"Alt+d", "q", "y"}, (
        "suggestions and readings are a model's; this desk has no types"
    )
    twice = sorted(key for key in set(said(page)) if said(page).count(key) > 1)
    assert twice == ["Alt+l", "Mod+Enter", "l"], "reply and note, of which one is seen at a time"
    for key in BY_SCRIPT - {"Enter"}:
        assert any(f'"{key}"' in file.read_text() for file in SCRIPTS.glob("*.js")), key
