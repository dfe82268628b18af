"""Each message of a customer gets its row per kind, in batches, and the ticket follows the newest."""

from sqlalchemy import select

from ai.embedding import OnnxEmbedder
from ai.predictions import Classification, Kind
from ai.triage.reading import suggested_team, triage
from helpdesk.database import committed
from helpdesk.events import Kind as EventKind
from helpdesk.people import Team, known_as
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail


async def read(scene: Scene, model: OnnxEmbedder, *tickets: Ticket) -> dict[tuple[int, Kind], Classification]:
    ids = [message.id for ticket in tickets for message in await scene.messages(ticket)]
    async with committed(scene.desk.sessions) as session:
        rows = await triage(session, model, ids)
    return {(row.message_id, row.kind): row for row in rows}


async def test_a_batch_of_messages_is_read(scene: Scene, model: OnnxEmbedder) -> None:
    angry = await scene.receives(mail("You charged me twice, this is outrageous! I want my money back now!"))
    german = await scene.receives(
        mail("Die Schnittstelle meldet seit heute Fehler 500.", sender="u@x.example")
    )
    rows = await read(scene, model, angry, german)
    assert len(rows) == 2 * len(Kind)
    angry, german = await scene.ticket(angry.id), await scene.ticket(german.id)
    assert (angry.sentiment, angry.language) == ("very_negative", "en")
    assert german.language == "de"
    assert EventKind.triaged in await scene.kinds(angry)


async def test_the_team_is_suggested_from_descriptions_alone(scene: Scene, model: OnnxEmbedder) -> None:
    async with committed(scene.desk.sessions) as session:
        for name, examples in {
            "Billing": ["I was charged twice", "please send the invoice", "my card was declined"],
            "Technical": [
                "the webhook returns an error",
                "the API answers 500",
                "the integration stopped syncing",
            ],
        }.items():
            team = (await session.scalars(select(Team).where(Team.name == name))).one()
            team.examples = examples
    ticket = await scene.receives(mail("Your API returns status 500 for every call.", subject="API error"))
    rows = await read(scene, model, ticket)
    (message,) = await scene.messages(ticket)
    async with scene.desk.sessions() as session:
        proposed = await suggested_team(session, message.id)
    assert proposed is not None
    assert proposed.name == "Technical"
    assert rows[message.id, Kind.team].reasons == ["the API answers 500"]
    assert (await scene.ticket(ticket.id)).team_id == ticket.team_id  # proposed, not done


async def test_reading_again_replaces(scene: Scene, model: OnnxEmbedder) -> None:
    ticket = await scene.receives(mail("Where can I find my invoice, please?"))
    await read(scene, model, ticket)
    await read(scene, model, ticket)
    async with scene.desk.sessions() as session:
        kept = (await session.scalars(select(Classification))).all()
    assert sorted(row.kind for row in kept) == sorted(Kind)


async def test_our_own_messages_are_not_read(scene: Scene, model: OnnxEmbedder) -> None:
    ticket = await scene.receives(mail("Where can I find my invoice, please?"))
    reply = await scene.replies(ticket)
    async with committed(scene.desk.sessions) as session:
        assert await triage(session, model, [reply.id]) == []


async def test_an_old_message_read_late_does_not_change_the_ticket(scene: Scene, model: OnnxEmbedder) -> None:
    ticket = await scene.receives(mail("This is a scandal, I am furious, you are useless!"))
    (first,) = await scene.messages(ticket)
    async with committed(scene.desk.sessions) as session:
        loaded = await scene.ticket(ticket.id, session)
        loaded.sentiment = "positive"
        newer = mail("Thanks, all good now.")
        loaded.receive(newer, await known_as(session, newer.sender), inbox=scene.inbox)
    async with committed(scene.desk.sessions) as session:
        await triage(session, model, [first.id])
    assert (await scene.ticket(ticket.id)).sentiment == "positive"
