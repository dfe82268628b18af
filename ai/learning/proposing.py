"""What can be made of a finding: a new article, an edit, a problem ticket. A person reads it before anybody else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting.checking import Reading
from ai.drafting.turns import turns_of
from ai.learning.findings import Finding
from ai.masking import Mask
from ai.output import Safe, prepared, safe, with_canary
from ai.questions import ANSWER_MARKS, matter
from ai.writing import written
from helpdesk import links
from helpdesk.errors import Conflict
from helpdesk.i18n import _
from helpdesk.labels import TicketType, save_type
from helpdesk.links import LinkKind, Side, TicketLink
from helpdesk.messages import Direction
from helpdesk.people import Agent, Contact
from helpdesk.ports import LanguageModel, Prompt
from helpdesk.tickets import Ticket
from kb import copies, writing
from kb.articles import Article
from kb.chunks import sentences

LOOKED_AT = 20
"""Tickets of a group that are read for an article."""
SHOWN = 6
"""Answers that a model is shown."""
LONGEST_TITLE = 120
PROBLEM = _("Problem")
BETWEEN = r"[\s*_`\[\]\\]*"
"""What Markdown may put between two pieces of a sentence."""


class NothingAnswered(Conflict):
    message = _("Nobody has answered these tickets yet: there is nothing that an article could be made of.")


class ChangedMeanwhile(Conflict):
    message = _(
        "The article no longer has this sentence. Open it and look whether there is anything left to change."
    )


class InAnother(Conflict):
    message = _("All of these tickets belong to a problem already.")


@dataclass(frozen=True)
class Material:
    """What an article can be made of, masked: nothing of it names a customer."""

    title: str
    asked: Sequence[str]
    answers: Sequence[str]
    """The one that the others agree with most first."""
    locale: str

    async def composed(self, model: LanguageModel) -> str:
        """What a model makes of several answers. Takes long: no transaction should wait. Raises ModelFailed."""
        return await _composed(model, self.asked, self.answers)


async def material(session: AsyncSession, tickets: Sequence[Ticket], *, by: Agent) -> Material:
    """`tickets` are visible to the agent, the most telling first. Raises NothingAnswered."""
    asked: list[tuple[str, str]] = []
    answers: list[str] = []
    for ticket in tickets[:LOOKED_AT]:
        turns = await turns_of(session, ticket)
        contact = await session.get(Contact, ticket.contact_id)
        mask = Mask(names=[contact.name] if contact else [])
        letters = [one for one in turns if one.direction is Direction.inbound]
        replies = [one for one in turns if one.direction is Direction.outbound and one.agent_id]
        if letters:
            asked.append((mask.masked(ticket.subject), mask.masked(matter(letters[0].text))))
        if replies:
            answers.append(mask.masked(matter(replies[-1].text)))
    if not answers or not asked:
        raise NothingAnswered
    locale = (tickets[0].language or by.locale)[:2]
    return Material(title_of(*asked[0]), [text for _subject, text in asked], agreed(answers), locale)


async def article_from(
    session: AsyncSession, made_of: Material, *, by: Agent, body: str | None = None
) -> Article:
    """A draft for somebody to read: what a model wrote, or else the answer that the others agree with most."""
    return await writing.write(
        session, made_of.title, body or made_of.answers[0], by=by, locale=made_of.locale
    )


def agreed(answers: Sequence[str]) -> list[str]:
    """The answers in the order of how much of them the others say, too; among equals the longer first."""
    words = [set(Reading.of(one).words) for one in answers]

    def shared(i: int) -> float:
        others = [words[i] & words[j] for j in range(len(words)) if j != i]
        return sum(len(one) for one in others) / (len(others) * (len(words[i]) + 5)) if others else 0.0

    order = sorted(range(len(answers)), key=lambda i: (-round(shared(i), 2), -len(answers[i])))
    return [answers[i] for i in order]


def title_of(subject: str, letter: str) -> str:
    """The first question of the letter, else its subject."""
    asked = [one for one in sentences(" ".join(letter.split())) if one.endswith(("?", "？", "؟"))]
    fitting = [one for one in asked if 4 <= len(one.split()) <= 18]
    title = fitting[0] if fitting else ANSWER_MARKS.sub("", subject).strip()
    return (title or letter[:60])[:LONGEST_TITLE]


async def _composed(model: LanguageModel, asked: Sequence[str], answers: Sequence[str]) -> str:
    system = with_canary(
        "You write an article for a help centre in Markdown: short sentences, steps as a numbered list. Use only what "
        "the agents' answers say. Leave out names, numbers of orders and anything about one customer. No title."
    )
    parts = [prepared(one[:1_000], "question of a customer") for one in asked[:SHOWN]]
    parts += [prepared(one[:2_000], "answer of an agent") for one in answers[:SHOWN]]
    answer = safe(await written(model, Prompt(system=system, user="\n\n".join(parts))), told=system)
    return answer.text if isinstance(answer, Safe) else answers[0]


async def edit_from(
    session: AsyncSession, article: Article, sentence: str, says: str, instead: str, *, by: Agent
) -> None:
    """A working copy of the locked article in which the sentence says what people answer, in its own words for it;
    where it is about no amount, nothing can be proposed. Raises ChangedMeanwhile."""
    copy = await copies.of(session, article, lock=True)
    title, body = (copy.title, copy.body) if copy else (article.title, article.body)
    found = as_written(sentence).search(body)
    if found is None or not instead:
        raise ChangedMeanwhile
    edited = reworded(found[0], says, instead)
    if edited == found[0]:
        raise ChangedMeanwhile
    body = body[: found.start()] + edited + body[found.end() :]
    await copies.save(
        session, article, title, body, by=by,
        revision=copy.revision if copy else 0, version=article.version, over=copy is not None,
    )  # fmt: skip


def as_written(words: str) -> re.Pattern[str]:
    """Finds the words in Markdown, whatever marks stand between them."""
    return re.compile(BETWEEN.join(re.escape(piece) for piece in re.findall(r"\w+|[^\w\s]", words)))


def reworded(sentence: str, says: str, instead: str) -> str:
    """`within 14 days` with `30 days` instead of `14 days` → `within 30 days`; `**14** days` → `**30 days**`."""
    found = as_written(instead).search(sentence)
    if found is None:
        return sentence
    open_marks = [mark for mark in ("**", "__", "`") if found[0].count(mark) % 2]
    return sentence[: found.start()] + says + "".join(open_marks) + sentence[found.end() :]


async def problem_of(
    session: AsyncSession, finding: Finding, tickets: Sequence[Ticket], *, by: Agent
) -> Ticket:
    """The first ticket that came is the problem, the others become its children, so that they can be answered at
    once. `tickets` may be changed by the agent and are locked; those that have a parent are left where they are."""
    ids = [ticket.id for ticket in tickets]
    taken = set(
        await session.scalars(
            select(TicketLink.other_id).where(
                TicketLink.other_id.in_(ids), TicketLink.kind == LinkKind.parent
            )
        )
    )
    free = sorted((ticket for ticket in tickets if ticket.id not in taken), key=lambda ticket: ticket.id)
    if len(free) < 2:
        raise InAnother
    parent, *children = free
    finding.problem_id = parent.id
    parent.classify(await _problem_type(session, by), by=by)
    for child in children[: links.MOST - 1]:
        await links.link(session, child, parent, Side.parent, by=by)
    return parent


async def _problem_type(session: AsyncSession, by: Agent) -> TicketType:
    name = str(PROBLEM)
    known = await session.scalar(
        select(TicketType).where(func.lower(TicketType.name) == name.lower(), ~TicketType.archived)
    )
    return known or await save_type(session, None, name=name, colour="red", by=by)
