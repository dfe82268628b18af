"""A team hears in a channel of its own, each thing once, and nothing where others read along."""

from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.people import Team
from helpdesk.slack import SlackTeam
from tests.channels.slack.conftest import Room
from tests.channels.slack.fake import FakeSlack
from tests.channels.slack.test_triage import shows
from tests.scenes import mail

THEIRS = "C0BILLING"


async def told_to(room: Room, **wanted: bool) -> Team:
    """A team that has the desk's mailbox, and hears."""
    flags = {"new": True, "assigned": True, "warned": True} | wanted
    async with committed(room.desk.sessions) as session:
        team = Team(name="Money")
        session.add(team)
        await session.flush()
        session.add(
            SlackTeam(inbox_id=room.inbox.id, team_id=team.id, channel_id=THEIRS, trouble="", **flags)
        )
    return team


async def test_a_team_hears_of_its_tickets_whichever_inbox_they_came_to(room: Room, slack: FakeSlack):
    team = await told_to(room)
    other = await room.scene.receives()
    asked = await room.scene.receives(mail(external_id="a", fingerprint="a", subject="Pay <!here> | now"))
    await room.scene.does(asked, "move", team, by=room.scene.agents["Ada"])
    await room.scene.does(asked, "assign", room.scene.agents["Ada"], by=room.scene.agents["Ada"])
    await shows(room)
    await shows(room)
    moved, taken = [said["text"] for said in slack.sent(THEIRS)]
    assert moved.startswith("Now yours: <")
    assert f"/tickets/{asked.number}|#{asked.number} Pay &lt;!here&gt; / now> · " in moved
    assert taken.startswith("Ada Novak has it: <")
    assert f"#{other.number} " not in moved + taken


async def test_it_hears_what_was_chosen(room: Room, slack: FakeSlack):
    team = await told_to(room, assigned=False)
    asked = await room.scene.receives()
    await room.scene.does(asked, "move", team, by=room.scene.agents["Ada"])
    await room.scene.does(asked, "assign", room.scene.agents["Ada"], by=room.scene.agents["Ada"])
    await shows(room)
    assert len(slack.sent(THEIRS)) == 1


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ({"ok": True, "channel": {"id": THEIRS, "is_ext_shared": True}}, "customers would read along"),
        ({"ok": False, "error": "channel_not_found"}, "does not see this channel"),
    ],
    ids=["shared", "unseen"],
)
async def test_where_others_read_along_nothing_is_said_and_why_stands_in_the_settings(
    room: Room, slack: FakeSlack, answer: dict[str, Any], trouble: str
):
    team = await told_to(room)
    asked = await room.scene.receives()
    slack.script["conversations.info"] += [(200, {}, answer)]
    await room.scene.does(asked, "move", team, by=room.scene.agents["Ada"])
    await shows(room)
    assert not slack.sent(THEIRS)
    async with room.desk.sessions() as session:
        row = (await session.scalars(select(SlackTeam))).one()
    assert trouble in row.trouble
