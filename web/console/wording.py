"""Tools for words beside the composer: an agent's text changed by a language model, what a customer wrote translated,
a ticket summarised and named. Everything is shown before it is taken, and nothing is sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting import naming, summaries
from ai.drafting.differences import runs, warnings
from ai.drafting.tools import ICONS, LABELS, Tool, Work
from ai.drafting.turns import turns_of
from ai.providers import Purpose, language_model, serving
from ai.writing import ModelFailed, written
from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, HelpdeskError, Invalid, NotFound
from helpdesk.i18n import _
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent
from helpdesk.ports import LanguageModel
from helpdesk.tickets import Ticket
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html, Page

PATIENCE = 60.0  # seconds for a whole answer
MOST_TURNS = 30

T = TypeVar("T")


class WordsForm(Fields):
    body: str = ""


class NoModel(Conflict):
    message = _("No language model serves this at the moment. Choose one in the settings, under Models.")


class NothingWritten(Invalid):
    message = _("There is nothing to change yet. Write the reply first.")


class NothingToRead(Conflict):
    message = _("This message has no text that could be translated.")


class NoLetter(Conflict):
    message = _("The customer has written nothing yet.")


class TooSlow(ModelFailed):
    status = 504
    message = _("The language model took too long. Your text is as it was; try again in a minute.")


class Wording(Controller):
    path = "/tickets/{number:int}/wording"

    @get(opt=permits(Action.reply))
    async def index(
        self, session: Session, page: ThisPage, ticket: CurrentTicket, q: FromQuery[str] = ""
    ) -> Html:
        """What can be done; what needs a model only where one serves it. `q`: words that its name has to hold."""
        served = {
            purpose for purpose in (Purpose.rewrite, Purpose.translate) if await serving(session, purpose)
        }
        offered = [tool for tool in Tool if tool.purpose in served]
        return page(
            "console/drafting/_tools.html",
            ticket=ticket,
            tools=[(tool, LABELS[tool], ICONS[tool]) for tool in offered],
            reads=Purpose.translate in served,
            fits=lambda words: all(part in str(words).lower() for part in q[:60].lower().split()),
        )

    @post("/{tool:str}", opt=permits(Action.reply), status_code=200)
    async def change(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
        tool: FromPath[str],
    ) -> Stream:
        """A line of JSON for each piece as the model writes it, and one with the change to look at, or what went
        wrong in words."""
        chosen = next((each for each in Tool if each == tool), None)
        if chosen is None:
            raise NotFound
        text = (await read(request, WordsForm)).body
        if not text.strip():
            raise NothingWritten
        model = await language_model(session, desk.settings, chosen.purpose, ticket_id=ticket.id)
        if model is None:
            raise NoModel
        task = Work.of(chosen, text, language=ticket.language or "en")
        await session.commit()
        await session.close()  # it may take a minute, and needs no connection
        return Stream(
            _lines(page, model, task, translated=chosen is Tool.translation),
            media_type="application/x-ndjson",
            headers={"x-accel-buffering": "no"},
        )

    @get("/translation", opt=permits(Action.reply))
    async def translation(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, page: ThisPage, ticket: CurrentTicket
    ) -> Html:
        """The customer's last message in the agent's language."""
        message = await _last_letter(session, ticket)
        text = await _translated(session, desk, agent, ticket, message)
        return page("console/drafting/_translation.html", ticket=ticket, message=message, text=text)


class Translations(Controller):
    path = "/tickets/{number:int}/messages/{message_id:int}/translation"

    @get(opt=permits(Action.read))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
        message_id: FromPath[int],
    ) -> Html:
        """One message of the thread in the reader's language."""
        found = select(Message).where(Message.ticket_id == ticket.id, Message.direction != Direction.note)
        message = None
        if message_id < 2**63:
            message = await session.scalar(found.where(Message.id == message_id, Message.side_id.is_(None)))
        if message is None:
            raise NotFound
        text = await _translated(session, desk, agent, ticket, message)
        return page("console/drafting/_translated.html", message=message, text=text)


class Summaries(Controller):
    path = "/tickets/{number:int}"

    @get("/summary", opt=permits(Action.read))
    async def summary(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, page: ThisPage, ticket: CurrentTicket
    ) -> Html:
        """What the customer wants, what was tried, what is open."""
        turns = await turns_of(session, ticket, limit=MOST_TURNS)
        model = await language_model(session, desk.settings, Purpose.summary, ticket_id=ticket.id)
        lines, trouble = summaries.extracted(turns), ""
        if model and turns:
            try:
                lines = (
                    await _patiently(session, summaries.summarised(model, turns, language=agent.locale))
                    or lines
                )
            except HelpdeskError as error:
                trouble = str(error)
        parts = [
            (words, [each for each in lines if each.about is about])
            for about, words in summaries.HEADINGS.items()
        ]
        return page("console/drafting/_summary.html", ticket=ticket, parts=parts, trouble=trouble)

    @get("/naming", opt=permits(Action.change))
    async def naming(
        self, session: Session, desk: CurrentDesk, page: ThisPage, ticket: CurrentTicket
    ) -> Html:
        """A title and tags to take or leave."""
        turns = await turns_of(session, ticket, limit=MOST_TURNS)
        await session.refresh(ticket, ["tags"])
        has = [tag.name for tag in ticket.tags]
        found, trouble = await naming.named(session, ticket, turns, has), ""
        known = await naming.tags_of(session)
        model = await language_model(session, desk.settings, Purpose.triage, ticket_id=ticket.id)
        if model and turns:
            try:
                found = await _patiently(session, naming.named_by(model, known, ticket, turns, has))
            except HelpdeskError as error:
                trouble = str(error)
        return page("console/drafting/_naming.html", ticket=ticket, found=found, trouble=trouble)


async def _lines(page: Page, model: LanguageModel, task: Work, *, translated: bool) -> AsyncIterator[bytes]:
    parts: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in task.stream(model):
                parts.append(part)
                yield _line(text=part)
        after = task.finish("".join(parts))
        answer = page(
            "console/drafting/_change.html",
            runs=runs(task.text, after),
            warnings=warnings(task.text, after, translated=translated),
            after=after,
            translated=translated,
        )
        yield _line(html=answer.content)
    except TimeoutError:
        yield _line(error=str(TooSlow()))
    except HelpdeskError as error:
        yield _line(error=str(error))


def _line(**given: str) -> bytes:
    return msgspec.json.encode(given) + b"\n"


async def _patiently(session: AsyncSession, answer: Awaitable[T]) -> T:
    """No transaction is held while a model thinks. Raises TooSlow."""
    await session.commit()
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except TimeoutError:
        raise TooSlow from None


async def _translated(
    session: AsyncSession, desk: Desk, agent: Agent, ticket: Ticket, message: Message
) -> str:
    """Into the agent's language. Raises NoModel, TooSlow, ModelFailed."""
    if not message.text.strip():
        raise NothingToRead
    model = await language_model(session, desk.settings, Purpose.translate, ticket_id=ticket.id)
    if model is None:
        raise NoModel
    task = Work.reading(message.text, language=agent.locale)
    return task.finish(await _patiently(session, written(model, task.prompt)))


async def _last_letter(session: AsyncSession, ticket: Ticket) -> Message:
    turns = await turns_of(session, ticket, limit=MOST_TURNS)
    letters = [turn for turn in turns if turn.direction is Direction.inbound]
    if not letters:
        raise NoLetter
    return letters[-1]


ROUTES: list[Any] = [Wording, Translations, Summaries]
