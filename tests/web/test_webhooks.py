"""An admin makes a webhook, sees what became of it, and sends again what was missed."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.people import Agent
from helpdesk.webhooks import Delivery, State, Webhook
from tests.scenes import Scene
from tests.web.served import HASH, Console, Person, served
from tests.workers.deliveries import dispatched
from tests.workers.receivers import Receiver, allowing, listening
from workers.webhooks import serve

HOME = "/settings/webhooks"
WHAT = {"name": "Shop", "ticket.created": "true", "with-subject": "true"}


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with listening() as receiver:
        yield receiver


@pytest.fixture
async def console(scene: Scene, there: Receiver) -> AsyncIterator[Console]:
    """A desk whose operator has allowed the receiver."""
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Agent).values(password_hash=HASH))
    async with AsyncExitStack() as stack:
        desk = allowing(scene.desk, there)
        app, url, _ = await stack.enter_async_context(served(desk))
        yield Console(scene, app, url, stack)


async def made(ada: Person, there: Receiver, **more: str) -> int:
    answer = await ada.does(HOME, data=WHAT | {"url": there.url} | more)
    assert answer.status_code == 200, answer.text
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(answer.text))
    assert secret
    there.secret = secret[0]
    found = re.search(rf"{HOME}/(\d+)", answer.text)
    assert found
    return int(found[1])


async def page(person: Person, path: str) -> str:
    answer = await person.look(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


async def test_a_webhook_is_made_tested_and_told(console: Console, there: Receiver):
    ada = await console.person("Ada")
    assert "No program is told" in await page(ada, HOME)
    webhook_id = await made(ada, there)
    assert "Nothing here yet" in await page(ada, f"{HOME}/{webhook_id}")
    tested = await ada.does(f"{HOME}/{webhook_id}/tests")
    assert tested.status_code == 204, tested.text
    assert there.types == ["webhook.test"]
    await console.scene.receives()
    desk = allowing(console.scene.desk, there)
    await dispatched(desk)
    await serve(desk, webhook_id)
    assert there.received[1]["data"]["ticket"]["subject"] == "A question"
    shown = await page(ada, f"{HOME}/{webhook_id}")
    assert "ticket.created" in shown
    assert "Taken" in shown
    assert there.secret not in shown, "a secret is shown once"
    assert "Works" in await page(ada, HOME)


async def test_a_failure_is_said_in_words_and_mended_by_sending_again(console: Console, there: Receiver):
    ada = await console.person("Ada")
    webhook_id = await made(ada, there)
    there.answers = [("500 Internal Server Error", b"")]
    await console.scene.receives()
    desk = allowing(console.scene.desk, there)
    await dispatched(desk)
    await serve(desk, webhook_id)
    shown = await page(ada, f"{HOME}/{webhook_id}")
    assert "It answered 500 Internal Server Error." in shown
    assert "Nothing has been taken since" in shown
    (delivery,) = re.findall(rf"{HOME}/{webhook_id}/deliveries/(\d+)", shown)
    detail = await page(ada, f"{HOME}/{webhook_id}/deliveries/{delivery}")
    assert "said 500 Internal Server Error" in detail
    assert '"type": "ticket.created"' in detail
    async with committed(desk.sessions) as session:
        await session.execute(update(Delivery).values(state=State.dead))
    again = await ada.does(f"{HOME}/{webhook_id}/deliveries/{delivery}/replay")
    assert again.status_code == 204, again.text
    await serve(desk, webhook_id)
    assert there.ids[0] == there.ids[1]
    assert "Taken" in await page(ada, f"{HOME}/{webhook_id}/deliveries/{delivery}")


async def test_everything_since_a_time_can_be_sent_again(console: Console, there: Receiver):
    ada = await console.person("Ada")
    webhook_id = await made(ada, there)
    await ada.does(f"{HOME}/{webhook_id}/state")
    await console.scene.receives()
    desk = allowing(console.scene.desk, there)
    await dispatched(desk)
    refused = await ada.does(f"{HOME}/{webhook_id}/replays", data={"since": "24"})
    assert refused.status_code == 409
    assert "Switched off" in await page(ada, HOME)
    await ada.does(f"{HOME}/{webhook_id}/state")
    assert (await ada.does(f"{HOME}/{webhook_id}/replays", data={"since": "24"})).status_code == 204
    await serve(desk, webhook_id)
    assert there.types == ["ticket.created"]
    assert (await ada.does(f"{HOME}/{webhook_id}/replays", data={"since": "1 day"})).status_code == 400


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://127.0.0.1:9/"}, "https://"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "private network"),
        ({"url": "https://10.0.0.1/"}, "HELPDESK_ALLOW_HOSTS"),
        ({"url": "https://user:pw@example.com/"}, "user name"),
        ({"url": "file:///etc/passwd"}, "https://"),
        ({"url": "https://example.com/\r\nx: y"}, "control characters"),
        ({"url": "https://example.com:22/"}, "Port 22"),
        ({"name": "  "}, "a name"),
        ({"ticket.created": ""}, None),
        ({"active": "true"}, "active"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    console: Console, there: Receiver, fields: dict[str, str], words: str | None
):
    ada = await console.person("Ada")
    given = {k: v for k, v in (WHAT | {"url": there.url} | fields).items() if v or k == "name"}
    answer = await ada.does(HOME, data=given)
    assert answer.status_code == 400
    assert (words or "at least one event") in unescape(answer.text)


async def test_a_test_that_is_not_taken_says_why(console: Console, there: Receiver):
    ada = await console.person("Ada")
    webhook_id = await made(ada, there)
    there.answers = [("404 Not Found", b"")]
    answer = await ada.does(f"{HOME}/{webhook_id}/tests")
    assert answer.status_code == 409
    assert "It answered 404 Not Found." in unescape(answer.text)
    assert "404" in await page(ada, f"{HOME}/{webhook_id}")


async def test_changing_the_secret_shows_the_new_one_and_keeps_the_old_one_good(
    console: Console, there: Receiver
):
    ada = await console.person("Ada")
    webhook_id = await made(ada, there)
    answer = await ada.does(f"{HOME}/{webhook_id}/secret")
    fresh = re.search(r"whsec_[A-Za-z0-9+/=]{20,}", unescape(answer.text))
    assert fresh
    assert fresh[0] != there.secret
    for secret in (there.secret, fresh[0]):
        there.secret = secret
        assert (await ada.does(f"{HOME}/{webhook_id}/tests")).status_code == 204
    assert (await ada.does(f"{HOME}/{webhook_id}/secret")).status_code == 409


async def test_it_is_changed_and_removed(console: Console, there: Receiver):
    ada = await console.person("Ada")
    webhook_id = await made(ada, there)
    change = {"name": "New name", "url": there.url, "message.received": "true", "note.written": "true"}
    assert (await ada.does(f"{HOME}/{webhook_id}", data=change)).status_code == 204
    async with console.scene.desk.sessions() as session:
        found = await session.get_one(Webhook, webhook_id)
        assert (found.events, found.includes) == (["message.received", "note.written"], [])
    assert (await ada.does(f"{HOME}/{webhook_id}/removal", data={"confirmation": "Shop"})).status_code == 400
    gone = await ada.does(f"{HOME}/{webhook_id}/removal", data={"confirmation": "new name"})
    assert gone.status_code == 204
    assert (await ada.look(f"{HOME}/{webhook_id}")).status_code == 404
    async with console.scene.desk.sessions() as session:
        kinds = list(
            await session.scalars(select(Event.kind).where(Event.about == "webhook").order_by(Event.id))
        )
    assert kinds == [Kind.webhook_created, Kind.webhook_changed, Kind.webhook_removed]


async def test_only_who_may_manage_them_sees_them(console: Console, there: Receiver):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    webhook_id = await made(ada, there)
    for path in (HOME, f"{HOME}/new", f"{HOME}/{webhook_id}"):
        assert (await liam.look(path)).status_code == 403
    for path in ("", "/secret", "/state", "/tests", "/replays", "/removal"):
        assert (await liam.does(f"{HOME}/{webhook_id}{path}")).status_code == 403
    stranger = await console.stranger()
    assert (await stranger.post(f"{HOME}/{webhook_id}/tests")).status_code == 401


async def test_a_delivery_of_another_webhook_is_not_there(console: Console, there: Receiver):
    ada = await console.person("Ada")
    first, second = await made(ada, there), await made(ada, there)
    await ada.does(f"{HOME}/{second}/tests")
    async with console.scene.desk.sessions() as session:
        delivery = await session.scalar(select(Delivery.id).where(Delivery.webhook_id == second))
    assert (await ada.look(f"{HOME}/{second}/deliveries/{delivery}")).status_code == 200
    assert (await ada.look(f"{HOME}/{first}/deliveries/{delivery}")).status_code == 404
    assert (await ada.does(f"{HOME}/{first}/deliveries/{delivery}/replay")).status_code == 404


@pytest.mark.parametrize("off", [True, False])
async def test_who_can_mend_it_is_told_on_every_page(console: Console, there: Receiver, off: bool):
    ada, liam = await console.person("Ada"), await console.person("Liam")
    webhook_id = await made(ada, there)
    values: dict[str, Any] = {"trouble": "It answered 500.", "failing_since": now() - timedelta(hours=2)}
    if off:
        values |= {"active": False, "off_because": "It is gone for good."}
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Webhook).where(Webhook.id == webhook_id).values(**values))
    console.app.state.signboard.forget()
    words = values.get("off_because", values["trouble"])
    assert words in await page(ada, "/tickets")
    assert words not in await page(liam, "/tickets")


async def test_the_log_is_read_page_by_page_and_by_state(console: Console, there: Receiver):
    ada = await console.person("Ada")
    webhook_id = await made(ada, there)
    async with committed(console.scene.desk.sessions) as session:
        session.add_all(
            Delivery(
                webhook_id=webhook_id,
                event_id=number,
                type=f"ticket.number_{number}_",
                state=State.dead if number % 2 else State.delivered,
                since=now(),
                next_at=now(),
                tries=[],
            )
            for number in range(1, 71)
        )
    first = await page(ada, f"{HOME}/{webhook_id}")
    assert "number_70_" in first
    assert "number_20_" not in first
    older = re.search(r"\?before=\d+", first)
    assert older
    assert "number_20_" in await page(ada, f"{HOME}/{webhook_id}{older[0]}")
    dead = await page(ada, f"{HOME}/{webhook_id}?only=dead")
    assert "number_69_" in dead
    assert "number_70_" not in dead
    odd: httpx.Response = await ada.look(f"{HOME}/{webhook_id}?only=nonsense")
    assert odd.status_code == 400
