"""Contacts and companies in the console: every user action, through the served application."""

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk import companies
from helpdesk.database import committed
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.people import Company, Contact, ContactIdentity
from helpdesk.tickets import Ticket
from tests.helpdesk.test_contacts import naughty
from tests.scenes import mail
from tests.web.served import Console, Person
from workers.importing import import_contacts


async def sent(person: Person, path: str, **form: Any) -> Any:
    """A plain form, as a browser without scripts sends it."""
    return await person.post(path, data={"csrf": person.token, **form}, headers={"accept": "text/html"})


async def wrote(console: Console, address: str = "marta@lumen.example", text: str = "Where is it?") -> Ticket:
    return await console.scene.receives(mail(text, sender=address))


async def contact(console: Console, number: int) -> Contact:
    async with console.scene.desk.sessions() as session:
        return await session.get_one(Contact, number)


async def test_a_contact_page_shows_everything_that_was_said(console: Console):
    first = await wrote(console, text="First question")
    await console.scene.replies(first, "First answer")
    await wrote(console, text="Second question <script>alert(1)</script>")
    ada = await console.person("Ada")
    page = await ada.look(f"/contacts/{first.contact_id}")
    assert page.status_code == 200
    assert all(
        words in page.text for words in ("First question", "First answer", "Second question", "first seen")
    )
    assert "<script>alert(1)" not in page.text
    assert page.text.index("Second question") < page.text.index("First question")


async def test_agents_see_only_what_their_tickets_say(console: Console):
    """Liam is not in the team that the ticket went to: the person is known to him, what they said is not."""
    ticket = await wrote(console, text="Something for Technical")
    await console.scene.does(ticket, "move", console.scene.teams["Technical"], by=console.scene.agents["Ada"])
    liam = await console.person("Liam")
    page = await liam.look(f"/contacts/{ticket.contact_id}")
    assert page.status_code == 200
    assert "Something for Technical" not in page.text
    assert f"/tickets/{ticket.number}" not in page.text
    listed = await liam.look("/contacts?q=marta")
    assert "marta@lumen.example" in listed.text
    assert "1 open" not in listed.text


async def test_a_light_agent_finds_no_strangers(console: Console):
    ticket = await wrote(console)
    await console.scene.does(ticket, "move", console.scene.teams["Technical"], by=console.scene.agents["Ada"])
    lou = await console.stranger()
    await lou.sign_in("lou@desk.example")
    assert (await lou.look(f"/contacts/{ticket.contact_id}")).status_code == 404
    assert "marta@" not in (await lou.look("/contacts?q=marta")).text
    assert (await sent(lou, f"/contacts/{ticket.contact_id}/block")).status_code == 403


