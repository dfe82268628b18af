"""Customers sign in by mail and see their own tickets: what lets them in, what they see, and what they never do."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Match, Message, Proof, Upload
from helpdesk.participants import Participant
from helpdesk.people import Company, Contact, ContactIdentity
from helpdesk.portal import HelpCentre, PortalLink, PortalSession
from helpdesk.statuses import Category
from kb.articles import Audience
from tests.scenes import Scene, mail
from tests.web.served import Console, Person
from tests.web.test_help_centre import HTML, brand, looks, published
from web import public_forms
from workers.letters import TABLES, _written

MARTA, EVE = "marta@lumen.example", "eve@evil.example"


async def asks(person: Person, address: str = MARTA, at: str = "/help", **more: str) -> httpx.Response:
    return await person.post(f"{at}/sign-in", data={"email": address} | more)


async def mailed(scene: Scene) -> str:
    """The link of the newest mail, as it leaves."""
    async with scene.desk.sessions() as session:
        row = await session.scalar(select(PortalLink).order_by(PortalLink.id.desc()).limit(1))
        assert row is not None
        assert TABLES["portal_link"] is PortalLink
        letter = await _written(scene.desk, session, row)
        assert letter is not None
    (link,) = re.findall(r"^https?://\S+$", letter.text, re.MULTILINE)
    assert link.startswith(scene.desk.settings.url)
    return str(link.removeprefix(scene.desk.settings.url))


async def signed_in(console: Console, address: str = MARTA, at: str = "/help") -> Person:
    person = await console.stranger()
    await asks(person, address, at)
    answer = await person.post(await mailed(console.scene))
    assert answer.status_code == 303, answer.text
    return person


async def token(person: Person, path: str) -> dict[str, str]:
    """The hidden fields of the page's forms."""
    page = (await looks(person, path)).text
    return dict(re.findall(r'<input type="hidden" name="(csrf|once|stamp)" value="([^"]*)"', page))


@pytest.fixture
async def centre(console: Console) -> HelpCentre:
    return await brand(console.scene, "Lumen", contact_inbox_id=await form_inbox(console.scene))


async def form_inbox(scene: Scene, **settings: Any) -> int:
    async with committed(scene.desk.sessions) as session:
        made = Inbox(
            name="Questions", channel="api", address="form@desk.example", team_id=scene.teams["Billing"].id,
            sealed_settings=scene.desk.keys.seal({"form_files": True} | settings), answers_through_id=scene.inbox.id,
        )  # fmt: skip
        session.add(made)
        await session.flush()
        return made.id


async def test_a_link_lets_in_once_and_only_its_browser(console: Console, centre: HelpCentre) -> None:
    """Known or not, the answer is the same; looking at the link uses nothing up; then it is worth nothing."""
    scene = console.scene
    await scene.receives(mail())
    person, thief = await console.stranger(), await console.stranger()
    known, unknown = await asks(person), await asks(thief, "nobody@lumen.example")
    assert known.text == unknown.text
    assert known.status_code == unknown.status_code
    cookie = known.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(PortalLink)) == 1
    link = await mailed(scene)
    for _ in range(2):
        assert "One more press" in (await looks(person, link)).text
    for stolen in (await looks(thief, link), await thief.post(link)):
        assert "in the browser in which you asked" in stolen.text
    foreign = await person.post(link, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    came = await person.post(link)
    assert (came.status_code, came.headers["location"]) == (303, "/help/tickets")
    assert "A question" in (await looks(person, "/help/tickets")).text
    assert "used already" in (await person.post(link)).text
    assert "used already" in (await person.post("/help/sign-in/" + "x" * 43)).text
    async with scene.desk.sessions() as session:
        identity = await session.scalar(select(ContactIdentity).where(ContactIdentity.value == MARTA))
        assert identity is not None
        assert (identity.proof, identity.verified_at is not None) == (Proof.authenticated, True)
    for _ in range(4):
        await asks(thief)
    async with scene.desk.sessions() as session:
        assert (await session.scalar(select(func.count()).select_from(PortalLink)) or 0) <= 3


async def test_old_links_and_other_brands_let_nobody_in(console: Console, centre: HelpCentre) -> None:
    scene = console.scene
    await scene.receives(mail())
    await brand(scene, "Acme")
    person = await console.stranger()
    await asks(person)
    link = await mailed(scene)
    assert "used already" in (await person.post(link.replace("/help/", "/help/acme/"))).text
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(PortalLink).values(expires_at=now() - timedelta(seconds=1)))
    assert "too old" in (await person.post(link)).text
    person = await signed_in(console)
    assert (await looks(person, "/help/acme/tickets")).headers["location"].startswith("/help/acme/sign-in")
    for target in (
        "//evil.example",
        "https://evil.example",
        "/help",
        "/tickets/../../x",
        "/tickets\\evil",
        "/contact//e",
    ):
        other = await console.stranger()
        async with committed(scene.desk.sessions) as session:
            await session.execute(update(PortalLink).values(created_at=now() - timedelta(hours=1)))
        await asks(other, next=target)
        assert (await other.post(await mailed(scene))).headers["location"] == "/help/tickets", target


