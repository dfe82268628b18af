"""What every answer says to the browser, what a request must bring, and who may ask for what."""

import re
from pathlib import Path

import pytest
from litestar import Litestar, get

from helpdesk.access import Action
from helpdesk.errors import Misconfigured
from tests.scenes import mail
from tests.web.served import Console, Person
from web.auth import PERMISSION, check_permissions, permits
from web.security import CONTENT_SECURITY_POLICY
from web.settings.satisfaction import PREVIEW

TEMPLATES = Path(__file__).parents[2] / "web/templates"
FRAMED = {
    "/settings/satisfaction/preview": PREVIEW,
    "/settings/help-centres/preview": CONTENT_SECURITY_POLICY.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    ),
}
"""Mails shown by themselves in a sandbox: stricter, but for the styles that a mail brings; and a brand's first page
beside its settings."""


def addresses(console: Console) -> list[tuple[str, str, Action]]:
    """Every method and path of the application, its placeholders filled with something plausible."""
    found: list[tuple[str, str, Action]] = []
    for route in console.app.routes:
        path = route.path
        for placeholder, value in {
            r"{version:str}": "x", r"{name:path}": "js/app.js", r"{\w+:int}": "1", r"{\w+:\w+}": "nothing",
        }.items():  # fmt: skip
            path = re.sub(placeholder, value, path)
        for handler in route.route_handlers:
            methods = sorted(handler.http_methods - {"OPTIONS"})
            found.extend((method, path, handler.opt[PERMISSION]) for method in methods)
    return found


async def test_every_answer_carries_the_policy(console: Console):
    """Also refusals, unknown addresses, wrong methods, and what only htmx asks for."""
    person = await console.person("Ada")
    asked = [(method, path) for method, path, _ in addresses(console) if path != "/live"]
    asked += [("GET", "/nothing/here"), ("PUT", "/tickets"), ("GET", "/tickets/abc"), ("OPTIONS", "/tickets")]
    for method, path in asked:
        for headers in ({"accept": "text/html"}, {"hx-request": "true"}):
            answer = await person.request(method, path, headers=headers)
            policy = answer.headers["content-security-policy"]
            expected = FRAMED.get(path, CONTENT_SECURITY_POLICY)
            assert policy == expected, (method, path)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "cross-origin-opener-policy" in answer.headers
            if not path.startswith("/assets"):
                assert answer.headers["cache-control"] == "no-store", (method, path)
            if method == "OPTIONS":
                assert (answer.status_code, answer.text) == (204, "")


async def test_a_failure_inside_says_nothing_of_its_cause(console: Console, monkeypatch):
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    person = await console.person("Ada")
    monkeypatch.setattr("helpdesk.views.overview", broken)
    answer = await person.look("/tickets")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


async def test_a_stranger_gets_nothing_but_the_sign_in(console: Console):
    stranger = await console.stranger()
    for method, path, action in addresses(console):
        if action is not Action.public:
            answer = await stranger.request(method, path, headers={"accept": "text/html"})
            # Programs that guess are also told to slow down.
            refusals = {401, 429} if path.startswith("/api/") else {303, 401}
            assert answer.status_code in refusals, (method, path)
            assert answer.headers.get("location", "/sign-in").startswith("/sign-in")


async def test_nothing_changes_without_the_token_of_the_session(console: Console):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    for method, path, action in addresses(console):
        if method in {"POST", "DELETE"} and action is not Action.public:
            for token in ("", "0" * 64, liam.token):
                answer = await ada.request(method, path, headers={"x-csrf-token": token})
                refusals = (
                    {401, 429} if path.startswith("/api/") else {403}
                )  # programs have no session to forge
                assert answer.status_code in refusals, (method, path, token)
    assert (await ada.post("/tickets/1/resolution", data={"csrf": liam.token})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
        {"sec-fetch-site": "", "origin": "null"},
        {"sec-fetch-site": ""},
    ],
)
async def test_nothing_changes_from_another_site(console: Console, headers: dict[str, str]):
    """Not even signing in: nobody is to be signed in as somebody else without noticing."""
    ada = await console.person("Ada")
    assert (await ada.does("/sign-out", headers=headers)).status_code == 403
    data = {"email": "ada@desk.example", "password": "a good long password"}
    assert (await ada.post("/sign-in", data=data, headers=headers)).status_code == 403


async def test_an_older_browser_proves_itself_by_origin(console: Console):
    ada = await console.person("Ada")
    own = {"sec-fetch-site": "", "origin": console.url}
    assert (await ada.does("/sign-out", headers=own)).status_code == 303


