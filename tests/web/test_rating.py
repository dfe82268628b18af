"""The page behind a survey's links: one press answers, a machine that follows links does not."""

import re
from datetime import timedelta

import httpx
import pytest

from helpdesk import clock, satisfaction
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.satisfaction import Rating, Survey
from tests.scenes import Scene, mail
from tests.web.served import Console, Person


class Customer:
    def __init__(self, person: Person, scene: Scene, rating: Rating) -> None:
        self.person, self.scene, self.rating = person, scene, rating
        self.path = f"/rate/{satisfaction.token(scene.desk.keys, rating)}"

    async def looks(self, at: str = "") -> httpx.Response:
        return await self.person.get(self.path + at, headers={"accept": "text/html"})

    async def sends(self, **fields: object) -> httpx.Response:
        return await self.person.post(self.path, data=fields, headers={"accept": "text/html"})

    async def now(self) -> Rating:
        async with self.scene.desk.sessions() as session:
            return await session.get_one(Rating, self.rating.id)


async def asked(console: Console, kind: Survey = Survey.csat) -> Customer:
    scene = console.scene
    ticket = await scene.receives(mail("Secret words", subject="My private matter", name="Marta Reyes"))
    await scene.replies(ticket)
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        found = await satisfaction.ask(session, await scene.ticket(ticket.id, session), by=DESK, kind=kind)
    return Customer(await console.stranger(), scene, found.rating)


@pytest.fixture
async def customer(console: Console) -> Customer:
    return await asked(console)


async def test_following_every_link_answers_nothing(customer: Customer):
    for at in ("", *(f"/{score}" for score in range(1, 6))):
        for method in ("GET", "HEAD"):
            await customer.person.request(method, customer.path + at, headers={"accept": "text/html"})
    assert (await customer.now()).score is None


async def test_the_page_is_in_the_language_that_the_browser_prefers(customer: Customer):
    for preferred, tag, words in (
        ("de-AT,de;q=0.9", 'lang="de" dir="ltr"', "Wie zufrieden sind Sie"),
        ("ar", 'lang="ar" dir="rtl"', "ما مدى رضاكم"),
        ("fr", 'lang="en" dir="ltr"', "How satisfied are you"),
    ):
        headers = {"accept": "text/html", "accept-language": preferred}
        page = (await customer.person.get(customer.path, headers=headers)).text
        assert tag in page
        assert words in page


async def test_one_press_answers_and_the_answer_can_be_changed_with_a_comment(customer: Customer):
    page = await customer.looks("/5")
    assert page.status_code == 200
    assert "Very good" in page.text
    assert f'data-at-once="{customer.path}"' in page.text
    assert re.search(r'<script type="module" src="/assets/[^"]*rate-now\.js"></script>', page.text)
    sent = await customer.sends(score=5)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{customer.path}?done=thanks")
    thanks = await customer.person.get(sent.headers["location"])
    assert "Thank you" in thanks.text
    assert 'value="5" required checked' in thanks.text
    await customer.sends(score=2, comment="Too slow <b>")
    rating = await customer.now()
    assert (rating.score, rating.comment, rating.channel) == (2, "Too slow <b>", "email")
    again = await customer.looks()
    assert "Too slow &lt;b&gt;" in again.text
    assert "What went wrong?" in again.text
    await customer.sends(score=4)
    assert ((await customer.now()).score, (await customer.now()).comment) == (4, "Too slow <b>")


async def test_it_tells_a_stranger_nothing_and_leaves_no_trace(customer: Customer):
    for at in ("", "/3"):
        page = await customer.looks(at)
        for word in ("Secret", "private", "Marta", "marta@", "Ada"):
            assert word not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "noindex" in page.headers["x-robots-tag"]
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "<style" not in page.text
        assert not re.search(r"\son\w+=", page.text)
        assert "set-cookie" not in page.headers


async def test_what_is_no_score_is_refused_in_words(customer: Customer):
    for score in ("6", "0", "11", "-1", "x", "", "4.5", "1e3", "9" * 400):
        answer = await customer.sends(score=score)
        assert answer.status_code == 400 or answer.status_code == 422, score
    assert (await customer.sends()).status_code in {400, 422}
    assert (await customer.sends(score=3, comment="x" * 4001)).status_code in {400, 422}
    assert (await customer.sends(score=3, else_="x")).status_code in {400, 422}
    for at in ("/6", "/0", "/99999999999999999999", "/x"):
        assert (await customer.looks(at)).status_code in {303, 404}
    assert (await customer.now()).score is None


@pytest.mark.parametrize(
    "token", ["x", "A" * 38, "A" * 5000, "%00", "..%2f..%2f", "%F0%9F%98%80" * 10, "'%20OR%201=1--", "%ff%fe"]
)
async def test_made_up_links_lead_nowhere(console: Console, token: str):
    stranger = await console.stranger()
    for path in (f"/rate/{token}", f"/rate/{token}/5"):
        assert (await stranger.get(path)).status_code in {400, 404, 405}
    assert (await stranger.post(f"/rate/{token}", data={"score": 5})).status_code in {400, 404, 405}
    assert (await stranger.post(f"/rate/{token}/refusal")).status_code in {400, 404, 405}


async def test_another_site_cannot_answer_for_somebody(customer: Customer):
    answer = await customer.person.post(
        customer.path, data={"score": 1}, headers={"sec-fetch-site": "cross-site", "accept": "text/html"}
    )
    assert answer.status_code == 403
    assert (await customer.now()).score is None


async def test_nobody_answers_by_the_hundred(customer: Customer):
    found = [(await customer.sends(score=3)).status_code for _ in range(35)]
    assert found.count(303) == 30
    assert found[-1] == 429


async def test_when_its_time_is_over_it_says_so(customer: Customer):
    await customer.sends(score=4, comment="Fine.")
    with clock.moved(timedelta(days=20)):
        page = await customer.looks()
        assert "cannot be changed any more" in page.text
        assert "Fine." in page.text
        assert (await customer.looks("/1")).status_code == 303
        assert (await customer.sends(score=1)).status_code == 409
    assert (await customer.now()).score == 4


async def test_nobody_is_asked_again_who_says_so_and_can_take_it_back(customer: Customer):
    done = await customer.person.post(f"{customer.path}/refusal")
    assert "You will not be asked again" in (await customer.person.get(done.headers["location"])).text
    async with customer.scene.desk.sessions() as session:
        found = await satisfaction.found(session, customer.scene.desk.keys, customer.path.split("/")[2])
        assert found.contact
        assert await satisfaction.declines(session, found.contact)
    await customer.person.post(f"{customer.path}/refusal", data={"again": "true"})
    assert "Don't ask me again" in (await customer.looks()).text


async def test_a_recommendation_goes_from_nought_to_ten(console: Console):
    customer = await asked(console, Survey.nps)
    page = await customer.looks()
    assert page.text.count('type="radio"') == 11
    assert "#" not in re.sub(r"<[^>]*>", "", page.text[page.text.index('class="from"') :])
    await customer.sends(score=0)
    assert (await customer.now()).score == 0
    await customer.sends(score=10, comment="Really!")
    assert (await customer.now()).score == 10