async def test_who_signs_in_to_a_brand_with_a_host_of_its_own_does_so_there(console: Console) -> None:
    """The mailed link leads there, and only the browser that asked there has what it takes."""
    await brand(console.scene, "Acme", host="help.acme.example")
    person = await console.stranger()
    sent = await looks(person, "/help/acme/sign-in?next=/tickets/7")
    assert sent.status_code == 303
    assert re.fullmatch(
        r"http://help\.acme\.example(:\d+)?/help/sign-in\?next=%2Ftickets%2F7", sent.headers["location"]
    )
    there = await looks(person, "/help/sign-in", host="help.acme.example")
    assert there.status_code == 200


async def test_signing_out_everywhere_and_being_blocked(console: Console, centre: HelpCentre) -> None:
    scene = console.scene
    ticket = await scene.receives(mail())
    one, two = await signed_in(console), await signed_in(console)
    refused = await one.post("/help/sign-out", data={"everywhere": "yes"})
    assert refused.status_code == 403  # without the form's own token
    out = await one.post("/help/sign-out", data={"everywhere": "yes"} | await token(one, "/help/tickets"))
    assert out.headers["location"] == "/help"
    for person in (one, two):
        assert (await looks(person, "/help/tickets")).status_code == 303
    third = await signed_in(console)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Contact).where(Contact.id == ticket.contact_id).values(blocked_at=now()))
    assert (await looks(third, "/help/tickets")).status_code == 303
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(PortalSession)) == 1


async def test_they_see_what_was_said_to_them_and_nothing_else(console: Console, centre: HelpCentre) -> None:
    """No notes, no third parties, no stranger who got hold of a reply address, nothing that waits to leave."""
    scene = console.scene
    file = Upload(name="bill.txt", content_type="text/html", content=b"<script>1</script>")
    ticket = await scene.receives(mail("Where is <b>my</b> invoice?", attachments=(file,)))
    await scene.replies(ticket, "Here it is.")
    await scene.does(ticket, "note", "Secret note", by=scene.agents["Ada"])
    stranger = scene.desk.keys.reply_token(ticket.reply_key, MARTA)
    await scene.receives(mail("Your secret code is 123", sender="noreply@bank.example", tokens=(stranger,)))
    other = await scene.receives(mail("Private of Eve", sender=EVE))
    async with committed(scene.desk.sessions) as session:
        rows = {
            m.text: m for m in await session.scalars(select(Message).where(Message.ticket_id == ticket.id))
        }
        assert rows["Your secret code is 123"].matched is Match.stranger_token
        session.add(
            Message(
                ticket_id=ticket.id,
                inbox_id=scene.inbox.id,
                direction=Direction.outbound,
                author=rows["Here it is."].author,
                text="Secret to a supplier",
                sent_at=now(),
                side_id=7,
            )
        )
        session.add(
            Message(
                ticket_id=ticket.id,
                inbox_id=scene.inbox.id,
                direction=Direction.outbound,
                author=rows["Here it is."].author,
                text="Secret for later",
                sent_at=now(),
                delivery="scheduled",
            )
        )
    person = await signed_in(console)
    page = await looks(person, f"/help/tickets/{ticket.number}")
    assert "Here it is." in page.text
    assert "Where is &lt;b&gt;my&lt;/b&gt; invoice?" in page.text
    assert "ecret" not in page.text
    assert page.headers["cache-control"] == "no-store"
    (path,) = re.findall(r'href="([^"]+/files/\d+)"', page.text)
    saved = await person.get(path)
    assert saved.content == file.content
    assert saved.headers["content-type"].startswith("application/octet-stream")
    assert saved.headers["content-disposition"].startswith("attachment")
    eve = await signed_in(console, EVE)
    for kind in ("", "/answers", "/closing", path.removeprefix(f"/help/tickets/{ticket.number}")):
        mine = f"/help/tickets/{ticket.number}{kind}"
        theirs = await (
            eve.get(mine, headers=HTML)
            if not kind or "/files" in kind
            else eve.post(mine, data={"text": "Hello"} | await token(eve, f"/help/tickets/{other.number}"))
        )
        assert theirs.status_code == 404, kind
    assert (await looks(eve, path.replace(f"/{ticket.number}/", f"/{other.number}/"))).status_code == 404
    for odd in (f"{2**63}", f"{10**30}", "0"):
        assert (await looks(eve, f"/help/tickets/{odd}")).status_code in {404, 400}
    assert (await looks(await console.stranger(), path)).headers["location"].startswith("/help/sign-in?next=")


