"""A message gets in once, into the right ticket, and nothing that arrives is invisible."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from helpdesk import intake
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.messages import Match, Message, Upload
from helpdesk.people import Contact
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail


async def test_a_first_mail_becomes_a_ticket_with_a_promise(scene: Scene):
    ticket = await scene.receives(mail("My card was charged twice."))
    assert ticket.category is Category.new
    assert ticket.team_id == scene.teams["Billing"].id
    assert ticket.preview == "My card was charged twice."
    assert {clock.metric for clock in ticket.clocks} == {"first_response", "resolution"}
    assert ticket.next_due_at == min(clock.due_at for clock in ticket.clocks if clock.due_at)
    assert await scene.kinds(ticket) == [
        Kind.ticket_created,
        Kind.sla_started,
        Kind.message_received,
    ]


async def test_the_same_mail_twice_is_one_message(scene: Scene):
    again = mail()
    first, second = await scene.receives(again), await scene.receives(again)
    assert first.id == second.id
    assert len(await scene.messages(first)) == 1


async def test_thirty_two_races_with_one_mail_make_one_ticket_and_one_contact(scene: Scene):
    same = mail()
    await scene.receives_at_once([same] * 32)
    async with scene.desk.sessions() as session:
        for table in (Ticket, Message, Contact):
            assert await session.scalar(select(func.count()).select_from(table)) == 1


async def test_a_stranger_who_knows_a_message_id_cannot_suppress_a_mail(scene: Scene):
    """The id alone does not make two mails the same: the content counts too."""
    theirs = mail("Please cancel my contract.")
    forged = mail("Nothing to see.", sender="mallory@evil.example", external_id=theirs.external_id)
    first, second = await scene.receives(forged), await scene.receives(theirs)
    assert first.id != second.id


async def test_an_answer_finds_its_ticket_by_the_address_we_gave_to_its_sender(scene: Scene):
    ticket = await scene.receives()
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
    await scene.receives(mail("Thanks, and another thing", tokens=(token,)))
    message = (await scene.messages(ticket))[-1]
    assert message.matched is Match.token


async def test_a_reply_to_a_resolved_ticket_opens_it_again(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
    again = await scene.receives(mail("It is back.", tokens=(token,)))
    assert again.id == ticket.id
    assert again.category is Category.open
    assert Kind.reopened in await scene.kinds(ticket)


async def test_an_out_of_office_answer_joins_the_ticket_but_does_not_reopen_it(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
    again = await scene.receives(mail("I am away until Monday.", tokens=(token,), automatic=True))
    assert (again.id, again.category) == (ticket.id, Category.resolved)


async def test_a_token_of_another_ticket_or_with_a_changed_letter_opens_nothing(scene: Scene):
    ticket = await scene.receives()
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
    forged = ("b" if token[-2] == "a" else "a").join([token[:-2], token[-1]])
    other = await scene.receives(mail("Hello", sender="mallory@evil.example", tokens=(forged,)))
    assert other.id != ticket.id


async def test_a_leaked_token_lets_a_stranger_write_only_as_a_stranger(scene: Scene):
    ticket = await scene.receives()
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
    await scene.receives(mail("Me too", sender="colleague@lumen.example", tokens=(token,)))
    message = (await scene.messages(ticket))[-1]
    assert message.matched is Match.stranger_token
    assert message.contact_id != ticket.contact_id
    assert (await scene.ticket(ticket.id)).contact_id == ticket.contact_id


async def test_a_reference_leads_home_for_the_customer_but_not_for_a_stranger(scene: Scene):
    first = mail()
    ticket = await scene.receives(first)
    assert (await scene.receives(mail("One more", thread=(first.external_id,)))).id == ticket.id
    stranger = mail("Let me in", sender="mallory@evil.example", thread=(first.external_id,))
    assert (await scene.receives(stranger)).id != ticket.id


async def test_a_mail_to_two_of_our_inboxes_is_one_message_each_on_one_ticket(scene: Scene):
    sales = Inbox(
        name="Sales",
        channel="loopback",
        address="sales@desk.example",
        sealed_settings=scene.desk.keys.seal({}),
        team=None,
    )
    async with committed(scene.desk.sessions) as session:
        session.add(sales)
    both = mail("Hello to both")
    ticket = await scene.receives(both)
    assert (await scene.receives(both, inbox=sales)).id == ticket.id
    first, second = await scene.messages(ticket)
    assert second.copy_of_id == first.id
    assert second.matched is Match.same_mail


async def test_attachments_are_stored_by_content_and_never_by_name(scene: Scene):
    upload = Upload(name="../../etc/passwd", content_type="text/plain", content=b"root:x:0:0")
    ticket = await scene.receives(mail(attachments=(upload,)))
    (message,) = await scene.messages(ticket)
    (attachment,) = message.attachments
    assert await scene.desk.files.get(attachment.key) == b"root:x:0:0"
    assert scene.desk.files.folder in scene.desk.files.path(attachment.key).parents
    assert ".." not in str(scene.desk.files.path(attachment.key))


@pytest.mark.parametrize("awkward", ["a\x00b", "\ud800", "", " \n\t ", "x" * 100_000, "🦊" * 5_000])
async def test_awkward_texts_are_received(scene: Scene, awkward: str):
    inbound = mail(awkward or " ", subject=awkward, name=awkward, fingerprint=str(hash(awkward)))
    ticket = await scene.receives(inbound)
    assert ticket.subject
    assert len(ticket.subject) <= intake.SUBJECT


async def kept(scene: Scene, *sources: str) -> None:
    async with committed(scene.desk.sessions) as session:
        await intake.keep(session, scene.inbox.id, [(b"raw " + s.encode(), s) for s in sources], {"uid": 7})


async def test_bytes_that_come_twice_are_kept_once_and_the_cursor_moves_with_them(scene: Scene):
    await kept(scene, "INBOX/1/1", "INBOX/1/2")
    await kept(scene, "INBOX/1/2", "INBOX/1/3")
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Kept)) == 3
        assert await session.scalar(select(Inbox.cursor)) == {"uid": 7}


async def test_what_failed_before_is_claimed_alone(scene: Scene):
    """A mail that kills its reader must not use up its neighbours' attempts."""
    await kept(scene, "a", "b", "c")
    async with committed(scene.desk.sessions) as session:
        assert len(await intake.claim(session)) == 3
    async with committed(scene.desk.sessions) as session:
        (alone,) = await intake.claim(session)
        assert alone.attempts == 2


