"""Who is perhaps the same person: judged by what people really do with names and addresses."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import companies, contacts, duplicates
from helpdesk.database import committed
from helpdesk.duplicates import canonical, judge
from helpdesk.people import Agent, Company, Contact, ContactIdentity, Role
from tests.helpdesk.test_contacts import known
from tests.scenes import Scene, mail


def person(name: str, *addresses: str, company: Company | None = None) -> Contact:
    found = Contact(name=name, fields={}, company=company)
    found.company_id = 7 if company else None
    found.identities = [
        ContactIdentity(kind="email" if "@" in value else "phone", value=value) for value in addresses
    ]
    return found


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (person("Marta Reyes", "marta@a.example"), person("Shop", "marta+shop@a.example"), "same mailbox"),
        (person("M", "marta.reyes@gmail.com"), person("M R", "martareyes@googlemail.com"), "same mailbox"),
        (person("Marta", "+49301234567"), person("Office", "0301234567"), "phone numbers"),
        (
            person("Marta Reyes", "m@a.example"),
            person("marta.reyes@web.de", "marta.reyes@web.de"),
            "is written in",
        ),
        (person("Marta Reyes", "m@a.example"), person("Reyes, Marta", "mr@a.example"), "called"),
        (person("Marta Reyes", "m@a.example"), person("Marta Rayes", "mr@a.example"), "alike"),
    ],
)
def test_these_are_suggested_with_their_reason(one: Contact, other: Contact, reason: str):
    for a, b in ((one, other), (other, one)):
        found = judge(a, b)
        assert found, (a.name, b.name)
        assert reason in found.reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (person("Marta Reyes", "marta@gmail.com"), person("Marta Reyes", "sunny77@outlook.com")),
        (person("Marta Reyes", "m@a.example"), person("Noor Haddad", "n@a.example")),
        (person("Marta", "marta@a.example"), person("Marta", "marta@b.example")),
        (person("Support", "info@a.example"), person("Info", "info@b.example")),
        (person("Marta Reyes", "m@a.example"), person("Martin Reyes", "martareyes@a.example")),
        (person("", "+4930123"), person("", "+4930123")),
    ],
)
def test_these_are_not(one: Contact, other: Contact):
    assert judge(one, other) is None


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("a.b+c@gmail.com", "ab@gmail.com"),
        ("a.b+c@googlemail.com", "ab@gmail.com"),
        ("a.b+c@lumen.example", "a.b@lumen.example"),
        ("a.b@lumen.example", "a.b@lumen.example"),
    ],
)
def test_one_mailbox_has_one_name(address: str, mailbox: str):
    assert canonical(address) == mailbox


async def alike(scene: Scene, agent: str, contact_id: int) -> list[int]:
    async with scene.desk.sessions() as session:
        query = select(Contact).where(Contact.id == contact_id)
        loaded = await session.scalars(
            query.options(selectinload(Contact.identities), joinedload(Contact.company))
        )
        found = await duplicates.like(session, await known(scene, agent), loaded.one())
        return [each.contact.id for each in found]


async def test_the_database_finds_them_all(scene: Scene):
    """Each way to be alike has candidates of its own; strangers are none."""
    ada = scene.agents["Ada"]
    async with committed(scene.desk.sessions) as session:
        firm = await companies.create(session, "Lumen", by=ada, domain="lumen.example")
        marta = await contacts.create(
            session, "Marta Reyes", by=ada, email="marta@lumen.example", company=firm
        )
        await contacts.add_identity(session, marta, "phone", "+49 30 1234567", by=ada)
        twins = [
            await contacts.create(session, "Shop", by=ada, email="marta+shop@lumen.example"),
            await contacts.create(session, "Rayes, Marta", by=ada, email="mr@lumen.example", company=firm),
            await contacts.create(session, "marta.reyes@web.de", by=ada, email="marta.reyes@web.de"),
        ]
        phone = await contacts.create(session, "Front desk", by=ada)
        await contacts.add_identity(session, phone, "phone", "030 1234567", by=ada)
        for n in range(60):
            await contacts.create(session, f"Stranger {n}", by=ada, email=f"s{n}@lumen.example", company=firm)
    expected = {contact.id for contact in [*twins, phone]}
    assert set(await alike(scene, "Ada", marta.id)) == expected
    for twin in expected:
        assert marta.id in await alike(scene, "Ada", twin)


async def test_nobody_is_shown_who_may_not_be_seen(scene: Scene):
    shown = await scene.receives(mail(sender="marta@lumen.example"))
    hidden = await scene.receives(mail(sender="marta+shop@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        lou = Agent(name="Lou", email="lou@desk.example", role=Role.light_agent)
        session.add(lou)
    scene.agents["Lou"] = lou
    await scene.does(shown, "assign", lou, by=scene.agents["Ada"])
    assert await alike(scene, "Ada", shown.contact_id) == [hidden.contact_id]
    assert await alike(scene, "Lou", shown.contact_id) == []


async def test_what_was_called_different_is_never_suggested_again(scene: Scene):
    one = await scene.receives(mail(sender="marta@lumen.example"))
    other = await scene.receives(mail(sender="marta+shop@lumen.example"))
    ada = await known(scene, "Ada")
    async with committed(scene.desk.sessions) as session:
        pair = [await session.get_one(Contact, each.contact_id) for each in (other, one)]
        for _ in range(2):
            await duplicates.call_distinct(session, pair[0], pair[1], by=ada)
    assert await alike(scene, "Ada", one.contact_id) == []
    assert await alike(scene, "Ada", other.contact_id) == []
