"""The demo's assistant is there without set-up, begins once by itself, and asks a program that believes signatures."""

import asyncio
import json
from functools import partial

import httpx
from sqlalchemy import select, update

from ai.assistant.rows import Mode, Policy, Run, Tool
from ai.levels import AnswerLevel
from helpdesk.cli.demo import assistant, content, program
from helpdesk.database import committed
from helpdesk.rules import Rule
from helpdesk.topics import Topic
from helpdesk.webhooks.posting import signed_now
from tests.scenes import Scene, mail


def test_its_names_resolve() -> None:
    told, company = assistant.load(), content.load()
    names = {topic.name for topic in told.topics}
    assert {line.topic for line in told.lines} <= {"", *names}
    assert {rule.topic for rule in told.rules} <= names
    assert {line.team for line in told.lines} <= {"", *(team.name for team in company.teams)}
    assert all(len(topic.examples) >= 5 for topic in told.topics)


async def test_it_begins_once_when_the_articles_can_be_searched(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        await assistant.arrange(scene.desk, session)
    ticket = await scene.receives(mail("How do I add a seat?"))
    async with scene.desk.sessions() as session:
        assert {p.mode for p in await session.scalars(select(Policy))} == {Mode.off}
        assert len(list(await session.scalars(select(Topic)))) == len(assistant.load().topics)
        assert [rule.active for rule in await session.scalars(select(Rule))] == [True]
    stop = asyncio.Event()
    beginning = asyncio.create_task(assistant.begin(scene.desk, stop))
    async with committed(scene.desk.sessions) as session:
        session.add(AnswerLevel(embedder="e", threshold=0.9, closeness=0.5, articles=40))
    while not await runs(scene):
        await asyncio.sleep(0.05)
    stop.set()
    await beginning
    assert [run.ticket_id for run in await runs(scene)] == [ticket.id]
    async with committed(scene.desk.sessions) as session:
        modes = {p.topic == "": p.mode for p in await session.scalars(select(Policy))}
        assert modes == {True: Mode.suggest, False: Mode.shadow}
        await session.execute(update(Policy).values(mode=Mode.off))
    await assistant.begin(scene.desk, asyncio.Event())
    async with scene.desk.sessions() as session:
        assert {p.mode for p in await session.scalars(select(Policy))} == {Mode.off}, "it stays off"


async def runs(scene: Scene) -> list[Run]:
    async with scene.desk.sessions() as session:
        return list(await session.scalars(select(Run)))


async def test_the_program_answers_what_is_signed(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        made = assistant.tool(scene.desk, assistant.load().tool)
        session.add(made)
    stop, port = asyncio.Event(), program.free_port()
    serving = asyncio.create_task(partial(program.serve, port=port)(scene.desk, stop))
    async with scene.desk.sessions() as session:
        while f":{port}/" not in (url := await session.scalar(select(Tool.url)) or ""):
            await asyncio.sleep(0.05)
    body = json.dumps({"arguments": {"invoice": "BL-203377"}}).encode()
    secret = str(scene.desk.keys.unseal(made.sealed_secret))
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=3)) as client:
        found = await client.post(url, content=body, headers=signed_now([secret], "key", body))
        assert found.json() == {"invoice": "BL-203377", "status": "paid"}
        assert (await client.post(url, content=body)).status_code == 401
        broken = await client.post(url, content=b"[", headers=signed_now([secret], "key", b"["))
        assert broken.status_code == 400
    stop.set()
    await serving
