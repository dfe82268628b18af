"""What holds for every operation: described, guarded, refused in the same way."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from helpdesk.access import Action
from tests.scenes import mail
from tests.web.api.conftest import Calls
from tests.web.served import Console
from web.api import described
from web.api.openapi import document
from web.api.routes import routes


async def test_every_operation_says_what_it_does_takes_and_needs(console: Console, caller: Calls):
    document = (await (await caller()).get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    names: list[str] = []
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            names.append(said["operationId"])
            assert said["summary"], path
            assert said["x-permission"] in set(Action), path
            assert {"401", "403", "429"} <= set(said["responses"]), path
            if body := said.get("requestBody", {}).get("content", {}).get("application/json"):
                assert body["example"] is not None, (method, path)
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)


async def test_every_example_of_a_body_is_read(console: Console, caller: Calls):
    """Whatever it is answered, it is never that the example cannot be read."""
    ada = await caller()
    document = (await ada.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                where = path.replace("{number}", "1").replace("{", "").replace("}", "")
                for name in ("message_id", "note_id", "status_id", "type_id", "tag_id", "field_id"):
                    where = where.replace(name, "1")
                answer = await ada.request(method, where, json=content["example"])
                problem = answer.json() if answer.content else {}
                assert (
                    problem.get("type") != "urn:helpdesk:unreadable" or "There is no" in problem["detail"]
                ), (
                    method,
                    path,
                    answer.text,
                )
                assert answer.status_code < 500, (method, path, answer.text)


async def test_the_cookie_of_the_console_opens_nothing(console: Console):
    ada = await console.person("Ada")
    answer = await ada.get("/api/v1/tickets")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await ada.post("/api/v1/tickets/1/resolution")).status_code == 401


async def test_a_problem_says_what_where_and_which_request(caller: Calls):
    ada = await caller()
    answer = await ada.get("/tickets/99", headers={"x-request-id": "mine-1"})
    assert answer.json() == {
        "type": "urn:helpdesk:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing here, or you may not see it.",
        "instance": "/api/v1/tickets/99",
        "request_id": "mine-1",
    }
    assert answer.headers["x-request-id"] == "mine-1"
    wrong = (await ada.get("/tickets", params={"limit": "900"})).json()
    assert (wrong["status"], wrong["errors"][0]["field"]) == (400, "limit")
    unknown = await ada.get("/nowhere", headers={"accept": "text/html"})
    assert unknown.headers["content-type"] == "application/problem+json"


async def test_what_others_may_not_see_does_not_exist(console: Console, caller: Calls):
    """Tess is in Technical; the ticket went to Billing."""
    ticket = await console.scene.receives(mail())
    ada, tess = await caller(), await caller("Tess")
    document = (await ada.get("/openapi.json")).json()
    checked = 0
    for path, methods in document["paths"].items():
        if not path.startswith("/tickets/{number}"):
            continue
        where = path.replace("{number}", str(ticket.number)).replace("{side}", "related")
        for name in (
            "message_id",
            "note_id",
            "reply_id",
            "attachment_id",
            "participant_id",
            "other",
            "merge_id",
        ):
            where = where.replace(f"{{{name}}}", "1")
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json")
            answer = await tess.request(method, where, json=content["example"] if content else None)
            assert answer.status_code in {404, 403}, (method, path, answer.text)
            if answer.status_code == 403:
                assert said["x-permission"] not in {"ticket:read", "ticket:reply", "ticket:change"}
            checked += 1
    assert checked > 15


async def test_a_token_does_only_what_it_and_its_agent_may(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    reader = await caller("Ada", only=[Action.read])
    path = f"/tickets/{ticket.number}"
    assert (await reader.get(path)).status_code == 200
    assert (await reader.patch(path, json={"priority": "high"})).status_code == 403
    assert (await reader.get("/contacts")).status_code == 403
    noter = await caller("Ada", only=[Action.note])
    assert (await noter.post(f"{path}/notes", json={"text": "x"})).status_code == 404, "it may not even read"
    liam = await caller("Liam", only=[Action.read, Action.read_audit, Action.manage_agents])
    assert (await liam.get("/audit")).status_code == 403, "Liam himself may not"
    assert (await liam.get("/me")).json()["permissions"] == ["ticket:read"]


async def test_what_nobody_asked_for_is_refused_by_name(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    path = f"/tickets/{ticket.number}"
    for body, field in [
        ({"number": 7}, ""),
        ({"priority": "highest"}, "priority"),
        ({"priority": 3}, "priority"),
        ({"tags": ["x" * 51]}, "tags[0]"),
        ({"team": "Nowhere"}, "team"),
        ({"requester": "1"}, "requester"),
        ([], ""),
        ("x", ""),
        (None, ""),
    ]:
        answer = await ada.patch(path, content=json.dumps(body), headers={"content-type": "application/json"})
        assert answer.status_code == 400, (body, answer.text)
        assert answer.json()["errors"][0]["field"] == field, answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"text":' * 50_000, 400),
        (b'{"text": "\xff\xfe"}', 400),
        (b'{"text": "\\ud800"}', 400),
        (b"", 400),
        (b"text=x", 400),
        (b'{"text": "' + b"x" * 10_000_000 + b'"}', 413),
    ],
)
async def test_hostile_bodies_are_refused(console: Console, caller: Calls, content: bytes, status: int):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    headers = {"content-type": "application/json"}
    path = f"/tickets/{ticket.number}/notes"
    try:
        answer = await ada.post(path, content=content, headers=headers)
    except httpx.WriteError:
        assert status == 413, "the server closed the line before it had taken all of it"
        return
    assert answer.status_code == status, answer.text[:300]


async def test_other_types_than_json_are_refused(console: Console, caller: Calls):
    ticket = await console.scene.receives(mail())
    ada = await caller()
    answer = await ada.post(f"/tickets/{ticket.number}/notes", data={"text": "x"})
    assert answer.status_code == 415


def test_no_answer_shows_a_model_as_it_is():
    """Field sets are listed: a column that is added later is not shown by itself."""
    for path in Path("web/api").glob("*.py"):
        assert "to_builtins" not in path.read_text(), path


def test_words_stand_at_the_fields_and_a_desk_without_sources_has_its_document_too(monkeypatch):
    """Sources are read a file at a time, so that making the document keeps nobody waiting."""

    def words() -> dict[str, Any]:
        described._read.cache_clear()
        schemas = document(Litestar([routes()], openapi_config=None), "http://desk")["components"]["schemas"]
        found: dict[str, Any] = schemas["NewTicket"]["properties"]["opening"]
        return found

    assert "stay among colleagues" in words()["description"]
    asked: list[object] = []

    def gone(module: object) -> str:
        asked.append(module)
        raise OSError("could not get source code")

    monkeypatch.setattr("web.api.described.inspect.getsource", gone)
    assert "description" not in words()
    assert len(asked) == len(set(asked))
