"""python -m tests.bench.chat [--widgets 2000] [--consoles 20] [--rate 50] [--minutes 20] [--warm 2] [--chats 4]

Visitors come and write, agents answer, both by the real routes and over real streams; half of the messages are
customers'. Prints how long each took until the other side's stream told it, what was lost or came twice, what it cost
the desk, the database and the crowd, and the desk's memory minute by minute; then all of it as JSON.

`--gestures`: visitors also say that they type and what they have read.
`--apart`: the workers in a process of their own.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from sqlalchemy import func, select

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Role
from helpdesk.settings import Settings
from helpdesk.tickets import Ticket
from tests.bench.chat.crowd import Plan
from tests.bench.chat.watching import report, watched
from tests.bench.console import PASSWORD, served
from tests.cluster import Cluster
from tests.scenes import Scene
from web.passwords import hashed

SECRET = "a secret for benchmarks, nothing else"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.chat", description=__doc__)
    arguments.add_argument("--widgets", type=int, default=2_000)
    arguments.add_argument("--consoles", type=int, default=20)
    arguments.add_argument("--rate", type=float, default=50, help="messages a second, both sides together")
    arguments.add_argument("--minutes", type=float, default=20)
    arguments.add_argument("--warm", type=float, default=2, help="minutes before anything is measured")
    arguments.add_argument("--idle", type=float, default=60, help="seconds in which nobody says anything")
    arguments.add_argument("--chats", type=int, default=4)
    arguments.add_argument("--gestures", action="store_true")
    arguments.add_argument("--apart", action="store_true")
    given = arguments.parse_args()
    with Cluster.running() as cluster:
        name = cluster.clone()
        home = Path(tempfile.mkdtemp(prefix="helpdesk-chat-"))
        settings = Settings(home=home, secret=SECRET, database_url=cluster.url(name), log_level="warning")
        chats, agents = asyncio.run(prepared(settings, given.chats, given.consoles))
        command = [sys.executable, "-m", "tests.bench.chat.desk", *(["--apart"] if given.apart else [])]
        with served(settings.database_url, home, command=command, secret=SECRET) as desk:
            plan = Plan(
                port=desk.client.base_url.port or 0,
                chats=chats,
                agents=agents,
                widgets=given.widgets,
                rate=given.rate,
                minutes=given.minutes,
                warm=given.warm,
                idle=given.idle,
                gestures=given.gestures,
            )
            samples, statements = watched(desk, cluster, name, plan)
        report(plan, samples, statements, asyncio.run(counted(settings)))


async def prepared(settings: Settings, chats: int, consoles: int) -> tuple[list[str], list[str]]:
    """Public ids of chats, addresses of agents."""
    desk = Desk.open(settings)
    scene = await Scene.set(desk)
    inboxes = [
        Inbox(
            name=f"Shop {n}",
            channel="chat",
            address=f"shop{n}@desk.example",
            sealed_settings=desk.keys.seal({"origins": "https://shop.example"}),
            team_id=scene.teams["Billing"].id,
        )
        for n in range(chats)
    ]
    agents = [
        Agent(
            name=f"Agent {n}",
            email=f"agent{n}@desk.example",
            role=Role.agent,
            teams=[scene.teams["Billing"]],
            password_hash=hashed(PASSWORD),
        )
        for n in range(consoles)
    ]
    async with committed(desk.sessions) as session:
        session.add_all(inboxes)
        for agent in agents:
            session.add(await session.merge(agent))
    async with desk.sessions() as session:
        ids = await session.scalars(select(Inbox.public_id).where(Inbox.channel == "chat"))
        found = [str(each) for each in ids]
    await desk.close()
    return found, [agent.email for agent in agents]


async def counted(settings: Settings) -> dict[str, int]:
    """Messages as the database has them, and their texts: the same unless one is there twice."""
    desk = Desk.open(settings)
    async with desk.sessions() as session:
        found = await session.execute(
            select(Message.direction, func.count(), func.count(Message.text.distinct()))
            .where(Message.text.like("%parcel%"))
            .group_by(Message.direction)
        )
        rows = {row[0]: (row[1], row[2]) for row in found.all()}
        tickets = await session.scalar(select(func.count()).select_from(Ticket)) or 0
    await desk.close()
    told = {"tickets": tickets}
    for direction in (Direction.inbound, Direction.outbound):
        rows_of, texts = rows.get(direction, (0, 0))
        told |= {f"{direction}": rows_of, f"{direction} twice": rows_of - texts}
    return told


if __name__ == "__main__":
    main()
