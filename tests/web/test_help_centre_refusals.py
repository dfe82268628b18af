"""What a help centre refuses, it refuses in its brand's look and language, and tells of nothing else."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select

from kb.feedback import Feedback
from tests.web.served import Console, Person
from tests.web.test_help_centre import HTML, brand, looks, published
from web.app import LARGEST_FORM
from web.knowledge.counting import once

ACME = "help.acme.example"


@pytest.fixture
async def visitor(console: Console) -> Person:
    await brand(console.scene, "Lumen", languages=["en", "de", "ar"])
    await brand(console.scene, "Acme", host=ACME, indexed=False)
    await published(console.scene, "Reset it")
    return await console.stranger()


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("/help/images/x", "en"),
        ("/help/tickets/1e3", "en"),
        ("/help/a/b/c/d", "en"),
        ("/help/de/nothing", "de"),
        ("/help/de/images/x", "de"),
        ("/help/de/a/b/c", "de"),
        ("/help/lumen/ar/a/b/c/d", "ar"),
        ("/help/404/articles/404/404", "en"),
        ("/help/%3Cb%3E/%22/x/y", "en"),
    ],
)
async def test_an_address_that_is_none_is_answered_by_the_brand_in_the_language_it_begins_with(
    visitor: Person, path: str, language: str
) -> None:
    answer = await looks(visitor, path)
    assert answer.status_code == 404
    assert 'class="help-head"' in answer.text
    assert f'<html lang="{language}"' in answer.text


async def test_at_a_brands_own_host_every_address_that_is_none_looks_the_same(visitor: Person) -> None:
    nothing = await looks(visitor, "/nothing/at/all", host=ACME)
    assert "Acme" in nothing.text
    for path in ("/help/a/b/c/d", "/help/images/x", "/help/contact/x", "/help/lumen/de/a/b"):
        got = await looks(visitor, path, host=ACME)
        assert (got.status_code, got.text) == (404, nothing.text), path
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        got = await visitor.request(method, "/help/tickets", headers=HTML | {"host": ACME})
        assert (got.status_code, got.text) == (404, nothing.text), method


async def test_programs_are_told_in_few_words(visitor: Person) -> None:
    wrong = await visitor.post("/help/tickets")
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, "application/problem+json")


async def test_what_is_too_much_or_breaks_is_refused_in_the_brands_look(
    visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    much = {"helpful": "true", "comment": "x" * LARGEST_FORM}
    answers = [await visitor.post("/help/de/articles/reset-it/feedback", data=much, headers=HTML)]
    monkeypatch.setattr("web.portal.finding.answers", broken)
    answers.append(await looks(visitor, "/help/de/search?q=key"))
    assert [each.status_code for each in answers] == [413, 500]
    for each in answers:
        assert 'class="help-head"' in each.text
        assert '<html lang="de"' in each.text
        assert "RuntimeError" not in each.text


def broken(*_args: object, **_given: object) -> None:
    raise RuntimeError("broken")


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://a]", "null", "", "http://"])
async def test_an_origin_that_is_none_is_foreign(console: Console, visitor: Person, origin: str) -> None:
    async with httpx.AsyncClient(base_url=console.url) as stranger:
        answer = await stranger.post(
            "/help/sign-in", data={"email": "a@b.example"}, headers={"origin": origin}
        )
    assert answer.status_code == 403


async def test_an_address_that_is_none_leads_to_signing_in_all_the_same(console: Console) -> None:
    person = await console.stranger()
    part = {"hx-request": "true", "hx-current-url": "http://["}
    answer = await person.get("/tickets", headers=part)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


async def test_robots_are_told_of_no_other_brand_at_a_brands_own_host(
    console: Console, visitor: Person
) -> None:
    theirs = (await visitor.get("/robots.txt", headers={"host": ACME})).text
    assert "Sitemap" not in theirs
    assert console.scene.desk.settings.url not in theirs
    for host in (console.url.removeprefix("http://"), "unknown.example"):
        assert "/help/sitemap.xml" in (await visitor.get("/robots.txt", headers={"host": host})).text


@pytest.fixture
def views(console: Console) -> Iterator[list[int]]:
    """Each article that was counted as read."""
    counted: list[int] = []
    count = console.app.state.article_views.count

    def counting(number: int) -> None:
        counted.append(number)
        count(number)

    console.app.state.article_views.count = counting
    yield counted
    del console.app.state.article_views.count


async def test_only_customers_read_what_is_written_for_them(
    console: Console, visitor: Person, views: list[int]
) -> None:
    """Colleagues who look at an article, browsers that fetch it in advance and programs that ask whether it is there
    are no readers."""
    at = "/help/articles/reset-it"
    await looks(visitor, at)
    assert len(views) == 1
    ada = await console.person("Ada")
    for _ in range(2):
        assert (await looks(ada, at)).status_code == 200
        assert (await ada.look("/knowledge/reset-it")).status_code == 200
    await visitor.head(at, headers=HTML)
    await looks(visitor, at, **{"sec-purpose": "prefetch;prerender"})
    assert len(views) == 1
    visitor.brings("no session at all")
    await looks(visitor, at)
    await ada.does("/sign-out")
    await looks(ada, at)
    assert len(views) == 3
    await once(console.scene.desk, console.app.state.article_views)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:99999999",
        "127.0.0.1:65536",
        "[::1",
        "[",
        "[x]",
        "a]b",
        "a:b",
        "a:1:2",
        "evil/help",
        "a?b#c",
    ],
)
async def test_a_host_that_can_be_none_is_refused(visitor: Person, host: str) -> None:
    """Before an address is made of it, and with the headers of every answer."""
    for path in ("/help", "/tickets", "/nothing"):
        answer = await looks(visitor, path, host=host)
        assert answer.status_code == 400, path
        assert answer.headers["x-content-type-options"] == "nosniff"
    for sound in ("unknown.example:65535", "[::1]:80", "10.0.0.1", "a_b.example:", ""):
        assert (await looks(visitor, "/help", host=sound)).status_code == 200, sound


async def test_who_calls_themselves_many_readers_is_slowed_down(
    console: Console, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one article, whether it is there or not, and on all of them."""
    monkeypatch.setattr("web.api.rates.WINDOW", 3600)  # however busy the machine is
    for number in range(9):
        await published(console.scene, f"Reset {number}")
    for slug in ("reset-0", "hidden"):
        at = f"/help/articles/{slug}/feedback"
        answers = [
            await visitor.post(at, data={"helpful": "false"}, headers={"user-agent": f"Reader {number}"})
            for number in range(6)
        ]
        codes = [each.status_code for each in answers]
        assert codes == [303 if slug == "reset-0" else 404] * 4 + [429] * 2, slug
    async with console.scene.desk.sessions() as session:
        assert len((await session.scalars(select(Feedback))).all()) == 4
    codes = [
        (await visitor.post(f"/help/articles/reset-{n}/feedback", data={"helpful": "true"})).status_code
        for n in range(1, 9)
    ]
    assert codes == [303] * 3 + [429] * 5
