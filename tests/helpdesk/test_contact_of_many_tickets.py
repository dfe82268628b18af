"""A person with ten thousand tickets: their page looks none of them up one by one."""

from sqlalchemy import select

from helpdesk import contact_history
from helpdesk.people import Contact
from tests.bench.recorded import Record
from tests.helpdesk.test_contacts import known
from tests.helpdesk.test_kept_plans import plan_of
from tests.scenes import Scene, mail


async def said_with(scene: Scene, agent: str, contact_id: int) -> tuple[list[str], str, str]:
    """What was said, newest first; and the plans of that and of when they last wrote."""
    async with scene.desk.sessions() as session:
        reader = await known(scene, agent)
        contact = (await session.scalars(select(Contact).where(Contact.id == contact_id))).one()
        record = Record()
        async with record.listening():
            stream = await contact_history.stream(session, reader, contact)
            await contact_history.numbers(session, reader, contact)
        plans = {
            word: await plan_of(session, statement, heard.values[0])
            for statement, heard in record.statements.items()
            for word in ("UNION ALL", "max(message.sent_at)")
            if word in statement
        }
    return [row.text for row in stream.messages], plans["UNION ALL"], plans["max(message.sent_at)"]


async def test_whoever_sees_all_tickets_has_none_looked_up_for_each_message(scene: Scene):
    ticket = await scene.receives(mail("My own question."))
    other = await scene.receives(mail("Somebody else's.", sender="else@x.example"))
    said, stream, last = await said_with(scene, "Ada", ticket.contact_id)
    assert [text.strip() for text in said] == ["My own question."]
    assert "hashed SubPlan" in stream, stream  # whose tickets are not theirs is known before any is looked at
    assert "ticket" not in last, last
    hidden, _stream, limited = await said_with(scene, "Tess", ticket.contact_id)
    assert hidden == []
    assert "ticket" in limited
    assert other.contact_id != ticket.contact_id