@get("/nameless")
async def nameless() -> None: ...


@get("/named", opt=permits(Action.read))
async def named() -> None: ...


def test_a_route_without_a_permission_does_not_start():
    check_permissions(Litestar([named], openapi_config=None))
    with pytest.raises(Misconfigured, match="/nameless"):
        check_permissions(Litestar([named, nameless], openapi_config=None))


async def everything_of(person: Person, number: int) -> dict[str, int]:
    """What each request about one ticket answers."""
    verbs = {
        "replies": {"body": "x", "client_id": "x"},
        "notes": {"body": "x", "client_id": "x"},
        "assignment": {"agent": "me"},
        "team": {"team": ""},
        "priority": {"priority": "high"},
        "resolution": {},
        "suggestions/1/dismissal": {},
    }
    answers = {
        verb: await person.does(f"/tickets/{number}/{verb}", data=data) for verb, data in verbs.items()
    }
    for path in ("", "/composer?suggestion=1", "/messages/1/html", "/attachments/1"):
        answers[path] = await person.look(f"/tickets/{number}{path}")
    for path in ("/replies/1", "/resolution"):
        answers[f"DELETE {path}"] = await person.does(f"/tickets/{number}{path}", "DELETE")
    return {path: answer.status_code for path, answer in answers.items()}


async def test_a_ticket_of_another_team_does_not_exist(console: Console):
    """Tess is in Technical; the ticket went to Billing."""
    ticket = await console.scene.receives(mail(html="<p>secret</p>"))
    tess = await console.person("Tess")
    assert set((await everything_of(tess, ticket.number)).values()) == {404}
    assert set((await everything_of(tess, 987_654)).values()) == {404}


async def test_a_child_of_another_ticket_does_not_exist(console: Console):
    mine = await console.scene.receives(mail())
    await console.scene.does(mine, "move", console.scene.teams["Technical"], by=console.scene.agents["Ada"])
    other = await console.scene.receives(mail(html="<p>secret</p>", sender="else@where.example"))
    message = (await console.scene.messages(other))[0]
    tess = await console.person("Tess")
    assert (await tess.look(f"/tickets/{mine.number}/messages/{message.id}/html")).status_code == 404


async def test_a_light_agent_reads_and_notes_but_does_not_answer(console: Console):
    ticket = await console.scene.receives(mail())
    lou = await console.stranger()
    await lou.sign_in("lou@desk.example")
    answers = await everything_of(lou, ticket.number)
    assert answers[""] == answers["notes"] == 200
    refused = {verb for verb, status in answers.items() if status == 403}
    assert refused >= {"replies", "assignment", "team", "priority", "resolution", "DELETE /resolution"}
    page = (await lou.look(f"/tickets/{ticket.number}")).text
    assert 'class="as-reply"' not in page


async def test_fields_that_nobody_asked_for_are_refused(console: Console):
    ticket = await console.scene.receives(mail())
    ada = await console.person("Ada")
    data = {"body": "x", "client_id": "1", "by": "2", "internal": "false"}
    assert (await ada.does(f"/tickets/{ticket.number}/notes", data=data)).status_code == 400
    assert (
        await ada.does(f"/tickets/{ticket.number}/priority", data={"priority": "highest"})
    ).status_code == 400


def test_templates_hold_no_inline_style_or_script():
    """The policy would refuse them; and a nonce would be one more thing to get wrong."""
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        for forbidden in (" style=", " onclick=", "<style", "hx-on", "js:", "|safe"):
            assert forbidden not in text, (path.name, forbidden)
        read = text.replace('<script type="application/json"', "")  # is not run
        read = re.sub(r"{% set snippet %}.*?{% endset %}", "", read)  # is shown, to be copied
        assert "<script" not in read.replace('<script type="module" src="{{', ""), path.name


async def test_what_is_asked_for_its_head_is_answered_without_a_body(console: Console) -> None:
    stranger, ada = await console.stranger(), await console.person("Ada")
    whole, head = await stranger.get("/sign-in"), await stranger.head("/sign-in")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-security-policy"] == whole.headers["content-security-policy"]
    assert (await stranger.head("/tickets", headers={"accept": "text/html"})).status_code == 303
    assert (await ada.head("/tickets")).status_code == 200
    assert (await ada.head("/nothing/here")).status_code == 404
    assert (await stranger.head("/health/live")).status_code == 200  # as monitors ask
    assert (await ada.head("/live")).status_code == 405  # a stream's would never be over
