"""The first half of intake, for what a visitor wrote: kept whole before it is answered, and where it belongs.

It goes on with the visitor's open conversation. Where there is none, it begins one; what they write before that one
is there names the messages that wait ahead of it, so that quick typing never opens two.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import BigInteger, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat.identity import AT_MOST
from channels.chat.reading import File, Said, Words, Writer, content
from channels.contract import Unreadable
from helpdesk import fields, identities, intake
from helpdesk.chat import Visitor, conversations
from helpdesk.chat.visitors import UNKNOWN
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid
from helpdesk.fields import BadValue, Subject
from helpdesk.i18n import _, gettext
from helpdesk.identities import IdentityKind
from helpdesk.intake import Kept, KeptState
from helpdesk.reading import rows
from helpdesk.statements import AnySelect, once
from helpdesk.texts import preview
from helpdesk.values import Value
from web.chat.inbox import OpenChat

AHEAD = 10
"""Messages that wait to be read, of which the next one takes notice."""


class SameId(Conflict):
    message = _("There is a message with this id already, and it says something else.")


async def kept(
    desk: Desk,
    found: OpenChat,
    visitor: Visitor,
    *,
    client_id: str,
    text: str,
    files: tuple[File, ...] = (),
    fields: dict[str, Value] | None = None,
) -> int:
    """Its number among all that is kept. Raises SameId where the id was used for other words."""
    for file in files:
        _whole(file)
    source, also = f"{_sources(visitor)}{client_id}", f"chat/{UNKNOWN}/{visitor.unknown_as}/{client_id}"
    async with committed(desk.sessions) as session:
        who = {"inbox_id": found.inbox.id, "start": _sources(visitor)}
        # One at a time: what two tabs write at once belongs to one conversation.
        lock = {"name": f"chat keeping:{found.inbox.id} {visitor.address}"}
        _none, known, theirs, ahead = await rows(
            session,
            (_alone(), lock),
            (_with_sources(), who | {"sources": [source, also]}),
            conversations.asked_of(visitor),
            (_ahead(), who),
        )
        before = known[0] if known else None
        going_on = next((each for each in conversations.listed(theirs) if each.is_open), None)
        if before is None:
            words = Words(
                id=client_id,
                writer=_writer(visitor),
                at=now(),
                text=text or "\n".join(file.name for file in files),
                tokens=(desk.keys.reply_token(going_on.reply_key, visitor.address),) if going_on else (),
                after=tuple(each.source.removeprefix(who["start"]) for each in ahead),
                fields=fields or {},
                files=files,
            )
            raw = msgspec.json.encode(Said(chat=words))
            await intake.keep(session, found.inbox.id, [(raw, source)])
            (known,) = await rows(session, (_with_sources(), who | {"sources": [source]}))
            return int(known[0].id)
    said = msgspec.json.decode(before.raw, type=Said).chat
    if (text and said.text != text) or said.files != files:
        raise SameId
    return int(before.id)


def _whole(file: File) -> None:
    try:
        content(file)
    except Unreadable as error:
        raise Invalid(str(error)) from None


def _writer(visitor: Visitor) -> Writer:
    called = visitor.name or _unnamed(visitor)
    fresh = visitor.proved_at is None or visitor.proved_at > now() - AT_MOST
    return Writer(
        kind=visitor.kind, address=visitor.address, name=called, proven=visitor.is_vouched and fresh
    )


def _unnamed(visitor: Visitor) -> str:
    """By the page they are on, as far as the site says which; a number of theirs tells colleagues nothing."""
    page = visitor.pages[0] if visitor.pages else {}
    place = preview(page.get("title") or urlsplit(page.get("url", "")).netloc, 60)
    if not place:
        return identities.shown(IdentityKind.chat, visitor.address)
    return gettext("Visitor from {page}").format(page=place)


def _sources(visitor: Visitor) -> str:
    return f"chat/{visitor.kind}/{visitor.address}/"


@once
def _alone() -> AnySelect:
    return select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0)))


@once
def _with_sources() -> AnySelect:
    """Also what was sent first before they proved their address, and again after it."""
    named = Kept.source == any_(bindparam("sources", type_=ARRAY(Text)))
    return select(Kept.id, Kept.raw).where(Kept.inbox_id == bindparam("inbox_id", type_=BigInteger), named)


@once
def _ahead() -> AnySelect:
    """Their messages that nobody has read yet, newest first."""
    return (
        select(Kept.source)
        .where(
            Kept.inbox_id == bindparam("inbox_id", type_=BigInteger),
            Kept.state == KeptState.kept,
            func.starts_with(Kept.source, bindparam("start", type_=Text)),
        )
        .order_by(Kept.id.desc())
        .limit(AHEAD)
    )


async def filled_in(
    session: AsyncSession, found: OpenChat, given: Mapping[str, object], *, of_site: Mapping[str, object]
) -> tuple[dict[str, Value], list[str]]:
    """Fields that the chat asks for, read by their kind, and why some are left out that the site filled in wrongly.
    Others that a page sends are no concern of the chat. Raises Invalid for what the message's author gave."""
    asked = set(found.settings.ask_fields.split()) & {*given, *of_site}
    values: dict[str, Value] = {}
    left_out: list[str] = []
    for each in await fields.load(session, Subject.ticket) if asked else ():
        if each.key not in asked:
            continue
        try:
            value = each.read(given[each.key] if each.key in given else of_site[each.key])
        except BadValue as error:
            if each.key in given:
                raise Invalid(str(error)) from None
            left_out.append(str(error))
        else:
            if value is not None:
                values[each.key] = value
    return values, left_out
