"""Which model serves what, what it may cost, and what is on record afterwards."""

from decimal import Decimal

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ai.providers import (
    SCRIPTS,
    BudgetReached,
    Connection,
    Kind,
    Purpose,
    ScriptedModel,
    Served,
    language_model,
)
from ai.providers.calls import Call, State, forget
from ai.writing import ModelFailed, decided, written
from helpdesk import erasing, fields
from helpdesk.database import committed
from helpdesk.fields import Subject
from helpdesk.participants import Part, Participant
from helpdesk.people import Contact
from helpdesk.ports import Prompt
from tests.scenes import Scene, mail

PROMPT = Prompt(system="You answer.", user="Where is my parcel?", max_tokens=100)


async def connected(scene: Scene, *answers: str | Exception, **given: object) -> ScriptedModel:
    model = SCRIPTS["test"] = ScriptedModel(answers)
    async with committed(scene.desk.sessions) as session:
        made = Connection(name="Scripted", kind=Kind.scripted, model="test", **given)
        session.add(made)
        await session.flush()
        session.add(Served(purpose=Purpose.draft, connection_id=made.id))
    return model


async def calls(scene: Scene) -> list[Call]:
    async with scene.desk.sessions() as session:
        query = select(Call).order_by(Call.id).options(joinedload(Call.record))
        return list(await session.scalars(query))


async def asked(scene: Scene, prompt: Prompt = PROMPT) -> str | None:
    async with scene.desk.sessions() as session:
        model = await language_model(session, scene.desk.settings, Purpose.draft)
    return await written(model, prompt) if model else None


async def test_without_a_choice_there_is_no_model(scene: Scene):
    assert await asked(scene) is None


async def test_the_chosen_connection_answers_and_is_on_record(scene: Scene):
    await connected(scene, "It left on Monday.", input_price=Decimal(1), output_price=Decimal(4))
    assert await asked(scene) == "It left on Monday."
    (call,) = await calls(scene)
    assert (call.purpose, call.state, call.left) == (Purpose.draft, State.answered, True)
    assert call.cost == (call.tokens_in + 4 * call.tokens_out) / Decimal(1_000_000)
    assert call.record
    assert (call.record.prompt, call.record.answer) == (PROMPT.user, "It left on Monday.")


async def test_a_paused_connection_serves_nothing(scene: Scene):
    await connected(scene, "Hello.", active=False)
    assert await asked(scene) is None


async def test_when_the_budget_is_used_up_the_purpose_has_no_model(scene: Scene):
    await connected(scene, "word " * 100, daily_tokens=130)
    async with scene.desk.sessions() as session:
        model = await language_model(session, scene.desk.settings, Purpose.draft)
    assert model
    await written(model, PROMPT)
    with pytest.raises(BudgetReached):
        await written(model, PROMPT)  # one that was given before is refused, too
    assert await asked(scene) is None
    assert len(await calls(scene)) == 1


async def test_what_a_model_can_not_hold_is_not_sent(scene: Scene):
    model = await connected(scene, "Yes.", context=512)
    with pytest.raises(ModelFailed, match="can hold"):
        await asked(scene, Prompt(system="", user="word " * 400, max_tokens=100))
    assert model.prompts == []


async def test_a_failure_is_on_record_in_words(scene: Scene):
    await connected(scene, TimeoutError("slow"), "Better.")
    with pytest.raises(ModelFailed, match="too long"):
        await asked(scene)
    assert await asked(scene) == "Better."
    failed, answered = await calls(scene)
    assert (failed.state, failed.trouble) == (State.failed, "The language model took too long.")
    assert answered.state is State.answered


async def test_masked_on_the_way_out_and_whole_on_the_way_back(scene: Scene):
    model = await connected(scene, "Mail [EMAIL_1] about [CARD_1].", "[EMAIL_7] stays")
    said = "ada@example.com paid with 4111 1111 1111 1111"
    assert (
        await asked(scene, Prompt(system="", user=said)) == "Mail ada@example.com about 4111 1111 1111 1111."
    )
    assert model.prompts[0].user == "[EMAIL_1] paid with [CARD_1]"
    (call,) = await calls(scene)
    assert call.record
    assert call.record.answer == "Mail [EMAIL_1] about [CARD_1]."
    assert call.masked == {"email": 1, "card": 1}
    assert await asked(scene) == "[EMAIL_7] stays"


