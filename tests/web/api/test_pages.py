"""Tokens and the reference in the console."""

import re

from sqlalchemy import select

from helpdesk.events import Event, Kind
from helpdesk.tokens import ApiToken
from tests.web.served import Console


async def test_a_token_is_made_shown_once_used_and_revoked(console: Console):
    ada = await console.person("Ada")
    assert "No program has a token yet" in (await ada.look("/settings/tokens")).text
    assert 'name="ticket:read"' in (await ada.look("/settings/tokens/new")).text
    data = {"name": "Shop", "lasts": "30", "ticket:read": "true"}
    made = await ada.does("/settings/tokens", data=data)
    assert made.status_code == 200, made.text
    secret = re.search(r'id="secret">(hd_[\w-]+)<', made.text)[1]  # type: ignore[index]
    again = (await ada.look("/settings/tokens")).text
    assert secret not in again
    assert secret[:10] in again
    program = await console.stranger()
    bearer = {"authorization": f"Bearer {secret}"}
    assert (await program.get("/api/v1/tickets", headers=bearer)).status_code == 200
    async with console.scene.desk.sessions() as session:
        token = (await session.scalars(select(ApiToken))).one()
        assert token.hash != secret.encode()
        assert token.last_used_from == "127.0.0.1"
    answer = await ada.does(f"/settings/tokens/{token.id}/revocation")
    assert answer.headers["hx-redirect"].startswith("/settings/tokens")
    refused = await program.get("/api/v1/tickets", headers=bearer)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:helpdesk:revoked")
    async with console.scene.desk.sessions() as session:
        kinds = set(await session.scalars(select(Event.kind).where(Event.about == "api_token")))
    assert kinds == {Kind.token_created, Kind.token_revoked}


async def test_only_who_may_makes_tokens(console: Console):
    liam = await console.person("Liam")
    for path in ("/settings/tokens", "/settings/tokens/new"):
        assert (await liam.look(path)).status_code == 403
    assert (await liam.does("/settings/tokens", data={"name": "x"})).status_code == 403


async def test_a_token_says_what_is_missing(console: Console):
    ada = await console.person("Ada")
    for data, words in [
        ({"name": " ", "ticket:read": "true"}, "name"),
        ({"name": "Shop"}, "at least one permission"),
        ({"name": "Shop", "ticket:read": "true", "addresses": "here"}, "no address"),
        ({"name": "Shop", "ticket:read": "true", "agent": "99999"}, "nothing here"),
        ({"name": "Shop", "tokens:manage": "true"}, "form"),
    ]:
        answer = await ada.does("/settings/tokens", data=data)
        assert answer.status_code in {400, 404}, data
        assert words in answer.text, answer.text


async def test_the_reference_shows_every_operation(console: Console):
    liam = await console.person("Liam")
    document = (await liam.get("/api/v1/openapi.json")).json()
    page = (await liam.look("/settings/api")).text
    assert (await liam.get("/api")).headers["location"] == "/settings/api"
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
            assert operation["summary"]
            assert operation["x-permission"]
