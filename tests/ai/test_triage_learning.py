"""What people decide is learned at night, by numbers on messages that were held back; corrections count at once."""

import csv
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ai.embedding import OnnxEmbedder
from ai.evaluation.mined import evaluate_topics
from ai.predictions import Classification, Kind
from ai.triage import readers, reading
from ai.triage.correcting import correct
from ai.triage.nightly import is_held_back, learn
from ai.triage.packing import packed, unpacked
from ai.triage.policy import Rule, allow, policy
from ai.triage.promotion import go_back
from ai.triage.reading import triage
from ai.triage.rows import Deed, Learned, Mode
from helpdesk.database import committed
from helpdesk.errors import Invalid
from helpdesk.events import DESK
from helpdesk.messages import Message
from helpdesk.people import Team
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic, fill
from tests.conftest import CORPORA, missing
from tests.scenes import Scene, mail

pytestmark = pytest.mark.models
TOPICS = {"cancel_transfer": "Transfers", "card_swallowed": "Machines", "edit_personal_details": "My details"}


def letters(each: int) -> list[tuple[str, str]]:
    path: Path = CORPORA / "ai/banking77/train.csv"
    if not path.exists():
        missing("Banking77")
    with path.open(newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return [
        (text, name)
        for group in zip(*([t for t in rows if t[1] == name][:each] for name in TOPICS), strict=True)
        for text, name in group
    ]


async def topics(scene: Scene) -> dict[str, str]:
    async with committed(scene.desk.sessions) as session:
        made = {name: Topic() for name in TOPICS}
        for name, topic in made.items():
            await fill(session, topic, by=DESK, name=TOPICS[name])
    return {name: str(topic.id) for name, topic in made.items()}


async def says(scene: Scene, ticket: Ticket, kind: Kind, label: str | None) -> None:
    async with committed(scene.desk.sessions) as session:
        loaded = await scene.ticket(ticket.id, session)
        message = (await session.scalars(select(Message).where(Message.ticket_id == ticket.id))).one()
        await correct(session, loaded, message, kind, label, by=scene.agents["Ada"])


async def read(scene: Scene, model: OnnxEmbedder, ticket: Ticket) -> dict[Kind, Classification]:
    ids = [message.id for message in await scene.messages(ticket)]
    async with committed(scene.desk.sessions) as session:
        rows = await triage(session, model, ids)
    return {row.kind: row for row in rows}


async def test_a_night_makes_a_better_reader_and_a_second_does_not(scene: Scene, model: OnnxEmbedder) -> None:
    ids = await topics(scene)
    async with scene.desk.sessions() as session:
        with pytest.raises(Invalid, match="Only 0 messages have a topic"):
            await evaluate_topics(session, model)
    for n, (text, name) in enumerate(letters(30)):
        ticket = await scene.receives(mail(text, subject="", sender=f"c{n}@x.example"))
        await says(scene, ticket, Kind.topic, ids[name] if n % 15 else None)
    async with scene.desk.sessions() as session:
        mined = await evaluate_topics(session, model)
    assert (mined["topics"], mined["messages"], mined["accuracy"]["n"]) == (3, 90, 84)
    assert mined["accuracy"]["value"] >= 0.8
    assert mined["unknown_told"]["n"] == 6
    async with committed(scene.desk.sessions) as session:
        first = await learn(session, model, Kind.topic)
    assert first is not None
    assert first.active
    assert first.measured["ours"]["net"] > first.measured["theirs"]["net"]
    assert not any(is_held_back(number) for number, _ in first.shape["messages"])
    async with committed(scene.desk.sessions) as session:
        second = await learn(session, model, Kind.topic)
    assert second is not None
    assert (second.active, second.weights) == (False, b"")  # no better, kept as a record only
    fresh = await scene.receives(mail("the cash machine kept my card", subject="", sender="n@x.example"))
    rows = await read(scene, model, fresh)
    assert rows[Kind.topic].label == ids["card_swallowed"]
    assert rows[Kind.topic].model.startswith(f"desk-{first.id}/")
    assert (await scene.ticket(fresh.id)).topic_id == int(ids["card_swallowed"])
    await forget_texts(scene)
    again = await read(scene, model, fresh)  # what was erased is nobody's example any more
    assert isinstance(again[Kind.topic].reasons[0], str)
    async with committed(scene.desk.sessions) as session:
        await go_back(session, await session.get_one(Learned, first.id), by=scene.agents["Ada"])
    rows = await read(scene, model, fresh)
    assert rows[Kind.topic].model.startswith("fewshot/")


async def forget_texts(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        newest = select(Message.id).order_by(Message.id.desc()).limit(1).scalar_subquery()
        await session.execute(update(Message).where(Message.id < newest).values(text=""))
    readers.forget()


async def test_a_correction_counts_at_once_and_stays(scene: Scene, model: OnnxEmbedder) -> None:
    """For the same message for good, for the next like it at once; in moods, too."""
    ids = await topics(scene)
    ticket = await scene.receives(mail("The spinning drum howls.", subject="Washer"))
    await read(scene, model, ticket)
    await says(scene, ticket, Kind.topic, ids["card_swallowed"])
    await says(scene, ticket, Kind.sentiment, "very_negative")
    rows = await read(scene, model, ticket)
    assert Kind.topic not in rows  # a model never argues with a person
    again = await scene.receives(mail("The spinning drum howls!", subject="Washer", sender="j@x.example"))
    rows = await read(scene, model, again)
    assert rows[Kind.topic].label == ids["card_swallowed"]
    assert rows[Kind.sentiment].label == "very_negative"
    (message,) = await scene.messages(ticket)
    assert rows[Kind.topic].reasons == [{"message": message.id}]  # never another customer's words
    await says(scene, ticket, Kind.topic, None)
    third = await scene.receives(mail("The spinning drum howls!!", subject="Washer", sender="k@x.example"))
    assert (await read(scene, model, third))[Kind.topic].label is None


async def test_a_correction_that_comes_while_a_model_reads_stays(
    scene: Scene, model: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await topics(scene)
    ticket = await scene.receives(mail("The spinning drum howls.", subject="Washer"))
    await read(scene, model, ticket)
    await says(scene, ticket, Kind.topic, ids["card_swallowed"])

    async def none_yet(_session: object, _ids: object) -> set[tuple[int, Kind]]:
        return set()

    monkeypatch.setattr(reading, "_corrected", none_yet)
    assert Kind.topic not in await read(scene, model, ticket)
    async with scene.desk.sessions() as session:
        row = (await session.scalars(select(Classification).where(Classification.kind == Kind.topic))).one()
        assert (row.model, row.label) == ("agent", ids["card_swallowed"])
    assert str((await scene.ticket(ticket.id)).topic_id) == ids["card_swallowed"]


async def test_only_what_is_allowed_is_done(scene: Scene, model: OnnxEmbedder) -> None:
    """The team moves where it may, once; off reads nothing; what a person did is left alone."""
    async with committed(scene.desk.sessions) as session:
        await allow(session, Kind.team, None, Rule(Mode.do, 0.5), by=DESK)
        await allow(session, Kind.urgency, None, Rule(Mode.off, 0.9), by=DESK)
        technical = (await session.scalars(select(Team).where(Team.name == "Technical"))).one()
        technical.examples = ["the API answers 500", "an error in the integration"]
        billing = (await session.scalars(select(Team).where(Team.name == "Billing"))).one()
        billing.examples = ["I was charged twice", "please send the invoice"]
    ticket = await scene.receives(mail("The API answers 500 to every call.", subject="API error"))
    rows = await read(scene, model, ticket)
    assert Kind.urgency not in rows
    assert (await scene.ticket(ticket.id)).team_id == technical.id
    async with committed(scene.desk.sessions) as session:
        deed = (await session.scalars(select(Deed))).one()
        loaded = await scene.ticket(ticket.id, session)
        loaded.move(billing, by=scene.agents["Ada"])
    assert deed.label == str(technical.id)
    await read(scene, model, ticket)
    assert (await scene.ticket(ticket.id)).team_id == billing.id
    async with scene.desk.sessions() as session:
        assert (await policy(session)).of(Kind.urgency, billing.id).mode is Mode.off


def test_weights_are_floats_and_nothing_else(model: OnnxEmbedder) -> None:
    from ai.fewshot import FewShot

    texts = ["where is my parcel", "when does it arrive", "the bill is wrong", "charged twice"]
    vectors = model.embed_now(texts)
    learned = FewShot.learn(texts, ["a", "a", "b", "b"], vectors)
    data = packed(learned.weights, vectors)
    weights, kept = unpacked(data)
    assert (weights.matrix == learned.weights.matrix).all()
    assert abs(kept - vectors).max() < 1e-3
    with pytest.raises(ValueError, match="allow_pickle"):
        unpacked(data_with_an_object())


def data_with_an_object() -> bytes:
    from io import BytesIO

    import numpy as np

    out = BytesIO()
    np.savez(out, **{name: np.array([{}], object) for name in ("matrix", "bias", "sure", "vectors")})  # type: ignore[arg-type]
    return out.getvalue()
