"""The settings' own table of contents."""

import pytest

from helpdesk.fields import FieldKind
from helpdesk.people import Role
from tests.web.served import Console
from web.settings.menu import PAGES, opened
from web.settings.menu_words import ALSO

FOR_EVERYBODY = {"/settings/api", "/settings/macros"}
"""How programs speak to the desk is no secret: whoever has a token needs it. Every agent has macros of their own."""


@pytest.mark.parametrize("who", ["Ada", "Liam"])
async def test_the_contents_show_what_one_may_see(console: Console, who: str) -> None:
    person = await console.person(who)
    answer = await person.look("/settings")
    assert answer.status_code == 200
    admin = console.scene.agents[who].role is Role.admin
    for entry in PAGES:
        if entry.path.startswith("/settings/me") or entry.path in FOR_EVERYBODY:
            assert f'href="{entry.path}"' in answer.text
        else:
            assert (f'href="{entry.path}"' in answer.text) == admin, entry.path


def test_of_two_pages_that_fit_an_address_the_nearer_one_is_open() -> None:
    assert all(opened(entry.path) == entry for entry in PAGES)


OPENED = [entry.path for entry in PAGES] + ["/settings/statuses/new", "/settings/statuses/1"]


async def test_every_page_opens(console: Console) -> None:
    """Also the pages that bring a name of their own for what the frame knows, as inboxes do."""
    ada = await console.person("Ada")
    for path in OPENED:
        answer = await ada.look(path)
        assert answer.status_code == 200, path


async def test_what_a_field_demands_stands_in_the_page(console: Console) -> None:
    """The browser asks for what is missing, beside the field, before anything is sent."""
    ada = await console.person("Ada")
    page = (await ada.look("/settings/webhooks/new")).text
    name = page.split('id="f-name"', 1)[1].split(">", 1)[0]
    assert "required" in name
    assert 'maxlength="80"' in name


async def test_pages_open_with_fields_of_every_kind(console: Console) -> None:
    """Those whose forms show what a desk has defined itself."""
    ada = await console.person("Ada")
    for kind in FieldKind:
        given = {
            "subject": "ticket",
            "kind": kind,
            "name": f"A {kind}",
            "choices": "One\nTwo",
            "pattern": "[A-Z]+",
        }
        assert (await ada.does("/settings/fields", data=given)).status_code == 204, kind
    for path in ("/settings/templates/new", "/settings/fields", "/settings/audit"):
        answer = await ada.look(path)
        assert answer.status_code == 200, path
    page = (await ada.look("/settings/templates/new")).text
    assert all(f"A {kind}" in page for kind in FieldKind)


async def test_settings_are_found_by_other_words(console: Console) -> None:
    """What is typed is looked for in the page itself, without a request."""
    assert set(ALSO) <= {entry.path for entry in PAGES}, "words for a page that is not there"
    ada = await console.person("Ada")
    page = (await ada.look("/settings")).text
    tile = page.split('class="tile" data-entry data-also="', 1)[1].split('"')[0]
    assert tile == str(ALSO["/settings/me"])
    assert 'aria-label="Find a setting"' in page
