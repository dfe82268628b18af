"""What the document says holds: whatever it allows is answered as it says, for three roles, whatever the text.

HELPDESK_TEST_EXAMPLES sets how many requests each operation gets from each role; a few in a usual run.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from helpdesk import tokens
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Agent, Role, with_access
from tests.conftest import CORPORA, missing
from tests.scenes import Scene, mail
from tests.web.served import served
from web.app import create_app

EXAMPLES = int(os.environ.get("HELPDESK_TEST_EXAMPLES", "3"))
NAUGHTY = CORPORA / "security/naughty.jsonl"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
THREE = {"Ada": Role.admin, "Liam": Role.agent, "Lou": Role.light_agent}


class Served:
    """A desk with something in it, and a secret for each of three roles."""

    def __init__(self, scene: Scene, patient: Desk, url: str, secrets: dict[str, str]) -> None:
        self.scene, self.patient, self.url, self.secrets = scene, patient, url, secrets

    def headers(self, name: str = "Ada") -> dict[str, str]:
        return {"authorization": f"Bearer {self.secrets[name]}"}


@pytest.fixture
async def open_desk(scene: Scene) -> AsyncIterator[Served]:
    secrets: dict[str, str] = {}
    for number in range(3):
        await scene.receives(mail(f"message {number}", sender=f"n{number}@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        session.add(Agent(name="Lou Light", email="lou@desk.example", role=Role.light_agent))
    async with committed(scene.desk.sessions) as session:
        for name in THREE:
            query = select(Agent).where(Agent.name.startswith(name)).options(*with_access())
            owner = (await session.scalars(query)).unique().one()
            _, secrets[name] = await tokens.issue(
                session, name, agent=owner, by=owner, scopes=[a.value for a in tokens.offered(owner)]
            )
    patient = replace(scene.desk, settings=msgspec.structs.replace(scene.desk.settings, api_rate=10**6))
    async with AsyncExitStack() as stack:
        _, url, _ = await stack.enter_async_context(served(patient))
        yield Served(scene, patient, url, secrets)


@pytest.mark.parametrize("name", THREE)
async def test_every_operation_answers_as_the_document_says(open_desk: Served, name: str):
    async with httpx.AsyncClient() as client:
        document = (await client.get(f"{open_desk.url}/api/v1/openapi.json")).json()
    count = await asyncio.to_thread(explore, document, open_desk.url, open_desk.headers(name))
    assert count >= len(document["paths"])


def explore(document: dict[str, Any], url: str, headers: dict[str, str]) -> int:
    """Raises what schemathesis found; returns how many requests were sent."""
    sent = 0
    schema = schemathesis.openapi.from_dict(document)
    profile = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]  # an error raises, which is right here

        @profile
        @given(case=operation.as_strategy())
        def hold(case: schemathesis.Case[Any]) -> None:
            nonlocal sent
            sent += 1
            answer = case.call(base_url=f"{url}/api/v1", headers=headers)
            case.validate_response(answer, checks=CHECKS, headers=headers)

        hold()
    return sent


def naughty() -> list[str]:
    if not NAUGHTY.exists():
        missing(str(NAUGHTY))
    return [json.loads(line)["text"] for line in NAUGHTY.read_text().splitlines()]


def kept(text: str) -> str:
    """As the desk keeps a text: without NUL, lines ended by a line feed, nothing blank around it."""
    return text.replace("\x00", "").replace("\r\n", "\n").strip()


def one_line(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


async def test_every_naughty_string_survives_every_text_field(open_desk: Served):
    """What a field refuses it refuses in words; what it takes comes back as it was.

    The long fields take all strings at once, a line each: what one of them breaks, breaks the whole. Those of one
    line, which are too short for that, share them out.
    """
    strings = naughty()
    together = "\n".join(one_line(text) for text in strings if is_text(text))
    app = create_app(open_desk.patient)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    prefix = f"{open_desk.url}/api/v1"
    async with httpx.AsyncClient(transport=transport, base_url=prefix, headers=open_desk.headers()) as ada:
        made = await places(ada)
        for method, path, body, name, get in long_fields(made):
            text = together[: LONGEST.get(name, 50_000)]
            answer = await ada.request(method, path, **sent(body | {name: text}))
            assert await same(answer, get, kept(text)), (path, name, answer.text[:300])
        lines = short_fields(made)
        taken = 0
        for number, text in enumerate(strings):
            path, name, get = lines[number % len(lines)]
            taken += await same(await ada.patch(path, **sent({name: text})), get, one_line(text))
        assert taken > len(strings) // 2


def sent(body: dict[str, Any]) -> dict[str, Any]:
    """Escaped, since half a surrogate pair can be written in JSON, and has to be refused."""
    return {"content": json.dumps(body), "headers": {"content-type": "application/json"}}


def is_text(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


async def places(ada: httpx.AsyncClient) -> dict[str, Any]:
    """One of each thing that has text fields, by its address."""
    made: dict[str, Any] = {"/tickets/1": {}}
    for path, body in {
        "/contacts": {"name": "x", "email": "x@y.example"},
        "/companies": {"name": "x"},
        "/fields": {"subject": "ticket", "name": "Note"},
        "/types": {"name": "x"},
        "/statuses": {"category": "open", "name": "x"},
        "/teams": {"name": "x"},
        "/templates": {"name": "x"},
        "/roles": {"name": "x", "permissions": ["ticket:read"]},
    }.items():
        answer = await ada.post(path, json=body)
        assert answer.status_code == 201, answer.text
        made[path] = f"{path}/{answer.json()['id']}"
    return made


Get = Callable[[Any], str]
Long = tuple[str, str, dict[str, Any], str, Get]
LONGEST = {"description": 500}


def long_fields(made: dict[str, Any]) -> list[Long]:
    side = {"to": ["claims@carrier.example"]}
    later = {"send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    return [
        ("POST", "/tickets/1/notes", {}, "text", lambda a: a["text"]),
        ("POST", "/tickets/1/replies", {}, "text", lambda a: a["text"]),
        ("POST", "/tickets/1/replies", later, "text", lambda a: a["text"]),
        ("POST", "/tickets/1/sides", side, "text", lambda a: a["text"]),
        ("PATCH", made["/templates"], {}, "text", lambda a: a["text"].strip()),
        ("PATCH", made["/teams"], {}, "description", lambda a: a["description"]),
    ]


def short_fields(made: dict[str, Any]) -> list[tuple[str, str, Get]]:
    """Address, field, and how it is read: every name and subject there is."""
    found: list[tuple[str, str]] = [
        ("/tickets/1", "subject"),
        (made["/contacts"], "name"),
        (made["/contacts"], "title"),
        (made["/companies"], "name"),
        (made["/types"], "name"),
        (made["/statuses"], "name"),
        (made["/statuses"], "customer_name"),
        (made["/fields"], "name"),
        (made["/fields"], "hint"),
        (made["/teams"], "name"),
        (made["/templates"], "name"),
        (made["/templates"], "subject"),
        (made["/roles"], "name"),
        ("/options", "desk_name"),
    ]
    return [(path, name, itemgetter(name)) for path, name in found]


async def same(answer: httpx.Response, get: Get, wanted: str) -> bool:
    if answer.status_code in {400, 409}:
        assert answer.json()["detail"], answer.text
        return False
    assert answer.status_code in {200, 201}, answer.text
    assert get(answer.json()) == wanted
    return True
