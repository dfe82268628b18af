"""Requests that no browser of an agent would send, and a database that is away for a while."""

import shutil
from datetime import timedelta

import psycopg
import pytest
from playwright.async_api import async_playwright
from sqlalchemy import func, select

from helpdesk import clock
from tests.cluster import Cluster
from tests.conftest import missing
from tests.scenes import mail
from tests.web.served import PASSWORD, Console
from web.app import LARGEST_FORM
from web.attempts import FREE_OF_ACCOUNT, SignInFailures

ADA = "ada@desk.example"
HUGE = 10**22


@pytest.mark.parametrize(
    "path",
    [
        f"/tickets/{HUGE}",
        f"/tickets/{HUGE}/attachments/1",
        f"/tickets/1/attachments/{HUGE}",
        f"/tickets/1/messages/{HUGE}/html",
        f"/tickets?team={HUGE}",
        f"/knowledge/refunds?version={HUGE}",
        "/knowledge/a%00b",
    ],
)
async def test_what_no_column_can_hold_is_not_there(console: Console, path: str):
    await console.scene.receives(mail())
    ada = await console.person("Ada")
    assert (await ada.look(path)).status_code in {400, 404}


async def test_nobody_is_known_by_an_address_with_a_nul(console: Console):
    assert (await (await console.stranger()).sign_in("a\0b")).status_code in {404, 422}


async def test_a_form_without_files_is_small(console: Console):
    """Taking ten megabytes of empty fields apart would keep everybody waiting for seconds."""
    stranger = await console.stranger()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await stranger.post("/sign-in", content=b"a&" * (LARGEST_FORM // 2 + 1), headers=headers)
    assert answer.status_code == 413


async def test_trying_on_while_waiting_does_not_make_the_wait_longer(console: Console):
    """Else a stranger could keep an account locked for ever."""
    stranger = await console.stranger()
    for _ in range(FREE_OF_ACCOUNT + 20):
        await stranger.sign_in(ADA, "wrong")
    with clock.moved(timedelta(seconds=31)):
        assert (await stranger.sign_in(ADA)).status_code == 303


async def test_failures_of_names_that_strangers_made_up_are_forgotten(console: Console):
    stranger = await console.stranger()
    for n in range(3):
        await stranger.sign_in(f"nobody-{n}@desk.example", "wrong")
    with clock.moved(timedelta(hours=1)):
        await stranger.sign_in(ADA)
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(SignInFailures)) == 0


async def test_while_the_database_is_away_the_desk_says_so_and_comes_back_by_itself(
    console: Console, cluster: Cluster
):
    ada = await console.person("Ada")
    name = console.scene.desk.database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = await ada.get("/tickets", headers={"accept": "text/html"})
        assert answer.status_code == 503
        assert "cannot reach its database" in answer.text
        assert answer.headers["retry-after"]
        assert (await ada.get("/health/ready")).status_code == 503
        assert (await ada.get("/health/live")).status_code == 200
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert (await ada.look("/tickets")).status_code == 200


@pytest.mark.browser
async def test_signing_in_over_plain_http_in_the_own_network_works(console: Console):
    """There a browser says nothing but `Origin` about where a form comes from; not so on loopback."""
    if not (chromium := shutil.which("chromium")):
        missing("Chromium")
    port = console.url.rpartition(":")[2]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP desk.lan 127.0.0.1"],
        )
        page = await browser.new_page()
        sent: list[str | None] = []
        page.on(
            "request", lambda r: sent.append(r.headers.get("sec-fetch-site")) if r.method == "POST" else None
        )
        await page.goto(f"http://desk.lan:{port}/sign-in")
        await page.locator("input[name=email]").fill(ADA)
        await page.locator("input[name=password]").fill(PASSWORD)
        await page.locator("input[name=password]").press("Enter")
        await page.wait_for_url("**/tickets**", timeout=10_000)
        assert sent == [None]  # else this test would prove nothing
        await browser.close()


async def test_digits_that_are_no_numbers_are_no_numbers(console: Console):
    """`²` is a digit to Python, and `int` does not read it."""
    ada = await console.person("Ada")
    assert (await ada.look("/settings/audit?actor=agent-²")).status_code < 500
    team = {"name": "Billing", "member-²": "true"}
    place = f"/settings/teams/{console.scene.teams['Billing'].id}"
    assert (await ada.does(place, data=team)).status_code < 500
    form = {"condition.²": "x", "condition.kind": "all", "name": "Mine"}
    assert (await ada.does("/views", data=form)).status_code < 500
