"""Run cfsigned_rotate over a whole site, as a person or a job does."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.management import CommandError, call_command

from cfsigned_django.rotation.models import KeyPair
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
    #: How often a client was made, and with what.
    clients: list[dict[str, str]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> Ran:
        """Run the command; return its exit code and what it printed."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        try:
            call_command("cfsigned_rotate", *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            code = int(end.code or 0)
        except CommandError as error:
            code = error.returncode
            err.write(str(error))
        ran = Ran(code, out.getvalue(), err.getvalue())
        self.printed += [ran.out, ran.err]
        return ran

    def __getattr__(self, name: str) -> Any:
        return self._fail if self.failure is not None else getattr(self.account.api, name)

    def _fail(self, **arguments: Any) -> Any:
        if self.failure is not None:
            raise self.failure

    @property
    def members(self) -> set[str]:
        """Return the ids in the key group."""
        return set(self.account.group_config(self.key_group_id)["Items"])


def aged(seconds: int) -> None:
    """Let everything that is recorded have happened so long ago."""
    names = (
        "created_at",
        "trusted_at",
        "verified_since",
        "active_at",
        "retiring_at",
        "claimed_until",
    )
    for row in KeyPair.objects.all():
        for name in names:
            if (moment := getattr(row, name)) is not None:
                setattr(row, name, moment - timedelta(seconds=seconds))
        row.save()
