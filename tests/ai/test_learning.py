"""Planted among other work: so many gaps, contradictions, duplicates and incidents; found, missed, false."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.pool import QueuePool

from ai.embedding import OnnxEmbedder
from ai.learning import Finding, Kind, Memory, lately, look, watch
from ai.learning.agreement import contradicted, lines
from ai.learning.amounts import amounts
from ai.learning.differing import Difference, Line, differs
from ai.learning.findings import Found, State, keep
from ai.learning.incidents import at_least
from ai.learning.proposing import agreed, article_from, edit_from, material, problem_of, reworded, title_of
from ai.providers.scripted import ScriptedModel
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.links import linked
from helpdesk.messages import Direction, Message
from helpdesk.ports import Vectors
from helpdesk.tickets import Ticket
from kb import copies
from kb.articles import Article, Audience
from kb.index import index_changed
from tests.bench.planted import FACTS, INNOCENT
from tests.models import model, model_home
from tests.scenes import Scene, mail
from workers.teaching import Teaching

__all__ = ["model", "model_home"]

RETURNS = "You can return a parcel within 14 days. Print the label from your account and hand the parcel in."
KNOWN = {
    "Return a parcel": RETURNS,
    "Send something back": RETURNS,
    "Change your password": "Open your profile, choose Security, and type a new password twice.",
    "Pay by invoice": "Companies can pay by invoice. The invoice is due after 30 days.",
    "Download a report": "Open the dashboard, choose Reports, and press Download. A report has up to 12 months.",
    "Opening hours": "Our shop is open from Monday to Friday. It is closed on public holidays.",
}
GAP = [
    ("Gift card", "Can I use two gift cards for one order? The checkout takes only one of them."),
    ("Two gift cards", "I have two gift cards and the order form lets me enter one. How do I pay with both?"),
    ("gift card question", "Is it possible to combine several gift cards in a single order?"),
    ("Paying", "How can I redeem more than one gift card at the checkout?"),
]
GAP_ANSWER = (
    "Hello,\n\nyou can redeem up to five gift cards in one order. Enter the first code, press Apply, then enter the "
    "next code in the same field.\n\nKind regards\nAda"
)
ANSWERED = [
    ("Password", "How do I change my password? I cannot find where to type a new one."),
    ("New password", "Where can I change the password of my profile?"),
    ("password please", "I want to set a new password for my account. Where?"),
    ("Security", "How do I choose a new password in my profile?"),
]
OTHERS = [
    ("Trees", "Do you plant trees for every order, as the label on the box says?"),
    ("Job", "I would like to apply as a driver in your warehouse in Leipzig."),
    ("Press", "We are writing a piece about the history of packaging and would like an interview."),
    ("Colour", "Is the blue lamp of last year's catalogue ever coming back?"),
]
OUTAGE = [
    "The app shows error 502 since this morning and I cannot log in.",
    "Nothing loads, your website says bad gateway. Is it down?",
    "I can't log in to the app, error 502 again and again.",
    "The site is down for me: bad gateway error on every page.",
    "Log in fails with a 502 error. Is there an outage?",
    "Is the service down? The app only shows error 502.",
]
JAMMED = [
    "The label printer stopped after your update today and prints nothing.",
    "Since the update today our label printer prints nothing at all.",
    "Our label printer prints no labels any more since the update today.",
    "After today's update the label printer does not print labels any more.",
    "No labels: since your update of today the label printer stopped.",
    "The label printer prints nothing since the update.",
]


async def _asks(
    scene: Scene, letters: Sequence[tuple[str, str]], prefix: str, answer: str = ""
) -> list[Ticket]:
    tickets = []
    for i, (subject, words) in enumerate(letters):
        ticket = await scene.receives(mail(words, sender=f"{prefix}{i}@lumen.example", subject=subject))
        if answer:
            await scene.does(ticket, "reply", answer, by=scene.agents["Ada"])
        tickets.append(ticket)
    return tickets


@pytest.fixture
async def desk(scene: Scene, model: OnnxEmbedder) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for title, body in KNOWN.items():
            article = Article.write(title, body)
            article.publish()
            session.add(article)
        for_one = Article.write("Return a parcel, Lumen", RETURNS.replace("14", "90"), slug="lumen")
        for_one.audience = Audience.companies
        for_one.publish()
        session.add(for_one)
    async with committed(scene.desk.sessions) as session:
        while await index_changed(session, model):
            pass
    return scene


async def test_what_was_planted_is_found_and_nothing_else(desk: Scene, model: OnnxEmbedder):
    gap = await _asks(desk, GAP, "gap", GAP_ANSWER)
    await _asks(desk, ANSWERED, "known")
    await _asks(desk, OTHERS, "other")
    late = "You can return the parcel within 30 days, just print the label."
    returns = [
        ("Parcel", "May I send the lamp back after three weeks?"),
        ("Lamp", "Too late to return the lamp?"),
    ]
    returned = await _asks(desk, returns, "return", late)
    teaching = Teaching(desk.desk, model)
    await teaching.learn()
    async with committed(desk.desk.sessions) as session:
        found = (await session.scalars(select(Finding))).all()
        kinds = sorted(one.kind for one in found)
        assert kinds.count(Kind.gap) == 1
        assert kinds.count(Kind.duplicate) == 1
        assert kinds.count(Kind.contradiction) == 2  # both articles have the sentence
        (missing,) = [one for one in found if one.kind is Kind.gap]
        assert set(missing.tickets) == {one.id for one in gap}
        assert (missing.size, missing.cost) == (4, 4)
        wrong = next(one for one in found if one.kind is Kind.contradiction)
        assert wrong.edit is not None
        assert wrong.edit["others"] == [
            {"says": "30 days", "instead": "14 days", "tickets": sorted(one.id for one in returned)}
        ]
        missing.decide(State.dismissed, by=desk.agents["Ada"])
    await teaching.learn()  # the next night
    async with desk.desk.sessions() as session:
        again = (await session.scalars(select(Finding))).all()
        assert len(again) == 4
        assert Kind.gap not in [one.kind for one in again if one.state is State.open]


class Watched:
    """A model that notes how many connections the desk holds while it embeds."""

    def __init__(self, model: OnnxEmbedder, desk: Desk) -> None:
        self.model, self.desk = model, desk
        self.name, self.dimensions = model.name, model.dimensions
        self.held: list[int] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        pool = self.desk.engine.pool
        assert isinstance(pool, QueuePool)
        self.held.append(pool.checkedout())
        return await self.model.embed(texts)


async def test_nothing_is_held_while_a_model_looks(desk: Scene, model: OnnxEmbedder):
    await _asks(desk, GAP, "gap", GAP_ANSWER)
    async with desk.desk.sessions() as session:
        asked = await Memory(model).asked(await lately(session))
    watched = Watched(model, desk.desk)
    found = await look(desk.desk.sessions, watched, asked)
    assert {one.kind for one in found} == {Kind.gap, Kind.duplicate}
    assert len(watched.held) > 3, "the letters, the articles' sentences and the answers"
    assert set(watched.held) == {0}


async def test_many_at_once_are_an_incident_and_a_busy_day_is_none(desk: Scene, model: OnnxEmbedder):
    await _asks(desk, [("Down", words) for words in OUTAGE], "outage")
    await _asks(desk, OTHERS, "other")
    memory = Memory(model)
    async with committed(desk.desk.sessions) as session:
        (found,) = await watch(session, await memory.asked(await lately(session)))
        tickets = (await session.scalars(select(Ticket).where(Ticket.id.in_(found.tickets)))).all()
        assert {ticket.subject for ticket in tickets} == {"Down"}
        parent = await problem_of(session, found, tickets, by=desk.agents["Ada"])
        assert len(await linked(session, parent, Ticket.id.is_not(None))) == len(tickets) - 1
    async with committed(desk.desk.sessions) as session:  # the same letters as every day
        old = [*OUTAGE] * 9
        await session.execute(update(Message).values(sent_at=now() - timedelta(days=20)))
    await _asks(desk, [("Down", words) for words in old[6:]], "usual")
    async with committed(desk.desk.sessions) as session:
        inbound = (await session.scalars(select(Message).where(Message.direction == Direction.inbound))).all()
        for i, message in enumerate(sorted(inbound, key=lambda one: one.id)[10:-6]):
            message.sent_at = now() - timedelta(hours=4 + 4 * i)
    async with committed(desk.desk.sessions) as session:
        assert await watch(session, await memory.asked(await lately(session))) == []


async def test_letters_of_an_incident_make_no_gap_while_it_is_open(desk: Scene, model: OnnxEmbedder):
    async def gaps() -> list[Finding]:
        async with desk.desk.sessions() as session:
            return list(await session.scalars(select(Finding).where(Finding.kind == Kind.gap)))

    gap = await _asks(desk, GAP, "gap", GAP_ANSWER)
    few = await _asks(desk, [("Printer", words) for words in JAMMED[:3]], "early")
    teaching = Teaching(desk.desk, model)
    await teaching.learn()
    known, sudden = {one.id for one in gap}, {one.id for one in few}
    assert sorted(set(one.tickets) for one in await gaps()) == [known, sudden]
    await _asks(desk, [("Printer", words) for words in JAMMED[3:]], "late")
    await teaching.watch()
    assert [set(one.tickets) for one in await gaps()] == [known], "now it is an incident"
    await teaching.learn()
    assert [set(one.tickets) for one in await gaps()] == [known]
    async with committed(desk.desk.sessions) as session:
        (trouble,) = await session.scalars(select(Finding).where(Finding.kind == Kind.incident))
        trouble.decide(State.dismissed, by=desk.agents["Ada"])
    await teaching.learn()
    assert len(await gaps()) == 2, "somebody says that it is none"


async def test_an_article_is_made_of_what_was_answered(desk: Scene):
    tickets = await _asks(desk, GAP, "gap", GAP_ANSWER)
    async with committed(desk.desk.sessions) as session:
        held = [await session.get_one(Ticket, one.id) for one in tickets]
        made_of = await material(session, held, by=desk.agents["Ada"])
        article = await article_from(session, made_of, by=desk.agents["Ada"])
        assert article.title == "Can I use two gift cards for one order?"
        assert "up to five gift cards" in article.body
        assert "Hello" not in article.body
        assert not article.is_published
        model = ScriptedModel(["1. Enter the code.\n2. Press Apply.\n\n![x](https://evil.example/a.png)"])
        body = await made_of.composed(model)
        written = await article_from(session, made_of, by=desk.agents["Ada"], body=body)
        assert "Press Apply" in written.body
        assert "evil.example" not in written.body
        assert all("gap0@" not in prompt.user for prompt in model.prompts)


async def test_an_edit_changes_the_number_and_nothing_else(desk: Scene):
    async with committed(desk.desk.sessions) as session:
        article = await session.scalar(select(Article).where(Article.title == "Return a parcel"))
        assert article is not None
        article.revise(body="You can return **a parcel** within 14 days. Keep all 3 labels.")
        await edit_from(
            session,
            article,
            "You can return a parcel within 14 days.",
            "30 days",
            "14 days",
            by=desk.agents["Ada"],
        )
        copy = await copies.of(session, article)
        assert copy is not None
        assert copy.body == "You can return **a parcel** within 30 days. Keep all 3 labels."
        assert "14 days" in article.body


def difference(told: str, said: str) -> Difference | None:
    one, other = Line.read(told, 1, now()), Line.read(said, 2, now())
    return differs(one, other) if one and other else None


def test_what_people_answer_otherwise_is_told_from_what_they_answer_about_something_else():
    """Facts and answers written by hand: most differences are seen, and nothing harmless is called one."""
    found = [
        fact
        for fact in FACTS
        if (one := difference(fact.told, fact.differ[0]))
        and (other := difference(fact.told, fact.differ[1]))
        and one.is_same(other)
    ]
    assert len(found) >= 23, [fact.told for fact in FACTS if fact not in found]
    harmless = [(fact.told, said) for fact in FACTS for said in fact.agree] + list(INNOCENT)
    assert [pair for pair in harmless if difference(*pair)] == []


@pytest.mark.parametrize(
    ("told", "said", "says"),
    [
        ("You can return a parcel within 14 days.", "You can return the parcel within 14 days.", None),
        ("You can return a parcel within 14 days.", "You can return a parcel within two weeks.", None),
        ("You can return a parcel within 14 days.", "Your order 4711 was sent on the 3rd.", None),
        ("A link is valid for 7 days.", "A link is valid for 48 hours.", "48 hours"),
        ("Refunds take 5 working days to arrive.", "Refunds take 7 days to arrive.", None),
        ("The plan costs €9 a month for all.", "The plan costs 9.00 EUR a month for all.", None),
        ("Delivery takes 3 days within Germany.", "Delivery of your lamp takes 10 minutes of work.", None),
        ("Open the report and press Download.", "Press Download when you open the report.", None),
        ("It runs on version 4.1.1.2 of the tool.", "It runs on version 4.1.1.3 of the tool.", None),
    ],
)
def test_amounts_differ_by_what_they_are(told: str, said: str, says: str | None):
    found = difference(told, said)
    assert (found and found.says) == says


async def test_a_form_that_stands_in_many_articles_contradicts_nothing(model: OnnxEmbedder):
    """`Score: 5.9` of one bulletin and `Score: 7.5` of the next; two articles that disagree do so among them."""
    forms = [f"The base score of this security bulletin is {n} points." for n in (5, 6, 7, 8)]
    texts = [*forms, "Parcels to Norway arrive within 9 days.", "Parcels to Norway arrive within 4 days."]
    told = [line for i, text in enumerate(texts) for line in lines(text, i, now())]
    vectors = model.embed_now([line.text for line in told])
    (found,) = contradicted(told, [], vectors, vectors[:0])
    assert (found.article_id, found.other_id) == (4, 5)


def test_small_words():
    found, rest = amounts("within 14 days, order 4711, for €9.50 until 31 March")
    assert [(one.of, one.words) for one in found] == [
        ("time", "14 days"),
        ("€", "€9.50"),
        ("date", "31 March"),
    ]
    assert rest == "within , order 4711, for until"
    assert reworded("within 14 days, 3 labels", "30 days", "14 days") == "within 30 days, 3 labels"
    assert reworded("within **14** days", "2 weeks", "14 days") == "within **2 weeks**"
    assert title_of("Re: Help", "Hello there. How do I change the address of my order?").startswith(
        "How do I"
    )
    assert (
        agreed(["Enter the code and press Apply.", "No.", "Enter the code, then press Apply."])[-1] == "No."
    )
    assert at_least(0, 3.0) == 1.0
    assert at_least(5, 0.2) < 1e-4 < at_least(2, 1.0)


async def test_an_incident_keeps_its_first_letters_and_comes_back_when_it_grows(desk: Scene):
    """Found every minute while it goes on; put away, it returns at twice its size; a week later it is gone."""
    first = Found(kind=Kind.incident, tickets=[1, 2, 3, 4, 5], size=5)
    ada = desk.agents["Ada"]
    async with committed(desk.desk.sessions) as session:
        (one,) = await keep(session, [Kind.incident], [first])
        (again,) = await keep(
            session, [Kind.incident], [Found(kind=Kind.incident, tickets=[4, 5, 6, 7], size=4)]
        )
        assert again.id == one.id
        assert sorted(again.tickets) == [1, 2, 3, 4, 5, 6, 7]
        again.decide(State.done, by=ada)
        later = Found(kind=Kind.incident, tickets=[6, 7, 8, 9], size=4)
        assert await keep(session, [Kind.incident], [later]) == []
        much = Found(kind=Kind.incident, tickets=list(range(5, 16)), size=11)
        (back,) = await keep(session, [Kind.incident], [much])
        assert (back.id, back.state) == (one.id, State.open)
        assert await keep(session, [Kind.incident], []) == []
        assert await session.get(Finding, one.id)
        back.seen_at = now() - timedelta(days=8)
        await session.flush()
        await keep(session, [Kind.incident], [])
    async with desk.desk.sessions() as session:
        assert await session.get(Finding, one.id) is None
