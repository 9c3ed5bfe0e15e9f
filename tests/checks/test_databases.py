"""Check a site whose database is not there: manage.py check passes, soon.

Modules: checks/rotation.py, keyring.py
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfsigned_django.signing import PrivateKey
from tests.projects import Project
from tests.storage_cases import KEY_GROUP_ID

pytest.importorskip("psycopg", reason="needs the driver of PostgreSQL")

_DATABASE = """
INSTALLED_APPS = ["cfsigned_django"]
AWS_CLOUDFRONT_KEY_GROUP_ID = "{group}"
STORAGES = {{"default": {{"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}}}}
DATABASES = {{"default": {{
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "site", "USER": "site", "HOST": "127.0.0.1", "PORT": {port},
}}}}
"""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Return a socket on which nothing listens yet."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.mark.parametrize("is_asked", [False, True], ids=["plain", "database"])
def test_check_without_a_database(
    server: socket.socket, is_asked: bool, tmp_path: Path, ec_key: PrivateKey
) -> None:
    """Pass if it refuses connections; a plain check opens none, also with Django 6.1."""
    if not is_asked:
        server.listen()
    project = Project(folder=tmp_path, key=ec_key)
    project.settings(_DATABASE.format(group=KEY_GROUP_ID, port=server.getsockname()[1]))

    done = project.manage("check", *(["--database", "default"] if is_asked else []))

    assert (done.returncode, done.stderr) == (0, "")
    if not is_asked:
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
