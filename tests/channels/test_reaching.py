"""Where answers go: each inbox writes to what it can write to, and a ticket moves to no inbox that reaches nobody."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from channels import reaching
from channels.reaching import OutOfReach
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.messages import Sender
from helpdesk.people import Contact, ContactIdentity
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail

WROTE_BY = {
    "email": Sender(kind="email", address="mira@lumen.example", name="Mira"),
    "chat": Sender(kind="chat", address="8f1c2ab94d", name="Mira"),
    "external": Sender(kind="external", address="4711/api@desk.example", name="Mira"),
    "slack": Sender(kind="slack", address="T0LUMEN/U0MIRA", name="Mira"),
}


@pytest.fixture
async def inboxes(scene: Scene) -> dict[str, Inbox]:
    """One of each channel, and a second mailbox."""
    made = {
        name: Inbox(
            name=name,
            channel=name.partition(" ")[0],
            address=f"{name.replace(' ', '-')}@desk.example",
            sealed_settings=scene.desk.keys.seal({}),
        )
        for name in ("email", "email two", "chat", "slack", "api")
    }
    async with committed(scene.desk.sessions) as session:
        session.add_all(made.values())
    return made


async def wrote(scene: Scene, channel: str, inbox: Inbox) -> Ticket:
    async with scene.desk.sessions() as session:
        theirs = await session.get_one(Inbox, inbox.id, options=[joinedload(Inbox.team)])
    return await scene.receives(replace(mail("Where is my parcel?"), sender=WROTE_BY[channel]), inbox=theirs)


async def answered_at(scene: Scene, ticket: Ticket, inbox: Inbox) -> str:
    async with scene.desk.sessions() as session:
        found = await session.get_one(
            Inbox, inbox.id, options=[selectinload(Inbox.answers_through)], populate_existing=True
        )
        return await reaching.recipient(session, await session.get_one(Ticket, ticket.id), found)


@pytest.mark.parametrize(
    ("channel", "inbox", "reached"),
    [
        ("email", "email two", "mira@lumen.example"),
        ("email", "api", "mira@lumen.example"),
        ("email", "chat", None),
        ("email", "slack", None),
        ("chat", "chat", "8f1c2ab94d"),
        ("chat", "email", None),
        ("chat", "slack", None),
        ("slack", "slack", "T0LUMEN/U0MIRA"),
        ("slack", "email", None),
        ("slack", "chat", None),
    ],
)
async def test_an_inbox_writes_to_what_it_can_write_to(
    scene: Scene, inboxes: dict[str, Inbox], channel: str, inbox: str, reached: str | None
):
    ticket = await wrote(scene, channel, inboxes[channel])
    if reached is None:
        with pytest.raises(OutOfReach):
            await answered_at(scene, ticket, inboxes[inbox])
    else:
        assert await answered_at(scene, ticket, inboxes[inbox]) == reached


async def test_who_wrote_in_a_chat_is_answered_by_mail_once_an_address_is_known(
    scene: Scene, inboxes: dict[str, Inbox]
):
    ticket = await wrote(scene, "chat", inboxes["chat"])
    async with committed(scene.desk.sessions) as session:
        session.add(ContactIdentity(contact_id=ticket.contact_id, kind="email", value="mira@lumen.example"))
    assert await answered_at(scene, ticket, inboxes["email"]) == "mira@lumen.example"
    assert await answered_at(scene, ticket, inboxes["chat"]) == "8f1c2ab94d", "back to where they asked"


async def test_answers_of_a_form_leave_by_the_mailbox_that_is_behind_it(
    scene: Scene, inboxes: dict[str, Inbox]
):
    async with committed(scene.desk.sessions) as session:
        form = await session.get_one(Inbox, inboxes["api"].id)
        form.answers_through_id = inboxes["email"].id
    by_id = await wrote(scene, "external", inboxes["api"])
    with pytest.raises(OutOfReach):
        await answered_at(scene, by_id, inboxes["api"])
    by_mail = await wrote(scene, "email", inboxes["api"])
    assert await answered_at(scene, by_mail, inboxes["api"]) == "mira@lumen.example"
    async with scene.desk.sessions() as session:
        known = (
            select(Contact).options(selectinload(Contact.identities)).where(Contact.id == by_mail.contact_id)
        )
        assert [each.kind for each in (await session.scalars(known)).one().identities] == ["email"]
