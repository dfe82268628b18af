"""The doctor finds what is broken on purpose, says how to mend it, and leaves a sound desk alone."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from helpdesk.cli.doctor import Finding, Verdict, doctor
from helpdesk.cli.doctor.database import examine_database, examine_server
from helpdesk.cli.doctor.installation import examine_installation, home, model, names, port
from helpdesk.settings import Settings
from tests.cluster import Cluster


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@pytest.fixture
def superuser(cluster: Cluster, database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.replace("helpdesk_app@", "postgres@", 1), autocommit=True) as connection:
        yield connection


def test_a_sound_desk_has_nothing_wrong(database: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=database, port=0)
    found = [*examine_installation(settings), *examine_database(settings)]
    assert [finding for finding in found if finding.verdict is not Verdict.good] == []
    assert len(found) >= 11


def test_a_database_without_tables_is_told_to_migrate(cluster: Cluster) -> None:
    name = cluster.empty()
    found = by_name(examine_server(cluster.url(name)))
    assert found["schema"].verdict is Verdict.wrong
    assert "0000" in found["schema"].says
    assert "helpdesk migrate" in found["schema"].mend
    cluster.drop(name)


def test_a_database_of_a_newer_desk_is_recognised(superuser: psycopg.Connection, database: str) -> None:
    superuser.execute("UPDATE alembic_version SET version_num = '9999'")
    found = by_name(examine_server(database))["schema"]
    assert found.verdict is Verdict.wrong
    assert "newer version" in found.says


def test_a_mailbox_that_is_off_line_is_named_with_the_reason(
    superuser: psycopg.Connection, database: str
) -> None:
    superuser.execute(
        "INSERT INTO inbox (name, channel, address, active, sealed_settings, trouble) "
        "VALUES ('Support', 'email', 'support@desk.example', true, '', 'The certificate has expired.')"
    )
    found = by_name(examine_server(database))["inboxes"]
    assert found.verdict is Verdict.wrong
    assert found.says == "support@desk.example: The certificate has expired."


@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
def test_an_application_that_could_rewrite_history_is_found(
    superuser: psycopg.Connection, database: str, right: str
) -> None:
    superuser.execute(f"GRANT {right} ON event TO helpdesk_app")
    found = by_name(examine_server(database))["history"]
    assert found.verdict is Verdict.wrong
    assert f"may {right} events" in found.says


def test_a_desk_that_connects_as_the_superuser_is_found(database: str) -> None:
    found = by_name(examine_server(database.replace("helpdesk_app@", "postgres@", 1)))
    assert found["history"].verdict is Verdict.wrong


def test_a_missing_extension_is_named_with_the_command(superuser: psycopg.Connection, database: str) -> None:
    superuser.execute("DROP EXTENSION unaccent CASCADE")
    found = by_name(examine_server(database))["extensions"]
    assert found.verdict is Verdict.wrong
    assert "CREATE EXTENSION unaccent;" in found.mend


def test_an_unreachable_database_ends_the_examination_in_words() -> None:
    (found,) = examine_server("postgresql://desk@127.0.0.1:1/desk")
    assert found.verdict is Verdict.wrong
    assert "Connection refused" in found.says
    assert "DATABASE_URL" in found.mend


def test_a_private_database_that_was_never_started_is_no_fault(tmp_path: Path) -> None:
    (found,) = examine_database(Settings(home=tmp_path))
    assert found.verdict is Verdict.advice
    assert list(tmp_path.iterdir()) == []


def test_a_distribution_that_brings_one_of_our_names_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    about = tmp_path / "web_framework-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: web-framework\nVersion: 1.0\n")
    (about / "top_level.txt").write_text("web\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = names()
    assert found.verdict is Verdict.wrong
    assert "`web` comes from web-framework" in found.says
    assert "pip uninstall web-framework" in found.mend


def test_a_data_folder_that_is_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert home(tmp_path / "taken/desk").verdict is Verdict.wrong
    assert home(tmp_path / "new/desk").verdict is Verdict.good


def test_a_folder_without_a_model_is_found(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, embedding_model=str(tmp_path))
    assert model(settings).verdict is Verdict.wrong
    (tmp_path / "config.json").write_text("{}")
    assert model(settings).verdict is Verdict.good


def test_a_port_in_use_and_a_strange_host_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert port("127.0.0.1", taken.getsockname()[1]).verdict is Verdict.advice
    assert port("192.0.2.1", 8000).verdict is Verdict.wrong


def test_the_command_answers_programs_and_fails_when_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("HELPDESK_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database)
    sound = CliRunner().invoke(doctor, ["--json"])
    assert {finding["verdict"] for finding in json.loads(sound.stdout)} <= {"good", "advice"}
    assert sound.exit_code == 0

    monkeypatch.setenv("HELPDESK_PORT", "eighty")
    broken = CliRunner().invoke(doctor)
    assert "✗ settings" in broken.stdout
    assert broken.exit_code == 1
