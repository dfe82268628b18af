"""A draft cites every sentence of its content, or there is none."""

import pytest
from sqlalchemy import select

from ai.compose import Citation, Draft, Part, Sentence
from ai.courtesy import CATALOGUE, first_name, greeting
from ai.embedding import OnnxEmbedder
from ai.suggestions import AlreadyDecided, Reason, State, Suggestion, changed_share, offered, suggest
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.people import known_as
from helpdesk.tickets import Ticket
from kb.articles import Article, ArticleVersion, Audience
from kb.index import index_changed, weigh_lexemes
from tests.scenes import Scene, mail

PRINTER = """The label printer shows PRT-09 when it has lost the wireless network.

To connect the label printer again:

1. Hold the power key for ten seconds until the lamp blinks blue.
2. Open *Settings → Printers* and choose **Connect**.
3. Type the password of your wireless network.

The printer prints a test label when it is connected.
"""
OTHERS = {
    "Refunds": "We pay back within 14 days. The money arrives on the card that was charged.",
    "Opening hours": "Our support answers on weekdays from nine to six, Berlin time.",
    "Reset your password": "Open the sign-in page and choose *Forgot password*. We mail you a link.",
    "Export your data": "Choose *Settings → Data* and press **Export**. You get a file by mail within the hour.",
    "Change your plan": "The owner chooses another plan under *Settings → Plan*. It counts from the same day.",
}
ASKED = "Our label printer shows PRT-09 since this morning. How do I connect the printer to the wireless network again?"


@pytest.fixture
async def knowledge(scene: Scene, model: OnnxEmbedder) -> Scene:
    async with committed(scene.desk.sessions) as session:
        articles = [
            Article.write("Label printer shows PRT-09: lost the wireless network", PRINTER, slug="prt-09")
        ]
        articles += [Article.write(title, body) for title, body in OTHERS.items()]
        articles += [Article.write("Goodwill", "Agents may give 50 euro.", audience=Audience.internal)]
        for article in articles:
            article.publish()
        session.add_all(articles)
        await session.flush()
        await index_changed(session, model)
        await weigh_lexemes(session)
    return scene


async def suggested(scene: Scene, model: OnnxEmbedder, ticket: Ticket) -> Suggestion | None:
    async with committed(scene.desk.sessions) as session:
        return await suggest(session, model, await scene.ticket(ticket.id, session))


async def asks(scene: Scene, text: str = ASKED, subject: str = "Printer shows PRT-09") -> Ticket:
    return await scene.receives(mail(text, subject=subject, name="Marta Lind"))


async def test_a_question_with_an_article_gets_a_cited_draft(knowledge: Scene, model: OnnxEmbedder) -> None:
    ticket = await asks(knowledge)
    suggestion = await suggested(knowledge, model, ticket)
    assert suggestion is not None
    assert suggestion.body.startswith("Hello Marta,\n\n")
    assert suggestion.body.endswith("Kind regards")
    assert "1. Hold the power key" in suggestion.body
    assert "\n3. Type the password" in suggestion.body
    content = [s for s in suggestion.sentences if s["kind"] == Part.content]
    async with knowledge.desk.sessions() as session:
        for sentence in content:
            (citation,) = sentence["citations"]
            kept = await session.scalar(
                select(ArticleVersion).where(
                    ArticleVersion.article_id == citation["article_id"],
                    ArticleVersion.version == citation["version"],
                )
            )
            assert kept is not None
            assert citation["slug"] == "prt-09"
            quoted = citation["quote"].replace("*", "")
            assert quoted.split(". ", 1)[-1] in kept.body.replace("*", "")
    assert (await knowledge.ticket(ticket.id)).has_suggestion
    assert Kind.suggested in await knowledge.kinds(ticket)


@pytest.mark.parametrize(
    "text",
    [
        "Do you sell violin strings for left-handed players?",
        "How much goodwill may your agents give in euro?",
        "Hello",
        "Can I pay with cheques from a Chilean bank?",
    ],
)
async def test_a_question_without_an_article_gets_nothing(
    knowledge: Scene, model: OnnxEmbedder, text: str
) -> None:
    ticket = await asks(knowledge, text, "A question")
    assert await suggested(knowledge, model, ticket) is None
    assert not (await knowledge.ticket(ticket.id)).has_suggestion
    async with knowledge.desk.sessions() as session:
        kept = (await session.scalars(select(Suggestion))).one()
    assert (kept.state, kept.reason) == (State.withheld, Reason.not_sure)
    assert "hardly answers" in str(kept.explanation)


async def test_an_empty_knowledge_base_says_nothing(scene: Scene, model: OnnxEmbedder) -> None:
    ticket = await asks(scene)
    assert await suggested(scene, model, ticket) is None


