"""Customers are asked once for a ticket, and only where that makes sense; what they answer is theirs to change."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from helpdesk import clock, contact_merges, erasing, retention, satisfaction
from helpdesk.database import committed
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.people import Contact, ContactIdentity
from helpdesk.persons import PARTS
from helpdesk.satisfaction import Rating, WhyNot, arranging
from helpdesk.satisfaction.answering import BadScore, Over, TooLong
from helpdesk.tickets import Removal
from tests.helpdesk.surveys import answers, asked_about, asks, asks_by_itself, resolved, sweep, token
from tests.scenes import Scene, mail


class TestAsking:
    async def test_the_customer_is_asked_once_with_who_helped_at_that_time(self, scene: Scene):
        ticket = await resolved(scene)
        asked = await asks(scene, ticket)
        assert asked
        again = await asks(scene, ticket)
        assert again.why_not is WhyNot.asked
        rating = await asked_about(scene, ticket)
        assert rating
        assert (rating.assignee_id, rating.team_id) == (scene.agents["Ada"].id, scene.teams["Billing"].id)
        question = (await scene.messages(ticket))[-1]
        assert question.id == rating.message_id
        assert question.automatic
        assert f"#{ticket.number}" in question.text
        assert "http" not in question.text
        assert (await scene.ticket(ticket.id)).is_settled

    async def test_many_who_ask_at_once_ask_once(self, scene: Scene):
        ticket = await resolved(scene)
        found = await asyncio.gather(*(asks(scene, ticket) for _ in range(8)))
        assert sum(map(bool, found)) == 1
        assert [m.automatic for m in await scene.messages(ticket)].count(True) == 1

    async def test_two_tickets_of_one_person_at_once_are_one_question(self, scene: Scene):
        tickets = [await resolved(scene), await resolved(scene)]
        found = await asyncio.gather(*(asks(scene, ticket) for ticket in tickets))
        assert sorted((each.why_not for each in found), key=str) == [None, WhyNot.recently]

    async def test_it_says_why_not(self, scene: Scene):
        unanswered = await scene.receives(mail(sender="a@lumen.example"))
        assert (await asks(scene, unanswered)).why_not is WhyNot.unanswered
        spam = await resolved(scene, "b@lumen.example")
        await scene.does(spam, "remove", Removal.spam, by=scene.agents["Ada"])
        assert (await asks(scene, spam)).why_not is WhyNot.removed
        blocked = await resolved(scene, "c@lumen.example")
        nowhere = await resolved(scene, "d@lumen.example")
        async with committed(scene.desk.sessions) as session:
            (await session.get_one(Contact, blocked.contact_id)).blocked_at = clock.now()
            for identity in await session.scalars(
                select(ContactIdentity).where(ContactIdentity.contact_id == nowhere.contact_id)
            ):
                await session.delete(identity)
        assert (await asks(scene, blocked)).why_not is WhyNot.blocked
        assert (await asks(scene, nowhere)).why_not is WhyNot.no_address
        declined = await resolved(scene, "e@lumen.example")
        async with committed(scene.desk.sessions) as session:
            session.add(satisfaction.RatingRefusal(contact_id=declined.contact_id))
        assert (await asks(scene, declined)).why_not is WhyNot.declined
        for ticket in (unanswered, spam, blocked, nowhere, declined):
            assert not [m for m in await scene.messages(ticket) if m.automatic]
            rating = await asked_about(scene, ticket)
            assert rating is not None
            assert rating.asked_at is None
            assert rating.why_not

    async def test_what_stood_in_the_way_once_does_not_for_ever(self, scene: Scene):
        ticket = await scene.receives()
        assert (await asks(scene, ticket)).why_not is WhyNot.unanswered
        await scene.replies(ticket)
        await scene.does(ticket, "resolve", by=scene.agents["Ada"])
        assert await asks(scene, ticket)

    async def test_an_inbox_has_words_of_its_own(self, scene: Scene):
        await asks_by_itself(
            scene, words="{{contact.name}}: {{ticket.subject}}{{company.name}}, {{agent.first_name}}"
        )
        ticket = await resolved(scene)
        await asks(scene, ticket)
        assert (await scene.messages(ticket))[-1].text == "Marta: A question, Ada"

    async def test_what_a_customer_is_called_is_never_read_for_braces(self, scene: Scene):
        await asks_by_itself(scene, words="Hello {{contact.name}}")
        ticket = await scene.receives(mail(name="{{ticket.subject}}"))
        await scene.replies(ticket)
        await asks(scene, ticket)
        assert (await scene.messages(ticket))[-1].text == "Hello {{ticket.subject}}"


class TestByItself:
    async def test_after_so_long_and_not_before(self, scene: Scene):
        await asks_by_itself(scene, wait_minutes=60)
        ticket = await resolved(scene)
        assert await sweep(scene) == 0
        with clock.moved(timedelta(minutes=59)):
            assert await sweep(scene) == 0
        with clock.moved(timedelta(minutes=61)):
            assert await sweep(scene) == 1
            assert await sweep(scene) == 0
        rating = await asked_about(scene, ticket)
        assert rating
        assert rating.asked_at

    async def test_nobody_is_asked_where_it_is_off_or_was_when_the_ticket_was_resolved(self, scene: Scene):
        await resolved(scene)
        with clock.moved(timedelta(minutes=90)):
            assert await sweep(scene) == 0
            await asks_by_itself(scene)
            assert await sweep(scene) == 0

    async def test_a_ticket_that_was_opened_again_is_asked_about_when_it_is_resolved_for_good(
        self, scene: Scene
    ):
        await asks_by_itself(scene)
        ticket = await resolved(scene)
        await scene.does(ticket, "reopen", by=scene.agents["Ada"])
        with clock.moved(timedelta(minutes=61)):
            assert await sweep(scene) == 0
            await scene.does(ticket, "resolve", by=scene.agents["Ada"])
        with clock.moved(timedelta(minutes=123)):
            assert await sweep(scene) == 1
        assert (await asked_about(scene, ticket)).asked_at  # type: ignore[union-attr]

    async def test_a_desk_that_was_off_for_long_does_not_ask_about_last_week(self, scene: Scene):
        await asks_by_itself(scene)
        await resolved(scene)
        with clock.moved(timedelta(days=5)):
            assert await sweep(scene) == 0

    async def test_what_was_decided_against_is_not_decided_again_and_again(self, scene: Scene):
        await asks_by_itself(scene, wait_minutes=0)
        for _ in range(2):
            await resolved(scene)
        assert await sweep(scene) == 2
        assert await sweep(scene) == 0

    async def test_many_at_once_ask_each_once(self, scene: Scene):
        await asks_by_itself(scene, wait_minutes=0)
        tickets = [await resolved(scene, f"p{n}@lumen.example") for n in range(6)]
        found = await asyncio.gather(*(sweep(scene) for _ in range(4)))
        assert sum(found) == 6
        for ticket in tickets:
            assert [m.automatic for m in await scene.messages(ticket)].count(True) == 1


class TestAnswering:
    async def test_it_can_be_changed_and_a_comment_added_and_events_hold_no_word_of_it(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        given = await token(scene, ticket)
        await answers(scene, given, 2)
        await answers(scene, given, 2)
        await answers(scene, given, 5, "Sorry, I meant the other one.")
        rating = await answers(scene, given, 5)
        assert (rating.score, rating.comment) == (5, "Sorry, I meant the other one.")
        async with scene.desk.sessions() as session:
            told = (
                await session.execute(select(Event.data, Event.actor_id).where(Event.kind == Kind.rated))
            ).all()
        assert [(row.data["was"], row.data["now"]) for row in told] == [(None, 2), (2, 5)]
        assert {row.actor_id for row in told} == {ticket.contact_id}
        assert "Sorry" not in str(told)

    async def test_answers_are_open_for_a_while(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        given = await token(scene, ticket)
        with clock.moved(timedelta(days=59)):
            await answers(scene, given, 4)
        with clock.moved(timedelta(days=72)):
            await answers(scene, given, 3)
        with clock.moved(timedelta(days=74)), pytest.raises(Over):
            await answers(scene, given, 1)
        late = await resolved(scene, "late@lumen.example")
        await asks(scene, late)
        late_token = await token(scene, late)
        with clock.moved(timedelta(days=61)), pytest.raises(Over):
            await answers(scene, late_token, 1)

    @pytest.mark.parametrize("score", [0, 6, -1, 10**30, True, 4.5, "4", None])
    async def test_a_score_is_one_of_the_scale(self, scene: Scene, score: Any):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        with pytest.raises(BadScore):
            await answers(scene, await token(scene, ticket), score)

    async def test_hostile_tokens_are_nothing(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        good = await token(scene, ticket)
        swapped = good[:-1] + ("A" if good[-1] != "A" else "B")
        other = "x" + good[1:]
        hostile = ["", "x", good[:20], good + "A", swapped, other, good[:16] + "A" * 22, "\x00" * 38]
        hostile += [
            "é" * 40,
            "../" * 12,
            "%00",
            good.upper(),
            good.lower(),
            "1" * 5000,
            "'; DROP TABLE rating; --",
        ]
        async with scene.desk.sessions() as session:
            for each in hostile:
                with pytest.raises(NotFound):
                    await satisfaction.found(session, scene.desk.keys, each)
            assert (await satisfaction.found(session, scene.desk.keys, good)).ticket.id == ticket.id

    async def test_long_and_unstorable_comments(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        given = await token(scene, ticket)
        with pytest.raises(TooLong):
            await answers(scene, given, 4, "x" * 4001)
        rating = await answers(scene, given, 4, "nul \x00 and \ud800 and \r\n two lines  ")
        assert rating.comment == "nul  and ? and \n two lines"

    async def test_another_channel_can_bring_a_rating_unasked_and_once(self, scene: Scene):
        ticket = await resolved(scene)
        for score in (3, 4):
            async with committed(scene.desk.sessions) as session:
                row = await scene.ticket(ticket.id, session)
                await satisfaction.take(session, row, score, by=scene.agents["Ada"], channel="chat")
        rating = await asked_about(scene, ticket)
        assert rating
        assert (rating.score, rating.channel, rating.asked_at) == (4, "chat", None)
        assert (await asks(scene, ticket)).why_not is WhyNot.asked

    async def test_who_declines_is_not_asked_until_they_want_to_be(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        for _ in range(2):
            async with committed(scene.desk.sessions) as session:
                asked = await satisfaction.found(session, scene.desk.keys, await token(scene, ticket))
                await satisfaction.decline(session, asked)
        second = await resolved(scene)
        with clock.moved(timedelta(days=30)):
            assert (await asks(scene, second)).why_not is WhyNot.declined
            async with committed(scene.desk.sessions) as session:
                contact = await session.get_one(Contact, ticket.contact_id)
                await satisfaction.welcome(session, contact, by=scene.agents["Ada"])
            assert await asks(scene, second)


class TestErasing:
    async def test_a_person_who_is_erased_leaves_a_number_and_no_word(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        given = await token(scene, ticket)
        await answers(scene, given, 1, "Call me at 0171 2345, Marta Lumen")
        async with committed(scene.desk.sessions) as session:
            copied = await session.execute(text(PARTS["ratings"]), {"id": ticket.contact_id})
            assert "0171" in str(copied.all())
            contact = await session.get_one(Contact, ticket.contact_id)
            await retention.erase(session, scene.desk, contact, by=scene.agents["Ada"])
        rating = await asked_about(scene, ticket)
        assert rating
        assert (rating.score, rating.comment, rating.contact_id) == (1, "", None)
        with pytest.raises(Over):
            await answers(scene, given, 2, "Me again")

    async def test_a_deleted_ticket_takes_its_rating_along(self, scene: Scene):
        ticket = await resolved(scene)
        await asks(scene, ticket)
        async with committed(scene.desk.sessions) as session:
            await erasing.delete_tickets(session, [ticket.id])
        async with scene.desk.sessions() as session:
            assert await session.scalar(select(func.count()).select_from(Rating)) == 0

    async def test_merged_contacts_share_their_ratings_until_that_is_undone(self, scene: Scene):
        one, other = await resolved(scene), await resolved(scene, "m.lumen@lumen.example")
        await asks(scene, other)
        async with committed(scene.desk.sessions) as session:
            winner = await session.get_one(Contact, one.contact_id)
            loser = await session.get_one(Contact, other.contact_id)
            merge = await contact_merges.merge(session, winner, loser, by=scene.agents["Ada"])
        assert (await asked_about(scene, other)).contact_id == one.contact_id  # type: ignore[union-attr]
        assert (await asks(scene, one)).why_not is WhyNot.recently
        async with committed(scene.desk.sessions) as session:
            merge = await session.get_one(contact_merges.ContactMerge, merge.id)
            await contact_merges.unmerge(session, merge, by=scene.agents["Ada"])
        assert (await asked_about(scene, other)).contact_id == other.contact_id  # type: ignore[union-attr]


async def test_changing_what_is_asked_is_checked(scene: Scene):
    for given, why in (
        ({"wait_minutes": -1}, arranging.BadWait),
        ({"wait_minutes": 10**12}, arranging.BadWait),
        ({"quiet_days": 731}, arranging.BadNumber),
        ({"words": "x" * 2001}, arranging.TooLong),
        ({"words": "{{ticket.secret}}"}, Exception),
        ({"words": "{{contact.name"}, Exception),
    ):
        with pytest.raises(why):
            await asks_by_itself(scene, **given)
