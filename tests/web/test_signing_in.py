"""Who gets in, for how long, and what a stranger can find out."""

from datetime import timedelta

from sqlalchemy import select, update

from helpdesk import clock
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Agent
from tests.web.served import Console
from web import passwords
from web.attempts import FREE_OF_ACCOUNT
from web.auth import cookie_name
from web.console.signing_in import _cookie, inside
from web.sessions import WebSession

ADA = "ada@desk.example"


async def test_the_right_password_opens_a_session(console: Console):
    person = await console.stranger()
    answer = await person.sign_in("  ADA@desk.example ", next="/tickets?view=all")
    assert answer.headers["location"] == "/tickets?view=all"
    set_cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in set_cookie
    assert "SameSite=lax" in set_cookie
    assert "Path=/" in set_cookie
    assert (await person.look("/tickets")).status_code == 200


async def test_the_database_knows_only_the_hash_of_a_session(console: Console):
    person = await console.person("Ada")
    token = person.cookies["desk"]
    async with console.scene.desk.sessions() as session:
        kept = (await session.scalars(select(WebSession.id))).one()
    assert len(token) >= 43  # 256 bits
    assert token.encode() not in kept
    assert len(kept) == 32


async def test_every_refusal_looks_the_same(console: Console):
    """Unknown, wrong, switched off and locked: nobody learns which addresses exist."""
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Agent).where(Agent.email == "tess@desk.example").values(active=False))
    person = await console.stranger()
    answers = [
        await person.sign_in("nobody@desk.example"),
        await person.sign_in(ADA, "wrong"),
        await person.sign_in("tess@desk.example"),
    ]
    for _ in range(FREE_OF_ACCOUNT):
        await person.sign_in("liam@desk.example", "wrong")
    answers.append(await person.sign_in("liam@desk.example"))
    assert {answer.status_code for answer in answers} == {422}
    words = {answer.text.replace(str(answer.request.content), "") for answer in answers}
    assert len({text[: text.index('name="email"')] for text in words}) == 1
    assert "desk" not in person.cookies


async def test_a_locked_account_opens_again_by_itself(console: Console):
    person = await console.stranger()
    for _ in range(FREE_OF_ACCOUNT):
        await person.sign_in(ADA, "wrong")
    assert (await person.sign_in(ADA)).status_code == 422
    with clock.moved(timedelta(minutes=16)):
        assert (await person.sign_in(ADA)).status_code == 303


async def test_an_unknown_account_costs_a_whole_hash(monkeypatch):
    verified: list[str] = []
    real = passwords._verified

    def noted(password_hash: str, password: str) -> bool:
        verified.append(password_hash)
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "_verified", noted)
    assert not await passwords.matches(None, "anything")
    assert verified == [passwords._nobody]
    assert "m=19456,t=2,p=1" in verified[0]


async def test_a_planted_session_id_is_never_adopted(console: Console):
    person = await console.stranger()
    person.brings("planted-by-somebody-else")
    await person.sign_in(ADA)
    assert person.cookies["desk"] != "planted-by-somebody-else"
    assert (await person.look("/tickets")).status_code == 200


async def test_signing_in_again_ends_the_older_session(console: Console):
    person = await console.person("Ada")
    before = person.cookies["desk"]
    await person.sign_in(ADA)
    other = await console.stranger()
    other.brings(before)
    assert (await other.look("/tickets")).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(console: Console):
    person = await console.person("Ada")
    token = person.cookies["desk"]
    await person.does("/sign-out")
    other = await console.stranger()
    other.brings(token)
    assert (await other.look("/tickets")).headers["location"] == "/sign-in?next=/tickets"


async def test_a_session_ends_after_twelve_idle_hours_and_after_thirty_days(console: Console):
    person = await console.person("Ada")
    with clock.moved(timedelta(hours=11)):
        assert (await person.look("/tickets")).status_code == 200
    with clock.moved(timedelta(hours=22)):
        assert (await person.look("/tickets")).status_code == 200  # it was used in between
    with clock.moved(timedelta(hours=35)):
        assert (await person.look("/tickets")).status_code == 303
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(WebSession).values(last_seen_at=clock.now() + timedelta(days=31)))
    with clock.moved(timedelta(days=31)):
        assert (await person.look("/tickets")).status_code == 303


async def test_an_agent_who_is_switched_off_is_out_at_once(console: Console):
    person = await console.person("Liam")
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Agent).where(Agent.email == "liam@desk.example").values(active=False))
    assert (await person.look("/tickets")).status_code == 303


def test_signing_in_leads_nowhere_else():
    for target in (
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\nx",
    ):
        assert inside(target) == "/"
    assert inside("/tickets/7?view=all") == "/tickets/7?view=all"


def test_over_https_the_cookie_is_bound_to_the_host(desk: Desk, monkeypatch):
    monkeypatch.setattr(type(desk.settings), "url", property(lambda _: "https://support.example.com"))
    cookie = _cookie(desk, "x")
    assert cookie_name(desk) == "__Host-desk"
    assert cookie.secure
    assert cookie.httponly
    assert cookie.path == "/"
    assert cookie.domain is None
