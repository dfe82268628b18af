"""What was read of a customer's message stands beside the ticket, and an agent's word counts in its place."""

from sqlalchemy import select

from ai.predictions import Classification, Kind
from ai.triage.doing import act
from ai.triage.policy import Policy, Rule
from ai.triage.rows import Correction, Deed, Mode
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.events import Kind as Happened
from helpdesk.messages import Message
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic, fill
from tests.scenes import Scene, mail
from tests.web.served import Console


async def topic(scene: Scene, name: str) -> Topic:
    async with committed(scene.desk.sessions) as session:
        made = Topic()
        await fill(session, made, by=DESK, name=name)
    return made


async def says(scene: Scene, ticket: Ticket, **labels: str | None) -> int:
    """As if the models had read the newest message so."""
    *_, message = await scene.messages(ticket)
    async with committed(scene.desk.sessions) as session:
        session.add_all(
            Classification(
                message_id=message.id,
                kind=Kind(kind),
                label=label,
                confidence=0.8,
                model="test",
                reasons=["a phrase <b>"],
            )
            for kind, label in labels.items()
        )
    return message.id


async def test_readings_stand_beside_the_ticket_and_are_corrected(console: Console) -> None:
    scene = console.scene
    refund, delivery = await topic(scene, "Refund"), await topic(scene, "Delivery")
    ticket = await scene.receives(mail("Where is it?"))
    message = await says(scene, ticket, topic=str(refund.id), sentiment="negative", urgency="soon")
    liam = await console.person("Liam")
    page = (await liam.look(f"/tickets/{ticket.number}")).text
    assert "As it was read" in page
    assert "80 % sure" in page
    path = f"/tickets/{ticket.number}/readings"
    answer = await liam.does(f"{path}/topic?message={message}", data={"label": str(delivery.id)})
    assert answer.status_code == 200, answer.text
    assert "Corrected" in answer.text
    async with scene.desk.sessions() as session:
        kept = (await session.scalars(select(Correction))).one()
        row = (await session.scalars(select(Classification).where(Classification.kind == Kind.topic))).one()
    assert (kept.was, kept.now, kept.confidence) == (str(refund.id), str(delivery.id), 0.8)
    assert (row.label, row.model, row.confidence) == (str(delivery.id), "agent", 1.0)
    assert (await scene.ticket(ticket.id)).topic_id == delivery.id
    assert Happened.reading_corrected in await scene.kinds(ticket)
    why = (await liam.look(path)).text
    assert "corrected by a colleague" in why
    assert "a phrase &lt;b&gt;" in why
    ada = await console.person("Ada")
    assert "corrected" in (await ada.look("/settings/triage/readers/topic")).text
    assert "Unhappy" in (await ada.look("/settings/triage/readers/sentiment")).text
    assert "Delivery" in (await ada.look("/settings/triage")).text
    await liam.does(f"{path}/topic?message={message}", data={"label": ""})
    assert (await scene.ticket(ticket.id)).topic_id is None


async def test_what_cannot_be_corrected(console: Console) -> None:
    """A label that does not exist, another ticket's message, our own reply, a ticket of another team."""
    scene = console.scene
    ticket, other = await scene.receives(), await scene.receives(mail("Else", sender="x@else.example"))
    message, elsewhere = await says(scene, ticket, sentiment="negative"), await says(scene, other, topic=None)
    reply = await scene.replies(ticket)
    liam, tess = await console.person("Liam"), await console.person("Tess")
    path = f"/tickets/{ticket.number}/readings"
    for where, label, status in (
        (f"{path}/sentiment?message={message}", "furious", 400),
        (f"{path}/topic?message={message}", "999999", 400),
        (f"{path}/moon?message={message}", "negative", 404),
        (f"{path}/sentiment?message={elsewhere}", "neutral", 404),
        (f"{path}/sentiment?message={reply.id}", "neutral", 400),
        (f"{path}/sentiment?message={10**30}", "neutral", 404),
    ):
        assert (await liam.does(where, data={"label": label})).status_code == status, where
    answer = await tess.does(f"{path}/sentiment?message={message}", data={"label": "neutral"})
    assert answer.status_code == 404


async def test_what_triage_did_by_itself_is_told_and_taken_back(console: Console) -> None:
    scene = console.scene
    ticket = await scene.receives(mail("The API answers 500"))
    technical = scene.teams["Technical"]
    message_id = await says(scene, ticket, team=str(technical.id))
    rules = Policy({(Kind.team, None): Rule(Mode.do, 0.7)})
    for _again in range(2):  # a second time changes nothing
        async with committed(scene.desk.sessions) as session:
            message = await session.get_one(Message, message_id)
            message.ticket = await scene.ticket(ticket.id, session)
            rows = (await session.scalars(select(Classification))).all()
            await act(session, [message], rows, rules)
    assert (await scene.ticket(ticket.id)).team_id == technical.id
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "The assistant moved the ticket to Technical" in page
    story = (await ada.look(f"/tickets/{ticket.number}/readings")).text
    assert "Moved to Technical" in story
    async with scene.desk.sessions() as session:
        deed = (await session.scalars(select(Deed))).one()
    taken = await ada.does(f"/tickets/{ticket.number}/readings/deeds/{deed.id}", "DELETE")
    assert taken.status_code == 200, taken.text
    assert (await scene.ticket(ticket.id)).team_id == scene.teams["Billing"].id
    assert "took back what the assistant had done" in (await ada.look(f"/tickets/{ticket.number}")).text
    again = await ada.does(f"/tickets/{ticket.number}/readings/deeds/{deed.id}", "DELETE")
    assert again.status_code == 409
