"""What rules write: placeholders of the closed language, and nothing that could come out empty before a customer."""

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.changes import BadValue
from helpdesk.i18n import gettext
from helpdesk.macros.placeholders import HOLE, names_in
from helpdesk.macros.using import filled_in
from helpdesk.texts import written
from helpdesk.tickets import Ticket

LONGEST = 20_000
ALWAYS_KNOWN = frozenset({"ticket.number", "ticket.subject", "inbox.name", "desk.name"})


def read_note(given: str) -> str:
    """As it is kept; raises BadValue, or Unknown for a placeholder that means nothing."""
    text = written(given)
    if not text:
        raise BadValue("text", gettext("Write what is said."))
    if len(text) > LONGEST:
        raise BadValue("text", gettext("This has at most %(n)s characters.") % {"n": LONGEST})
    for name in names_in(text):
        if name.startswith("agent."):
            why = gettext("No agent writes this, so “%(name)s” stands for nobody.")
            raise BadValue("text", why % {"name": name})
    return text


def read_reply(given: str) -> str:
    """As `read_note`; each placeholder also says what stands there when nothing is known."""
    text = read_note(given)
    for hole in HOLE.finditer(text):
        if hole[1] not in ALWAYS_KNOWN and hole[2] is None:
            why = gettext("Say what stands there when nothing is known: {{%(name)s|…}}.")
            raise BadValue("text", why % {"name": hole[1]})
    return text


async def filled(session: AsyncSession, text: str, ticket: Ticket) -> str:
    return (await filled_in(session, text, ticket, None)).text
