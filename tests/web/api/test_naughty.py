"""Strings that have broken other programs survive every text field that the document names, or are refused in words.

The fields are read from the document, so that none can be forgotten: what is not tried here is named with its reason.
"""

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from typing import Any

import httpx
import msgspec
import pytest

from helpdesk import tokens
from helpdesk.database import committed
from tests.conftest import CORPORA, missing
from tests.scenes import Scene, mail
from tests.web.api.writable import NOT_TEXT, SEVERAL_LINES, Field, fields, one_line
from web.app import create_app

NAUGHTY = CORPORA / "security/naughty.jsonl"
WRAPPERS = ("items", "webhook", "inbox")
FEW = 4  # packs for a field that another operation of the same thing tries with all of them
TOGETHER = 40  # strings of one list

THOROUGH = int(os.environ.get("HELPDESK_TEST_EXAMPLES", "3")) >= 20
"""A usual run tries the strings that test_schema.py names; this one every string through every field."""


@dataclass(frozen=True)
class Home:
    """One operation: where it is sent, what it needs besides, and where it is read again."""

    where: str
    read: str = ""
    """Address of the thing or of the list that it stands in; empty: where it was sent."""
    needs: Callable[[int], dict[str, Any]] = lambda _n: {}
    columns: dict[str, str] = field(default_factory=dict)
    """Field → how it is called where it is read, if not the same."""
    status: int = 200
    few: bool = False


def named(number: int) -> dict[str, Any]:
    return {"name": f"x {number}"}


def hours(number: int) -> dict[str, Any]:
    return named(number) | {"time_zone": "Europe/Berlin", "week": {"monday": [["09:00", "17:00"]]}}


def promised(number: int) -> dict[str, Any]:
    return named(number) | {"calendar_id": 1, "targets": {"normal": {"first_response": 60}}}


def ruled(number: int) -> dict[str, Any]:
    return named(number) | {"triggers": [{"on": "created"}], "actions": [{"verb": "tag", "tags": ["x"]}]}


