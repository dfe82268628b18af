"""What somebody else may do in a ticket that is not theirs: little, and the requester learns nothing of it."""

from channels.email.reading import read
from helpdesk.messages import Match
from tests.flows.story import PEOPLE, SUPPORT, Story
from tests.scenes import Scene

BEGUN = [
    {"op": "inbound", "ticket": "T1", "as": "in1", "from": "{{ALICE}}", "subject": "Printer"},
    {"op": "agent_reply", "ticket": "T1", "as": "out1"},
]


def mail(sender: str, to: str, body: str, **headers: str) -> str:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: Hello\r\nMessage-ID: <{abs(hash(body))}@x.example>\r\n{more}"
        f"\r\n{body}\r\n"
    )


async def test_a_code_sent_to_a_customers_reply_address_is_not_quoted_to_the_customer(scene: Scene):
    """The address is one of the company's: whoever has it could sign up elsewhere as one of its people."""
    story = Story(scene)
    await story.begins(BEGUN)
    came = await story.receives(mail("no-reply@service.example", "{{T1.reply_addr}}", "Your code is 246810"))
    assert came.message.matched is Match.stranger_token
    answer = await story.answer_to(came.ticket)
    assert b"246810" not in answer
    assert b"It began with T1" in answer  # what the customer wrote themselves is
    assert (came.message.external_id or "?").encode() not in answer


async def test_the_id_of_a_forwarded_mail_lets_nobody_in(scene: Scene):
    story = Story(scene)
    await story.begins(BEGUN)
    came = await story.receives(
        mail(PEOPLE["MALLORY"], SUPPORT, "Let me see", In_Reply_To="<{{T1.out1.mid}}>")
    )
    assert came.decision == "new"


async def test_a_delivery_report_finds_its_ticket_by_nothing_but_our_id(scene: Scene):
    """Whatever the number of digits in it: ids have up to twenty."""
    story = Story(scene)
    await story.begins(BEGUN)
    for turn in range(6):
        sent = read(await story.answer_to(story.tickets["T1"], f"Answer {turn}"))
        came = await story.receives(
            mail("MAILER-DAEMON@mx.example", SUPPORT, f"failed {turn}", In_Reply_To=f"<{sent.message_id}>")
        )
        assert came.label == "T1", sent.message_id


async def test_our_own_reply_that_comes_back_makes_no_ticket(scene: Scene):
    story = Story(scene)
    await story.begins(BEGUN)
    returned = (await story.answer_to(story.tickets["T1"], "Once more.")).decode()
    came = await story.receives(returned)
    assert came.message.copy_of_id is not None
    assert came.ticket.id == story.tickets["T1"].id
    assert len(await scene.tickets()) == 1
