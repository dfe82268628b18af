"""A wrong setting is refused by name, with what is wrong and what is known."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpdesk.errors import Misconfigured
from helpdesk.settings import kept_secret, load


def test_an_unknown_setting_is_named_with_the_known_ones():
    with pytest.raises(Misconfigured, match=r"HELPDESK_PROT is no setting.*HELPDESK_PORT"):
        load({"HELPDESK_PROT": "8000"})


def test_a_value_that_cannot_be_read_is_named():
    with pytest.raises(Misconfigured, match="port"):
        load({"HELPDESK_PORT": "eighty"})


def test_the_data_folder_may_be_given_as_people_write_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load({"HELPDESK_HOME": "~/desk"}).home == load({"HELPDESK_HOME": "desk"}).home == tmp_path / "desk"


def test_a_short_secret_is_refused_with_a_way_to_make_one():
    with pytest.raises(Misconfigured, match="openssl rand"):
        load({"HELPDESK_SECRET": "short"})


def test_database_url_replaces_the_private_server():
    assert load({}).embedded
    assert not load({"DATABASE_URL": "postgresql://desk@db/desk"}).embedded


def test_the_secret_is_made_once_even_by_many_at_once_and_is_ours_alone(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: kept_secret(tmp_path), range(8)))
    assert len(secrets) == 1
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HELPDESK_PORT", "99999"),  # the system would listen on 34463 without a word
        ("HELPDESK_PORT", "0"),
        ("HELPDESK_JOBS", "0"),
        ("HELPDESK_LOG_LEVEL", "loud"),
        ("HELPDESK_WORKERS", "everywhere"),
        ("HELPDESK_TRUSTED_PROXIES", "127.0.0.1,my-proxy"),
        ("HELPDESK_PUBLIC_URL", "support.example.com"),
        ("DATABASE_URL", "mysql://root:canary@db/desk"),
        ("DATABASE_URL", "canary"),
        ("HELPDESK_OWNER_DATABASE_URL", "canary"),
    ],
)
def test_a_value_that_cannot_work_is_refused_and_no_password_repeated(name: str, value: str):
    with pytest.raises(
        Misconfigured, match=name.removeprefix("HELPDESK_") + "|" + name[9:].lower()
    ) as refused:
        load({name: value})
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("left", ["", "cut off"])
def test_a_secret_that_was_lost_is_not_replaced_by_nothing(tmp_path: Path, left: str):
    (tmp_path / "secret").write_text(left)
    with pytest.raises(Misconfigured, match="holds no secret any more"):
        kept_secret(tmp_path)
