"""A private PostgreSQL in a test's hands."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from helpdesk.embedded import EmbeddedPostgres

StartOwner = Callable[..., subprocess.Popen[str]]
"""Starts another process that owns the server in `home`; takes code that it runs before."""


def desk(home: Path, bin_dir: str = "") -> EmbeddedPostgres:
    return EmbeddedPostgres(home, bin_dir, fsync=False)


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout
    assert process.stderr
    return process.stdout.readline() == "ready\n" or pytest.fail(process.stderr.read())


def write_down(postgres: EmbeddedPostgres, word: str) -> None:
    with psycopg.connect(postgres.url("helpdesk_owner")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (word text)")
        connection.execute("INSERT INTO word VALUES (%s)", [word])


def written(postgres: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(postgres.url("helpdesk_owner")) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM word")]


def postmaster(postgres: EmbeddedPostgres) -> int:
    return int(postgres.files.pid.read_text().split()[0])


def eventually(happened: Callable[[], bool], within: float = 10) -> bool:
    patience = time.monotonic() + within
    while not happened() and time.monotonic() < patience:
        time.sleep(0.01)
    return happened()
