"""Check a site whose database is not there: manage.py check passes, soon."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfsigned_django.signing import PrivateKey
from tests.projects import Project
from tests.storage_cases import KEY_GROUP_ID

pytest.importorskip("psycopg")

_DATABASE = """
INSTALLED_APPS = ["cfsigned_django"]
AWS_CLOUDFRONT_KEY_GROUP_ID = "{group}"
DATABASES = {{"default": {{
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "site", "USER": "site", "HOST": "127.0.0.1", "PORT": {port}, "OPTIONS": {options},
}}}}
"""


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("options", [{}, {"pool": True}], ids=["plain", "pool"])
def test_check_without_a_database(
    port: int, options: dict[str, bool], tmp_path: Path, ec_key: PrivateKey
) -> None:
    """Pass without an answer, within seconds: Django 6.1 asks all databases in a plain check."""
    project = Project(folder=tmp_path, key=ec_key)
    project.settings(_DATABASE.format(group=KEY_GROUP_ID, port=port, options=options))
    begin = time.monotonic()

    done = project.manage("check", "--database", "default")

    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begin < 15