async def test_a_decision_gets_its_values_back_as_json(scene: Scene):
    class Found(msgspec.Struct):
        words: str

    await connected(scene, '{"words": "[PASSWORD_1]"}')
    async with scene.desk.sessions() as session:
        model = await language_model(session, scene.desk.settings, Purpose.draft)
    assert model
    prompt = Prompt(system="", user='my password: a"b\\c7')
    assert (await decided(model, prompt, Found)).words == 'a"b\\c7'


async def test_the_name_of_the_customer_does_not_leave(scene: Scene):
    model = await connected(scene, "Hello [NAME_1]!")
    ticket = await scene.receives(
        mail("Where is it? Yours, Mina Lang", sender="mina@example.com", name="Mina Lang")
    )
    async with scene.desk.sessions() as session:
        found = await language_model(session, scene.desk.settings, Purpose.draft, ticket_id=ticket.id)
    assert found
    assert await written(found, Prompt(system="", user="Yours, Mina Lang")) == "Hello Mina Lang!"
    assert model.prompts[0].user == "Yours, [NAME_1]"


async def test_other_peoples_names_and_chosen_fields_do_not_leave_either(scene: Scene):
    hidden = ["contact.birthday", "ticket.seat"]
    model = await connected(scene, "Ask [NAME_2] about [FIELD_1].", mask_fields=hidden)
    ticket = await scene.receives(mail("Hello", sender="mina@example.com", name="Mina Lang"))
    other = await scene.receives(mail("Hello", sender="otto@example.com", name="Otto Kern"))
    await scene.replies(ticket, "Hello Mina, Ada here.")
    async with committed(scene.desk.sessions) as session:
        for subject, name in (
            (Subject.contact, "Birthday"),
            (Subject.ticket, "Seat"),
            (Subject.ticket, "Row"),
        ):
            await fields.add(session, subject, fields.Description(name=name), by=scene.agents["Ada"])
        loaded = await scene.ticket(ticket.id, session)
        loaded.fields = {"seat": "A 17", "row": "Row 9"}
        customer = await session.get_one(Contact, ticket.contact_id)
        customer.fields = {"birthday": "1 May 1970"}
        session.add(Participant(ticket_id=ticket.id, contact_id=other.contact_id, part=Part.copy))
    async with scene.desk.sessions() as session:
        found = await language_model(session, scene.desk.settings, Purpose.draft, ticket_id=ticket.id)
    assert found
    said = "Mina was born on 1 May 1970, Otto Kern sits in a  17, row 9. Ada knows."
    assert await written(found, Prompt(system="", user=said)) == "Ask Otto Kern about 1 May 1970."
    sent = "[NAME_1] was born on [FIELD_1], [NAME_2] sits in [FIELD_2], row 9. [NAME_3] knows."
    assert model.prompts[0].user == sent


async def test_a_long_text_leaves_a_model_less_room_to_answer(scene: Scene):
    """Half of what was asked for is enough; the server is told how much there is."""
    model = await connected(scene, "Yes.", context=512)
    assert await asked(scene, Prompt(system="", user="word " * 200, max_tokens=300)) == "Yes."
    assert model.prompts[0].max_tokens == 512 - 313


async def test_of_two_at_once_only_one_has_the_rest_of_a_budget(scene: Scene):
    await connected(scene, "Yes.", daily_tokens=100)
    async with scene.desk.sessions() as session:
        one = await language_model(session, scene.desk.settings, Purpose.draft)
        other = await language_model(session, scene.desk.settings, Purpose.draft)
    assert one
    assert other
    first = one.stream(PROMPT)
    await anext(first)
    with pytest.raises(BudgetReached):
        await written(other, PROMPT)
    await first.aclose()  # type: ignore[attr-defined]
    (call,) = await calls(scene)
    assert (call.state, call.trouble) == (State.failed, "It was broken off.")


async def test_texts_go_with_their_time_and_with_their_ticket(scene: Scene):
    await connected(scene, "Yes.")
    ticket = await scene.receives()
    async with scene.desk.sessions() as session:
        model = await language_model(session, scene.desk.settings, Purpose.draft, ticket_id=ticket.id)
    assert model
    await written(model, PROMPT)
    await asked(scene)
    assert [bool(call.record) for call in await calls(scene)] == [True, True]
    async with committed(scene.desk.sessions) as session:
        await erasing.empty_tickets(session, [ticket.id], "Erased")
    assert [bool(call.record) for call in await calls(scene)] == [False, True]
    async with committed(scene.desk.sessions) as session:
        assert await forget(session, days=30) == 0
        assert await forget(session, days=0) == 1
    assert [call.tokens_out for call in await calls(scene)] == [2, 2], "numbers stay"
