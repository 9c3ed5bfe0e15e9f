"""Rotate under load while processes die, compete, and lose the API and the database."""

from __future__ import annotations

import random
import subprocess
import time

import pytest

from tests.background import wait_until
from tests.edge_command import fetch
from tests.processes.admin import LIST
from tests.processes.api import Outage
from tests.processes.captures import Captures
from tests.processes.colleague import Colleague
from tests.processes.run import SEED, Run
from tests.processes.site import DONE, FAILED, NOT_YET

_KILLS = 8
#: After a longer outage of the database, in seconds, a site may refuse to sign: where its last
#: answer is older than the longest life of a link and two intervals of the keyring together.
_LONGEST_OUTAGE = 3


class Scenarios:
    """What depends on the database; on each kind, all tests share one site, and so one process."""

    def test_killed_at_any_moment(self, run: Run) -> None:
        """A command that is killed and run again ends what it began, with nothing left over."""
        chance = random.Random(SEED)
        began = time.monotonic()
        run.rotate("--dry-run")
        usual = time.monotonic() - began
        for _ in range(_KILLS):
            beginning = () if run.is_under_way() else ("--start", "--algorithm", "ECDSA_P256")
            process = run.site.begin("cfsigned_rotate", *beginning, "--wait")
            moment = chance.randint(1, 14) if chance.random() < 0.6 else None
            patience = 4 * usual if moment else chance.uniform(0.5, 2) * usual
            print(f"killed at moment {moment} of its calls, or after {patience:.2f} s")
            _kill_at(run, process, moment, patience)
            done = run.site.finish(process)
            run.assert_in_words(done, DONE, NOT_YET, -9)

        run.finish()

    def test_two_at_once(self, run: Run) -> None:
        """Two commands at the same time do each step once, and lose no change of a third."""
        before = len(run.watcher.rows())
        created = _count_creations(run)
        _, second_foreign = run.foreign
        with Colleague(run.site.api, second_foreign).at_work() as colleague:
            for arguments in (("--start",), (), (), ("--wait",)):
                pair = [run.site.begin("cfsigned_rotate", *arguments) for _ in range(2)]
                for process in pair:
                    run.assert_in_words(run.site.finish(process), DONE, NOT_YET)

        run.finish()

        assert colleague.changes > 0
        assert len(run.watcher.rows()) == before + 1
        assert _count_creations(run) == created + 1

    def test_database_fails(self, run: Run) -> None:
        """Signing goes on while the database is away, and a rotation ends when it is back."""
        waiting = run.site.begin("cfsigned_rotate", "--start", "--wait")
        for _ in range(3):
            time.sleep(2)
            began = time.monotonic()
            run.site.database.interrupt()
            if time.monotonic() - began > _LONGEST_OUTAGE:
                run.load.seen.not_signed.clear()
            run.assert_unharmed()

        run.assert_in_words(run.site.finish(waiting), DONE, FAILED, NOT_YET)
        run.finish()


