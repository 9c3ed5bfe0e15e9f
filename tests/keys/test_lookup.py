"""Remember which key is ACTIVE: look seldom, wait for nobody, and go on without the database."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from hypothesis import given, strategies as st

from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.lease import Found, Lease
from cfsigned_django.lookup import Keyring
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from tests.keys import KEY_GROUP_ID

INTERVAL, START = 60, 1_800_000_000
PRIVATE_KEY = PrivateKey.generate()


def signer(key_pair_id: str) -> Signer:
    """Return a signer with this id."""
    return Signer(key_pair_id=key_pair_id, private_key=PRIVATE_KEY)


SETTINGS_KEY = signer("KSETTINGS")
GONE = OperationalError("the password is secret")


@dataclass(kw_only=True)
class Process:
    """A process with its clocks, and a database that answers what the test says."""

    now: float = START
    #: By how much the clock that never goes back differs.
    boot: float = -1_700_000_000
    interval: int = INTERVAL
    answer: Found | Exception = field(default_factory=Found)
    #: What was asked: the signer that was known.
    looks: list[Signer | None] = field(default_factory=list)
    keyring: Keyring = field(init=False)

    def __post_init__(self) -> None:
        self.keyring = Keyring(
            self._find,
            interval=lambda: self.interval,
            monotonic=lambda: self.now + self.boot,
            wall=lambda: self.now,
        )

    def _find(
        self, key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
    ) -> Found:
        assert key_group_id == KEY_GROUP_ID
        self.looks.append(known)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def lease(self, fallback: Signer | None = SETTINGS_KEY) -> Lease:
        """Ask for what signs."""
        return self.keyring.lease(KEY_GROUP_ID, None, fallback)

    def signs(self, fallback: Signer | None = SETTINGS_KEY) -> str:
        """Return the id of the key that signs."""
        return self.lease(fallback).signer.key_pair_id


@pytest.fixture
def process() -> Process:
    """Return a process that has just started."""
    return Process()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what was logged since the last call."""

    def take() -> list[str]:
        found = [each.getMessage() for each in caplog.records]
        caplog.clear()
        return found

    caplog.set_level(logging.INFO, "cfsigned_django.keyring")
    return take


