"""python -m tests.bench.contacts [--people 100000]: a file of contacts in, again, out, and back; seconds and CPU.

Every line is the wall time of one step on a desk of its own, the CPU seconds of this process and of the database, and
people a second. The file has names, two addresses, a company, a phone number, a language and two custom fields.
"""

import argparse
import asyncio
import csv
import io
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from helpdesk.contact_csv import exporting, imports
from helpdesk.contact_csv.models import ContactImport, State
from helpdesk.contact_lists import listed
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.people import Agent, Role
from helpdesk.settings import Settings
from tests.bench.processes import cpu_ms
from tests.cluster import Cluster

FIRST = (
    "Ada",
    "Bela",
    "Chidi",
    "Dora",
    "Emil",
    "Farid",
    "Gita",
    "Hugo",
    "Ines",
    "Jonas",
    "Kaja",
    "Liam",
    "Mira",
    "Noor",
    "Oren",
    "Pia",
    "Quinn",
    "Rosa",
    "Sven",
    "Tara",
)
LAST = (
    "Adler",
    "Brandt",
    "Costa",
    "Diaz",
    "Ekwueme",
    "Fischer",
    "Gupta",
    "Haddad",
    "Ito",
    "Jansen",
    "Khan",
    "Lopez",
    "Moreau",
    "Novak",
    "Osei",
    "Petrov",
)
SEARCHES = ("mira nov", "person4711@", "Company 17", "Haddda")


def file_of(people: int) -> bytes:
    out = io.StringIO(newline="")
    written = csv.writer(out)
    written.writerow(["Name", "Email", "Phone", "Company", "Language", "Title", "Seats", "VIP"])
    for n in range(people):
        name = f"{FIRST[n % len(FIRST)]} {LAST[n // 7 % len(LAST)]}"
        mails = f"person{n}@firm{n % 5000}.example; p{n}@private{n % 900}.example"
        phone = f"+49 30 {n:08}"
        row = [
            name,
            mails,
            phone,
            f"Company {n % 5000}",
            ("de", "en", "fr")[n % 3],
            "Buyer",
            n % 90,
            "yes" if n % 9 else "no",
        ]
        written.writerow(row)
    return out.getvalue().encode()


async def measure(cluster: Cluster, people: int) -> None:
    home = Path(tempfile.mkdtemp())
    desk = Desk.open(
        Settings(
            home=home,
            secret="a secret for benchmarks, nothing else",
            database_url=cluster.url(cluster.clone()),
        )
    )
    content = file_of(people)
    print(f"{people:,} people, {len(content) / 1e6:.1f} MB\n")
    print("| step | seconds | CPU s, application + database | people/s |\n|---|---|---|---|")
    async with committed(desk.sessions) as session:
        admin = Agent(name="Ada", email="ada@desk.example", role=Role.admin, memberships=[], custom_role=None)
        session.add_all(
            [
                admin,
                CustomField(subject=Subject.contact, key="seats", name="Seats", kind=FieldKind.number),
                CustomField(subject=Subject.contact, key="vip", name="VIP", kind=FieldKind.boolean),
            ]
        )
    async with committed(desk.sessions) as session:
        made = await imports.upload(desk, session, "people.csv", content, by=DESK)

    async def step(state: State) -> ContactImport:
        async with committed(desk.sessions) as session:
            await imports.want(session, await session.get_one(ContactImport, made.id), state, by=DESK)
        done = await imports.do(desk, made.id)
        assert not done.trouble, done.trouble
        return done

    @asynccontextmanager
    async def timed(what: str) -> AsyncIterator[None]:
        began, ours, theirs = time.perf_counter(), time.process_time(), cpu_ms(cluster.postmaster)
        yield
        seconds = time.perf_counter() - began
        cpu = f"{time.process_time() - ours:.1f} + {(cpu_ms(cluster.postmaster) - theirs) / 1000:.1f}"
        print(f"| {what} | {seconds:.1f} | {cpu} | {people / seconds:,.0f} |", flush=True)

    async with timed("check (dry run)"):
        await step(State.check_wanted)
    async with timed("import, all new"):
        assert (await step(State.run_wanted)).report["new"] == people
    written = b""
    async with timed("export"), desk.sessions() as session:
        written = b"".join([chunk async for chunk in exporting.exported(session, admin)])
    async with timed("search, each of four"), desk.sessions() as session:
        for q in SEARCHES:
            began = time.perf_counter()
            found = await listed(session, admin, q=q)
            print(f"| … “{q}”: {len(found.rows)} found | {time.perf_counter() - began:.3f} | | |")
    async with committed(desk.sessions) as session:
        again = await imports.upload(desk, session, "again.csv", written, by=DESK)
    made_first, made = made, again
    async with timed("check of what was exported: nothing new"):
        assert (await step(State.check_wanted)).report["unchanged"] == people
    async with committed(desk.sessions) as session:
        made = await imports.upload(
            desk, session, "changed.csv", content.replace(b",Buyer,", b",Seller,"), by=DESK
        )
    await step(State.check_wanted)
    async with timed("import, all changed"):
        assert (await step(State.run_wanted)).report["changed"] == people
    async with timed("take the changes back"):
        assert (await step(State.revert_wanted)).report["restored"] == people
    made = made_first
    async with timed("take the import back"):
        assert (await step(State.revert_wanted)).report["removed"] == people
    await desk.close()


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.contacts", description=__doc__)
    arguments.add_argument("--people", type=int, default=100_000)
    people = arguments.parse_args().people
    with Cluster.running() as cluster:
        asyncio.run(measure(cluster, people))


if __name__ == "__main__":
    main()
