"""Questions that every desk has: of its customers, whose tickets were solved, and made of its own articles."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote, urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.sets import Question
from ai.questions import asked, matter
from ai.suggestions import State as Drafted
from ai.suggestions import Suggestion
from helpdesk.messages import Direction, Message
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from kb.articles import Article
from kb.chunks import sentences, split
from kb.readers import Reader, readable
from kb.search import search

MOST = 400
"""The newest tickets; more take minutes and hardly narrow the intervals."""
WORDS = 4
"""A question with fewer says nothing by itself."""
SAME = 0.72
"""Cosine of an agent's answer and the nearest passage from which on that article holds the answer."""
OTHER = 0.45
"""Below it no article does. Between the two nobody can tell, and the ticket is left out."""
LINK = re.compile(r"https?://[^\s<>\"')\]]+")


async def solved(session: AsyncSession, embedder: Embedder, *, limit: int = MOST) -> list[Question]:
    """The first letter of each solved ticket; its articles are those that the answer cites or links to, or the
    one that says the same as the answer."""
    slugs = await published(session)
    found = []
    for ticket in await settled(session, limit):
        letter, answers = await exchange(session, ticket.id)
        if letter is None or not answers or len(matter(letter.text).split()) < WORDS:
            continue
        gold = await cited(session, ticket.id) or linked(answers, slugs)
        gold &= slugs
        if not gold:
            same = await saying_the_same(session, embedder, answers[-1])
            if same is None:
                continue
            gold = same
        text = asked(ticket.subject, letter.text)
        found.append(Question(f"message {letter.id}", text, tuple(sorted(gold)), message_id=letter.id))
    return found


async def settled(session: AsyncSession, limit: int) -> Sequence[Ticket]:
    found = await session.scalars(
        select(Ticket).where(Ticket.settled, Ticket.removed.is_(None)).order_by(Ticket.id.desc()).limit(limit)
    )
    return found.all()


async def published(session: AsyncSession) -> set[str]:
    return set(await session.scalars(select(Article.slug).where(readable(Reader.public()))))


async def exchange(session: AsyncSession, ticket_id: int) -> tuple[Message | None, list[str]]:
    """The first letter of the customer, and what colleagues answered until they wrote again."""
    turns = await session.scalars(
        select(Message)
        .where(Message.ticket_id == ticket_id, Message.direction != Direction.note)
        .where(Message.copy_of_id.is_(None), Message.withdrawn_at.is_(None), Message.side_id.is_(None))
        .order_by(Message.id)
        .limit(12)
    )
    letter, answers = None, []
    for turn in turns:
        if turn.direction is Direction.inbound:
            if letter is not None:
                break
            letter = turn
        elif letter is not None and not turn.announced:
            answers.append(turn.text)
    return letter, answers


async def cited(session: AsyncSession, ticket_id: int) -> set[str]:
    """By the drafts that were sent, unless hardly anything was left of them."""
    sent = await session.scalars(
        select(Suggestion).where(
            Suggestion.ticket_id == ticket_id, Suggestion.state.in_([Drafted.used, Drafted.edited])
        )
    )
    return {
        citation["slug"]
        for draft in sent
        if (draft.edit_distance or 0) <= 0.5
        for sentence in draft.sentences
        for citation in sentence.get("citations", ())
    }


def linked(answers: Sequence[str], slugs: set[str]) -> set[str]:
    """An address that ends in the slug of an article."""
    ends = {
        unquote(urlsplit(address.rstrip(".,;:!?")).path.rstrip("/").rpartition("/")[2])
        for answer in answers
        for address in LINK.findall(answer)
    }
    return ends & slugs


async def saying_the_same(session: AsyncSession, embedder: Embedder, answer: str) -> set[str] | None:
    """The article that does; empty where none comes near; None where nobody can tell."""
    hits = await search(session, embedder, matter(answer)[:1500], reader=Reader.public(), limit=1)
    if not hits or hits[0].dense < OTHER:
        return set()
    return {hits[0].slug} if hits[0].dense >= SAME else None


async def of_articles(session: AsyncSession, *, limit: int = MOST) -> list[Question]:
    """First sentences and headings. Easier than customers' questions: good to compare with, not to boast of."""
    articles = await session.scalars(
        select(Article).where(readable(Reader.public())).order_by(Article.id).limit(limit // 2)
    )
    return [
        Question(f"article {article.id} {number}", text, (article.slug,))
        for article in articles
        for number, text in enumerate(made_of(article), 1)
    ]


def made_of(article: Article) -> Iterator[str]:
    passages = split(article.body)
    headings = dict.fromkeys(passage.path[-1] for passage in passages if passage.path)
    if headings:
        yield f"{article.title}: {next(iter(headings))}"
    first = next((each for passage in passages for each in sentences(passage.text)), "")
    if len(first.split()) >= WORDS:
        yield first
