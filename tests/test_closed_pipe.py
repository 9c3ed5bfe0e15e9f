"""End in silence where whoever reads the output has gone, as in ``| head -1``."""

from __future__ import annotations

import signal
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
ENDS = """
import sys

from django.core.management.base import CommandError

from cfsigned_django.management.piped import PipedCommand


class Command(PipedCommand):
    def handle(self, *args, **options):
        self.stdout.write("written")
        {end}
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


def test_closed_output_without_a_buffer(project: Project) -> None:
    """End in the same way where the first line finds nobody, and not the last flush."""
    ended = project.manage_unread("cfsigned_sign", "a.jpg", unbuffered=True)

    assert (ended.returncode, ended.stderr) == (piped.READER_GONE, "")


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("raise KeyError('lost')", 1, "KeyError: 'lost'"),
        ("raise CommandError('It failed.')", 1, "CommandError: It failed."),
        ("sys.exit(75)", 75, ""),
        ("raise KeyboardInterrupt", -signal.SIGINT, "KeyboardInterrupt"),
    ],
)
def test_failure_with_a_closed_output(end: str, code: int, said: str, project: Project) -> None:
    """Tell a failure, and end with its own exit code, although nobody reads the output."""
    project.write("ending/management/commands/end.py", ENDS.format(end=end))
    project.settings(SETTINGS, "INSTALLED_APPS += ['ending']")

    ended = project.manage_unread("end")

    assert ended.returncode == code
    lines = ended.stderr.splitlines()
    assert lines[-1:] == ([said] if said else [])
    assert "BrokenPipeError" not in ended.stderr


def test_closed_errors(project: Project) -> None:
    """Keep the exit code of a failure where nobody reads the errors."""
    ended = project.manage_unread("cfsigned_sign", "a.jpg", "--storage", "none", stream="stderr")

    assert (ended.returncode, ended.stdout) == (1, "")


def test_closed_progress(project: Project) -> None:
    """Go on with what is under way where nobody reads how far it is."""
    end = "self.stderr.write('half'); self.stderr.write('all'); self.stdout.write('done')"
    project.write("ending/management/commands/end.py", ENDS.format(end=end))
    project.settings(SETTINGS, "INSTALLED_APPS += ['ending']")

    ended = project.manage_unread("end", stream="stderr", unbuffered=True)

    assert (ended.returncode, ended.stdout) == (0, "written\ndone\n")


def test_commands_that_end_so() -> None:
    """Build the four commands whose output others read in this way; the edge serves on."""
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