async def test_a_machine_gets_no_draft(knowledge: Scene, model: OnnxEmbedder) -> None:
    ticket = await knowledge.receives(mail(ASKED, automatic=True))
    assert await suggested(knowledge, model, ticket) is None


async def test_asking_twice_is_one_suggestion(knowledge: Scene, model: OnnxEmbedder) -> None:
    ticket = await asks(knowledge)
    first, second = await suggested(knowledge, model, ticket), await suggested(knowledge, model, ticket)
    assert first is not None
    assert second is not None
    assert first.id == second.id


async def test_a_new_message_makes_the_old_draft_stale(knowledge: Scene, model: OnnxEmbedder) -> None:
    ticket = await asks(knowledge)
    await suggested(knowledge, model, ticket)
    async with committed(knowledge.desk.sessions) as session:
        more = mail("And where do I find the password of the wireless network for the label printer, PRT-09?")
        loaded = await knowledge.ticket(ticket.id, session)
        loaded.receive(more, await known_as(session, more.sender), inbox=knowledge.inbox)
        assert await offered(session, loaded) is None
    await suggested(knowledge, model, ticket)
    async with knowledge.desk.sessions() as session:
        states = (await session.scalars(select(Suggestion.state).order_by(Suggestion.id))).all()
    assert states[0] is State.stale


async def test_what_became_of_a_draft_is_kept(knowledge: Scene, model: OnnxEmbedder) -> None:
    agent = knowledge.agents["Ada"]
    ticket = await asks(knowledge)
    await suggested(knowledge, model, ticket)
    async with committed(knowledge.desk.sessions) as session:
        loaded = await knowledge.ticket(ticket.id, session)
        suggestion = await offered(session, loaded)
        assert suggestion is not None
        suggestion.use(by=agent, sent=suggestion.body.replace("Kind regards", "Cheers, Ada"))
        assert (suggestion.state, suggestion.decided_by) == (State.edited, agent.id)
        assert 0 < (suggestion.edit_distance or 0) < 0.2
        with pytest.raises(AlreadyDecided):
            suggestion.dismiss(by=agent)
    assert Kind.suggestion_used in await knowledge.kinds(ticket)


async def test_a_dismissed_draft_is_gone(knowledge: Scene, model: OnnxEmbedder) -> None:
    ticket = await asks(knowledge)
    await suggested(knowledge, model, ticket)
    async with committed(knowledge.desk.sessions) as session:
        loaded = await knowledge.ticket(ticket.id, session)
        suggestion = await offered(session, loaded)
        assert suggestion is not None
        suggestion.dismiss(by=knowledge.agents["Ada"])
    assert not (await knowledge.ticket(ticket.id)).has_suggestion
    assert await suggested(knowledge, model, ticket) is None
    assert Kind.suggestion_dismissed in await knowledge.kinds(ticket)


async def test_a_revised_article_leaves_the_quoted_version(knowledge: Scene, model: OnnxEmbedder) -> None:
    ticket = await asks(knowledge)
    suggestion = await suggested(knowledge, model, ticket)
    assert suggestion is not None
    async with committed(knowledge.desk.sessions) as session:
        article = (await session.scalars(select(Article).where(Article.slug == "prt-09"))).one()
        article.revise(body="Buy a new one.")
        await session.flush()
        await index_changed(session, model)
    cited = next(s["citations"][0] for s in suggestion.sentences if s["citations"])
    async with knowledge.desk.sessions() as session:
        kept = await session.scalar(
            select(ArticleVersion.body).where(
                ArticleVersion.article_id == cited["article_id"], ArticleVersion.version == cited["version"]
            )
        )
    assert kept == PRINTER


def test_a_planted_sentence_without_a_source_is_noticed() -> None:
    source = Citation(article_id=1, version=1, chunk_id=1, slug="a", title="A", quote="True.")
    proven = Sentence(text="True.", citations=(source,))
    assert Draft((Sentence(text="Hello,", kind=Part.greeting), proven)).is_grounded
    assert not Draft((proven, Sentence(text="We also give you a car."))).is_grounded


def test_letters_begin_politely_in_the_customers_language() -> None:
    assert greeting("de", "Lovelace, Ada") == "Hallo Ada,"
    assert greeting("fr-CA", "Élodie Vasseur") == "Bonjour Élodie,"
    assert greeting("xx", "finance@brightwater.example") == "Hello,"
    assert first_name("ACME GmbH & Co. KG") == ""
    assert first_name("info") == ""
    assert all("{name}" in words.greeting for words in CATALOGUE.values())


def test_edits_are_counted_in_words() -> None:
    assert changed_share("a b c d", "a  b c\nd") == 0
    assert changed_share("a b c d", "a b c x") == 0.25
    assert changed_share("a b", "x y") == 1
