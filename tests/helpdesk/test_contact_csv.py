"""Contacts in and out as CSV: what is new, what changed, what is wrong, and everything back as it was."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from helpdesk import companies, contacts
from helpdesk.contact_csv import exporting, imports, reading
from helpdesk.contact_csv.cells import bare, harmless, joined, parted
from helpdesk.contact_csv.models import ContactImport, RefusedRow, State
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.people import Agent, Contact
from tests.helpdesk.test_contacts import naughty, of
from tests.scenes import Scene, mail

PEOPLE = """Full Name,E-Mail Address,Phone,Organisation,Locale,VIP
Marta Reyes,marta@lumen.example,+49 30 1234567,Lumen,de,yes
Noor Haddad,noor@acme.example; noor@private.example,,Acme,en,
"""


async def uploaded(scene: Scene, content: str | bytes, name: str = "people.csv") -> ContactImport:
    data = content.encode() if isinstance(content, str) else content
    async with committed(scene.desk.sessions) as session:
        by = await session.get_one(Agent, scene.agents["Ada"].id)
        return await imports.upload(scene.desk, session, name, data, by=by)


async def wanted(scene: Scene, found: ContactImport, state: State) -> ContactImport:
    async with committed(scene.desk.sessions) as session:
        locked = await session.get_one(ContactImport, found.id)
        await imports.want(session, locked, state, by=await session.get_one(Agent, scene.agents["Ada"].id))
    return await imports.do(scene.desk, found.id)


async def ran(scene: Scene, content: str | bytes) -> ContactImport:
    found = await wanted(scene, await uploaded(scene, content), State.check_wanted)
    assert found.state is State.checked, found.trouble
    before = found.report
    found = await wanted(scene, found, State.run_wanted)
    assert found.state is State.done, found.trouble
    assert {key: found.report[key] for key in before} == before, "the check had promised something else"
    return found


def counts(found: ContactImport) -> tuple[int, int, int, int]:
    report = found.report
    return report["new"], report["changed"], report["unchanged"], report["bad"]


async def refused(scene: Scene, found: ContactImport) -> dict[int, str]:
    async with scene.desk.sessions() as session:
        rows = await session.scalars(select(RefusedRow).where(RefusedRow.import_id == found.id))
        return {row.line: row.error for row in rows}


async def exported(scene: Scene) -> str:
    async with scene.desk.sessions() as session:
        chunks = [chunk async for chunk in exporting.exported(session, None)]
    return b"".join(chunks).decode("utf-8-sig")


async def everything(scene: Scene) -> dict[str, list[Any]]:
    async with scene.desk.sessions() as session:
        return {
            table: list(await session.scalars(text(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id")))
            for table in ("contact", "contact_identity", "company")
        }


async def vip(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        session.add_all(
            [
                CustomField(subject=Subject.contact, key="vip", name="VIP", kind=FieldKind.boolean),
                CustomField(subject=Subject.contact, key="seats", name="Seats", kind=FieldKind.number),
                CustomField(subject=Subject.contact, key="note", name="Remark", kind=FieldKind.text),
            ]
        )


async def test_new_people_with_companies_and_fields(scene: Scene):
    await vip(scene)
    found = await ran(scene, PEOPLE)
    assert counts(found) == (2, 0, 0, 0)
    assert found.report["companies"] == 2
    marta = await of(scene, "marta@lumen.example")
    assert (marta.name, marta.language, marta.fields) == ("Marta Reyes", "de", {"vip": True})
    assert marta.company is not None
    assert marta.company.name == "Lumen"
    assert {i.value for i in marta.identities} == {"marta@lumen.example", "+49301234567"}
    assert len((await of(scene, "noor@private.example")).identities) == 2
    async with scene.desk.sessions() as session:
        kinds = set(await session.scalars(select(Event.kind)))
    assert Kind.contacts_imported in kinds
    assert Kind.contact_created not in kinds


async def test_many_people_of_one_new_company_make_it_once(scene: Scene):
    found = await ran(scene, "mail,firm\n" + "".join(f"p{n}@a.example,Acme\n" for n in range(50)))
    assert found.report["companies"] == 1
    assert len(found.report["company_ids"]) == 1


async def test_a_check_changes_nothing(scene: Scene):
    before = await everything(scene)
    found = await wanted(scene, await uploaded(scene, PEOPLE), State.check_wanted)
    assert (found.state, counts(found)) == (State.checked, (2, 0, 0, 0))
    assert await everything(scene) == before


async def test_run_again_it_changes_nothing(scene: Scene):
    await vip(scene)
    await ran(scene, PEOPLE)
    before = await everything(scene)
    assert counts(await ran(scene, PEOPLE)) == (0, 0, 2, 0)
    assert await everything(scene) == before


async def test_known_people_are_changed_and_keep_what_the_file_does_not_say(scene: Scene):
    await vip(scene)
    ticket = await scene.receives(mail(sender="marta@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        marta = await session.get_one(Contact, ticket.contact_id)
        await contacts.change(session, marta, {"title": "Head of Ops"}, by=scene.agents["Ada"])
        marta.fields = {"seats": 3, "vip": False}
    assert counts(await ran(scene, PEOPLE)) == (1, 1, 0, 0)
    marta = await of(scene, "marta@lumen.example")
    assert marta.id == ticket.contact_id
    assert (marta.name, marta.title, marta.fields) == (
        "Marta Reyes",
        "Head of Ops",
        {"seats": 3, "vip": True},
    )


async def test_bad_rows_are_left_out_with_their_reason(scene: Scene):
    await vip(scene)
    await scene.receives(mail(sender="one@a.example"))
    await scene.receives(mail(sender="two@a.example"))
    found = await ran(
        scene,
        "name,email,phone,time zone,seats,blocked\n"
        "Good,good@a.example,,,,\n"  # 2
        "No address,,,,,\n"
        "Typo,not an address,,,,\n"  # 4
        "Zone,z@a.example,,Mars/Base,,\n"
        "Seats,s@a.example,,,many,\n"  # 6
        "Two people,one@a.example; two@a.example,,,,\n"
        "Again,GOOD@a.example,,,,\n"  # 8
        "Phone,p@a.example,call me,,,\n"
        "Blocked,b@a.example,,,,perhaps\n"  # 10
        "More,m@a.example,,,,,surplus\n"
        "One,one@a.example,,,,\n"  # 12
        "One too,,,,,\n",
    )
    assert counts(found) == (1, 0, 0, 11)
    why = await refused(scene, found)
    assert sorted(why) == list(range(3, 14))
    assert "Mars" in why[5] or "Europe/Berlin" in why[5]
    assert "Seats" in why[6]
    assert "different contacts" in why[7]
    assert "line 2" in why[8]
    assert "line 7" in why[12]


async def test_reverted_everything_is_as_it_was(scene: Scene):
    await vip(scene)
    ticket = await scene.receives(mail(sender="marta@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Contact, ticket.contact_id)).fields = {"vip": False, "seats": 1}
    before = await everything(scene)
    found = await ran(scene, PEOPLE)
    assert await everything(scene) != before
    found = await wanted(scene, found, State.revert_wanted)
    assert await everything(scene) == before
    assert {key: found.report[key] for key in ("removed", "restored", "kept")} == {
        "removed": 1,
        "restored": 1,
        "kept": 0,
    }
    again = await wanted(scene, found, State.check_wanted)
    assert counts(again) == (1, 1, 0, 0)


async def test_reverting_leaves_who_has_written_and_what_was_changed_since(scene: Scene):
    found = await ran(scene, PEOPLE)
    ticket = await scene.receives(mail(sender="noor@acme.example"))
    marta = await of(scene, "marta@lumen.example")
    async with committed(scene.desk.sessions) as session:
        mine = await session.get_one(Contact, marta.id)
        await contacts.note(session, mine, "Called", by=scene.agents["Ada"])
    found = await wanted(scene, found, State.revert_wanted)
    assert (found.report["removed"], found.report["kept"]) == (0, 2)
    assert (await scene.receives(mail("Again", sender="noor@acme.example"))).contact_id == ticket.contact_id


async def test_what_the_desk_wrote_is_nothing_new_to_it(scene: Scene):
    """Every text survives a spreadsheet's way there and back, formulas and separators included."""
    await vip(scene)
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        firm = await companies.create(session, "=Lumen; \\ Co", by=ada)
        for n, line in enumerate(naughty()):
            words = " ".join(line.replace("\x00", "").encode("utf-8", "replace").decode().split())
            if not words or len(words) > contacts.LONGEST:
                continue
            made = await contacts.create(session, words, by=ada, company=firm if n % 2 else None)
            await contacts.add_identity(session, made, "external", f"{words} {n}", by=ada)
            await contacts.add_identity(session, made, "phone", f"+49 30 {n:07}", by=ada)
            made.title, made.fields = words, {"note": words, "vip": n % 3 == 0, "seats": n}
    await scene.receives(mail(sender="root@localhost", name="  Cron  Daemon "))
    first = await exported(scene)
    before = await everything(scene)
    found = await ran(scene, first)
    assert await refused(scene, found) == {}
    assert counts(found)[:2] == (0, 0)
    assert await everything(scene) == before
    for row in csv.reader(io.StringIO(first)):
        assert not any(cell[:1] in "=+-@\t\r" for cell in row if cell)


