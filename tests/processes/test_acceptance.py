"""Run the acceptance of AWS against the emulator, and kill it at each of its calls."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from acceptance.clients import Clients
from acceptance.questions import NOT_EMULATED, QUESTIONS
from tests.background import PATIENCE, plain_environment, wait_until
from tests.cloudfront_server import run_cloudfront
from tests.ministack_server import run_ministack
from tests.processes.kills import ACCOUNT, clients_of, inventory
from tests.projects import ROOT

pytestmark = pytest.mark.processes

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

    def run(self) -> str:
        """Return the last run; empty before it has begun."""
        return next((each.parent.name for each in self.folder.glob(".acceptance/*/run.json")), "")

    def has_stack(self) -> bool:
        """Return whether the stack of the run was made."""
        stacks = self.clients.cloudformation.describe_stacks()["Stacks"]
        return any(
            each["StackName"] == f"acceptance-{self.run()}"
            and each["StackStatus"] == "CREATE_COMPLETE"
            for each in stacks
        )


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clients, dict[str, str]]]:
    """Return the clients of an account, and the variables by which the program gets there."""
    folder = tmp_path_factory.mktemp("aws")
    user = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not checked"}
    with (
        run_ministack(folder, AUTH="true", **user) as server,
        run_cloudfront(server, ACCOUNT, folder) as found,
    ):
        clients = clients_of(server)
        while True:
            # It imports CloudFormation at the first call, which may take longer than a call.
            with suppress(ReadTimeoutError):
                clients.cloudformation.describe_stacks()
                break
        yield clients, {**found, **user, "AWS_ENDPOINT_URL": server.endpoint_url}


@pytest.fixture
def account(aws: tuple[Clients, dict[str, str]], tmp_path: Path) -> Account:
    """Return the account, in which each test leaves nothing."""
    return Account(*aws, tmp_path)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ends_early(account: Account, how: signal.Signals) -> None:
    """Remove what was made when the run is stopped; after a kill, by the command, repeatedly."""
    is_killed = how is signal.SIGKILL
    program = account.begin("--account", ACCOUNT)
    wait_until(account.has_stack, "the stack is there")
    os.kill(program.pid, how)
    output, _ = program.communicate(timeout=PATIENCE)

    assert program.returncode == (-how if is_killed else 1), output
    assert (inventory(account.clients) == []) == (not is_killed), output
    for _ in range(2 if is_killed else 0):
        again = account.begin("--clean", account.run())
        output, _ = again.communicate(timeout=PATIENCE)
        assert again.returncode == 0, output
        assert inventory(account.clients) == []


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a whole run, and what became of it, and of each kill."""
    folder = tmp_path_factory.mktemp("kills")
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.kills", str(folder)],
        cwd=ROOT,
        env={**plain_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return next(folder.glob(".acceptance/*")), json.loads(done.stdout)


def test_whole_run(killed: tuple[Path, dict[str, Any]]) -> None:
    """Ask all that the emulator can be asked, report it without secrets, and leave nothing."""
    folder, found = killed
    answers = json.loads((folder / "report.json").read_text())["answers"]
    texts = [(folder / f"report.{each}").read_text() for each in ("md", "json")]

    assert (found["code"], found["is_empty"]) == (0, True), found["output"]
    assert [each for each in answers if each["mark"]] == []
    asked = [each for each in answers if each["answer"] != NOT_EMULATED]
    assert len(asked) == sum(each.is_emulated for each in QUESTIONS)
    ids = {*re.findall(r"Removed (?!object)[\w-]+ (\S+)\.$", found["output"], re.M), folder.name}
    assert len(ids) > 6
    for secret in {*ids, ACCOUNT, "Signature=", "PRIVATE KEY", ".cloudfront.net"}:
        assert not any(secret in text for text in texts), secret


def test_kills_at_each_call(killed: tuple[Path, dict[str, Any]]) -> None:
    """Leave an empty account beside that of others, whatever call a run or its removal died at.

    Before it and after it, while CloudFront deploys and disables slowly.
    """
    rows = killed[1]["rows"]
    calls = [row["call"] for row in rows]

    assert len(calls) > 65
    assert killed[1]["theirs"] == 18
    for row in rows:
        assert (row["left"], row["more"], row["gone"]) == ([], [], []), row
    assert rows[-1]["deaths"] > 15