class TestAnswers:
    """What signs while the database answers."""

    def test_the_active_key_wins(self, process: Process) -> None:
        """Sign with the ACTIVE key pair, with and without a key in the settings."""
        process.answer = Found(signer=signer("K1"))

        assert process.signs() == process.signs(None) == "K1"

    def test_the_settings_key_signs_until_there_is_one(self, process: Process) -> None:
        """Sign with the key of the settings while the key group has no ACTIVE key pair."""
        process.answer = Found(known_ids=frozenset({"KOTHER"}))

        assert process.signs() == "KSETTINGS"

    def test_a_settings_key_that_was_revoked(self, process: Process) -> None:
        """Do not sign with the key of the settings where the database knows it and it is over."""
        process.answer = Found(known_ids=frozenset({"KSETTINGS"}))

        with pytest.raises(ImproperlyConfigured, match="cfsigned_rotate --start"):
            process.lease()

    def test_nothing_signs(self, process: Process) -> None:
        """Say what to do where neither database nor settings have a key."""
        with pytest.raises(ImproperlyConfigured, match="no ACTIVE key pair"):
            process.lease(None)

    def test_one_look_an_interval(self, process: Process) -> None:
        """Look once per interval, and at its very end, however many URLs are signed."""
        for second in range(3 * INTERVAL):
            process.now = START + second
            for _ in range(10):
                process.lease()

        assert len(process.looks) == 3

    def test_a_change_is_seen_after_an_interval(self, process: Process) -> None:
        """Sign with the new key from the first look on, and hand the known one to each look."""
        process.answer = Found(signer=signer("K1"))
        first = process.lease().signer
        process.answer = Found(signer=signer("K2"))

        process.now += INTERVAL - 1
        assert process.signs() == "K1"
        process.now += 1
        assert process.signs() == "K2"
        assert process.looks == [None, first]

    def test_an_answer_is_as_old_as_its_question(self, process: Process) -> None:
        """Count from when it was asked: the key may have changed before the answer came."""

        def take_long(*arguments: object) -> Found:
            process.looks.append(None)
            process.now += INTERVAL - 1
            return Found(signer=signer("K1"))

        process.keyring._find_active = take_long

        assert process.lease().seen_at == START
        process.now += 1
        process.lease()
        assert len(process.looks) == 2

    def test_a_machine_that_slept(self, process: Process) -> None:
        """Look again after a sleep, in which only the wall clock goes on."""
        process.lease()
        process.now += INTERVAL
        process.boot -= INTERVAL

        process.lease()

        assert len(process.looks) == 2

    def test_a_wall_clock_that_is_put_back(self, process: Process) -> None:
        """Look again after an interval also where the wall clock was put back meanwhile."""
        process.lease()
        process.now -= 3600
        process.boot += 3600 + INTERVAL

        process.lease()

        assert len(process.looks) == 2

    def test_a_move_of_this_process(self, process: Process) -> None:
        """Look at once after a move that this process made."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = Found(signer=signer("K2"))

        process.keyring.expire()

        assert process.signs() == "K2"

    def test_the_interval_follows_its_setting(self, process: Process) -> None:
        """Take over a new interval at the next look."""
        process.lease()
        process.interval = 5
        for _ in range(2):
            process.now += INTERVAL
            process.lease()
            process.now += 5
            process.lease()

        assert len(process.looks) == 5

    def test_hashes_are_apart(self, process: Process) -> None:
        """Look for each hash algorithm on its own, since signers differ in it."""
        process.lease()
        process.keyring.lease(KEY_GROUP_ID, HashAlgorithm.SHA256, SETTINGS_KEY)

        assert len(process.looks) == 2


class TestFailures:
    """What signs while the database does not answer."""

    @pytest.mark.parametrize("error", [GONE, InterfaceError("closed")], ids=repr)
    def test_it_goes_on(
        self, error: Exception, process: Process, logged: Callable[[], list[str]]
    ) -> None:
        """Go on with the key that was ACTIVE, and log it once per interval."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = error
        for second in range(INTERVAL, 4 * INTERVAL):
            process.now = START + second
            assert process.signs() == "K1"

        lines = logged()
        assert len(process.looks) == 1 + len(lines) == 4
        assert all("goes on with K1; next look in 60 s" in line for line in lines)
        assert not any("secret" in line for line in lines)

    def test_it_recovers(self, process: Process) -> None:
        """Take over what the database says as soon as it answers again."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = GONE
        process.now += INTERVAL
        process.lease()
        process.answer = Found(signer=signer("K2"))
        process.now += INTERVAL

        assert process.lease().seen_at == process.now
        assert process.signs() == "K2"

    def test_it_goes_on_with_the_settings_key(
        self, process: Process, logged: Callable[[], list[str]]
    ) -> None:
        """Go on with the key of the settings where that signed by the last answer."""
        process.lease()
        process.answer = GONE
        process.now += INTERVAL

        assert process.lease().seen_at == START
        assert "goes on as it was" in logged()[0]

    def test_links_end_where_the_key_may(self, process: Process) -> None:
        """Count what URLs may live from the last answer on, not from the failure."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = GONE
        process.now += 10 * INTERVAL

        lease = process.lease()

        assert (lease.seen_at, lease.worth) == (START, 2 * INTERVAL)

    def test_a_slow_failure_counts_from_its_end(self, process: Process) -> None:
        """Wait a whole interval after a failure, however long it took to fail."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.now += INTERVAL

        def time_out(*arguments: object) -> Found:
            process.looks.append(None)
            process.now += 2 * INTERVAL
            raise GONE

        process.keyring._find_active = time_out
        process.lease()
        process.lease()

        assert len(process.looks) == 2


class TestFirstUse:
    """What signs in a process that started while the database was down."""

    def test_without_a_settings_key(self, process: Process) -> None:
        """Raise an error that says that the database does not answer."""
        process.answer = GONE

        with pytest.raises(ImproperlyConfigured, match="until it answers") as raised:
            process.lease(None)
        assert "secret" not in str(raised.value)

    def test_with_a_settings_key(self, process: Process, logged: Callable[[], list[str]]) -> None:
        """Sign with the key of the settings, and log what that may mean."""
        process.answer = GONE

        assert process.signs() == "KSETTINGS"
        [line] = logged()
        assert "should that have been replaced or revoked, CloudFront refuses its URLs" in line

    def test_it_looks_again_soon_but_not_all_the_time(self, process: Process) -> None:
        """Look after 1, 2, 4 s and so on, and never later than after an interval."""
        process.answer = GONE
        moments = []
        for second in range(4 * INTERVAL):
            process.now = START + second
            before = len(process.looks)
            for _ in range(5):
                process.lease()
            if len(process.looks) > before:
                moments.append(second)

        assert moments == [0, 1, 3, 7, 15, 31, 63, 123, 183]

    def test_it_is_logged_once_per_interval(
        self, process: Process, logged: Callable[[], list[str]]
    ) -> None:
        """Log less often than it looks."""
        process.answer = GONE
        for second in range(2 * INTERVAL):
            process.now = START + second
            process.lease()

        assert len(process.looks) == 7
        assert len(logged()) == 2

    def test_a_new_outage_is_logged_at_once(
        self, process: Process, logged: Callable[[], list[str]]
    ) -> None:
        """Log the first failure after an answer, also within an interval of the last one."""
        process.answer = GONE
        process.lease()
        process.answer = Found()
        process.now += 1
        process.lease()
        process.answer = GONE
        process.keyring.expire()
        process.lease()

        assert len(logged()) == 2

    def test_what_it_signs_ends(self, process: Process) -> None:
        """Grant URLs what they would have if the database had confirmed the key at first."""
        process.answer = GONE
        process.lease()
        process.now += 1000

        lease = process.lease()

        latest = START + 2 * INTERVAL + 3600
        assert lease.limit(latest + 5, lifetime=3600, now=START + 1000) == latest
        with pytest.raises(ImproperlyConfigured, match="has not said for"):
            lease.limit(latest + 5, lifetime=3600, now=latest)

    def test_it_recovers_within_a_second(self, process: Process) -> None:
        """Take over a first answer at the next look, which comes soon."""
        process.answer = GONE
        process.lease()
        process.answer = Found(signer=signer("K1"))
        process.now += 1

        assert process.signs() == "K1"
        assert process.lease().seen_at == START + 1

    def test_no_interval_at_all(self, process: Process) -> None:
        """Look for every URL where the setting says 0."""
        process.interval = 0
        process.answer = GONE

        process.lease()
        process.lease()

        assert len(process.looks) == 2


class TestCannotUnseal:
    """What signs where the ACTIVE private key does not open."""

    def test_nothing_signs(self, process: Process, logged: Callable[[], list[str]]) -> None:
        """Sign with nothing, neither the key before it nor that of the settings."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = CannotUnseal("SECRET_KEY has changed.")
        process.now += INTERVAL

        for _ in range(3):
            with pytest.raises(ImproperlyConfigured, match="SECRET_KEY has changed"):
                process.lease()
        assert len(logged()) == 1

    def test_it_is_mended(self, process: Process) -> None:
        """Sign again at the first look after the setting was put right."""
        process.answer = CannotUnseal("SECRET_KEY has changed.")
        with pytest.raises(ImproperlyConfigured):
            process.lease()
        process.answer = Found(signer=signer("K1"))
        process.now += INTERVAL

        assert process.signs() == "K1"


