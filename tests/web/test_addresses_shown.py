"""Chat and Slack know people by numbers; colleagues read names, and never those numbers."""

from dataclasses import replace
from html import unescape

import pytest

from helpdesk.messages import InboundMessage, Proof, Sender
from tests.scenes import mail
from tests.web.served import Console
from tests.web.test_data import trusted

VISITOR, MEMBER = "3fa94c01b7d2e8660a5512cd", "T02ABCDEF/U9X7ZK4QPL"
NUMBERS = {"chat": [VISITOR], "slack": [MEMBER, MEMBER.partition("/")[2]]}
SHOWN = {"chat": "Visitor 3FA9", "slack": "Member 4QPL"}


def written(kind: str) -> InboundMessage:
    sender = Sender(address=NUMBERS[kind][0], name="Wren", kind=kind, proof=Proof.authenticated)
    return replace(mail("Is it back?"), sender=sender)


@pytest.mark.parametrize("kind", ["chat", "slack"])
async def test_no_page_about_them_shows_the_number(console: Console, kind: str):
    scene = console.scene
    ticket, other = await scene.receives(written(kind)), await scene.receives(mail("Another"))
    ada = await console.person("Ada")
    at = f"/contacts/{ticket.contact_id}"
    pages = {
        path: unescape((await ada.look(path)).text)
        for path in (
            at,
            f"{at}/merges?other={other.contact_id}",
            f"{at}/erasure",
            "/contacts?q=Wren",
            f"/tickets/{ticket.number}",
            f"/tickets/{other.number}/people/choices?q=Wren",
            f"/tickets/new?contact={ticket.contact_id}",
            "/tickets/new/people?requester=Wren",
            "/search?q=Wren",
            "/search?q=lamp",
            "/settings/audit",
            "/board",
        )
    }
    assert {path for path, text in pages.items() if any(number in text for number in NUMBERS[kind])} == set()
    assert SHOWN[kind] in pages[at]
    assert SHOWN[kind] in pages[f"{at}/merges?other={other.contact_id}"]
    assert "Wren" in pages[f"/tickets/{other.number}/people/choices?q=Wren"]


@pytest.mark.parametrize("kind", ["chat", "slack"])
async def test_to_forget_them_their_name_is_typed(console: Console, kind: str):
    ticket = await console.scene.receives(written(kind))
    ada = await trusted(console)
    at = f"/contacts/{ticket.contact_id}/erasure"
    assert (await ada.does(at, data={"confirmation": NUMBERS[kind][0]})).status_code == 400
    assert (await ada.does(at, data={"confirmation": "Wren"})).status_code == 204
    assert "Nothing is known of this person any more" in (await ada.look(at)).text


async def test_what_a_site_calls_its_customer_is_no_address(console: Console):
    """Though it has an @ in it: nobody is offered to write there."""
    sender = Sender(address="user-17/chat@desk.example", name="Wren", kind="external")
    ticket = await console.scene.receives(replace(mail("Is it back?"), sender=sender))
    other = await console.scene.receives(mail("Another"))
    ada = await trusted(console)
    for path in (
        "/contacts?q=Wren",
        f"/contacts/{ticket.contact_id}/erasure",
        f"/tickets/new?contact={ticket.contact_id}",
        "/tickets/new/people?requester=Wren",
        f"/tickets/{other.number}/people/choices?q=Wren",
    ):
        assert "user-17" not in (await ada.look(path)).text, path
    answer = await ada.does(f"/contacts/{ticket.contact_id}/erasure", data={"confirmation": "Wren"})
    assert answer.status_code == 204
