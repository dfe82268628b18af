"""What the document says holds: whatever it allows is answered as it says, for three roles, whatever the text.

HELPDESK_TEST_EXAMPLES sets how many requests each operation gets from each role; a few in a usual run.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
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
from helpdesk.people import Agent, Role, with_access
from tests.conftest import CORPORA, missing
from tests.scenes import Scene, mail
from tests.web.served import served

EXAMPLES = int(os.environ.get("HELPDESK_TEST_EXAMPLES", "3"))
NAUGHTY = CORPORA / "security/naughty.jsonl"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
THREE = {"Ada": Role.admin, "Liam": Role.agent, "Lou": Role.light_agent}


class Served:
    """A desk with something in it, and a secret for each of three roles."""

    def __init__(self, scene: Scene, url: str, secrets: dict[str, str]) -> None:
        self.scene, self.url, self.secrets = scene, url, secrets

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
        yield Served(scene, url, secrets)


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
    """What a field refuses it refuses in words; what it takes comes back as it was."""
    await open_desk.scene.receives(mail())
    prefix = f"{open_desk.url}/api/v1"
    async with httpx.AsyncClient(base_url=prefix, headers=open_desk.headers(), timeout=300) as ada:
        contact = (await ada.post("/contacts", json={"name": "x", "email": "x@y.example"})).json()["id"]
        company = (await ada.post("/companies", json={"name": "x"})).json()["id"]
        field = await ada.post("/fields", json={"subject": "ticket", "name": "Note"})
        key = field.json()["key"]
        taken = 0
        for text in naughty():
            said = await ada.post("/tickets/1/notes", json={"text": text})
            taken += await same(ada, said, lambda a: a["text"], kept(text))
            if said.status_code == 201:
                edit = await ada.patch(f"/tickets/1/notes/{said.json()['id']}", json={"text": f"{text}."})
                await same(ada, edit, lambda a: a["text"], kept(f"{text}."))
            subject = await ada.patch("/tickets/1", json={"subject": text})
            taken += await same(ada, subject, lambda a: a["subject"], one_line(text))
            filled = await ada.patch("/tickets/1", json={"fields": {key: text}})
            taken += await same(ada, filled, lambda a: a["fields"].get(key, ""), text, loose=True)
            for where in (f"/contacts/{contact}", f"/companies/{company}"):
                named = await ada.patch(where, json={"name": text})
                taken += await same(ada, named, lambda a: a["name"], one_line(text))
            titled = await ada.patch(f"/contacts/{contact}", json={"title": text})
            taken += await same(ada, titled, lambda a: a["title"], one_line(text))
            noted = await ada.post(f"/contacts/{contact}/notes", json={"text": text})
            taken += await same(ada, noted, lambda a: a["items"][0]["text"], kept(text))
        assert taken > 5 * len(naughty())


async def same(
    ada: httpx.AsyncClient, answer: httpx.Response, get: Any, wanted: str, *, loose: bool = False
) -> int:
    if answer.status_code in {400, 409}:
        assert answer.json()["detail"], answer.text
        return 0
    assert answer.status_code in {200, 201}, answer.text
    found = get(answer.json())
    if loose:
        assert one_line(found) == one_line(wanted), (found, wanted)
    else:
        assert found == wanted, (found, wanted)
    return 1
