"""Run cfsigned_rotate over a whole site, as a person or a job does."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management import CommandError, call_command

from cfsigned_django.rotation.probe import ProbeResult
from tests.aws.api import Account


@dataclass(slots=True)
class Ran:
    """What a run came to."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """Return the JSON that was printed."""
        return json.loads(self.out)


@dataclass(slots=True)
class Shell:
    """Runs the command on a site whose key group is in ``account``."""

    account: Account
    key_group_id: str
    settings_key_id: str
    answer: ProbeResult = ProbeResult.GOOD
    failure: Exception | None = None
    #: The database's clock, which goes when somebody waits.
    now: datetime = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    #: How often a client was made, and with what.
    clients: list[dict[str, str]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> Ran:
        """Run the command, a second later; return its exit code and what it printed."""
        self.wait(1)
        out, err, code = io.StringIO(), io.StringIO(), 0
        try:
            call_command("cfsigned_rotate", *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            code = int(end.code or 0)
        except CommandError as error:
            code = error.returncode
            err.write(str(error))
        ran = Ran(code, out.getvalue(), err.getvalue())
        line = " ".join(("$ cfsigned_rotate", *arguments))
        texts = (text.rstrip("\n") for text in (line, ran.err, ran.out) if text)
        self.printed.append("\n".join([*texts, f"[exit code {code}]", ""]))
        return ran

    def run_all(self, *lines: Sequence[str]) -> list[int]:
        """Run the command with each line of arguments; return the exit codes."""
        return [self.run(*arguments).code for arguments in lines]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    @property
    def transcript(self) -> str:
        """Return all that was typed and printed, without what differs between runs."""
        return re.sub(r"(ECDSA P-256|RSA 2048) [0-9a-f]{12}", r"\1 <fingerprint>", self.text)

    @property
    def text(self) -> str:
        """Return all that was typed and printed."""
        return "\n".join(self.printed)

    def __getattr__(self, name: str) -> Any:
        return self._fail if self.failure is not None else getattr(self.account.api, name)

    def _fail(self, **arguments: Any) -> Any:
        if self.failure is not None:
            raise self.failure

    @property
    def members(self) -> set[str]:
        """Return the ids in the key group."""
        return set(self.account.group_config(self.key_group_id)["Items"])
