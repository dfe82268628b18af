"""What work teaches, on its page: read, acted on, put away, opened again."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from ai.learning.findings import Finding, Kind, State
from ai.providers import SCRIPTS, Purpose
from ai.writing import ModelFailed
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.labels import TicketType
from helpdesk.people import Agent, CustomRole, Reach
from helpdesk.tickets import Removal, Ticket
from kb.articles import Article
from tests.scenes import mail
from tests.web.served import Console
from tests.web.test_drafting import connected
from workers.teaching import write_article

ANSWER = "Hello,\n\nyou can redeem up to five gift cards in one order.\n\nKind regards\nAda"


async def asked(console: Console, *subjects: str, answer: str = "") -> list[Ticket]:
    scene = console.scene
    tickets = [
        await scene.receives(mail(f"{one}, how?", sender=f"c{i}@lumen.example", subject=one))
        for i, one in enumerate(subjects)
    ]
    for ticket in tickets if answer else []:
        await scene.does(ticket, "reply", answer, by=scene.agents["Ada"])
    return tickets


async def found(console: Console, **values: object) -> int:
    async with committed(console.scene.desk.sessions) as session:
        finding = Finding(**{"state": State.open, "size": 3, "tickets": [], **values})
        session.add(finding)
    return finding.id


async def test_a_gap_becomes_an_article(console: Console):
    tickets = await asked(console, "Two gift cards", "Gift cards", answer=ANSWER)
    number = await found(console, kind=Kind.gap, cost=2, tickets=[one.id for one in tickets])
    ada = await console.person("Ada")
    shown = (await ada.look("/findings")).text
    assert "2 answers were written by hand" in shown
    assert "Two gift cards" in shown
    answer = await ada.does(f"/findings/{number}/article")
    assert "/knowledge/articles/" in answer.headers["hx-redirect"]
    assert "2 answers" not in (await ada.look("/findings")).text
    assert "2 answers" in (await ada.look("/findings", params={"put_away": "true"})).text
    assert (await ada.does(f"/findings/{number}/dismiss")).status_code == 409
    async with console.scene.desk.sessions() as session:
        article = await session.scalar(select(Article).where(Article.body.contains("five gift cards")))
        assert article is not None
        assert not article.is_published


async def test_an_incident_becomes_a_problem_with_children(console: Console):
    tickets = await asked(console, "Down", "Error 502", "Cannot log in")
    number = await found(console, kind=Kind.incident, tickets=[one.id for one in tickets])
    ada = await console.person("Ada")
    answer = await ada.does(f"/findings/{number}/problem")
    target = answer.headers["hx-redirect"]
    assert f"/tickets/{tickets[0].number}" in target
    assert "Error 502" in (await ada.look(f"/tickets/{tickets[0].number}")).text
    async with console.scene.desk.sessions() as session:
        parent = await session.get_one(Ticket, tickets[0].id)
        kind = await session.get_one(TicketType, parent.type_id)
        assert kind.name == "Problem"


async def test_whoever_opens_a_letter_of_an_incident_learns_of_it(console: Console):
    *tickets, other = await asked(console, "Down", "Error 502", "Cannot log in", "Invoice")
    number = await found(console, kind=Kind.incident, tickets=[one.id for one in tickets])
    ada = await console.person("Ada")
    told = f'href="/findings?kind=incident#finding-{number}"'
    shown = (await ada.look(f"/tickets/{tickets[1].number}")).text
    assert "3 letters about the same" in shown
    assert told in shown
    assert told not in (await ada.look(f"/tickets/{other.number}")).text
    assert f'id="finding-{number}"' in (await ada.look("/findings?kind=incident")).text
    tree = (await ada.look("/knowledge")).text.partition("What work teaches")[2]
    assert tree.startswith('</span><span class="count">1</span></a>')
    await ada.does(f"/findings/{number}/dismiss")
    assert told not in (await ada.look(f"/tickets/{tickets[1].number}")).text


async def test_an_article_is_changed_to_what_people_answer(console: Console):
    tickets = await asked(console, "Too late", "Lamp")
    async with committed(console.scene.desk.sessions) as session:
        article = Article.write("Returns", "You can return a parcel within **14 days**.")
        article.publish()
        session.add(article)
    edit: dict[str, Any] = {
        "sentence": "You can return a parcel within 14 days.",
        "others": [{"says": "30 days", "instead": "14 days", "tickets": [each.id for each in tickets]}],
    }
    number = await found(
        console,
        kind=Kind.contradiction,
        article_id=article.id,
        edit=edit,
        tickets=edit["others"][0]["tickets"],
    )
    ada = await console.person("Ada")
    assert "30 days" in (await ada.look("/findings", params={"kind": "contradiction"})).text
    await ada.does(f"/findings/{number}/edit", data={"place": "7"})
    assert "14 days" in (await ada.look("/knowledge/returns")).text
    await ada.does(f"/findings/{number}/edit", data={"place": "0"})
    assert "30 days" in (await ada.look(f"/knowledge/articles/{article.id}/edit")).text


async def test_what_was_put_away_can_be_opened_again(console: Console):
    (ticket,) = await asked(console, "Trees")
    number = await found(console, kind=Kind.gap, cost=7, tickets=[ticket.id])
    ada = await console.person("Ada")
    await ada.does(f"/findings/{number}/dismiss")
    assert "7 answers" not in (await ada.look("/findings")).text
    await ada.does(f"/findings/{number}/reopen")
    assert "7 answers" in (await ada.look("/findings")).text
    assert (await ada.does("/findings/999/dismiss")).status_code == 404
    assert (await ada.look("/findings", params={"kind": "<script>"})).status_code == 200
    await ada.does("/findings/look")


async def test_a_finding_tells_nothing_of_tickets_that_its_reader_may_not_see(console: Console):
    """Nor can it be acted on; what is said in tickets of others alone is not repeated."""
    scene = console.scene
    mine, theirs = await asked(console, "Ours to see", "Salaries of the board")
    async with committed(scene.desk.sessions) as session:
        article = Article.write("Returns", "You can return a parcel within 14 days.")
        article.publish()
        agent = await session.get_one(Agent, scene.agents["Tess"].id)
        role = CustomRole(
            name="Editor",
            reach=Reach.teams,
            permissions=[Action.read, Action.read_knowledge, Action.write_knowledge],
        )
        session.add_all([article, role])
        await session.flush()
        agent.custom_role_id = role.id
        ours = await session.get_one(Ticket, mine.id)
        ours.team_id, hidden = scene.teams["Technical"].id, await session.get_one(Ticket, theirs.id)
        hidden.team_id = scene.teams["Billing"].id
    others = [
        {"says": "30 days", "instead": "14 days", "tickets": [mine.id]},
        {"says": "4,000 euros", "instead": "14 days", "tickets": [theirs.id]},
    ]
    edit = {"sentence": "You can return a parcel within 14 days.", "others": others}
    both = [mine.id, theirs.id]
    number = await found(console, kind=Kind.contradiction, article_id=article.id, edit=edit, tickets=both)
    secret = await found(console, kind=Kind.gap, cost=9, tickets=[theirs.id])
    tess = await console.person("Tess")
    shown = (await tess.look("/findings")).text
    assert "Ours to see" in shown
    assert "1 ticket that you cannot see" in shown
    assert "30 days" in shown
    for word in ("Salaries", "4,000", f"finding-{secret}"):
        assert word not in shown
    assert (await tess.does(f"/findings/{number}/edit", data={"place": "1"})).status_code == 404
    for verb in ("article", "dismiss"):
        assert (await tess.does(f"/findings/{secret}/{verb}")).status_code == 404
    assert (await tess.look(f"/findings/{secret}")).status_code == 404


async def test_what_is_gone_is_told_of_no_more(console: Console):
    """An archived article's contradiction, merged and deleted tickets; a second click does nothing twice."""
    scene = console.scene
    down, also, third = await asked(console, "Down", "Error 502", "Spam about nothing")
    async with committed(scene.desk.sessions) as session:
        article = Article.write("Returns", "You can return a parcel within 14 days.")
        article.publish()
        session.add(article)
        await session.flush()
        article.archive()
        (await session.get_one(Ticket, third.id)).remove(Removal.trash, by=scene.agents["Ada"])
    edit = {"sentence": "x", "others": [{"says": "30 days", "instead": "14 days", "tickets": [down.id]}]}
    gone = await found(console, kind=Kind.contradiction, article_id=article.id, edit=edit, tickets=[down.id])
    incident = await found(
        console,
        kind=Kind.incident,
        tickets=[down.id, also.id, third.id],
        created_at=now() - timedelta(days=2),
    )
    ada = await console.person("Ada")
    shown = (await ada.look("/findings")).text
    assert f"finding-{gone}" not in shown
    assert "Spam about nothing" not in shown
    assert "Many ask for the same right now" in shown
    assert "last three hours" not in shown
    assert (await ada.does(f"/findings/{gone}/edit")).status_code == 404
    twice = await asyncio.gather(*(ada.does(f"/findings/{incident}/problem") for _ in range(2)))
    assert sorted(answer.status_code < 300 for answer in twice) == [False, True]
    decided = (await ada.look("/findings", params={"put_away": "true"})).text
    assert f"/tickets/{down.number}" in decided
    async with console.scene.desk.sessions() as session:
        removed = await session.get_one(Ticket, third.id)
        assert removed.type_id is None