async def test_details_are_edited_in_place(console: Console):
    number = (await wrote(console)).contact_id
    ada = await console.person("Ada")
    answer = await sent(
        ada,
        f"/contacts/{number}",
        name="Marta Reyes",
        title="Head of Ops",
        company="Lumen",
        language="de",
        time_zone="Europe/Berlin",
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/contacts/{number}")
    changed = await contact(console, number)
    assert (changed.name, changed.title, changed.language) == ("Marta Reyes", "Head of Ops", "de")
    page = (await ada.look(f"/contacts/{number}")).text
    assert "German" in page
    assert ">Lumen<" in page
    refused = await sent(ada, f"/contacts/{number}", name="Marta", time_zone="Mars/Base")
    assert refused.status_code == 400
    assert "Europe/Berlin" in refused.text


async def test_addresses_are_added_and_taken_away(console: Console):
    number = (await wrote(console)).contact_id
    ada = await console.person("Ada")
    assert (
        await sent(ada, f"/contacts/{number}/identities", kind="phone", value="+49 30 1234567")
    ).status_code == 303
    page = (await ada.look(f"/contacts/{number}")).text
    assert "+49 30 1234567" in page
    assert "added by a colleague" in page
    async with console.scene.desk.sessions() as session:
        identity = await session.scalar(select(ContactIdentity).where(ContactIdentity.kind == "phone"))
        assert identity
    assert (await sent(ada, f"/contacts/{number}/identities/{identity.id}/removal")).status_code == 303
    assert (await sent(ada, f"/contacts/{number}/identities/{identity.id}/removal")).status_code == 404
    other = (await wrote(console, "noor@lumen.example")).contact_id
    assert (
        await sent(ada, f"/contacts/{other}/identities", kind="email", value="marta@lumen.example")
    ).status_code == 409


async def test_notes_are_for_colleagues(console: Console):
    number = (await wrote(console)).contact_id
    ada = await console.person("Ada")
    await sent(ada, f"/contacts/{number}/notes", text="Prefers <b>mornings</b>")
    page = (await ada.look(f"/contacts/{number}")).text
    assert "Prefers &lt;b&gt;mornings" in page
    removal = re.search(rf"/contacts/{number}/notes/\d+/removal", page)
    assert removal
    await sent(ada, removal[0])
    assert "mornings" not in (await ada.look(f"/contacts/{number}")).text


async def test_blocking_and_unblocking(console: Console):
    number = (await wrote(console)).contact_id
    ada = await console.person("Ada")
    await sent(ada, f"/contacts/{number}/block")
    assert "goes straight to spam" in (await ada.look(f"/contacts/{number}")).text
    assert "marta@" in (await ada.look("/contacts?blocked=true")).text
    await sent(ada, f"/contacts/{number}/block/removal")
    assert not (await contact(console, number)).is_blocked


async def test_custom_fields_are_read_by_their_kind(console: Console):
    number = (await wrote(console)).contact_id
    async with committed(console.scene.desk.sessions) as session:
        session.add_all(
            [
                CustomField(subject=Subject.contact, key="seats", name="Seats", kind=FieldKind.number),
                CustomField(subject=Subject.contact, key="vip", name="VIP", kind=FieldKind.boolean),
                CustomField(
                    subject=Subject.contact,
                    key="uses",
                    name="Uses",
                    kind=FieldKind.choices,
                    choices=["App", "API"],
                ),
            ]
        )
    ada = await console.person("Ada")
    given = {"field.seats": "12", "field.vip": "yes", "field.uses": ["App", "API"]}
    assert (await sent(ada, f"/contacts/{number}/fields", **given)).status_code == 303
    assert (await contact(console, number)).fields == {"seats": 12, "vip": True, "uses": ["App", "API"]}
    refused = await sent(ada, f"/contacts/{number}/fields", **{"field.seats": "many"})
    assert refused.status_code == 400
    assert "Seats" in refused.text
    await sent(ada, f"/contacts/{number}/fields")
    assert (await contact(console, number)).fields == {}


@pytest.mark.parametrize("q", ["mart", "LUMEN.ex", "Marta Rayes", "+49 30 12345"])
async def test_contacts_are_found_by_name_address_and_slips(console: Console, q: str):
    number = (await wrote(console)).contact_id
    await wrote(console, "zoe@elsewhere.example")
    ada = await console.person("Ada")
    await sent(ada, f"/contacts/{number}", name="Marta Reyes")
    await sent(ada, f"/contacts/{number}/identities", kind="phone", value="+49 30 1234567")
    found = (await ada.look("/contacts", params={"q": q})).text
    assert f'href="/contacts/{number}"' in found
    assert "zoe@" not in found


async def test_lists_go_on_where_they_ended(console: Console):
    """Every contact once, over all pages, with and without a search."""
    async with committed(console.scene.desk.sessions) as session:
        session.add_all([Contact(name=f"Person {n % 7}", fields={}) for n in range(120)])
    ada = await console.person("Ada")
    for start in ("/contacts", "/contacts?q=person"):
        seen: list[str] = []
        path = start
        while path:
            text = (await ada.look(path)).text
            seen += re.findall(r'class="person-row" href="/contacts/(\d+)"', text)
            following = re.search(r'id="more"><a class="button quiet" href="([^"]+)"', text)
            path = following[1].replace("&amp;", "&") if following else ""
        assert len(seen) == len(set(seen)) == 120
    for bad in ("x", "1", "9~", "1~x", "~", "99999999999999999999~a"):
        assert (await ada.look("/contacts", params={"q": "person", "after": bad})).status_code == 400


async def test_companies_have_domains_people_and_tickets(console: Console):
    ticket = await wrote(console)
    ada = await console.person("Ada")
    answer = await sent(ada, "/companies", name="Lumen", domain="lumen.example")
    path = answer.headers["location"]
    page = (await ada.look(path)).text
    assert "lumen.example" in page
    assert f"/contacts/{ticket.contact_id}" in page
    assert f"/tickets/{ticket.number}" in page
    assert (await sent(ada, f"{path}/domains", domain="gmail.com")).status_code == 400
    assert (await sent(ada, f"{path}/domains", domain="lumen.test")).status_code == 303
    removal = re.search(rf"{path}/domains/\d+/removal", (await ada.look(path)).text)
    assert removal
    assert (await sent(ada, removal[0])).status_code == 303
    await sent(ada, path, name="Lumen GmbH", time_zone="Europe/Berlin", notes="Pays late")
    assert "Pays late" in (await ada.look(path)).text
    assert "Lumen GmbH" in (await ada.look("/companies?q=lumn")).text
    assert (await sent(ada, "/companies", name="Lumen GmbH")).status_code == 409


async def test_the_desks_own_choice_of_a_company_says_why(console: Console):
    async with committed(console.scene.desk.sessions) as session:
        await companies.create(session, "Lumen", by=console.scene.agents["Ada"], domain="lumen.example")
    number = (await wrote(console)).contact_id
    ada = await console.person("Ada")
    assert "by the domain of their address" in (await ada.look(f"/contacts/{number}")).text
    await sent(ada, f"/contacts/{number}", name="Marta", company="")
    assert (await contact(console, number)).company_id is None
    await sent(ada, f"/contacts/{number}", name="Marta", company="Lumen")
    assert "by the domain of their address" not in (await ada.look(f"/contacts/{number}")).text


async def test_duplicates_are_suggested_merged_and_parted(console: Console):
    ticket = await wrote(console, "marta.reyes@lumen.example")
    other = await wrote(console, "marta.reyes+shop@lumen.example", text="From the shop")
    ada = await console.person("Ada")
    page = (await ada.look(f"/contacts/{ticket.contact_id}")).text
    assert "are the same mailbox" in page
    compare = f"/contacts/{ticket.contact_id}/merges?other={other.contact_id}"
    assert compare in page
    assert "can be undone exactly" in (await ada.look(compare)).text
    merged = await sent(ada, f"/contacts/{ticket.contact_id}/merges", other=other.contact_id)
    assert merged.status_code == 303
    page = (await ada.look(f"/contacts/{ticket.contact_id}")).text
    assert "From the shop" in page
    sent_on = await ada.look(f"/contacts/{other.contact_id}")
    assert (sent_on.status_code, sent_on.headers["location"]) == (303, f"/contacts/{ticket.contact_id}")
    undo = re.search(rf"/contacts/{ticket.contact_id}/merges/\d+/undo", page)
    assert undo
    assert (await sent(ada, undo[0])).headers["location"] == f"/contacts/{other.contact_id}"
    assert (await sent(ada, undo[0])).status_code == 409
    await sent(ada, f"/contacts/{ticket.contact_id}/differences", other=other.contact_id)
    assert "same mailbox" not in (await ada.look(f"/contacts/{ticket.contact_id}")).text
    assert "same mailbox" not in (await ada.look(f"/contacts/{other.contact_id}")).text


RUN = '=HYPERLINK("https://evil.example","x")'


async def test_refused_rows_are_harmless_in_a_spreadsheet_and_mean_the_same_again(console: Console):
    """Also those that had their quote already, from an export of ours."""
    ada, names = await console.person("Ada"), [RUN, "'=1+1", "''=2", "+49 30", "plain"]
    out = io.StringIO()
    csv.writer(out).writerows([["Name", "@Mail"], *([name, "nonsense"] for name in names)])

    async def refused_of(file: bytes) -> bytes:
        answer = await ada.post(
            "/contacts/import", data={"csrf": ada.token}, files={"file": ("people.csv", file, "text/csv")}
        )
        path = answer.headers["location"]
        await sent(ada, f"{path}/check", **{"column.0": "name", "column.1": "email"})
        await import_contacts(console.scene.desk)
        return (await ada.look(f"{path}/refused.csv")).content

    once = await refused_of(out.getvalue().encode())
    rows = list(csv.reader(io.StringIO(once.decode("utf-8-sig"))))
    assert rows[0] == ["Name", "'@Mail", "error"]
    assert [row[0] for row in rows[1:]] == [f"'{RUN}", "'=1+1", "''=2", "'+49 30", "plain"]
    again = await refused_of(once)
    assert [row[:2] for row in csv.reader(io.StringIO(again.decode("utf-8-sig")))][1:] == [
        r[:2] for r in rows[1:]
    ]


async def test_who_may_not_merge_is_refused(console: Console):
    one, other = await wrote(console), await wrote(console, "noor@lumen.example")
    liam = await console.person("Liam")
    assert (await sent(liam, f"/contacts/{one.contact_id}/merges", other=other.contact_id)).status_code == 403
    ada = await console.person("Ada")
    assert (await sent(ada, f"/contacts/{one.contact_id}/merges", other=999_999)).status_code == 404
    assert (await sent(ada, f"/contacts/{one.contact_id}/merges", other=one.contact_id)).status_code == 409


async def test_a_contact_is_made_by_hand(console: Console):
    ada = await console.person("Ada")
    answer = await sent(ada, "/contacts", name="Noor", email="Noor@Acme.example", company="Acme")
    assert answer.status_code == 303
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(Company.name)) == "Acme"
    assert (await sent(ada, "/contacts", name="Again", email="noor@acme.example")).status_code == 409
    assert (await sent(ada, "/contacts", name="", email="")).status_code == 400
    assert "noor@acme.example" in (await ada.look(answer.headers["location"])).text


