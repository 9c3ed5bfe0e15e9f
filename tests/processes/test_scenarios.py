"""Rotate under load while processes die, compete, and lose the database."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.leaks import key_material
from tests.ministack_server import MinistackHere
from tests.plugins_aws import ministack as ministack
from tests.processes.run import (
    DONE,
    FAILED,
    NOT_YET,
    SEED,
    Run,
    interrupt_database,
    run_everything,
)

pytestmark = pytest.mark.processes

_KILLS = 5
#: After a longer outage of the database, in seconds, a site may refuse to sign: where its last
#: answer is older than the longest life of a link and two intervals of the keyring together.
_LONGEST_OUTAGE = 3


@pytest.fixture
def run(
    transactional_db: None, tmp_path: Path, ministack: MinistackHere, rsa_key: PrivateKey
) -> Iterator[Run]:
    """Return a site under load, whose key was in the settings and is in its database now.

    What its processes have printed, logged and sent at the end holds no private key. Nor does the
    log of the database, which has the values of a statement that failed.
    """
    print(f"CFSIGNED_TEST_SEED={SEED}")
    with run_everything(tmp_path, ministack, rsa_key) as run:
        run.rotate("--import")
        yield run
        active = KeyPair.objects.get(status="active")
        keys = [rsa_key, active.decrypted().load()]
    logs = [*tmp_path.iterdir(), Path(os.environ["CFSIGNED_TEST_DATABASE_LOG"])]
    printed = [each.encode() for each in run.printed]
    seen = b"\n".join((*(each.read_bytes() for each in logs), *printed, *run.api.seen))
    assert str(active).encode() in seen
    assert key_material(seen, keys) == []


def test_killed_at_any_moment(run: Run) -> None:
    """A command that is killed and run again ends what it began, with nothing left over."""
    chance = random.Random(SEED)
    began = time.monotonic()
    run.rotate("--dry-run")
    usual = time.monotonic() - began
    for _ in range(_KILLS):
        algorithm = chance.choice(("ECDSA_P256", "RSA_2048"))
        beginning = () if run.is_under_way() else ("--start", "--algorithm", algorithm)
        process = run.begin(*beginning, "--wait")
        moment = chance.randint(1, 14) if chance.random() < 0.6 else None
        patience = 4 * usual if moment else chance.uniform(0.5, 2) * usual
        print(f"killed at moment {moment} of its calls, or after {patience:.2f} s")
        _kill_at(run, process, moment, patience)
        run.end(process, DONE, NOT_YET, -9)

    run.finish()
    assert len(run.load.processes) == 2


def _kill_at(run: Run, process: subprocess.Popen[str], moment: int | None, patience: float) -> None:
    """Kill a process at its nth moment before or after a call, at the latest after a while."""
    moments = iter(range(1, 10**6))

    def count() -> None:
        if next(moments) == moment:
            process.kill()

    run.api.at_each_moment = count
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        run.api.at_each_moment = lambda: None


def test_two_at_once(run: Run) -> None:
    """Two commands at the same time do each step once."""
    before = KeyPair.objects.count()
    for arguments in (("--start",), (), (), ("--wait",)):
        pair = [run.begin(*arguments) for _ in range(2)]
        for process in pair:
            run.end(process, DONE, NOT_YET)

    run.finish()

    assert KeyPair.objects.count() == before + 1


def test_database_fails(run: Run) -> None:
    """Signing goes on while the database is away, and a rotation ends when it is back."""
    waiting = run.begin("--start", "--wait")
    for _ in range(3):
        time.sleep(2)
        began = time.monotonic()
        interrupt_database()
        if time.monotonic() - began > _LONGEST_OUTAGE:
            run.load.not_signed.clear()
        run.assert_unharmed()

    run.end(waiting, DONE, FAILED, NOT_YET)
    run.finish()
