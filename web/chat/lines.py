"""The line down to a frame: what is said, as it is said, and who is typing.

Each stream remembers what it has told. Its events carry a number up to which everything that can be read was told:
a frame that comes back says it, and gets what it missed. What comes twice has the same id, and the frame knows it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from helpdesk.access import Action
from helpdesk.chat import conversations, is_over, live_name, numbered
from helpdesk.clock import now
from helpdesk.desk import Desk
from web.addresses import counted_as
from web.auth import opened as session_of
from web.auth import permits
from web.chat import telling
from web.chat.inbox import OpenChat, asked
from web.chat.open_lines import Line, Lines
from web.chat.visitors import tell_agents
from web.live import BEAT, Closing

OPENED = 30  # streams a minute that one visitor opens
PATIENCE = 20.0  # seconds that one waits to be opened while very many are
OVERLAP = 200  # numbers that are looked at again: who gets one first need not commit first
PACE = 0.2  # seconds between two looks for one frame: a reply is said when it is written, and again when it has left
AGAIN = 2.0  # seconds until a frame is looked at again for which the database had no answer
AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)


@get("/chat/{public_id:str}/live", opt=permits(Action.public))
async def live(request: Request[Any, Any, Any], public_id: FromPath[str]) -> Stream:
    desk: Desk = request.app.state.desk
    lines: Lines = request.app.state.chat_lines
    try:
        async with asyncio.timeout(PATIENCE):
            await lines.opening.acquire()
    except TimeoutError:
        raise Closing from None  # the frame asks again
    try:
        found, line = await _opened(request, lines, public_id)
    finally:
        lines.opening.release()

    async def events() -> AsyncIterator[bytes]:
        with lines.kept(line):
            async for event in _events(desk, lines, found, line):
                yield event

    return Stream(events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _opened(request: Request[Any, Any, Any], lines: Lines, public_id: str) -> tuple[OpenChat, Line]:
    session = session_of(request)
    found, visitor = await asked(request, public_id, "live", OPENED)
    line = lines.open(visitor, counted_as(request))
    reached = request.headers.get("last-event-id", "")
    known = int(reached) if reached.isascii() and reached.isdecimal() and len(reached) < 19 else None
    if known is None or known > await conversations.highest(session):  # a backup was brought back since
        known = await conversations.newest(session, visitor)
    line.reached = known
    visitor.seen_at = now()
    await tell_agents(session, visitor)
    await session.commit()
    await session.close()  # a stream lasts for hours and needs no connection
    return found, line


async def _events(desk: Desk, lines: Lines, found: OpenChat, line: Line) -> AsyncIterator[bytes]:
    yield b"event: beat\ndata: hello\n\n"
    shown, clock = b"", asyncio.get_running_loop().time
    looked = clock() - PACE
    while not (line.ended or lines.closing):
        if line.typing:
            line.typing = False
            yield _event("typing", {})
        if line.stale:
            await asyncio.sleep(looked + PACE - clock())
            looked, line.stale = clock(), False
            try:
                seen = await lines.to_the_end(_seen(desk, lines, found, line))
            except AWAY:  # what is said meanwhile is told later; if all frames came anew, it would get worse
                line.stale, looked = True, clock() + AGAIN - PACE
                yield b"event: beat\ndata: still here\n\n"
                continue
            if seen is None:  # nothing is held while a slow browser takes it
                yield _event("gone", {})
                return
            told, state = seen
            for each in told:
                yield _event("message", each, line.reached)
            if (packed := msgspec.json.encode(state)) != shown:
                shown = packed
                yield _event("conversations", state, line.reached)
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                await line.woken.wait()
        if not line.woken.is_set():
            yield b"event: beat\ndata: still here\n\n"
        line.woken.clear()


async def _seen(
    desk: Desk, lines: Lines, found: OpenChat, line: Line
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """What this stream has not told yet, and how its conversations stand; None where its token opens nothing any more.

    What was said in a conversation before it became theirs is nothing new: frames read it with the conversation.
    The line remembers nothing before all has been read, so that what fails can be asked again.
    """
    after, before = max(line.reached - OVERLAP, 0), set(line.tickets)
    async with lines.reading, desk.reading() as session:
        visitor = await numbered(session, line.visitor_id)
        if visitor is None or await is_over(session, visitor):
            return None
        theirs, waiting, said = await conversations.news(session, visitor, list(line.tickets), after=after)
    # By another name, too, once they have proved an address.
    lines.place(line, live_name(visitor), {each.ticket_id: each.number for each in theirs})
    new = [
        each
        for each in said
        if each.id not in line.told
        and (each.id > line.reached or (each.origin_id or each.ticket_id) in before)
    ]
    line.told.update(each.id for each in said)
    upto = max([line.reached, *(each.id for each in said)])
    line.reached = min(upto, waiting - 1) if waiting else upto
    line.told = {each for each in line.told if each > line.reached - OVERLAP}
    messages = [telling.message(each, found, line.tickets) for each in new]
    return messages, [telling.line(each) for each in theirs[:5]]


def _event(name: str, data: Any, reached: int | None = None) -> bytes:
    number = f"id: {reached}\n" if reached is not None else ""
    return f"event: {name}\n{number}data: ".encode() + msgspec.json.encode(data) + b"\n\n"