@pytest.mark.processes
class TestPostgreSQL(Scenarios):
    """Run what depends on the database on PostgreSQL, and the rest as well."""

    database = "postgresql"

    def test_five_rotations(self, run: Run) -> None:
        """Five keys sign one after the other, RSA and ECDSA, and no link is refused."""
        algorithms = ("ECDSA_P256", "RSA_2048", "ECDSA_P256", "RSA_2048", "ECDSA_P256")
        signed_by: list[str] = []
        waiting: list[subprocess.Popen[str]] = []
        for algorithm in algorithms:
            run.rotate_until(lambda: run.watcher.statuses().count("retiring") < 2, "a free place")
            run.rotate("--start", "--algorithm", algorithm)
            if not waiting or waiting[-1].poll() is not None:
                # It acts as soon as it may, however slow commands are to start.
                waiting.append(run.site.begin("cfsigned_rotate", "--wait"))
            run.rotate_until(lambda: run.watcher.statuses()[-1:] == ["active"], "it signs")
            signed_by.append(str(run.active().key_pair_id))
            wait_until(lambda: run.load.seen.by_key[signed_by[-1]], "links of the new key")
        for each in waiting:
            run.assert_in_words(run.site.finish(each), DONE, NOT_YET)

        run.finish()

        assert [row.algorithm for row in run.watcher.rows()[-5:]] == [*algorithms]
        assert len(set(signed_by)) == 5
        assert len(run.load.seen.by_process) == 2
        assert run.load.seen.last_second > 0
        assert run.load.seen.after_the_end > 0

    def test_api_down_at_the_beginning(self, run: Run) -> None:
        """A new key waits for the API; commands say what is wrong, or wait as well."""
        run.rotate("--start", "--algorithm", "RSA_2048")
        with run.site.api.failing(Outage.NO_ANSWER):
            failed = run.site.rotate()
            patient = run.site.begin("cfsigned_rotate", "--wait")
            time.sleep(2)
            status = run.watcher.statuses()[-1]

        assert status == "pending"
        run.assert_in_words(failed, FAILED, NOT_YET)
        assert "Could not" in failed.output or "Another process" in failed.output
        run.assert_in_words(run.site.finish(patient), DONE)
        run.finish()

    def test_api_down_at_the_end(self, run: Run) -> None:
        """A key that may go stays RETIRING as long as the API is down."""
        run.rotate("--start", "--algorithm", "ECDSA_P256")
        run.rotate_until(lambda: "retiring" in run.watcher.statuses(), "the former key retires")
        with run.site.api.failing(Outage.NOT_AVAILABLE):
            failed = run.site.rotate()
            while failed.code == NOT_YET and "can be retired after" in failed.output:
                failed = run.site.rotate()
            status = run.watcher.statuses()[-2]

        assert status == "retiring"
        run.assert_in_words(failed, FAILED, NOT_YET)
        assert "Could not" in failed.output
        run.finish()

    def test_no_key_is_seen(self, run: Run) -> None:
        """Pages, logs, dumps, pickles and error pages of all that ran hold no private key."""
        captures = Captures(seen=run.site.evidence)
        run.person.post(f"{LIST}start/", algorithm="RSA_2048", reason="test")
        captures.visit_pages(run)
        run.rotate_until(lambda: "retiring" in run.watcher.statuses(), "two keys are sealed")
        captures.visit_pages(run)
        dumped = captures.copy_database(run)
        with run.site.serving("debug", workers=1, debug=True) as address:
            status, page = fetch(f"{address}/fail/")
            captures.seen.add("debug page", page)
        run.finish()
        captures.copy_database(run)
        captures.collect_logs(run)

        keys, sealed = run.watcher.private_keys, run.watcher.sealed
        assert {row.fingerprint for row in run.watcher.rows()} == set(keys)
        assert status == 500
        assert b"Local vars" in page
        assert '"model": "admin.logentry"' in dumped
        assert captures.copies.find_text(sealed)
        assert captures.seen.find_text({*keys})
        assert captures.seen.find_text(sealed) == []
        assert captures.seen.find([*keys.values()]) == []
        assert captures.copies.find([*keys.values()]) == []


@pytest.mark.processes
class TestSQLite(Scenarios):
    """Run what depends on the database on SQLite."""

    database = "sqlite"


def _kill_at(run: Run, process: subprocess.Popen[str], moment: int | None, patience: float) -> None:
    """Kill a process at its nth moment before or after a call, at the latest after a while."""
    moments = iter(range(1, 10**6))

    def count() -> None:
        if next(moments) == moment:
            process.kill()

    run.site.api.at_each_moment = count
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        run.site.api.at_each_moment = lambda: None


def _count_creations(run: Run) -> int:
    return sum(
        call.startswith("POST") and call.endswith("/public-key") for call in run.site.api.calls
    )