async def test_two_readers_never_claim_the_same_bytes(scene: Scene):
    await kept(scene, *"abcdefgh")
    async with scene.desk.sessions() as one, scene.desk.sessions() as two:
        first = await intake.claim(one, limit=5)
        second = await intake.claim(two, limit=5)
        assert not {k.id for k in first} & {k.id for k in second}
        assert len(first) + len(second) == 8


async def test_what_cannot_be_read_gets_a_ticket_that_says_so(scene: Scene):
    await kept(scene, "poison")
    async with committed(scene.desk.sessions) as session:
        (poison,) = await intake.claim(session)
        message = await intake.give_up(scene.desk, session, poison, "no From line")
    async with scene.desk.sessions() as session:
        row = await session.get_one(Kept, poison.id)
        assert (row.state, row.message_id) == (KeptState.quarantined, message.id)
    (ticket,) = await scene.tickets()
    assert "no From line" in (await scene.messages(ticket))[0].text
    assert Kind.quarantined in await scene.kinds(ticket)


async def test_every_event_waits_to_be_dispatched(scene: Scene):
    await scene.receives()
    async with scene.desk.sessions() as session:
        waiting = await session.scalar(text("SELECT count(*) FROM event_dispatch"))
        assert waiting
        assert waiting == await session.scalar(select(func.count()).select_from(Event))


@pytest.mark.parametrize(
    "change", ["UPDATE event SET kind = 'resolved'", "DELETE FROM event", "TRUNCATE event"]
)
async def test_the_application_can_add_events_but_not_change_them(scene: Scene, change: str):
    await scene.receives()
    async with scene.desk.sessions() as session:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(text(change))


async def test_a_display_name_identifies_nobody(scene: Scene):
    await scene.receives(mail(name="Marta Reyes"))
    other = mail(sender="mallory@evil.example", name="Marta Reyes")
    await scene.receives(other)
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Contact)) == 2
