"""The desk's likely duplicates: each reason has a key, nobody is shown twice, and nobody who may not be seen."""

from helpdesk import companies, contacts, duplicate_pairs, duplicates
from helpdesk.database import committed
from helpdesk.duplicate_pairs import CROWD
from helpdesk.people import Agent, Contact, ContactIdentity, Role
from tests.helpdesk.test_contacts import known
from tests.scenes import Scene, mail


async def found(scene: Scene, agent: str = "Ada", limit: int = 25) -> list[tuple[set[int], str]]:
    """Every pair, page after page."""
    everything: list[tuple[set[int], str]] = []
    after = ""
    while True:
        async with scene.desk.sessions() as session:
            page = await duplicate_pairs.pairs(session, await known(scene, agent), after=after, limit=limit)
        everything += [({pair.one.id, pair.other.id}, pair.reason) for pair in page.rows]
        if not (after := page.after):
            return everything


async def test_every_reason_finds_its_pair_the_surest_first(scene: Scene):
    ada = scene.agents["Ada"]
    async with committed(scene.desk.sessions) as session:
        firm = await companies.create(session, "Lumen", by=ada, domain="lumen.example")

        async def person(name: str, email: str = "", phone: str = "") -> Contact:
            made = await contacts.create(
                session, name, by=ada, email=email, company=firm if email.endswith("lumen.example") else None
            )
            if phone:
                await contacts.add_identity(session, made, "phone", phone, by=ada)
            return made

        written = await person("Noor Haddad"), await person("N.", "noor.haddad@web.de")
        named = await person("Ida Berg", "ida@lumen.example"), await person("IDA BERG", "ib@lumen.example")
        phones = (
            await person("Front desk", phone="+49 30 1234567"),
            await person("Reception", phone="030 1234567"),
        )
        mails = await person("Marta", "m.r@gmail.com"), await person("Shop", "mr+shop@googlemail.com")
        for n in range(40):
            await person(f"Stranger {n} Smith", f"s{n}@lumen.example")
    pairs = await found(scene)
    assert [ids for ids, _reason in pairs] == [{a.id, b.id} for a, b in (mails, phones, named, written)]
    words = ("same mailbox", "phone numbers", "Both are called", "is written in")
    assert all(word in reason for word, (_ids, reason) in zip(words, pairs, strict=True))


async def test_pages_show_every_pair_once(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        for n in range(30):
            for tag in ("", "+shop"):
                address = f"p{n}{tag}@lumen.example"
                await contacts.create(session, f"Person {n} Number", by=scene.agents["Ada"], email=address)
    pairs = await found(scene, limit=7)
    assert len(pairs) == 30
    assert len({frozenset(ids) for ids, _reason in pairs}) == 30


async def test_what_a_crowd_shares_makes_no_pairs(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        for n in range(CROWD + 1):
            made = await contacts.create(session, f"Desk {n}", by=scene.agents["Ada"])
            session.add(ContactIdentity(contact_id=made.id, kind="email", value=f"office+{n}@chain.example"))
    assert await found(scene) == []


async def test_merged_different_and_hidden_people_are_left_out(scene: Scene):
    shown = await scene.receives(mail(sender="marta@lumen.example"))
    hidden = await scene.receives(mail(sender="marta+shop@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        lou = Agent(name="Lou", email="lou@desk.example", role=Role.light_agent)
        session.add(lou)
    scene.agents["Lou"] = lou
    await scene.does(shown, "assign", lou, by=scene.agents["Ada"])
    assert [ids for ids, _reason in await found(scene)] == [{shown.contact_id, hidden.contact_id}]
    assert await found(scene, "Lou") == []
    async with committed(scene.desk.sessions) as session:
        pair = [await session.get_one(Contact, each.contact_id) for each in (shown, hidden)]
        await duplicates.call_distinct(session, *pair, by=scene.agents["Ada"])
    assert await found(scene) == []