async def test_a_language_model_writes_in_a_job_and_the_page_says_so(console: Console):
    scene = console.scene
    tickets = await asked(console, "Two gift cards", "Gift cards", answer=ANSWER)
    number = await found(console, kind=Kind.gap, cost=2, tickets=[one.id for one in tickets])
    await connected(console, [ModelFailed(), "1. Enter the code.\n2. Press Apply."], Purpose.learn)
    ada = await console.person("Ada")
    for _ in range(2):
        answer = await ada.does(f"/findings/{number}/article")
        assert "done=writing" in answer.headers["hx-redirect"]
        shown = (await ada.look(f"/findings/{number}")).text
        assert "is writing the article" in shown
        assert "every 3s" in shown
        assert (await ada.does(f"/findings/{number}/article")).status_code == 409
        await write_article(scene.desk, number)
        shown = (await ada.look("/findings")).text
        assert "every 3s" not in shown
        if "Try again" not in shown:
            break
        assert "did not write the article" in shown
        assert "without a language model" in shown
    assert f"finding-{number}" not in shown
    decided = (await ada.look("/findings", params={"put_away": "true"})).text
    assert "Two gift cards, how?" in decided
    async with scene.desk.sessions() as session:
        article = await session.scalar(select(Article).where(Article.body.contains("Press Apply")))
        assert article is not None
        assert not article.is_published
    await write_article(scene.desk, number)  # the queue may run a job twice
    SCRIPTS.clear()
