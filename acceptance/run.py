"""One run: set up, prove, rotate, and ask, in this order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from acceptance import site
from acceptance.site import CommandFailed, Pace
from cfsigned_django.aws.client import Clients

DONE, LATER = 0, 75


def bucket_of(run: str) -> str:
    """Return the name of the bucket, from which the setup makes all other names."""
    return f"cfsigned-acceptance-{run}"


def new_run() -> str:
    """Return what identifies a run: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in an account. ``tell`` is called with each line for the person."""

    run: str
    clients: Clients
    pace: Pace
    tell: Callable[[str], object] = print
    sleep: Callable[[float], object] = time.sleep
    #: What the commands of the package reported, for the report of the run.
    commands: list[tuple[str, str]] = field(default_factory=list)

    def set_up(self) -> None:
        """Let cfsigned_setup create everything, and the key sign."""
        options = [f"--cors-origin={site.ORIGIN}", "--apply", "--yes"]
        code, report = self._command("cfsigned_setup", "--create", *options)
        site.deploy(report["settings"])
        while code == LATER:
            self.tell(f"The key signs after {self.pace.propagation} s.")
            self.sleep(self.pace.propagation + self.pace.glance)
            code, report = self._command("cfsigned_setup", *options)
        if code != DONE:
            raise CommandFailed(f"cfsigned_setup: {_errors([*report['facts'], *report['proof']])}")
        site.deploy(report["settings"])

    def prove(self) -> None:
        """Let cfsigned_doctor look for faults."""
        code, findings = self._command("cfsigned_doctor")
        if code != DONE:
            self.tell(f"cfsigned_doctor: {_errors(findings)}")

    def rotate(self) -> None:
        """Replace the key by one of the other algorithm, until the old one is out of its group."""
        self.tell("cfsigned_rotate waits until the last URL of the old key has expired.")
        code, report = self._command("cfsigned_rotate", "--start", "--algorithm=RSA_2048", "--wait")
        if code != DONE:
            raise CommandFailed(f"cfsigned_rotate: {report['blockers']}")

    def _command(self, name: str, *arguments: str) -> tuple[int, Any]:
        self.tell(f"$ {' '.join((name, *arguments))}")
        code, report = site.command(name, *arguments)
        self.commands.append((name, f"exit code {code}"))
        return code, report


def _errors(findings: list[dict[str, str]]) -> str:
    found = [f"{each['id']}: {each['what']}" for each in findings if each["level"] == "error"]
    return "; ".join(found) or "it failed, and reported no error"
