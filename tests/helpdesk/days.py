"""A week with known answers: who wrote when is told here, what must come of it is reckoned by hand beside it.

Friday 27 March 2026 to Tuesday 31 March in Berlin, where clocks went from two to three on Sunday. The office is open
on weekdays from nine to five.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

from helpdesk import clock, measures
from helpdesk.database import committed
from helpdesk.events import ASSISTANT, DESK
from helpdesk.messages import Message
from helpdesk.people import Agent, Role, with_access
from helpdesk.tickets import Removal, Ticket
from tests.scenes import Scene, mail

ZONE = "Europe/Berlin"
WEEK = measures.Period(datetime(2026, 3, 27).date(), datetime(2026, 3, 31).date(), ZONE)  # noqa: DTZ001
MINUTE, HOUR = 60, 3600
_order = cycle(range(100))
"""What is told later happens later, be it in the same minute."""


@contextmanager
def at(moment: str) -> Iterator[None]:
    """`Fri 16:00` of that week, in Berlin."""
    day, time = moment.split()
    number = {"Thu": 26, "Fri": 27, "Sat": 28, "Sun": 29, "Mon": 30, "Tue": 31}[day]
    hours, minutes = map(int, time.split(":"))
    there = datetime(2026, 3, number, hours, minutes, tzinfo=ZoneInfo(ZONE))
    with clock.moved(there + next(_order) * timedelta(milliseconds=40) - clock.now()):
        yield


class Week:
    """Tickets by name, as the story below calls them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.tickets: dict[str, Ticket] = {}

    async def asks(self, when: str, name: str, **rest: Any) -> None:
        with at(when):
            self.tickets[name] = await self.scene.receives(mail(f"About {name}", subject=name, **rest))

    async def writes(self, when: str, name: str) -> None:
        ticket = self.tickets[name]
        with at(when):
            sent = [m for m in await self.scene.messages(ticket) if m.external_id]
            again = mail(
                f"More about {name} at {when}", sender=sent[0].sender or "", thread=(sent[0].external_id,)
            )
            assert (await self.scene.receives(again)).id == ticket.id

    async def does(self, when: str, name: str, verb: str, *args: Any, by: Any = DESK) -> Any:
        with at(when):
            return await self.scene.does(self.tickets[name], verb, *args, by=by)

    async def takes_back(self, when: str, name: str, message: Message, *, by: Agent) -> None:
        with at(when):
            async with committed(self.scene.desk.sessions) as session:
                ticket = await self.scene.ticket(self.tickets[name].id, session)
                ticket.withdraw(await session.get_one(Message, message.id), by=by)

    async def counted(self) -> None:
        async with committed(self.scene.desk.sessions) as session:
            assert await measures.recount(session, [ticket.id for ticket in self.tickets.values()]) == []

    async def someone(self, name: str) -> Agent:
        """With what `access` asks of them; a lead may have reports."""
        async with committed(self.scene.desk.sessions) as session:
            agent = await session.get_one(Agent, self.scene.agents[name].id, options=list(with_access()))
            if agent.role is Role.agent:
                agent.role = Role.lead
            return agent


async def lived(scene: Scene) -> Week:
    week, ada, liam = Week(scene), scene.agents["Ada"], scene.agents["Liam"]
    # quick: asked Friday 16:00, answered and resolved half an hour later.
    await week.asks("Fri 16:00", "quick")
    await week.does("Fri 16:30", "quick", "reply", "Here.", by=ada)
    await week.does("Fri 16:30", "quick", "resolve", by=ada)
    # weekend: asked Friday 16:30, answered Monday 9:30. 64 hours, as the night to Sunday had one less; one of work.
    await week.asks("Fri 16:30", "weekend", sender="bo@other.example")
    await week.does("Mon 09:30", "weekend", "reply", "Sorry.", by=liam)
    await week.writes("Mon 10:00", "weekend")
    await week.does("Mon 11:00", "weekend", "reply", "And this.", by=liam)
    await week.does("Mon 11:00", "weekend", "resolve", by=liam)
    await week.writes("Mon 12:00", "weekend")
    await week.does("Mon 13:00", "weekend", "reply", "Once more.", by=ada)
    await week.does("Mon 13:00", "weekend", "resolve", by=ada)
    # bot: answered by the assistant and resolved by a rule; opened again at two, answered by Ada ten minutes later.
    await week.asks("Mon 08:00", "bot", sender="kim@bot.example")
    await week.does("Mon 08:05", "bot", "reply", "I am a machine.", by=ASSISTANT)
    await week.does("Mon 08:06", "bot", "resolve", by=DESK)
    await week.writes("Mon 14:00", "bot")
    await week.does("Mon 14:10", "bot", "reply", "I am not.", by=ada)
    # taken: Ada's reply is taken back, so Liam's is the first; the desk's announcement answers nothing.
    await week.asks("Tue 10:00", "taken", sender="lu@taken.example")
    await week.does("Tue 10:01", "taken", "announce", "We have it.")
    wrong = await week.does("Tue 10:05", "taken", "reply", "Wrong.", by=ada)
    await week.takes_back("Tue 10:05", "taken", wrong, by=ada)
    await week.does("Tue 10:20", "taken", "reply", "Right.", by=liam)
    # spam and a machine's mail: the one counts nowhere, the other asks nothing.
    await week.asks("Tue 11:00", "spam", sender="win@spam.example")
    await week.does("Tue 11:01", "spam", "remove", Removal.spam, by=ada)
    await week.asks("Tue 12:00", "away", sender="auto@away.example", automatic=True)
    await week.counted()
    return week


def tickets_of(week: Week, *names: str) -> list[int]:
    return sorted(week.tickets[name].id for name in names)
