"""Reports that are sent: what each recipient may know, once a round, whatever happens to who sends."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from channels.loopback import LoopbackChannel
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.measures import Dimension
from helpdesk.messages import OutboundMessage
from helpdesk.people import Agent, Role
from helpdesk.reports import saved, sending
from helpdesk.reports.questions import Question
from helpdesk.reports.saved import NotAColleague, ReportMail, ReportRecipient, SavedReport
from tests.helpdesk.days import WEEK, lived
from tests.scenes import Scene
from workers.letters import send_letter
from workers.picture import picture

MONDAY = {"every": "week", "days": [0], "at": "08:00", "zone": "Europe/Berlin"}
ASKED = Question(
    measures=("created", "replies"), period="custom", begin=WEEK.begin, end=WEEK.end, by=Dimension.agent
)


async def kept(scene: Scene, *names: str) -> SavedReport:
    """Ada's report, sent on Mondays at eight to these; it was kept on Thursday, 5 March 2026."""
    with moved(datetime(2026, 3, 5, 12, tzinfo=UTC) - now()):
        async with committed(scene.desk.sessions) as session:
            for agent in await session.scalars(select(Agent).where(Agent.name.like("Tess%"))):
                agent.role = Role.lead
        async with committed(scene.desk.sessions) as session:
            ada = (await saved.colleagues(session))[scene.agents["Ada"].id]
            report = await saved.keep(session, ada, ASKED, name="The week")
            await saved.send_to(session, report, [scene.agents[name].id for name in names], MONDAY, by=ada)
            return report


async def rounds(scene: Scene) -> list[int]:
    async with committed(scene.desk.sessions) as session:
        return await sending.due(session)


async def letters(scene: Scene, mails: list[int]) -> dict[str, OutboundMessage]:
    LoopbackChannel.sent.clear()
    for number in mails * 2:  # a job may run twice
        await send_letter(scene.desk, "report_mail", number)
    sent = [letter for some in LoopbackChannel.sent.values() for letter in some]
    assert len(sent) == len({letter.external_id for letter in sent})
    return {letter.to[0]: letter for letter in sent}


async def test_each_gets_what_they_may_know_of_once(scene: Scene):
    await lived(scene)
    await kept(scene, "Ada", "Tess")
    with moved(datetime(2026, 3, 9, 6, 59, tzinfo=UTC) - now()):  # a minute before eight in Berlin
        assert await rounds(scene) == []
    with moved(datetime(2026, 3, 9, 7, 0, 5, tzinfo=UTC) - now()):
        begun = await rounds(scene)
        assert len(begun) == 2
        assert await rounds(scene) == []
        sent = await letters(scene, begun)
    ada, tess = sent["ada@desk.example"], sent["tess@desk.example"]
    assert "Created tickets: 5" in ada.text
    assert "Created tickets: 0" in tess.text
    picture_of, table = ada.attachments
    assert picture_of.content.startswith(b"\x89PNG")
    assert f"cid:{picture_of.content_id}" in (ada.html or "")
    assert b"Ada Novak" in table.content
    assert ada.automatic
    assert len(tess.attachments) == 1  # nothing that could be drawn


async def test_rounds_that_nobody_sent_are_told_of(scene: Scene):
    await kept(scene, "Ada")
    with moved(datetime(2026, 3, 25, 12, tzinfo=UTC) - now()):  # two Mondays later than the first
        begun = await rounds(scene)
        text = (await letters(scene, begun))["ada@desk.example"].text
        assert "2 earlier rounds of this report were skipped" in text
        assert await rounds(scene) == []
    async with scene.desk.sessions() as session:
        mail = (await session.scalars(select(ReportMail))).one()
        report = (await session.scalars(select(SavedReport))).one()
    assert (mail.missed, mail.due_at) == (2, datetime(2026, 3, 23, 7, tzinfo=UTC))
    assert report.next_at == datetime(2026, 3, 30, 6, tzinfo=UTC)  # still eight in Berlin: summer has come


async def test_who_does_not_want_it_or_may_not_any_more_gets_nothing(scene: Scene):
    report = await kept(scene, "Ada", "Tess")
    async with committed(scene.desk.sessions) as session:
        await saved.decline(session, scene.agents["Ada"], report.id)
        (await session.get_one(Agent, scene.agents["Tess"].id)).role = Role.agent
    with moved(datetime(2026, 3, 9, 8, tzinfo=UTC) - now()):
        assert await letters(scene, await rounds(scene)) == {}
    async with committed(scene.desk.sessions) as session:
        owner = await session.get_one(SavedReport, report.id)
        by = (await saved.colleagues(session))[scene.agents["Ada"].id]
        with pytest.raises(NotAColleague):
            await saved.send_to(session, owner, [scene.agents["Liam"].id], MONDAY, by=by)
        await saved.send_to(session, owner, [by.id], None, by=by)
        row = await session.get_one(ReportRecipient, (report.id, by.id))
        assert row.declined_at is not None  # only they themselves change that
        assert owner.next_at is None


async def test_names_that_look_like_formulas_are_drawn_as_they_are():
    drawn = sending.Drawn("$\\frac{", ["$x^", "=1+1", "名前"], [1.0, None, 3.0], over_time=False, unit="")
    assert (await picture(drawn) or b"").startswith(b"\x89PNG")