async def test_a_merge_lets_nobody_into_the_others_words(console: Console, centre: HelpCentre) -> None:
    scene = console.scene
    first, second = await scene.receives(mail()), await scene.receives(mail("Private of Eve", sender=EVE))
    ada = await console.person("Ada")
    merged = await ada.does(
        f"/tickets/{second.number}/merge", data={"into": str(first.number), "copy_requester": "true"}
    )
    assert merged.status_code < 400, merged.text
    async with scene.desk.sessions() as session:
        eves = select(Participant).join(Contact).where(Contact.name == "Eve")
        assert await session.scalar(eves) is not None
    person = await signed_in(console)
    page = await looks(person, f"/help/tickets/{first.number}")
    assert page.status_code == 200
    assert "Private of Eve" not in page.text
    await scene.replies(first, "To both of you")
    eve = await looks(await signed_in(console, EVE), f"/help/tickets/{first.number}")
    assert "Private of Eve" in eve.text
    assert "To both of you" in eve.text
    assert "Where is my invoice?" not in eve.text


async def test_an_answer_is_received_as_from_them_and_it_is_done_when_they_say_so(
    console: Console, centre: HelpCentre
) -> None:
    scene = console.scene
    ticket = await scene.receives(mail())
    await scene.replies(ticket)
    person = await signed_in(console)
    path = f"/help/tickets/{ticket.number}"
    fields = await token(person, path)
    files = {"files": ("../../etc/photo.png", b"abc", "image/png")}
    for _ in range(2):  # pressed twice
        sent = await person.post(f"{path}/answers", data={"text": "It still hangs."} | fields, files=files)
        assert sent.headers["location"] == f"{path}?done=answered#last"
    answers = [m for m in await scene.messages(ticket) if m.text == "It still hangs."]
    assert len(answers) == 1
    assert (answers[0].proof, answers[0].matched, answers[0].sender) == (
        Proof.authenticated,
        Match.token,
        MARTA,
    )
    assert answers[0].attachments[0].name == "photo.png"
    none = {"text": "Now it works.", "files": ""} | await token(person, path)  # as browsers send no file
    assert (await person.post(f"{path}/answers", data=none)).status_code == 303
    assert (await scene.messages(ticket))[-1].text == "Now it works."
    assert (await scene.ticket(ticket.id)).category is Category.open
    assert (
        await person.post(f"{path}/answers", data={"text": " "} | await token(person, path))
    ).status_code == 422
    assert (await person.post(f"{path}/answers", data={"text": "Hello"})).status_code == 403
    closed = await person.post(f"{path}/closing", data=fields)
    assert closed.headers["location"] == f"{path}?done=closed"
    assert (await scene.ticket(ticket.id)).category is Category.resolved
    assert (await person.post(f"{path}/closing", data=fields)).status_code == 409
    assert "A question" in (await looks(person, "/help/tickets?show=settled")).text
    assert "A question" not in (await looks(person, "/help/tickets?before=%7E%00")).text
    await person.post(f"{path}/answers", data={"text": "Again!"} | await token(person, path))
    assert (await scene.ticket(ticket.id)).category is Category.open


