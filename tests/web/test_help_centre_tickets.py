"""Which tickets a customer finds, and by which numbers: merged, split, removed, very many."""

import re
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from helpdesk import merging
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.messages import Proof, Sender, Upload
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Company, Contact, with_access
from helpdesk.portal import HelpCentre, tickets
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Removal, Ticket
from tests.scenes import Scene, mail
from tests.web.served import Console, Person
from tests.web.test_help_centre import HTML, brand, looks
from tests.web.test_help_centre_customers import EVE, MARTA, form_inbox, signed_in, token


async def merged(scene: Scene, source: Ticket, into: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        await merging.merge(session, source.number, into.number, by=ada)


async def test_an_old_number_leads_to_where_the_ticket_is_if_that_is_theirs(console: Console) -> None:
    """Through a chain of merges, with what they write; for anybody else the number is not there."""
    scene = console.scene
    await brand(scene)
    first, second, third = [await scene.receives(mail(f"Words of {n}")) for n in range(3)]
    strange = await scene.receives(mail("Private of Eve", sender=EVE))
    await merged(scene, first, second)
    await merged(scene, second, third)
    marta, eve = await signed_in(console), await signed_in(console, EVE)
    now = f"/help/tickets/{third.number}"
    for old in (first, second):
        moved = await looks(marta, f"/help/tickets/{old.number}")
        assert (moved.status_code, moved.headers["location"]) == (303, now)
        assert (await looks(eve, f"/help/tickets/{old.number}")).status_code == 404
    assert [f"Words of {n}" in (await looks(marta, now)).text for n in range(3)] == [True] * 3
    written = await token(marta, now)
    sent = await marta.post(f"/help/tickets/{first.number}/answers", data={"text": "Late"} | written)
    assert sent.headers["location"] == f"{now}?done=answered#last"
    closing = await marta.post(f"/help/tickets/{first.number}/closing", data=written)
    assert closing.headers["location"] == now  # they look at what it is now, and close that
    await merged(scene, third, strange)
    for old in (first, third, strange):  # what it is part of is somebody else's
        assert (await looks(marta, f"/help/tickets/{old.number}")).status_code == 404


async def test_what_was_split_off_stands_in_one_ticket_and_what_was_removed_in_none(console: Console) -> None:
    scene = console.scene
    await brand(scene)
    ticket = await scene.receives(mail("First matter"))
    key = scene.desk.keys.reply_token(ticket.reply_key, MARTA)
    await scene.receives(mail("Second matter", tokens=(key,)))
    (_, second) = await scene.messages(ticket)
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        made = await merging.split(session, ticket.number, second.id, by=ada)
        target = await session.get_one(Ticket, made.target_id)
    person = await signed_in(console)
    pages = [(await looks(person, f"/help/tickets/{each.number}")).text for each in (ticket, target)]
    assert [("First matter" in page, "Second matter" in page) for page in pages] == [
        (True, False),
        (False, True),
    ]
    for removal in (Removal.spam, Removal.trash):
        async with committed(scene.desk.sessions) as session:
            removed = update(Ticket).where(Ticket.id == target.id)
            await session.execute(removed.values(removed=removal, removed_at=target.created_at))
        assert (await looks(person, f"/help/tickets/{target.number}")).status_code == 404
        assert f"tickets/{target.number}" not in (await looks(person, "/help/tickets")).text
    async with committed(scene.desk.sessions) as session:
        closed = {"category": Category.closed, "status_id": BUILT_IN[Category.closed]}
        await session.execute(update(Ticket).where(Ticket.id == ticket.id).values(closed))
    assert f"tickets/{ticket.number}" in (await looks(person, "/help/tickets?show=settled")).text


async def test_pages_of_a_list_lose_nothing_and_show_nothing_twice(console: Console, monkeypatch) -> None:
    """Of three people of a company, one ticket also in copy, many at the same moment."""
    scene = console.scene
    centre: HelpCentre = await brand(scene)
    people = (MARTA, "jon@lumen.example", "zoe@lumen.example", EVE)
    found = [await scene.receives(mail(f"No. {n}", sender=people[n % 4])) for n in range(16)]
    async with committed(scene.desk.sessions) as session:
        lumen = Company(name="Lumen", fields={}, shares_tickets=True)
        session.add(lumen)
        await session.flush()
        await session.execute(update(Contact).where(Contact.name != "Eve").values(company_id=lumen.id))
        marta = await session.scalar(select(Contact).where(Contact.name == "Marta"))
        assert marta is not None
        for each in (found[1], found[3]):  # a colleague's, and one of Eve's
            session.add(Participant(ticket_id=each.id, contact_id=marta.id, part=Part.copy))
        together = update(Ticket).where(Ticket.id.in_([each.id for each in found[:9]]))
        await session.execute(together.values(last_message_at=found[0].last_message_at - timedelta(days=1)))
    monkeypatch.setattr(tickets, "PAGE", 3)
    person = await signed_in(console)
    eves = {each.number for each in found[3::4]} - {found[3].number}
    assert await _all(person, "/help/tickets?whose=company") == sorted({each.number for each in found} - eves)
    mine = {each.number for each in found[0::4]} | {found[1].number, found[3].number}
    assert await _all(person, "/help/tickets") == sorted(mine)
    assert centre.inbox_ids == []


async def _all(person: Person, path: str) -> list[int]:
    """The numbers on all pages, one after the other, as they are linked."""
    found: list[int] = []
    while path:
        page = (await looks(person, path)).text
        found += [int(each) for each in re.findall(r'href="/help/tickets/(\d+)"', page)]
        older = re.findall(r'href="(/help/tickets\?before=[^"]+)"', page)
        path = older[0].replace("&amp;", "&") if older else ""
    return sorted(found)


async def test_a_file_is_called_as_it_is_saved(console: Console) -> None:
    """No mark turns its name around, so that a program looks like a picture; colleagues see the same."""
    scene = console.scene
    await brand(scene, "Lumen")
    file = Upload(name="photo\u202egpj.exe", content_type="image/jpeg", content=b"MZ")
    ticket = await scene.receives(mail(attachments=(file,)))
    person, ada = await signed_in(console), await console.person("Ada")
    for page in (
        await looks(person, f"/help/tickets/{ticket.number}"),
        await ada.look(f"/tickets/{ticket.number}"),
    ):
        assert "photogpj.exe" in page.text
        assert "\u202e" not in page.text


async def test_an_answer_that_nobody_can_see_is_none(console: Console) -> None:
    scene = console.scene
    await brand(scene, "Lumen")
    ticket = await scene.receives(mail())
    person = await signed_in(console)
    at = f"/help/tickets/{ticket.number}"
    for nothing in ("", "\u202e\u200b", "\x00"):
        refused = await person.post(
            f"{at}/answers", data={"text": nothing} | await token(person, at), headers=HTML
        )
        assert refused.status_code == 422
        assert "There is nothing to send" in refused.text


async def test_whoever_has_not_proved_an_address_is_nobody_s_you(console: Console) -> None:
    """What a stranger's form or an unconfirmed mail says names the address, and tells her and agents so; of a mail that
    nobody has checked it names the address alone. An answer to the reply address that only she was given, and what her
    domain confirms, are hers."""
    scene = console.scene
    form_id = await form_inbox(scene)
    await brand(scene, "Lumen", contact_inbox_id=form_id)
    async with scene.desk.sessions() as session:
        form = await session.get_one(Inbox, form_id, options=[joinedload(Inbox.team)])
    by_form = await scene.receives(mail("By a stranger"), inbox=form)
    unchecked = await scene.receives(mail("Unchecked"))
    forged, proved = [
        await scene.receives(
            replace(mail(f"Sure: {proof}"), sender=Sender(address=MARTA, name="Marta", proof=proof))
        )
        for proof in (Proof.failed, Proof.authenticated)
    ]
    key = scene.desk.keys.reply_token(proved.reply_key, MARTA)
    await scene.receives(mail("An answer", tokens=(key,)))

    person = await signed_in(console)
    said = []
    for ticket in (by_form, unchecked, forged, proved):
        page = (await looks(person, f"/help/tickets/{ticket.number}")).text
        heads = re.findall(r'<article class="theirs".*?</header>', page, re.DOTALL)
        said.append([(">You<" in head, MARTA in head, "Address not confirmed" in head) for head in heads])
    named, warned, hers = (False, True, False), (False, True, True), (True, False, False)
    assert said == [[warned], [named], [warned], [hers, hers]]
    answer = scene.desk.keys.reply_token(by_form.reply_key, MARTA)
    await scene.receives(mail("And by mail", tokens=(answer,)))
    console_page = (await (await console.person("Ada")).get(f"/tickets/{by_form.number}")).text
    assert "And by mail" in console_page
    assert console_page.count("Address not confirmed") == 1, "of the form alone"
    assert f"Nothing proves that {MARTA} wrote it: nobody has checked the address." in console_page
