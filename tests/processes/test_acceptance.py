"""Run the acceptance of AWS against the emulator, and kill it at each of its calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.questions import NOT_EMULATED, QUESTIONS
from cfsigned_django.aws.client import Clients
from tests.acceptance.kills import inventory
from tests.background import PATIENCE, plain_environment, wait_until
from tests.cloudfront_server import run_cloudfront
from tests.ministack_server import run_ministack
from tests.projects import ROOT
from tests.setup.viewers import ACCOUNT

pytestmark = pytest.mark.processes

#: Changes that a run makes: see make_everything().
CALLS = 16
#: Changes that a clean-up makes after a whole run: it also disables the distribution.
REMOVALS = 11
#: The program, with times for a distribution that is deployed at once.
PROGRAM = """
import sys
from acceptance import __main__ as program
from acceptance.site import Pace
pace = Pace(expire=5, propagation=0, clock_skew=0, keyring=0, look=0.1, glance=0.1, patience=30)
program.Pace = lambda: pace
sys.exit(program.main(sys.argv[1:]))
"""


class Account:
    """An account in the emulator, with CloudFront in front, and a person at a terminal."""

    def __init__(self, clients: Clients, variables: dict[str, str], folder: Path) -> None:
        self.clients, self.variables, self.folder = clients, variables, folder

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the program, and type the number of the account."""
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=self.folder,
            env={**plain_environment(), **self.variables, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert program.stdin is not None
        program.stdin.write(f"{ACCOUNT}\n")
        program.stdin.flush()
        return program

    def ledger(self) -> Path | None:
        """Return the file of the last run."""
        return next(iter(self.folder.glob(".acceptance/*/ledger.jsonl")), None)

    def has_distribution(self) -> bool:
        """Return whether the ledger has the ID of a distribution."""
        path = self.ledger()
        text = path.read_text() if path else ""
        return '"kind": "bucket"' in text and '"kind": "distribution"' in text


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """Return an empty account."""
    user = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not checked"}
    for name in ("aws", "here"):
        (tmp_path / name).mkdir()
    with run_ministack(tmp_path / "aws", AUTH="true", **user) as server:
        clients = server.clients(ACCOUNT)
        with run_cloudfront(server, ACCOUNT, tmp_path) as found:
            variables = {**found, **user, "AWS_ENDPOINT_URL": server.endpoint_url}
            yield Account(clients, variables, tmp_path / "here")


def test_whole_run(account: Account) -> None:
    """Ask all that the emulator can be asked, report it without secrets, and leave nothing."""
    program = account.begin("--account", ACCOUNT)
    output, _ = program.communicate(timeout=PATIENCE * 4)
    ledger = account.ledger()
    assert ledger is not None, output
    answers = json.loads((ledger.parent / "report.json").read_text())["answers"]
    texts = [(ledger.parent / f"report.{each}").read_text() for each in ("md", "json")]
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    secrets = {each["id"] for each in lines if each["event"] == "made" and "." not in each["id"]}

    assert program.returncode == 0, output
    assert [each for each in answers if not each["is_expected"]] == []
    asked = [each for each in answers if each["answer"] != NOT_EMULATED]
    assert len(asked) == sum(each.is_emulated for each in QUESTIONS) + 3
    assert inventory(account.clients) == []
    assert len(secrets) > 8
    for secret in {*secrets, ACCOUNT, "Signature=", "PRIVATE KEY", ".cloudfront.net"}:
        assert not any(secret in text for text in texts)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ends_early(account: Account, how: signal.Signals) -> None:
    """Remove what was made when the run is stopped; after a kill, by the command, repeatedly."""
    program = account.begin("--account", ACCOUNT)
    wait_until(account.has_distribution, "the distribution is in the ledger")
    os.kill(program.pid, how)
    output, _ = program.communicate(timeout=PATIENCE)
    ledger = str(account.ledger())

    assert program.returncode == (-how if how is signal.SIGKILL else 1), output
    assert (inventory(account.clients) == []) == (how is not signal.SIGKILL), output
    for _ in range(2):
        again = account.begin("--clean", ledger)
        output, _ = again.communicate(timeout=PATIENCE)
        assert again.returncode == 0, output
        assert inventory(account.clients) == []


def test_kills_at_each_call(tmp_path: Path) -> None:
    """Leave an empty account beside that of others, whatever call a run died at.

    Before it and after it; the clean-up is killed after each change that it makes, too.
    """
    (tmp_path / "aws").mkdir()
    with run_ministack(tmp_path / "aws") as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.acceptance.kills", server.endpoint_url, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10 * PATIENCE,
        )
    rows = json.loads(done.stdout)

    assert [row["run"] for row in rows] == [*2 * [*[9] * CALLS, 0], 0], done.stderr
    for row in rows:
        assert (row["more"], row["gone"], row["clean"][-1]) == ([], [], 0), row
        assert row["theirs"] > CALLS
    assert rows[-1]["clean"] == [9] * REMOVALS + [0]
