"""Pages that visitors write from: what their addresses let somebody do is told to nobody."""

import pytest
from sqlalchemy import select

from helpdesk.chat import Visitor
from tests.web.chatting import chat_inbox, frame_of
from tests.web.served import Console
from tests.workers.hands import at_work, eventually
from web.chat.addresses import shown

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("address", "as_shown"),
    [
        (
            "https://shop.example/cart?product=17&colour=red",
            "https://shop.example/cart?product=17&colour=red",
        ),
        ("https://shop.example/reset?token=s3cr3t&step=2", "https://shop.example/reset?token=…&step=2"),
        ("https://shop.example/?Access_Token=s3cr3t", "https://shop.example/?Access_Token=…"),
        ("https://shop.example/?x=" + "a1" * 20, "https://shop.example/?x=…"),
        ("https://shop.example/?" + "a1" * 20, "https://shop.example/?…"),
        ("https://ada:s3cr3t@shop.example:8443/a", "https://shop.example:8443/a"),
        ("http://ada:s3cr3t@[::1]/a", "http://[::1]/a"),
        ("https://shop.example/back#access_token=s3cr3t", "https://shop.example/back"),
        ("HTTPS://Shop.example/a", "https://shop.example/a"),
        ("https://shop.example/a?empty=&&b", "https://shop.example/a?empty=&b"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[::1", ""),
        ("https://shop.example:port/", ""),
        ("https://", ""),
        ("https:///path", ""),
    ],
)
def test_an_address_keeps_what_says_where_and_loses_what_lets_in(address: str, as_shown: str):
    assert shown(address) == as_shown


async def test_no_secret_of_a_page_is_kept_or_shown(console: Console):
    frame = await frame_of(
        console, await chat_inbox(console.scene), page={"url": f"https://shop.example/order?key={SECRET}"}
    )
    page = {
        "url": f"https://ada:{SECRET}@shop.example/reset?token={SECRET}#{SECRET}",
        "referrer": f"https://mail.example/?session={SECRET}",
    }
    assert (await frame.asks("/visitors/me/pages", "POST", json=page)).status_code == 200
    async with at_work(console.scene.desk, jobs=False):
        await frame.writes("I can't sign in")
        await eventually(console.scene.tickets)
    (ticket,) = await console.scene.tickets()
    ada = await console.person("Ada")
    seen = (await ada.look(f"/tickets/{ticket.number}/visitor")).text
    assert "shop.example/reset" in seen
    assert "shop.example/order" in seen
    assert "mail.example" in seen
    assert SECRET not in seen
    async with console.scene.desk.sessions() as session:
        kept = (await session.execute(select(Visitor.pages, Visitor.referrer))).all()
    assert kept
    assert SECRET not in str(kept)
