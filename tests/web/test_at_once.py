"""Many requests at once: none waits for what another holds who waits for it."""

from contextlib import AsyncExitStack
from datetime import timedelta

from sqlalchemy import select, update

from helpdesk.clock import now
from helpdesk.database import committed
from tests.scenes import mail
from tests.web.served import Console
from web.sessions import WebSession


async def test_a_request_needs_no_second_connection_of_the_common_pool(console: Console):
    """The others may all be taken by requests that wait for the ticket that it has locked."""
    ticket = await console.scene.receives(mail())
    ada = await console.person("Ada")
    engine = console.scene.desk.engine
    async with AsyncExitStack() as busy:
        for _ in range(19):  # of twenty
            await busy.enter_async_context(engine.connect())
        console.app.state.signboard.forget()
        answer = await ada.does(f"/tickets/{ticket.number}/assignment", data={"agent": "me"})
    assert answer.status_code == 200, answer.text


async def test_requests_of_one_browser_do_not_wait_for_each_other(console: Console):
    """The first after a minute notes that somebody was seen, and may take long; the next one does not wait."""
    ada = await console.person("Ada")
    sessions = console.scene.desk.sessions
    async with committed(sessions) as session:
        await session.execute(update(WebSession).values(last_seen_at=now() - timedelta(minutes=5)))
    async with committed(sessions) as at_work:
        await at_work.scalars(select(WebSession).with_for_update())
        answer = await ada.look("/tickets")
    assert answer.status_code == 200
    async with sessions() as session:
        assert (await session.scalars(select(WebSession.last_seen_at))).one() < now() - timedelta(minutes=4)
    await ada.look("/tickets")
    async with sessions() as session:
        assert (await session.scalars(select(WebSession.last_seen_at))).one() > now() - timedelta(minutes=1)
