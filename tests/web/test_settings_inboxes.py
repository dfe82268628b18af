"""Inboxes are connected, tried step by step, and switched off; passwords go in and never come out."""

import msgspec
import pytest
from sqlalchemy import select

from channels.email.settings import EmailSettings
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from tests.channels.email.dovecot import ADDRESS, BINARY, PASSWORD, dovecot
from tests.channels.email.smtp import scripted
from tests.conftest import missing
from tests.web.served import Console
from web.settings import inbox_form, inboxes

FORM = {
    "name": "Orders",
    "address": "Orders@Desk.example",
    "team": "",
    "imap_host": "imap.example.com",
    "imap_user": "orders@desk.example",
    "imap_password": "very secret indeed",
    "smtp_host": "smtp.example.com",
}


def test_every_setting_of_every_channel_is_explained() -> None:
    """A field's name from the code is no label."""
    for kind in inboxes.offered():
        if getattr(kind.Settings, "elsewhere", False):
            continue  # on a page of its own
        for name in set(kind.Settings.__struct_fields__) - set(inbox_form.MADE):
            assert all(inbox_form.WORDS[name]), name


async def stored(console: Console, address: str) -> tuple[Inbox, EmailSettings]:
    async with console.scene.desk.sessions() as session:
        inbox = (await session.scalars(select(Inbox).where(Inbox.address == address))).one()
    return inbox, msgspec.convert(console.scene.desk.keys.unseal(inbox.sealed_settings), EmailSettings)


async def test_a_password_goes_in_and_never_comes_out(console: Console) -> None:
    ada = await console.person("Ada")
    answer = await ada.does("/settings/inboxes/new/email", data=FORM | {"anyway": "true"})
    assert answer.status_code == 204, answer.text
    inbox, settings = await stored(console, "orders@desk.example")
    assert settings.imap_password == "very secret indeed"
    assert settings.imap_port == 993
    page = (await ada.look(f"/settings/inboxes/{inbox.id}")).text
    assert "very secret" not in page
    assert "it is never shown" in page
    changed = FORM | {"anyway": "true", "imap_password": "", "imap_port": "1993", "name": "Sales"}
    assert (await ada.does(f"/settings/inboxes/{inbox.id}", data=changed)).status_code == 204
    inbox, settings = await stored(console, "orders@desk.example")
    assert (inbox.name, settings.imap_password, settings.imap_port) == ("Sales", "very secret indeed", 1993)
    async with console.scene.desk.sessions() as session:
        told = await session.scalars(select(Event).where(Event.about == "inbox").order_by(Event.id))
        events = told.all()
    assert [event.kind for event in events] == [Kind.inbox_connected, Kind.inbox_edited]
    assert "secret" not in str([event.data for event in events])


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "orders+x@desk.example"},
        {"address": "no address"},
        {"name": " "},
        {"imap_port": "many"},
        {"imap_security": "hope"},
        {"team": "999"},
        {"sealed_settings": "x"},
    ],
)
async def test_what_cannot_be_right_is_refused(console: Console, wrong: dict[str, str]) -> None:
    ada = await console.person("Ada")
    form = FORM | {"anyway": "true"} | wrong
    assert (await ada.does("/settings/inboxes/new/email", data=form)).status_code == 400


async def test_an_address_is_an_inbox_once(console: Console) -> None:
    ada = await console.person("Ada")
    form = FORM | {"anyway": "true", "address": "SUPPORT@desk.example"}
    assert (await ada.does("/settings/inboxes/new/email", data=form)).status_code == 409


async def test_a_private_address_is_for_whoever_runs_the_desk_to_allow(console: Console) -> None:
    ada = await console.person("Ada")
    async with scripted("* OK never reached") as (heard, port):
        form = FORM | {"imap_host": "127.0.0.1", "imap_port": str(port)}
        refused = await ada.does("/settings/inboxes/new/email", data=form)
        checked = await ada.does("/settings/inboxes/checks/email", data=form)
    assert refused.status_code == 422
    assert "HELPDESK_ALLOW_HOSTS" in refused.text
    assert "HELPDESK_ALLOW_HOSTS" in checked.text
    assert not heard


async def test_a_check_goes_step_by_step(console: Console) -> None:
    if not BINARY:
        missing("Dovecot (apt install dovecot-imapd dovecot-lmtpd)")
    with dovecot() as server:
        desk = console.scene.desk
        allowed = f"localhost:{server.imaps},localhost:1"
        console.app.state.desk.__dict__["settings"] = msgspec.structs.replace(
            desk.settings, allow_hosts=allowed
        )
        ada = await console.person("Ada")
        form = FORM | {
            "address": ADDRESS,
            "imap_host": "localhost",
            "imap_port": str(server.imaps),
            "imap_user": ADDRESS,
            "imap_password": PASSWORD,
            "ca_file": str(server.home / "cert.pem"),
            "smtp_host": "localhost",
            "smtp_port": "1",
        }
        checked = (await ada.does("/settings/inboxes/checks/email", data=form)).text
        assert checked.count('class="good"') == 4, "name, line, login; and the name of the other server"
        assert checked.count('class="bad"') == 1
        assert "refuses connections on port 1" in checked
        wrong = form | {"imap_password": "wrong"}
        assert "refuses the login" in (await ada.does("/settings/inboxes/checks/email", data=wrong)).text
        folder = form | {"folder": "Nowhere"}
        assert "has no folder Nowhere" in (await ada.does("/settings/inboxes/checks/email", data=folder)).text
        untrusted = form | {"ca_file": ""}
        assert "certificate" in (await ada.does("/settings/inboxes/checks/email", data=untrusted)).text


async def test_an_inbox_is_switched_off_and_on(console: Console) -> None:
    ada, number = await console.person("Ada"), console.scene.inbox.id
    for expected in (False, True):
        await ada.does(f"/settings/inboxes/{number}/state")
        async with console.scene.desk.sessions() as session:
            assert (await session.get_one(Inbox, number)).active is expected


async def test_a_stored_password_goes_to_no_other_server(console: Console) -> None:
    ada = await console.person("Ada")
    await ada.does("/settings/inboxes/new/email", data=FORM | {"anyway": "true"})
    inbox, _settings = await stored(console, "orders@desk.example")
    for change in (
        {"imap_host": "evil.example.net"},
        {"smtp_host": "evil.example.net"},
        {"imap_security": "none"},
    ):
        form = FORM | {"anyway": "true", "imap_password": ""} | change
        for path in (f"/settings/inboxes/{inbox.id}", f"/settings/inboxes/checks/stored/{inbox.id}"):
            answer = await ada.does(path, data=form)
            assert answer.status_code == 400, (path, change)
            assert "Type the password again" in answer.text
    typed = FORM | {"anyway": "true", "imap_password": "another", "imap_host": "imap.example.net"}
    assert (await ada.does(f"/settings/inboxes/{inbox.id}", data=typed)).status_code == 204


async def test_saving_anyway_leads_to_no_private_address(console: Console) -> None:
    ada = await console.person("Ada")
    for host in ("127.0.0.1", "169.254.169.254", "localhost", "::1", "10.0.0.7"):
        form = FORM | {"anyway": "true", "smtp_host": host}
        answer = await ada.does("/settings/inboxes/new/email", data=form)
        assert answer.status_code in {400, 422}, (host, answer.text)
