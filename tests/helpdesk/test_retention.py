"""What is not kept any longer is gone everywhere, and only what was meant."""

import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from helpdesk import erasing, persons, retention
from helpdesk.clock import moved
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.intake import Kept
from helpdesk.messages import Message, Upload
from helpdesk.people import Contact
from helpdesk.retention import Act, Rule
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail

WORDS = "The secret of Marta is 12345"


async def settled(scene: Scene, sender: str = "marta@lumen.example") -> Ticket:
    """A ticket with a file, a raw mail, a note and an answer that was sent."""
    upload = Upload(name="passport.pdf", content_type="application/pdf", content=sender.encode())
    ticket = await scene.receives(
        mail(WORDS, sender=sender, attachments=(upload,), recipients=("x@lumen.example",))
    )
    reply = await scene.replies(ticket, f"Dear {sender}, it is done.")
    await scene.does(ticket, "note", f"{sender} is nice", by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        await session.execute(text("UPDATE message SET delivery = 'sent' WHERE id = :id"), {"id": reply.id})
        session.add(
            Kept(inbox_id=scene.inbox.id, source=sender, raw=WORDS.encode(), digest="", message_id=reply.id)
        )
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    return ticket


async def ruled(scene: Scene, act: Act, *, days: int = 30, active: bool = True) -> Rule:
    for _ in range(2):  # the first time it is made, and stays off
        async with committed(scene.desk.sessions) as session:
            rule = await retention.set_rule(session, scene.inbox, days=days, act=act, active=active, by=DESK)
    return rule


async def test_a_rule_is_off_until_it_was_seen(scene: Scene):
    """Making it, or changing its terms, never erases anything by itself."""
    await settled(scene)
    async with committed(scene.desk.sessions) as session:
        rule = await retention.set_rule(session, scene.inbox, days=30, act=Act.delete, active=True, by=DESK)
        assert not rule.active
    with moved(timedelta(days=31)):
        async with scene.desk.sessions() as session:
            seen = await retention.preview(session, rule)
        assert (seen.tickets, seen.messages, seen.files) == (1, 3, 1)
        assert seen.bytes == len("marta@lumen.example")
        assert await retention.sweep(scene.desk) == 0
        async with committed(scene.desk.sessions) as session:
            rule = await retention.set_rule(
                session, scene.inbox, days=30, act=Act.delete, active=True, by=DESK
            )
            assert rule.active
            rule = await retention.set_rule(
                session, scene.inbox, days=10, act=Act.delete, active=True, by=DESK
            )
            assert not rule.active


async def test_only_what_is_due_goes(scene: Scene):
    """Not what is open, not what was settled later, not what waits to leave, not another inbox's."""
    due = await settled(scene)
    opened = await scene.receives(mail("Open", sender="ivo@north.example"))
    leaving = await scene.receives(mail("Leaving", sender="lea@north.example"))
    await scene.replies(leaving)
    await scene.does(leaving, "resolve", by=scene.agents["Ada"])
    await ruled(scene, Act.delete)
    assert await retention.sweep(scene.desk) == 0
    with moved(timedelta(days=20)):
        later = await settled(scene, "later@north.example")
    with moved(timedelta(days=31)):
        assert await retention.sweep(scene.desk) == 1
        assert await retention.sweep(scene.desk) == 0
    left = {ticket.id for ticket in await scene.tickets()}
    assert left == {opened.id, leaving.id, later.id}
    assert due.id not in left


@pytest.mark.parametrize("act", list(Act))
async def test_what_was_said_is_gone_from_the_whole_database(scene: Scene, act: Act):
    """No table holds a word of it or their address any more; the history holds that it was."""
    ticket = await settled(scene)
    events = len(await scene.kinds(ticket))
    await ruled(scene, act)
    with moved(timedelta(days=31)):
        await retention.sweep(scene.desk)
    async with scene.desk.sessions() as session:
        left = await retention.mentions(
            session, ["secret of Marta", "marta@lumen", "passport.pdf", "x@lumen"]
        )
        assert left == {}
        assert await session.scalar(select(func.count()).select_from(Kept)) == 0
        names = (await session.scalars(select(Contact.name))).all()
    assert all(name.startswith("Erased person") for name in names)
    assert not [path for path in scene.desk.files.folder.rglob("*") if path.is_file()]
    kinds = await scene.kinds(ticket)
    assert len(kinds) == events + 1
    assert kinds[-1] is (Kind.ticket_deleted if act is Act.delete else Kind.content_erased)
    if act is Act.anonymise:
        emptied = await scene.ticket(ticket.id)
        assert emptied.erased_at
        assert (emptied.number, emptied.resolved_at) == (ticket.number, emptied.resolved_at)
        assert [message.text for message in await scene.messages(ticket)] == ["", "", ""]


async def test_a_person_with_another_ticket_is_still_known(scene: Scene):
    await settled(scene)
    with moved(timedelta(days=20)):
        await scene.receives(mail("Again", sender="marta@lumen.example"))
    await ruled(scene, Act.anonymise)
    with moved(timedelta(days=31)):
        assert await retention.sweep(scene.desk) == 1
    async with scene.desk.sessions() as session:
        assert (await session.scalars(select(Contact.name))).all() == ["Marta"]


async def test_a_late_answer_still_finds_the_emptied_ticket(scene: Scene):
    ticket = await settled(scene)
    async with committed(scene.desk.sessions) as session:
        await scene.receives(mail("Other", sender="marta@lumen.example"))  # so that Marta stays known
        first = (await scene.messages(ticket))[0]
        await erasing.empty_tickets(session, [ticket.id], "(erased)")
    landed = await scene.receives(
        mail("Still there?", sender="marta@lumen.example", thread=(first.external_id or "",))
    )
    assert landed.id == ticket.id


async def test_deleting_takes_everything_that_hangs_on_a_ticket(scene: Scene):
    """Through every foreign key of the database, whoever added it, and what was merged into it."""
    ticket, other, stays = (
        await settled(scene),
        await settled(scene, "o@x.example"),
        await settled(scene, "s@x.example"),
    )
    async with committed(scene.desk.sessions) as session:
        await session.execute(
            text(
                "UPDATE ticket SET removed = 'merged', removed_at = now(), merged_into_id = :to WHERE id = :id"
            ),
            {"id": other.id, "to": ticket.id},
        )
        gone = await erasing.delete_tickets(session, [ticket.id])
    assert gone.rows["ticket"] == 2
    assert [one.id for one in await scene.tickets()] == [stays.id]
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Message)) == 3


