"""Mails to tickets that are over: the same ticket within its time, a linked one of the sender's own after it."""

import asyncio
from datetime import timedelta

from sqlalchemy import select

from helpdesk import links, patience
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.labels import TicketType
from helpdesk.links import Side
from helpdesk.messages import InboundMessage, Proof, Sender
from helpdesk.patience import Terms
from helpdesk.people import Contact, ContactIdentity, Team
from helpdesk.statuses import Category
from helpdesk.tickets import Removal, Ticket
from tests.scenes import Scene, mail

DAY = timedelta(days=1)
MARTA, OTHER = "marta@lumen.example", "mallory@elsewhere.example"


async def opens_again_within(scene: Scene, days: int | None, **other: int | None) -> None:
    async with committed(scene.desk.sessions) as session:
        inbox = await session.get_one(Inbox, scene.inbox.id)
        await patience.keep(session, inbox, Terms(reopen_days=days, **other), by=scene.agents["Ada"])  # type: ignore[arg-type]


async def over(scene: Scene) -> Ticket:
    """Marta asked, was answered, and it was resolved."""
    ticket = await scene.receives()
    await scene.replies(ticket)
    await scene.does(ticket, "resolve", by=DESK)
    return await scene.ticket(ticket.id)


def to(scene: Scene, ticket: Ticket, *, sender: str = MARTA, given_to: str = MARTA) -> InboundMessage:
    """An answer to the reply address that `given_to` had."""
    token = scene.desk.keys.reply_token(ticket.reply_key, given_to)
    return mail("One more thing.", sender=sender, tokens=(token,))


async def linked(scene: Scene, ticket: Ticket) -> list[tuple[Side, int]]:
    async with scene.desk.sessions() as session:
        return [(one.side, one.ticket.id) for one in await links.linked(session, ticket, Ticket.id > 0)]


async def test_without_a_window_every_answer_opens_its_ticket_again(scene: Scene):
    """What nobody has chosen tears no conversation apart."""
    ticket = await over(scene)
    with moved(700 * DAY):
        assert (await scene.receives(to(scene, ticket))).id == ticket.id
    assert (await scene.ticket(ticket.id)).category is Category.open


async def test_within_the_window_the_ticket_opens_again(scene: Scene):
    await opens_again_within(scene, 14, close_days=7)
    ticket = await over(scene)
    with moved(8 * DAY):
        await scene.does(ticket, "close", by=DESK)
    with moved(14 * DAY - timedelta(minutes=1)):
        assert (await scene.receives(to(scene, ticket))).id == ticket.id
    assert (await scene.ticket(ticket.id)).category is Category.open


async def test_frappe_helpdesk_3465_a_closed_ticket_stays_closed_after_the_window(scene: Scene):
    """The answer opens a new ticket of the same requester, team and type, linked to the old one."""
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    async with committed(scene.desk.sessions) as session:
        kind = TicketType(name="Refund")
        session.add(kind)
        await session.flush()
        at = await session.get_one(Ticket, ticket.id)
        at.type_id, at.team_id = kind.id, scene.teams["Technical"].id
        at.assignee_id = scene.agents["Liam"].id
    await scene.does(ticket, "close", by=DESK)
    with moved(15 * DAY):
        new = await scene.receives(to(scene, ticket))
    was = await scene.ticket(ticket.id)
    assert new.id != ticket.id
    assert (was.category, was.last_direction) == (Category.closed, "outbound")
    assert (new.category, new.contact_id, new.team_id, new.type_id) == (
        Category.new,
        ticket.contact_id,
        scene.teams["Technical"].id,
        was.type_id,
    )
    assert new.assignee_id is None
    assert new.policy_id, "it is promised an answer as any new ticket is"
    assert await linked(scene, new) == [(Side.follow_up_of, ticket.id)]
    assert await linked(scene, ticket) == [(Side.follow_up, new.id)]
    async with scene.desk.sessions() as session:
        told = (
            await session.scalars(select(Event).where(Event.kind == Kind.linked).order_by(Event.id))
        ).all()
    assert [(event.ticket_id, event.data["number"]) for event in told] == [
        (new.id, ticket.number),
        (ticket.id, new.number),
    ]


async def test_a_second_answer_to_the_old_mail_goes_to_what_the_first_one_opened(scene: Scene):
    """Twice at once, and later again; until that is over for as long, too."""
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    with moved(20 * DAY):
        first, second = await asyncio.gather(
            scene.receives(to(scene, ticket)),
            scene.receives(to(scene, ticket)),
        )
        assert first.id == second.id != ticket.id
        await scene.does(first, "resolve", by=DESK)
    with moved(30 * DAY):
        assert (await scene.receives(to(scene, ticket))).id == first.id, "within its own time"
        await scene.does(first, "resolve", by=DESK)
    with moved(50 * DAY):
        third = await scene.receives(to(scene, ticket))
    assert third.id not in {ticket.id, first.id}
    assert await linked(scene, third) == [(Side.follow_up_of, first.id)]


