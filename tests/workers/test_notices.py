"""What agents hear of: in the console at once, by mail a little later, and never of their own doing."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy import event as listened
from sqlalchemy.orm import joinedload

from channels.loopback import LoopbackChannel
from helpdesk import access, invitations, notifications, tokens
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event
from helpdesk.inboxes import Inbox
from helpdesk.invitations import Invitation
from helpdesk.mentions import mentioned
from helpdesk.messages import OutboundMessage
from helpdesk.notifications import Notification, Reason, Way
from helpdesk.people import Agent, Role, with_access
from helpdesk.sla import Policy, due
from helpdesk.tickets import Ticket
from kb import reviews, writing
from kb.articles import Article
from kb.reviews import Decision, ReviewMail
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from workers.letters import send_letter
from workers.notices import notify


async def heard(scene: Scene, *, since: int = 0) -> set[tuple[str, Reason]]:
    """Everything that happened so far is told; who heard of what."""
    async with scene.desk.sessions() as session:
        ids = list(await session.scalars(select(Event.id).where(Event.id > since)))
    for _ in range(2):  # a job may run twice
        await notify(scene.desk, ids)
    async with scene.desk.sessions() as session:
        rows = await session.execute(select(Agent.name, Notification.reason).join(Agent))
        return {(name.split()[0], reason) for name, reason in rows.tuples()}


async def last_event(scene: Scene) -> int:
    async with scene.desk.sessions() as session:
        return await session.scalar(select(func.max(Event.id))) or 0


async def sent(desk: Desk) -> list[OutboundMessage]:
    """The letters that are due, taken out of the mailbox."""
    LoopbackChannel.sent.clear()
    async with desk.sessions() as session:
        ids = list(await session.scalars(select(Notification.id).where(Notification.mail_at.is_not(None))))
    for number in ids * 2:
        await send_letter(desk, "notification", number)
    return [letter for letters in LoopbackChannel.sent.values() for letter in letters]


async def test_who_is_responsible_hears_before_it_is_late_and_others_when_it_stays_late(scene: Scene) -> None:
    """The assignee, else the team; then whom the policy names, if they may see the ticket."""
    tess, liam = scene.agents["Tess"], scene.agents["Liam"]
    async with committed(scene.desk.sessions) as session:
        told = [{"after": 60, "agent": liam.id}, {"after": 90, "agent": tess.id}]
        await session.execute(update(Policy).values(escalations=told, warn_minutes=15))
    with moved(datetime(2031, 3, 3, 9, tzinfo=UTC) - now()):  # a Monday at ten
        mine = await scene.receives(mail("Mine"))
        await scene.does(mine, "assign", scene.agents["Ada"], by=liam)
        await scene.receives(mail("Nobody's", sender="ben@lumen.example"))
    steps: list[tuple[timedelta, set[tuple[str, Reason]]]] = [
        (timedelta(hours=3, minutes=44, seconds=55), set()),
        (timedelta(hours=3, minutes=45, seconds=5), {("Ada", Reason.due_soon), ("Liam", Reason.due_soon)}),
        (timedelta(hours=4, seconds=5), {("Ada", Reason.late), ("Liam", Reason.late)}),
        (timedelta(hours=6), {("Liam", Reason.late)}),
    ]
    for after, expected in steps:
        before = await last_event(scene)
        with moved(datetime(2031, 3, 3, 9, tzinfo=UTC) - now() + after):
            async with committed(scene.desk.sessions) as session:
                await due.record(session)
            async with committed(scene.desk.sessions) as session:
                await session.execute(delete(Notification))
            assert await heard(scene, since=before) == expected, after


async def test_the_right_people_hear_and_never_of_what_they_did_themselves(scene: Scene) -> None:
    ticket = await scene.receives(mail("My invoice is wrong"))
    assert await heard(scene) == set(), "nobody asked to hear of every new ticket"
    before = await last_event(scene)
    await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    await scene.does(ticket, "assign", scene.agents["Ada"], by=scene.agents["Ada"])
    assert await heard(scene, since=before) == {("Liam", Reason.assigned)}
    letters = await sent(scene.desk)
    assert [letter.to for letter in letters] == [("liam@desk.example",)], "once, whatever runs twice"
    text = letters[0].text
    assert "Ada Novak assigned this ticket to you" in text
    assert "/settings/me/notices" in text
    assert f"/tickets/{ticket.number}" in text
    assert letters[0].references
    assert letters[0].automatic


async def test_who_is_mentioned_follows_and_may_see_it(scene: Scene) -> None:
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Ticket, ticket.id)).team_id = scene.teams["Billing"].id
    await scene.does(
        ticket, "note", "@Tess Varga, and @liam: have a look", by=scene.agents["Ada"], client_id="1"
    )
    told = await heard(scene)
    assert {("Tess", Reason.mentioned), ("Liam", Reason.mentioned)} <= told
    async with scene.desk.sessions() as session:
        tess = await session.scalar(select(Agent).where(Agent.name == "Tess Varga").options(*with_access()))
        assert tess
        assert await session.scalar(access.visible_tickets(tess).where(Ticket.id == ticket.id))
    letters = {letter.to[0]: letter for letter in await sent(scene.desk)}
    assert "> @Tess Varga" in letters["tess@desk.example"].text


async def test_a_large_team_is_told_in_as_few_statements_as_a_small_one(scene: Scene) -> None:
    ticket = await scene.receives()
    team = [Agent(name=f"Colleague {n}", email=f"c{n}@desk.example", role=Role.agent) for n in range(12)]
    async with committed(scene.desk.sessions) as session:
        session.add_all(team)

    async def statements(agents: list[Agent]) -> int:
        seen: list[object] = []
        listen = (scene.desk.engine.sync_engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
        async with committed(scene.desk.sessions) as session:
            happened = await session.scalars(select(Event).where(Event.ticket_id == ticket.id).limit(1))
            what = happened.one()
            listened.listen(*listen)
            try:
                mails = await notifications.tell(session, what, [(each, Reason.assigned) for each in agents])
            finally:
                listened.remove(*listen)
        assert len(mails) == len(agents)
        return len(seen)

    assert await statements(team[:2]) == await statements(team[2:]) == 2
    async with scene.desk.sessions() as session:
        told = select(func.count(Notification.agent_id.distinct())).where(Notification.in_app)
        assert await session.scalar(told) == 12


async def test_what_was_read_or_is_not_wanted_is_not_mailed(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        liam = await session.get_one(Agent, scene.agents["Liam"].id)
        notifications.choose(liam, {Reason.assigned: {Way.app}})
    ticket = await scene.receives()
    await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    other = await scene.receives(mail(sender="nils@lumen.example"))
    before = await last_event(scene)
    await scene.does(ticket, "assign", None, by=scene.agents["Ada"])
    await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    await scene.does(other, "assign", scene.agents["Ada"], by=scene.agents["Liam"])
    assert await heard(scene, since=before) == {("Liam", Reason.assigned), ("Ada", Reason.assigned)}
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        assert await notifications.unread(session, ada) == 1
        assert await notifications.mark_read_with(session, ada, other.id) == 0
        assert await notifications.unread(session, ada) == 0
    assert await sent(scene.desk) == []


async def test_nobody_hears_of_a_ticket_that_is_not_theirs_to_see(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        tess = await session.get_one(Agent, scene.agents["Tess"].id)
        notifications.choose(tess, {Reason.team: {Way.app}})
    ticket = await scene.receives()
    await scene.does(ticket, "move", scene.teams["Technical"], by=scene.agents["Ada"])
    await scene.does(ticket, "move", scene.teams["Billing"], by=scene.agents["Ada"])
    assert ("Tess", Reason.team) not in await heard(scene), "it is in another team by now"


async def test_an_invitation_leaves_by_the_desks_mailbox_and_tries_again(scene: Scene) -> None:
    desk = scene.desk
    async with committed(desk.sessions) as session:
        made = await invitations.invite(
            session,
            desk.keys,
            email="noor@desk.example",
            name="Noor",
            role=Role.agent,
            team_ids=[],
            by=scene.agents["Ada"],
        )
    LoopbackChannel.sent.clear()
    for _ in range(2):
        await send_letter(desk, "invitation", made.id)
    (letter,) = LoopbackChannel.sent["support@desk.example"]
    assert letter.to == ("noor@desk.example",)
    assert made.token(desk.keys) in letter.text
    async with desk.sessions() as session:
        assert (await session.get_one(Invitation, made.id)).mailed_at
    with moved(invitations.INVITED_FOR + timedelta(minutes=1)):
        async with committed(desk.sessions) as session:
            (await session.get_one(Invitation, made.id)).mailed_at = None
        LoopbackChannel.sent.clear()
        await send_letter(desk, "invitation", made.id)
        assert not LoopbackChannel.sent, "nobody is sent a link that is worth nothing"


async def test_who_is_asked_to_read_an_article_hears_and_so_does_who_asked(scene: Scene) -> None:
    desk, since = scene.desk, await last_event(scene)
    LoopbackChannel.sent.clear()

    async def mailed() -> list[tuple[tuple[str, ...], str]]:
        await heard(scene, since=since)
        async with desk.sessions() as session:
            numbers = list(await session.scalars(select(ReviewMail.id).order_by(ReviewMail.id)))
        LoopbackChannel.sent.clear()
        for number in numbers * 2:
            await send_letter(desk, "article_review_mail", number)
        return [(one.to, one.text) for letters in LoopbackChannel.sent.values() for one in letters]

    async with committed(desk.sessions) as session:
        people = await session.scalars(select(Agent).options(*with_access()))
        by_name = {agent.name.split()[0]: agent for agent in people.unique()}
        ada, liam = by_name["Ada"], by_name["Liam"]
        article = await writing.write(session, "Returns", "Text.", by=liam)
        await reviews.ask(session, article, by=liam, reviewer=ada, question="Are 30 days right?")
    (asked,) = await mailed()
    assert asked[0] == (ada.email,)
    assert "Are 30 days right?" in asked[1]
    assert f"/knowledge/{article.slug}" in asked[1]
    async with committed(desk.sessions) as session:
        found = await session.get_one(Article, article.id)
        await reviews.decide(session, found, Decision.sent_back, by=ada, answer="No, 14.")
    (told,) = await mailed()
    assert told[0] == (liam.email,)
    assert "No, 14." in told[1]


def test_a_mention_is_the_longest_name_that_fits_and_only_one_persons() -> None:
    ann, anna, two, one = (
        Agent(id=n, name=name, email="")
        for n, name in enumerate(("Ann Lee", "Anna Lee", "Sam Ito", "Sam Roy"))
    )
    everybody = [ann, anna, two, one]
    assert mentioned("@Anna Lee, look", everybody) == [anna]
    assert mentioned("@ann and @Ann Lee", everybody) == [ann]
    assert mentioned("@sam?", everybody) == [], "two are called so"
    assert mentioned("@Sam Royal or a@Ann.example", everybody) == []


async def test_a_mention_shows_a_ticket_to_nobody_whom_its_author_could_not_give_it(scene: Scene) -> None:
    """Neither a light agent nor a program that may only write notes hands tickets to other teams."""
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        lou = Agent(name="Lou Kim", email="lou@desk.example", role=Role.light_agent)
        session.add(lou)
    await scene.does(ticket, "assign", lou, by=scene.agents["Ada"])
    await scene.does(ticket, "note", "@Tess and @Liam, look", by=lou)
    assert {("Liam", Reason.mentioned)} <= (told := await heard(scene)), "who sees it anyway is told"
    assert "Tess" not in {name for name, _reason in told}
    ada = scene.agents["Ada"]
    async with committed(scene.desk.sessions) as session:
        token, _secret = await tokens.issue(
            session,
            "Notes",
            agent=await session.get_one(Agent, ada.id),
            by=ada,
            scopes=["ticket:read", "ticket:note"],
        )
    ada.act_by(token.id, frozenset(token.scopes))
    await scene.does(ticket, "note", "@Tess, look", by=ada)
    assert "Tess" not in {name for name, _reason in await heard(scene)}
    async with scene.desk.sessions() as session:
        tess = await session.scalar(
            select(Agent).where(Agent.id == scene.agents["Tess"].id).options(*with_access())
        )
        assert tess
        assert not (await session.scalars(access.visible_tickets(tess))).all()


async def test_a_ticket_that_went_elsewhere_is_mailed_to_nobody_who_cannot_see_it(scene: Scene) -> None:
    ticket = await scene.receives(mail("The salary of Jonas", subject="Salaries"))
    ada, liam = scene.agents["Ada"], scene.agents["Liam"]
    await scene.does(ticket, "assign", liam, by=ada)
    assert ("Liam", Reason.assigned) in await heard(scene)
    await scene.does(ticket, "assign", None, by=ada)
    await scene.does(ticket, "move", scene.teams["Technical"], by=ada)
    assert await sent(scene.desk) == []
    await scene.does(ticket, "move", scene.teams["Billing"], by=ada)
    assert [letter.to for letter in await sent(scene.desk)] == [("liam@desk.example",)]


async def test_a_new_chat_that_nobody_has_is_told_to_its_team(scene: Scene) -> None:
    """Of mail the team hears only if it chose so; somebody in a chat sits and waits. Mentions come as they did."""
    chat = await chat_inbox(scene)
    async with scene.desk.sessions() as session:
        query = select(Inbox).where(Inbox.id == chat.id).options(joinedload(Inbox.team))
        chat = (await session.scalars(query)).one()
    await scene.receives(mail("A mail"))
    assert await heard(scene) == set()
    await scene.receives(mail("A chat", sender="ben@lumen.example"), inbox=chat)
    assert await heard(scene) == {("Ada", Reason.chat), ("Liam", Reason.chat)}
    async with scene.desk.sessions() as session:
        rows = await session.execute(select(Notification.in_app, Notification.mail_at))
        assert set(rows.tuples()) == {(False, None)}