async def test_an_empty_desk_gets_the_same_from_an_export(scene: Scene, tmp_path: Path):
    await vip(scene)
    await ran(scene, PEOPLE)
    first = await exported(scene)
    async with committed(scene.desk.sessions) as session:
        for table in ("contact_import_change", "contact_identity", "contact", "company"):
            await session.execute(text(f"DELETE FROM {table}"))
    await ran(scene, first)

    def plain(text: str) -> list[dict[str, str]]:
        rows = list(csv.DictReader(io.StringIO(text)))
        return [{key: value for key, value in row.items() if key != "created_at"} for row in rows]

    assert plain(await exported(scene)) == plain(first)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_files_of_any_program_are_read(scene: Scene, encoding: str, delimiter: str):
    rows = [
        ["Name", "Mail", "Firma"],
        ["Jürgen Größer, Dr.", "j@a.example", "Käse & Söhne"],
        ["Zoë", "z@a.example", ""],
    ]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    assert counts(await ran(scene, out.getvalue().encode(encoding))) == (2, 0, 0, 0)
    found = await of(scene, "j@a.example")
    assert found.name == "Jürgen Größer, Dr."
    assert found.company is not None
    assert found.company.name == "Käse & Söhne"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02\x03" * 100, b"," * 500])
async def test_what_is_no_table_is_refused(scene: Scene, content: bytes):
    with pytest.raises(reading.NoTable):
        await uploaded(scene, content)