class TestThreads:
    """What other threads do while one looks."""

    @dataclass(kw_only=True)
    class Slow:
        """A database that answers when the test lets it."""

        process: Process
        begun: threading.Event = field(default_factory=threading.Event)
        go_on: threading.Event = field(default_factory=threading.Event)
        answers: list[str] = field(default_factory=list)

        def __post_init__(self) -> None:
            quick = self.process.keyring._find_active

            def find(*arguments: object) -> Found:
                self.begun.set()
                assert self.go_on.wait(30)
                return quick(*arguments)  # type: ignore[arg-type]

            self.process.keyring._find_active = find

        def ask(self) -> threading.Thread:
            """Let another thread ask what signs."""
            thread = threading.Thread(target=lambda: self.answers.append(self.process.signs()))
            thread.start()
            return thread

    def test_nobody_waits_for_a_look(self, process: Process) -> None:
        """Answer other threads at once, with what was known, while one looks."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = Found(signer=signer("K2"))
        process.now += INTERVAL
        slow = self.Slow(process=process)
        looking = slow.ask()
        assert slow.begun.wait(30)

        assert [process.signs() for _ in range(10)] == ["K1"] * 10
        slow.go_on.set()
        looking.join()
        assert slow.answers == ["K2"]
        assert len(process.looks) == 2

    @pytest.mark.parametrize("after", [None, 2 * INTERVAL], ids=["first use", "two intervals"])
    def test_everybody_waits_for_an_answer_that_is_needed(
        self, after: int | None, process: Process
    ) -> None:
        """Let all threads wait for one look where nothing, or nothing fresh, is known."""
        if after is not None:
            process.answer = Found(signer=signer("K1"))
            process.lease()
            process.looks.clear()
            process.now += after
        process.answer = Found(signer=signer("K2"))
        slow = self.Slow(process=process)
        threads = [slow.ask() for _ in range(5)]
        assert slow.begun.wait(30)
        slow.go_on.set()
        for thread in threads:
            thread.join()

        assert slow.answers == ["K2"] * 5
        assert len(process.looks) == 1


FORK = """
import os, threading
from cfsigned_django import keyring
from cfsigned_django.lease import Found
from cfsigned_django.signing import PrivateKey, Signer

