"""End in silence where whoever reads the output has gone, as in ``| head -1``."""

from __future__ import annotations

import socket
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cfsigned_django.management import piped
from cfsigned_django.management.commands import (
    cfsigned_doctor,
    cfsigned_rotate,
    cfsigned_setup,
    cfsigned_sign,
)
from cfsigned_django.signing import PrivateKey
from tests.projects import Project

SETTINGS = """
INSTALLED_APPS = ["cfsigned_django"]
DATABASES["default"]["NAME"] = "site.sqlite3"
AWS_CLOUDFRONT_KEY_GROUP_ID = "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d"
AWS_CLOUDFRONT_BY_HAND = True
STORAGES = {"default": {"BACKEND": "cfsigned_django.storage.CloudFrontFileSystemStorage"}}
"""


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Make a project whose site signs, with the app and its commands."""
    made = Project(folder=tmp_path, key=ec_key)
    made.settings(SETTINGS)
    assert made.manage("migrate").returncode == 0
    made.write("key.pem", ec_key.to_pem().decode())
    return made


@pytest.mark.parametrize(
    "command",
    [
        ("cfsigned_sign", "a.jpg"),
        ("cfsigned_setup", "--iam"),
        ("cfsigned_setup", "--create", "--key-file", "key.pem", "--export", "cloudformation"),
        ("cfsigned_doctor", "--offline", "--json"),
        ("cfsigned_doctor", "--offline"),
        ("cfsigned_rotate", "--dry-run", "--json"),
    ],
)
def test_closed_output(command: tuple[str, ...], project: Project) -> None:
    """Say nothing, and end with what a shell says of a program that SIGPIPE ended."""
    ended = project.manage_unread(*command)

    assert ended.stderr == ""
    assert ended.returncode == piped.READER_GONE


def test_closed_errors(project: Project) -> None:
    """End in the same way where nobody reads the errors."""
    ended = project.manage_unread("cfsigned_sign", "a.jpg", "--storage", "none", stream="stderr")

    assert ended.stdout == ""
    assert ended.returncode == piped.READER_GONE


def test_all_commands_that_print() -> None:
    """Build every command whose output is read by others in this way."""
    modules = (cfsigned_doctor, cfsigned_rotate, cfsigned_setup, cfsigned_sign)

    assert all(issubclass(each.Command, piped.PipedCommand) for each in modules)


def test_other_pipes(capfd: pytest.CaptureFixture[str]) -> None:
    """Let a connection that broke be an error like another, and the output be written."""

    class Talks(piped.PipedCommand):
        requires_system_checks = ()

        def handle(self, *args: Any, **options: Any) -> None:
            """Write, and send to nobody."""
            self.stdout.write("written")
            one, other = socket.socketpair()
            other.close()
            with one:
                one.sendall(b"x")

    with pytest.raises(BrokenPipeError), mock.patch("sys.stderr", StringIO()):
        Talks().run_from_argv(["manage.py", "talks"])

    assert capfd.readouterr().out == "written\n"