async def test_a_broken_row_does_not_end_the_file(scene: Scene):
    huge = "x" * 200_000
    found = await ran(scene, f'name,email\nBig,"{huge}"\nGood,good@a.example\n"Open,end@a.example\n')
    assert counts(found)[0] == 1
    assert counts(found)[3] == 2


async def test_first_and_last_names_become_one(scene: Scene):
    await ran(scene, "First Name;Last Name;Email\nMarta;Reyes;marta@lumen.example\n;;noor@lumen.example\n")
    assert (await of(scene, "marta@lumen.example")).name == "Marta Reyes"
    assert (await of(scene, "noor@lumen.example")).name == "noor@lumen.example"


async def test_what_cannot_be_mapped_says_so(scene: Scene):
    found = await uploaded(scene, "colour,shape\nred,round\n")
    assert found.mapping == ["", ""]
    found = await wanted(scene, found, State.check_wanted)
    assert (found.state, found.trouble != "") == (State.failed, True)


async def test_buttons_pressed_out_of_order_are_refused(scene: Scene):
    found = await uploaded(scene, PEOPLE)
    for state in (State.run_wanted, State.revert_wanted):
        with pytest.raises(imports.NotReady):
            await wanted(scene, found, state)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_cells_are_harmless_and_come_back(cell: str):
    assert bare(harmless(cell)) == cell
    assert harmless(cell)[:1] not in set("=+-@\t\r")


@given(st.lists(st.text(alphabet=r"ab;\ '=+", min_size=1).filter(lambda value: value.strip() == value)))
def test_several_values_share_a_cell(values: list[str]):
    assert parted(joined(values)) == values