signer = Signer(key_pair_id="K1", private_key=PrivateKey.generate())
begun = threading.Event()

def find(*arguments):
    if threading.current_thread() is not threading.main_thread():
        begun.set()
        threading.Event().wait()  # for good: this thread is lost
    return Found(signer=signer)

keyring.register(find)
ask = lambda: keyring.lease_signer("group", None, None).signer.key_pair_id
threading.Thread(target=ask, daemon=True).start()
begun.wait()
child = os.fork()
if child == 0:
    os.write(1, ask().encode())
    os._exit(0)
os.waitpid(child, 0)
os._exit(0)
"""


def test_a_fork_while_a_thread_looks() -> None:
    """Answer in a child that was forked while a thread of its parent looked."""
    root = Path(__file__).parent.parent.parent
    setup = "from django.conf import settings; settings.configure(SECRET_KEY='x')\n"
    command = [sys.executable, "-W", "ignore", "-c", setup + FORK]

    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.stdout, done.returncode) == ("K1", 0), done.stderr


class TestLimit:
    """How long URLs may live that a lease signs."""

    def test_no_limit_where_the_database_does_not_decide(self) -> None:
        """Leave the expiry alone where the key of the settings signs without a key group."""
        assert Lease(signer=SETTINGS_KEY).limit(10**12, lifetime=1, now=0) == 10**12

    @given(
        seen=st.integers(0, 10**6),
        part=st.sampled_from([0, 0.25, 0.999]),
        worth=st.integers(0, 1000),
        lifetime=st.integers(1, 10**6),
        later=st.integers(0, 2 * 10**6),
        expire=st.integers(1, 10**6),
    )
    def test_urls_end_before_the_key(
        self, seen: int, part: float, worth: int, lifetime: int, later: int, expire: int
    ) -> None:
        """Grant what was asked for up to the moment when the key may end, and nothing past it."""
        lease = Lease(signer=SETTINGS_KEY, seen_at=seen + part, worth=worth)
        now, end = seen + later, seen + worth + lifetime

        if now >= end:
            with pytest.raises(ImproperlyConfigured, match="nothing can be signed"):
                lease.limit(now + expire, lifetime=lifetime, now=now)
        else:
            until = lease.limit(now + expire, lifetime=lifetime, now=now)
            assert until == min(now + expire, end)
            assert now < until
