"""How it was, answered by a button in the ticket's thread: by whose ticket it is, and by nobody else there."""

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import ChannelError, Outcome
from channels.slack import showing
from channels.slack.case import Case
from channels.slack.reading import KIND
from helpdesk import satisfaction
from helpdesk.database import committed
from helpdesk.errors import Forbidden, NotFound
from helpdesk.i18n import _, speaking
from helpdesk.languages import language_for
from helpdesk.people import Contact, ContactIdentity
from helpdesk.ratings import Rating
from helpdesk.satisfaction.answering import Asked
from helpdesk.tickets import Ticket


class NotAsked(Forbidden):
    message = _("Somebody else was asked this.")


async def pressed(case: Case, value: str) -> Outcome:
    """Raises NotAsked, NotFound, Over; ValueError for what is no button of ours."""
    public_id, _slash, score = value.partition("/")
    async with committed(case.desk.sessions) as session:
        asked, by = await _asked(case, session, public_id)
        satisfaction.answer(asked, int(score), by=by, channel=KIND)
        with speaking(await language_for(session, asked.ticket)):
            form = showing.adding(public_id)
    trigger = str(case.found.payload.get("trigger_id") or "")
    with suppress(ChannelError):  # the answer is there; only words beside it can't be added now
        await case.calls.tell("views_open", trigger_id=trigger, view=form)
    return Outcome("rating")


async def added(case: Case, public_id: str, comment: str) -> Outcome:
    async with committed(case.desk.sessions) as session:
        asked, by = await _asked(case, session, public_id)
        if asked.rating.score is None:
            raise NotFound
        satisfaction.answer(asked, asked.rating.score, comment, by=by, channel=KIND)
    return Outcome("rating: words beside it")


async def _asked(case: Case, session: AsyncSession, public_id: str) -> tuple[Asked, Contact]:
    """The rating is locked."""
    rating = await session.scalar(select(Rating).where(Rating.public_id == public_id).with_for_update())
    if rating is None or rating.inbox_id != case.inbox.id:
        raise NotFound
    pressing = select(ContactIdentity.contact_id).where(
        ContactIdentity.kind == KIND, ContactIdentity.value == f"{case.me.team}/{case.found.user}"
    )
    if rating.contact_id is None or await session.scalar(pressing) != rating.contact_id:
        raise NotAsked
    ticket = await session.get_one(Ticket, rating.ticket_id, options=[joinedload(Ticket.inbox)])
    contact = await session.get_one(Contact, rating.contact_id)
    return Asked(rating, ticket, contact), contact