PEOPLE = b"Name,Mail\nMarta Reyes,marta@lumen.example\n=cmd,noor@acme.example\nNobody,nonsense\n"


async def test_a_file_is_checked_imported_and_taken_back(console: Console):
    ada = await console.person("Ada")
    desk = console.scene.desk
    answer = await ada.post(
        "/contacts/import", data={"csrf": ada.token}, files={"file": ("people.csv", PEOPLE, "text/csv")}
    )
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    page = (await ada.look(path)).text
    assert re.search(r'<option value="name" selected', page)
    assert re.search(r'<option value="email" selected', page)
    assert "Marta Reyes" in page

    assert (await sent(ada, f"{path}/run")).status_code == 409
    columns = {"column.0": "name", "column.1": "email"}
    assert (await sent(ada, f"{path}/check", **columns)).status_code == 303
    assert "Waiting for a worker" in (await ada.look(path)).text
    assert (await sent(ada, f"{path}/check", **columns)).status_code == 409
    await import_contacts(desk)
    page = (await ada.look(path)).text
    assert "nonsense" in page
    assert "Import them" in page

    assert (await sent(ada, f"{path}/run")).status_code == 303
    await import_contacts(desk)
    assert "Take this import back" in (await ada.look(path)).text
    assert "takes it away again" in (await ada.look(path)).text
    refused = (await ada.look(f"{path}/refused.csv")).text
    assert refused.startswith("\ufeffName,Mail,error\r\nNobody,nonsense,")
    exported = await ada.look("/contacts/export.csv")
    assert exported.headers["content-type"].startswith("text/csv")
    assert "marta@lumen.example" in exported.text
    assert "\n'=cmd," in exported.text

    assert (await sent(ada, f"{path}/revert")).status_code == 303
    await import_contacts(desk)
    assert "2 contacts are gone" in (await ada.look(path)).text
    assert "marta@" not in (await ada.look("/contacts")).text
    assert "people.csv" in (await ada.look("/contacts/import")).text


async def test_only_who_may_imports_and_exports(console: Console):
    liam = await console.person("Liam")
    for path in (
        "/contacts/import",
        "/contacts/export.csv",
        "/contacts/import/1",
        "/contacts/import/1/refused.csv",
    ):
        assert (await liam.look(path)).status_code == 403
    ada = await console.person("Ada")
    assert (await sent(ada, "/contacts/import")).status_code == 400
    assert (await ada.look("/contacts/import/999")).status_code == 404


async def test_naughty_strings_are_shown_as_they_are(console: Console):
    """On the page of the contact and in the list, and no markup of theirs becomes ours."""
    number = (await wrote(console)).contact_id
    ada = await console.person("Ada")
    for words in naughty()[::25]:
        line = " ".join(words.replace("\x00", "").split())
        if not 0 < len(line) <= 200:
            continue
        assert (await sent(ada, f"/contacts/{number}", name=words, title=words)).status_code == 303
        page = unescape((await ada.look(f"/contacts/{number}")).text)
        assert line in page
        assert (await ada.look("/contacts", params={"q": words})).status_code == 200