def is_text(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def naughty() -> list[str]:
    if not NAUGHTY.exists():
        missing(str(NAUGHTY))
    return [json.loads(line)["text"] for line in NAUGHTY.read_text().splitlines()]


@pytest.fixture
async def ada(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """A program of Ada's, beside the application: there is no line between them that could lose a character."""
    await scene.receives(mail("message"))
    first = await scene.receives(mail("several", sender="n@lumen.example"))
    known = (await scene.messages(first))[0].external_id
    for number in range(FEW + 1):  # each can be split off once
        await scene.receives(mail(f"more {number}", sender="n@lumen.example", thread=(known,)))
    async with committed(scene.desk.sessions) as session:
        owner = scene.agents["Ada"]
        scopes = [action.value for action in tokens.GRANTABLE]
        _, secret = await tokens.issue(session, "naughty", agent=owner, by=owner, scopes=scopes)
    desk = replace(scene.desk, settings=msgspec.structs.replace(scene.desk.settings, api_rate=10**6))
    transport = httpx.ASGITransport(app=create_app(desk))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk/api/v1", headers=headers
    ) as client:
        yield client


async def things(ada: httpx.AsyncClient) -> dict[str, Home]:
    """One of each thing that has text, and every operation that takes some."""

    async def made(path: str, **body: Any) -> str:
        answer = await ada.post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        told = answer.json()
        return f"{path}/{told.get('webhook', told)['id']}"

    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for subject in ("ticket", "contact", "company"):
        await made("/fields", subject=subject, name="Naughty")
    reply = (await made("/tickets/1/replies", text="x", send_at=later)).rpartition("/")[2]
    side = (await ada.post("/tickets/1/sides", json={"to": ["claims@carrier.example"], "text": "x"})).json()
    inbox = (await ada.get("/inboxes")).json()["items"][0]["id"]
    said = "/tickets/1/messages"
    note = (await made("/tickets/1/notes", text="x")).rpartition("/")[2]
    contact, company = await made("/contacts", name="x"), await made("/companies", name="x")
    await ada.patch("/tickets/1", json={"tags": ["x"]})
    tag = (await ada.get("/tags")).json()["items"][0]
    view = {"condition": {"kind": "all", "of": []}, "visibility": "me"}
    hook = {"url": "https://93.184.216.34/hook", "events": ["ticket.created"]}
    collection = await made("/collections", name="x")
    template, role = await made("/templates", name="x"), {"permissions": ["ticket:read"], "reach": "teams"}
    started = {"inbox": inbox, "opening": "note", "subject": "x", "text": "x"}
    agent = (await ada.get("/agents")).json()["items"][-1]["id"]
    several = [each["id"] for each in (await ada.get("/tickets/2/messages")).json()["items"]]
    return {
        "PATCH /agents/{agent_id}": Home(f"/agents/{agent}"),
        "POST /invitations": Home(
            "/invitations",
            needs=lambda n: {"email": f"n{n}@new.example", "role": "agent"} | named(n),
            status=201,
        ),
        "POST /roles": Home("/roles", needs=lambda n: role | named(n), status=201, few=True),
        "PATCH /roles/{role_id}": Home(await made("/roles", name="x", **role), "/roles"),
        "POST /teams": Home("/teams", needs=named, status=201, few=True),
        "PATCH /teams/{team_id}": Home(await made("/teams", name="x")),
        "POST /companies": Home("/companies", "location", needs=named, status=201, few=True),
        "PATCH /companies/{number}": Home(company),
        "POST /contacts": Home("/contacts", "location", needs=named, status=201, few=True),
        "PATCH /contacts/{number}": Home(contact),
        "POST /contacts/{number}/notes": Home(f"{contact}/notes", status=201),
        "POST /fields": Home(
            "/fields",
            needs=lambda n: {"subject": "ticket", "kind": "choice", "choices": ["x"]} | named(n),
            status=201,
            few=True,
        ),
        "PATCH /fields/{field_id}": Home(
            await made("/fields", subject="contact", name="x", kind="choice", choices=["x"]), "/fields"
        ),
        "POST /inboxes": Home(
            "/inboxes",
            needs=lambda n: {"address": f"n{n}@desk.example", "channel": "api", "anyway": True} | named(n),
            status=201,
            few=True,
        ),
        "PATCH /inboxes/{inbox_id}": Home(
            f"/inboxes/{inbox}", read="/inboxes", needs=lambda _n: {"anyway": True}
        ),
        "PATCH /options": Home("/options"),
        "POST /statuses": Home(
            "/statuses", needs=lambda n: {"category": "open"} | named(n), status=201, few=True
        ),
        "PATCH /statuses/{status_id}": Home(await made("/statuses", category="open", name="x"), "/statuses"),
        "PATCH /tags/{tag_id}": Home(f"/tags/{tag['id']}", "/tags"),
        "POST /templates": Home("/templates", "location", needs=named, status=201, few=True),
        "PATCH /templates/{template_id}": Home(template),
        "POST /types": Home("/types", needs=named, status=201, few=True),
        "PATCH /types/{type_id}": Home(await made("/types", name="x"), "/types"),
        "POST /tickets/{number}/notes": Home("/tickets/1/notes", "location", status=201),
        "PATCH /tickets/{number}/notes/{note_id}": Home(f"/tickets/1/notes/{note}", f"{said}/{note}"),
        "POST /tickets/{number}/replies": Home("/tickets/1/replies", "location", status=201),
        "PATCH /tickets/{number}/replies/{reply_id}/schedule": Home(
            f"/tickets/1/replies/{reply}/schedule", f"{said}/{reply}"
        ),
        "POST /tickets/{number}/ratings": Home(
            "/tickets/1/ratings", needs=lambda n: {"score": 1 + n % 5}, columns={"comment": "comment"}
        ),
        "POST /tickets/{number}/sides": Home(
            "/tickets/1/sides",
            "location",
            needs=lambda _n: {"to": ["claims@carrier.example"], "text": "x"},
            columns={"subject": "/=/tickets/1/sides subject"},
            status=201,
            few=True,
        ),
        "POST /tickets/{number}/sides/{side_id}/messages": Home(
            f"/tickets/1/sides/{side['side']}/messages", "location", status=201, few=True
        ),
        "POST /saved-views": Home("/saved-views", needs=lambda n: view | named(n), status=201, few=True),
        "PUT /saved-views/{view_id}": Home(
            await made("/saved-views", name="x", **view), needs=lambda n: view | named(n)
        ),
        "POST /kept-reports": Home("/kept-reports", needs=named, status=201, few=True),
        "PUT /kept-reports/{report_id}": Home(await made("/kept-reports", name="x"), needs=named),
        "POST /tickets": Home(
            "/tickets",
            "location",
            needs=lambda n: started | {"email": f"n{n}@new.example"},
            columns={"name": "requester.name", "text": "/messages text"},
            status=201,
            few=True,
        ),
        "PATCH /tickets/{number}": Home("/tickets/1"),
        "POST /tickets/{number}/splits": Home(
            "/tickets/2/splits",
            "/tickets?limit=100",
            needs=lambda n: {"message": several[n]},
            status=201,
            few=True,
        ),
        "POST /macros": Home("/macros", needs=lambda n: {"text": "x"} | named(n), status=201, few=True),
        "PUT /macros/{macro_id}": Home(
            await made("/macros", name="x", text="x"), needs=lambda n: {"text": "x"} | named(n)
        ),
        "POST /rules": Home("/rules", needs=ruled, status=201, few=True),
        "PATCH /rules/{rule_id}": Home(await made("/rules", **ruled(0))),
        "POST /calendars": Home("/calendars", needs=hours, status=201, few=True),
        "PATCH /calendars/{calendar_id}": Home(await made("/calendars", **hours(0))),
        "POST /sla-policies": Home("/sla-policies", needs=promised, status=201, few=True),
        "PATCH /sla-policies/{policy_id}": Home(await made("/sla-policies", **promised(0))),
        "PUT /agents/{agent_id}/assignment": Home(f"/agents/{agent}/assignment"),
        "POST /articles": Home(
            "/articles", "location", needs=lambda n: {"title": f"x {n}"}, status=201, few=True
        ),
        "PATCH /articles/{slug}": Home(
            await made("/articles", title="x"),
            columns={name: f"draft_{name}" for name in ("title", "body", "note")},
        ),
        "POST /collections": Home("/collections", "/collections", needs=named, status=201, few=True),
        "PATCH /collections/{collection_id}": Home(collection, "/collections"),
        "POST /article-categories": Home(
            "/article-categories",
            needs=lambda n: {"collection_id": int(collection.rpartition("/")[2])} | named(n),
            status=201,
            few=True,
        ),
        "PATCH /article-categories/{category_id}": Home(
            await made("/article-categories", name="x", collection_id=int(collection.rpartition("/")[2])),
            "/article-categories",
        ),
        "POST /webhooks": Home("/webhooks", needs=lambda n: hook | named(n), status=201, few=True),
        "PATCH /webhooks/{webhook_id}": Home(await made("/webhooks", name="x", **hook)),
    }


async def test_every_text_field_is_tried_or_named_with_a_reason(ada: httpx.AsyncClient) -> None:
    document = (await ada.get("/openapi.json")).json()
    found = list(fields(document))
    homes = await things(ada)
    forgotten = [f for f in found if f.is_text and f.operation not in homes]
    assert not forgotten, "say in `things` where these are read again, or in NOT_TEXT why they are no text"
    known = {each.name for each in found} | {f"{each.operation} {each.name}" for each in found}
    assert set(NOT_TEXT) <= known, "these are no fields any more"
    assert set(homes) <= {each.operation for each in found if each.is_text}
    planted = {"title": {"type": "string"}}
    document["components"]["schemas"]["NewLink"]["properties"] |= planted
    assert [f.name for f in fields(document) if f.is_text and f.operation not in homes] == ["title"]


@pytest.mark.skipif(not THOROUGH, reason="takes minutes; HELPDESK_TEST_EXAMPLES=20 or more runs it")
async def test_every_naughty_string_survives_every_text_field(ada: httpx.AsyncClient) -> None:
    """Many strings at once where there is room for them, each field all of them; and each string somewhere alone."""
    strings = naughty()
    document = (await ada.get("/openapi.json")).json()
    homes = await things(ada)
    by_operation: dict[str, list[Field]] = {}
    for each in fields(document):
        if each.is_text and each.operation in homes:  # the test above says what is missing
            by_operation.setdefault(each.operation, []).append(each)
    alone = cycle(strings)
    tried, wrong = 0, []
    for operation, wanted in by_operation.items():
        trial = Trial(ada, operation, homes[operation])
        for each in wanted:
            try:
                tried += await trial.all(each, strings, islice(alone, len(strings) // 20))
            except AssertionError as error:
                wrong.append(str(error)[:600])
    assert not wrong, "\n".join(wrong)
    assert tried > 500


def packed(into: Field, strings: list[str]) -> Iterator[Any]:
    """As many strings as there is room for; of a list, the strings themselves."""
    fitting = [text for each in strings if (text := into.kept(each)[: into.longest].strip())]
    if "/tags/" in into.operation:
        fitting = [text for each in fitting if (text := one_line(each.replace(",", "").replace(";", "")))]
    if into.is_list:
        if "tags" in into.name:  # where several tags are typed, these part them
            fitting = [text for each in fitting if (text := one_line(each.replace(",", "").replace(";", "")))]
        unique = list({text.casefold(): text for text in fitting}.values())
        yield from (unique[start : start + TOGETHER] for start in range(0, len(unique), TOGETHER))
        return
    between = "\n" if into.name in SEVERAL_LINES else " "
    pack = fitting[0]
    for text in fitting[1:]:
        if len(pack) + len(text) >= into.longest:
            yield pack
            pack = text
        else:
            pack += between + text
    yield pack


@dataclass
class Trial:
    """One operation, tried again and again; each field is sent alone, so that it is known which one was refused."""

    ada: httpx.AsyncClient
    operation: str
    home: Home
    number: Iterator[int] = field(default_factory=count)

    async def all(self, into: Field, strings: list[str], alone: Iterator[str]) -> int:
        usable = [text for text in strings if is_text(text)]
        packs = list(packed(into, usable[::-1] if self.home.few else usable))
        chosen = packs[:FEW] if self.home.few else packs
        for pack in chosen:
            await self.survives(into, pack)
        for text in () if self.home.few else alone:
            await self.survives(into, [text] if into.is_list else text, refusable=True)
        return len(chosen)

    async def survives(self, into: Field, value: Any, *, refusable: bool = False) -> None:
        method = self.operation.partition(" ")[0]
        number = next(self.number)
        body = self.home.needs(number) | into.sent(value)
        # escaped, since half a surrogate pair can be written in JSON, and has to be refused
        answer = await self.ada.request(method, self.home.where, content=json.dumps(body))
        where = (self.operation, into.name, value, answer.text[:300])
        if answer.status_code in {400, 409, 422}:
            assert answer.headers["content-type"] == "application/problem+json", where
            assert answer.json()["detail"], where
            assert refusable or answer.status_code == 409, where  # a name that something else has by now
            return
        assert answer.status_code == self.home.status, where
        kept = [into.kept(each) for each in value] if into.is_list else [into.kept(value)]
        column = self.home.columns.get(into.name, into.name.replace("*", "naughty"))
        told = [] if column.startswith("/") else values(answer.json(), column)
        assert not told or same(into, kept, told), where
        if self.home.few or not told or number % 4 == 0:
            assert same(into, kept, await self.read(answer, column)), where

    async def read(self, answer: httpx.Response, column: str) -> list[Any]:
        """What the desk has by now; `/messages text` stands below it, `/=/x text` elsewhere."""
        address = self.home.read or self.home.where
        if address == "location":
            assert "location" in answer.headers, (self.operation, "does not say where it is")
            address = answer.headers["location"].removeprefix("/api/v1")
        if column.startswith("/"):
            below, _, column = column.partition(" ")
            address = below.removeprefix("/=") if below.startswith("/=") else address + below
        found = await self.ada.get(address)
        assert found.status_code == 200, (address, found.text[:300])
        return values(found.json(), column)


def values(told: Any, column: str) -> list[Any]:
    """Everything that stands in this column, whatever it is wrapped in."""
    name, _, rest = column.partition(".")
    if isinstance(told, list):
        return [value for each in told for value in values(each, column.removeprefix("[]").removeprefix("."))]
    if not column:
        return [told]
    if not isinstance(told, dict):
        return []
    if name not in told and (wrapped := next((told[k] for k in WRAPPERS if k in told), None)) is not None:
        return values(wrapped, column)
    return values(told.get(name), rest) if name in told else []


def same(of: Field, kept: list[str], found: list[Any]) -> bool:
    """An empty text may be kept as nothing; a tag that was there in other letters is the same tag."""
    if "tags" in of.name:
        kept, found = [text.casefold() for text in kept], [text.casefold() for text in found]
    return all(text in found or (not text and None in [None, *found]) for text in kept)
