"""What the desk says to customers in Slack, in their language."""

import pytest

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Contact
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import TRIAGE, FakeSlack
from tests.channels.slack.test_triage import told


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    slack.add("U0JANA", "Jana", locale="de-DE")
    slack.add("U0AMIR", "Amir", locale="ar")
    slack.add("U0LUIS", "Luis")
    return await connected(desk, slack, triage_channel=TRIAGE)


async def test_forms_and_refusals_come_in_the_customers_language(room: Room, slack: FakeSlack):
    asked = slack.says("U0LUIS", "La exportación falla")
    said = asked["event"]
    await room.hears(asked)
    (ticket,) = await room.tickets()
    async with committed(room.desk.sessions) as session:
        (await session.get_one(Contact, ticket.contact_id)).language = "es"
    wanted = {
        "U0JANA": "Anfrage eröffnen",
        "U0AMIR": "فتح طلب",
        "U0LUIS": "Abrir una solicitud",
        "U0ADA": "Open a ticket",
    }
    for user, title in wanted.items():
        await room.hears(slack.calls_shortcut(user, "open_ticket", "C0SHARED", said["ts"]))
        assert slack.called("views.open")[-1]["view"]["title"]["text"] == title
    refused = {
        "U0JANA": "Niemand vom Support",
        "U0AMIR": "لا يوجد في فريق الدعم",
        "U0LUIS": "Nadie del equipo",
    }
    for user, words in refused.items():
        await room.hears(slack.presses(user, "desk:take", str(ticket.id), channel="C0SHARED"))
        assert told(slack)[-1].startswith(words)