async def test_a_company_shares_its_tickets_only_where_it_is_allowed(
    console: Console, centre: HelpCentre
) -> None:
    scene = console.scene
    theirs = await scene.receives(mail("Of a colleague", sender="jon@lumen.example", subject="Jon's own"))
    await scene.receives(mail())
    async with committed(scene.desk.sessions) as session:
        lumen = Company(name="Lumen", fields={})
        session.add(lumen)
        await session.flush()
        await session.execute(update(Contact).values(company_id=lumen.id))
    person = await signed_in(console)
    path = f"/help/tickets/{theirs.number}"
    assert (await looks(person, path)).status_code == 404
    ada = await console.person("Ada")
    saved = await ada.does(f"/companies/{lumen.id}", data={"name": "Lumen", "shares_tickets": "true"})
    assert saved.status_code in {204, 303}
    assert "Of a colleague" in (await looks(person, path)).text
    assert "This is done" not in (await looks(person, path)).text
    assert "Jon" not in (await looks(person, "/help/tickets")).text
    assert "Jon" in (await looks(person, "/help/tickets?whose=company")).text
    answer = await person.post(f"{path}/answers", data={"text": "Me too"} | await token(person, path))
    assert answer.status_code == 303
    assert (await scene.messages(theirs))[-1].text == "Me too"
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Contact).where(Contact.name == "Marta").values(company_id=None))
    assert (await looks(person, path)).status_code == 404


async def test_a_brand_shows_the_tickets_of_its_inboxes_only(console: Console, centre: HelpCentre) -> None:
    scene = console.scene
    ticket = await scene.receives(mail())
    await brand(scene, "Acme", inbox_ids=[centre.contact_inbox_id])
    person = await signed_in(console, at="/help/acme")
    assert (await looks(person, f"/help/acme/tickets/{ticket.number}")).status_code == 404
    assert "A question" not in (await looks(person, "/help/acme/tickets")).text


async def test_articles_for_customers_are_read_after_signing_in(console: Console, centre: HelpCentre) -> None:
    """And no cache may give them to anybody else."""
    scene = console.scene
    await scene.receives(mail())
    article = await published(scene, "For customers", audience=Audience.customers)
    person = await signed_in(console)
    page = await looks(person, f"/help/articles/{article.slug}")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "etag" not in page.headers
    assert "For customers" in (await looks(person, "/help/search?q=customers")).text
    assert (await looks(await console.stranger(), f"/help/articles/{article.slug}")).status_code == 404


async def test_the_form_shows_answers_first_and_then_sends(
    console: Console, centre: HelpCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may write; whoever is signed in is known, and goes straight on to the ticket."""
    scene = console.scene
    await published(scene, "Reset the device")
    visitor = await console.stranger()
    stamp = public_forms.stamp(
        console.app.state.csrf_key, await public_id(scene, centre), now().timestamp() - 60
    )
    form = {"stamp": stamp, "email": EVE, "subject": "", "text": "reset device"}
    first = await visitor.post("/help/contact", data=form, headers=HTML)
    assert "Does one of these answer it?" in first.text
    assert "Reset the device" in first.text
    assert 'name="seen" value="yes"' in first.text
    assert not await scene.tickets()
    with monkeypatch.context() as busy:  # who asks more often than people do is not searched for
        busy.setattr("web.portal.contact.SEARCHES", 0)
        assert (await visitor.post("/help/contact", data=form, headers=HTML)).status_code == 303
    sent = await visitor.post("/help/contact", data=form | {"seen": "yes"}, headers=HTML)
    assert sent.headers["location"].startswith("/help/contact/sent/")
    assert (await looks(visitor, "/help/contact/sent/1.abc")).status_code == 404
    trapped = await visitor.post("/help/contact", data=form | {"seen": "yes", "website": "x"}, headers=HTML)
    assert trapped.status_code == 422
    await scene.receives(mail())
    person = await signed_in(console)
    fields = await token(person, "/help/contact")
    fields["stamp"] = stamp
    asked = await person.post(
        "/help/contact", data={"text": "Something else", "email": EVE, "seen": "yes"} | fields, headers=HTML
    )
    assert asked.status_code == 303, asked.text
    assert "Something else" in (await looks(person, asked.headers["location"])).text
    newest = (await scene.tickets())[-1]
    (message,) = await scene.messages(newest)
    assert (message.sender, message.proof) == (MARTA, Proof.authenticated)


async def public_id(scene: Scene, centre: HelpCentre) -> str:
    async with scene.desk.sessions() as session:
        return (await session.get_one(Inbox, centre.contact_inbox_id)).public_id