async def test_an_automatic_answer_opens_nothing(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    with moved(20 * DAY):
        same = await scene.receives(mail("I am away.", automatic=True, thread=await ids(scene, ticket)))
    assert same.id == ticket.id
    assert (await scene.ticket(ticket.id)).category is Category.resolved


async def ids(scene: Scene, ticket: Ticket) -> tuple[str, ...]:
    return tuple(m.external_id for m in await scene.messages(ticket) if m.external_id)


async def test_a_stranger_with_a_leaked_address_gets_a_ticket_of_their_own_without_a_link(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    with moved(20 * DAY):
        new = await scene.receives(to(scene, ticket, sender=OTHER))
        assert new.id != ticket.id
        assert new.contact_id != ticket.contact_id
        assert await linked(scene, new) == []
        mine = await scene.receives(to(scene, ticket))
        assert mine.id != new.id, "and the customer does not land in theirs"
        again = await scene.receives(to(scene, ticket, sender=OTHER))
        assert again.id not in {mine.id, ticket.id}, "nor they in the customer's"


async def test_a_reference_lets_no_stranger_in(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    with moved(20 * DAY):
        new = await scene.receives(mail("Hi", sender=OTHER, thread=await ids(scene, ticket)))
    assert await linked(scene, new) == []
    assert new.contact_id != ticket.contact_id


async def test_who_was_in_copy_opens_one_of_their_own(scene: Scene):
    """In nobody else's name: answers go to who wrote."""
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    async with committed(scene.desk.sessions) as session:
        at = await session.get_one(Ticket, ticket.id)
        await session.refresh(at, ["participants"])
        colleague = Contact(name="Jo")
        session.add(colleague)
        await session.flush()
        session.add(ContactIdentity(contact_id=colleague.id, kind="email", value="jo@lumen.example"))
        at.copy_in(colleague, by=DESK)
    with moved(20 * DAY):
        new = await scene.receives(to(scene, ticket, sender="jo@lumen.example"))
        assert new.contact_id == colleague.id
        assert await linked(scene, new) == [(Side.follow_up_of, ticket.id)]
        mine = await scene.receives(to(scene, ticket))
    assert mine.id != new.id
    assert mine.contact_id == ticket.contact_id


async def test_spam_stays_in_spam_and_the_blocked_stay_apart(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    await scene.does(ticket, "remove", Removal.spam, by=DESK)
    with moved(20 * DAY):
        assert (await scene.receives(to(scene, ticket))).id == ticket.id
    assert (await scene.ticket(ticket.id)).removed is Removal.spam


async def test_one_mail_to_two_inboxes_opens_one_ticket(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    async with committed(scene.desk.sessions) as session:
        team = await session.get_one(Team, scene.teams["Billing"].id)
        sales = Inbox(
            name="Sales", channel="loopback", address="sales@desk.example", sealed_settings=b"", team=team
        )
        session.add(sales)
    with moved(20 * DAY):
        both = to(scene, ticket)
        new = await scene.receives(both)
        assert (await scene.receives(both, inbox=sales)).id == new.id
        assert (await scene.receives(both)).id == new.id, "and twice is once"
    assert len(await scene.tickets()) == 2


async def test_what_was_written_in_time_and_fetched_late_opens_it_again(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    written = now() + 13 * DAY
    with moved(20 * DAY):
        late = to(scene, ticket)
        assert (await scene.receives(mail("x", tokens=late.tokens, received_at=written))).id == ticket.id


async def test_people_in_copy_of_a_proved_mail_come_along(scene: Scene):
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    with moved(20 * DAY):
        token = to(scene, ticket).tokens
        new = await scene.receives(
            mail(
                "With Jo.",
                sender=MARTA,
                tokens=token,
                recipients=("jo@lumen.example",),
            )
        )
        assert new.id != ticket.id
        proved = mail("Again", tokens=token, recipients=("jo@lumen.example",))
        sender = Sender(address=MARTA, name="Marta", proof=Proof.authenticated)
        same = await scene.receives(InboundMessage(**{**proved.__dict__, "sender": sender}))
    assert same.id == new.id
    async with scene.desk.sessions() as session:
        at = await scene.ticket(new.id, session)
        await session.refresh(at, ["participants"])
        assert len(at.participants) == 1


async def test_a_ticket_with_a_hundred_links_still_takes_mail(scene: Scene, monkeypatch):
    monkeypatch.setattr(links, "MOST", 0)
    await opens_again_within(scene, 14)
    ticket = await over(scene)
    with moved(20 * DAY):
        new = await scene.receives(to(scene, ticket))
    assert new.id != ticket.id
    assert await linked(scene, new) == []