async def test_erasing_one_person_proves_itself(scene: Scene):
    """Everything known of them goes, everybody else stays, and what others wrote of them is named."""
    ticket = await settled(scene)
    other = await scene.receives(mail("I am with marta@lumen.example", sender="ivo@north.example"))
    async with committed(scene.desk.sessions) as session:
        contact = await session.get_one(Contact, ticket.contact_id)
        proof = await retention.erase(session, scene.desk, contact, by=scene.agents["Ada"])
    assert (proof.tickets, proof.files) == (1, 1)
    assert proof.rows["message"] == 3
    assert set(proof.remains) >= {"message.text"}
    assert all(
        not place.startswith(("contact", "attachment", "kept", "suggestion")) for place in proof.remains
    )
    assert (await scene.messages(other))[0].text.startswith("I am with")
    async with committed(scene.desk.sessions) as session:
        contact = await session.get_one(Contact, ticket.contact_id)
        assert contact.name == f"Erased person {contact.id}"
        with pytest.raises(retention.AlreadyErased):
            await retention.erase(session, scene.desk, contact, by=DESK)
        told = await session.scalar(select(Event).where(Event.kind == Kind.contact_erased))
        assert told
        assert told.about_id == contact.id
        assert "marta" not in json.dumps(told.data).lower()
    back = await scene.receives(mail("Me again", sender="marta@lumen.example"))
    assert back.contact_id != ticket.contact_id


async def test_a_person_gets_everything_that_is_theirs(scene: Scene, tmp_path: Path):
    """Their data, what they wrote and what they were written, and no word of colleagues among themselves."""
    ticket = await settled(scene)
    await settled(scene, "ivo@north.example")
    async with committed(scene.desk.sessions) as session:
        contact = await session.get_one(Contact, ticket.contact_id)
        await persons.copy_out(session, scene.desk, contact, tmp_path / "out.zip", by=scene.agents["Ada"])
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        told = json.loads(packed.read("person.json"))
        assert packed.read(told["files"][0]["in_this_archive"]) == b"marta@lumen.example"
    assert [m["text"] for m in told["messages"]] == [WORDS, "Dear marta@lumen.example, it is done."]
    assert told["addresses"][0]["value"] == "marta@lumen.example"
    everything = json.dumps(told)
    assert "is nice" not in everything
    assert "ivo@north" not in everything
