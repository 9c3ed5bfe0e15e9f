"""Answer which key signs in this process, with and without the app, and the database.

Modules: rotation/active.py
"""

from __future__ import annotations

import logging
import pickle
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from hypothesis import given, strategies as st
from pytest_django import Settings

from cfsigned_django.core import keyring
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.core.keyring import Keyring, Lease, NoKey, NothingSigns, SigningState
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from cfsigned_django.testing import forget_keys
from tests.keyring import KEY_GROUP_ID

INTERVAL, START = 60, 1_800_000_000
PRIVATE_KEY = PrivateKey.generate()


def signer(key_pair_id: str) -> Signer:
    """Return a signer with this id."""
    return Signer(key_pair_id=key_pair_id, private_key=PRIVATE_KEY)


def nobody(**known: Any) -> SigningState:
    """Return the answer of a database in which no key pair is ACTIVE."""
    explain = known.pop("explain", lambda: NoKey(what="None is there.", next_step="Start one."))
    return SigningState(key_group_id="group", explain=explain, **known)


def found(key_pair_id: str) -> SigningState:
    """Return what the database says if this key pair is ACTIVE."""
    return SigningState(key_group_id="group", signer=signer(key_pair_id))


SETTINGS_KEY = signer("KSETTINGS")
GONE = OperationalError("the password is secret")


@dataclass(kw_only=True)
class Process:
    """A process with its clocks, and a database that answers what the test says."""

    now: float = START
    #: By how much the clock that never goes back differs.
    boot: float = -1_700_000_000
    interval: int = INTERVAL
    answer: SigningState | Exception = field(default_factory=nobody)
    #: Called while the database is asked.
    meanwhile: Callable[[], object] = lambda: None
    #: What was asked: the signer that was known.
    looks: list[Signer | None] = field(default_factory=list)
    keyring: Keyring = field(init=False)

    def __post_init__(self) -> None:
        self.keyring = Keyring(
            self._find,
            interval=self.interval,
            monotonic=lambda: self.now + self.boot,
            wall=lambda: self.now,
        )

    def _find(
        self, key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
    ) -> SigningState:
        assert key_group_id == KEY_GROUP_ID
        self.looks.append(known)
        answer = self.answer
        self.meanwhile()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def lease(self, fallback: Signer | None = SETTINGS_KEY) -> Lease:
        """Ask for what signs."""
        return self.keyring.group(KEY_GROUP_ID, None).lease(fallback)

    def signs(self, fallback: Signer | None = SETTINGS_KEY) -> str:
        """Return the id of the key that signs."""
        return self.lease(fallback).signer.key_pair_id

    def pass_time(self, seconds: float) -> None:
        """Move both clocks forward."""
        self.now += seconds


@pytest.fixture
def process() -> Process:
    """Return a process that has just started."""
    return Process()


@pytest.fixture
def signing(process: Process) -> Process:
    """Return a process that signs with K1, and whose next look is due."""
    process.answer = found("K1")
    assert process.signs() == "K1"
    process.pass_time(INTERVAL)
    return process


Logged: TypeAlias = Callable[[], list[str]]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Logged:
    """Return what was logged."""
    caplog.set_level(logging.INFO, "cfsigned_django.keyring")
    return lambda: [each.getMessage() for each in caplog.records]


class TestAnswers:
    """Which key signs while the database answers."""

    @pytest.mark.parametrize(
        ("answer", "fallback", "signs"),
        [
            pytest.param(found("K1"), SETTINGS_KEY, "K1", id="ACTIVE wins"),
            pytest.param(found("K1"), None, "K1", id="ACTIVE alone"),
            pytest.param(nobody(known_ids=frozenset({"K0"})), SETTINGS_KEY, "KSETTINGS", id="none"),
            pytest.param(nobody(known_ids=frozenset({"KSETTINGS"})), SETTINGS_KEY, None, id="over"),
            pytest.param(nobody(), None, None, id="nothing"),
        ],
    )
    def test_what_signs(
        self, process: Process, answer: SigningState, fallback: Signer | None, signs: str | None
    ) -> None:
        """The ACTIVE key pair signs, else the settings' key, unless its row is over."""
        process.answer = answer

        if signs is not None:
            assert process.signs(fallback) == signs
        else:
            with pytest.raises(NothingSigns, match="Start one"):
                process.lease(fallback)

    def test_why_nothing_signs(self, process: Process) -> None:
        """Say what the database knows, only if nothing signs; also from a worker, by pickle."""
        explain = mock.Mock(return_value=NoKey(what="K2 waits.", next_step="Run it."))
        process.answer = nobody(known_ids=frozenset({"KSETTINGS"}), explain=explain)
        for key_pair_id in ("KSETTINGS", None):
            with pytest.raises(NothingSigns) as raised:
                process.lease(signer(key_pair_id) if key_pair_id else None)
            assert ("KSETTINGS" in raised.value.what) is (key_pair_id is not None)
            assert raised.value.what.startswith("K2 waits.")
            assert raised.value.next_step == "Run it."
            received = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
            assert str(received) == str(raised.value) == f"{raised.value.what} Run it."
        assert process.signs(signer("K1")) == "K1"
        assert explain.call_count == 2

    def test_a_change_is_seen_after_an_interval(self, signing: Process) -> None:
        """Sign with the new key from the first look on, and hand the known one to each look."""
        signing.answer = found("K2")

        signing.pass_time(-1)
        assert signing.signs() == "K1"
        signing.pass_time(1)
        assert signing.signs() == "K2"
        assert [each and each.key_pair_id for each in signing.looks] == [None, "K1"]

    def test_an_answer_is_as_old_as_its_question(self, process: Process) -> None:
        """Count from when it was asked: the key may have changed before the answer came."""
        process.answer = found("K1")
        process.meanwhile = lambda: process.pass_time(INTERVAL - 1)

        assert process.lease().seen_at == START
        process.pass_time(1)
        process.lease()
        assert len(process.looks) == 2

    @pytest.mark.parametrize(
        ("wall", "monotonic"),
        [
            pytest.param(INTERVAL, 0, id="a machine that slept"),
            pytest.param(-3600, INTERVAL, id="a wall clock that was put back"),
        ],
    )
    def test_each_clock_ends_an_interval(self, process: Process, wall: int, monotonic: int) -> None:
        """Query again if an interval is over by either of the two clocks."""
        process.lease()
        process.now += wall
        process.boot += monotonic - wall

        process.lease()

        assert len(process.looks) == 2

    def test_a_move_of_this_process(self, signing: Process) -> None:
        """Query at once after this process moved a key, even if a query was under way."""
        for key_pair_id in ("K2", "K3"):
            signing.answer = found(key_pair_id)
            signing.keyring.expire()
            assert signing.signs() == key_pair_id

        def move() -> None:
            signing.meanwhile = lambda: None
            signing.answer = found("K5")
            signing.keyring.expire()

        signing.answer, signing.meanwhile = found("K4"), move
        signing.pass_time(INTERVAL)
        signing.lease()
        assert signing.signs() == "K5"

    def test_hashes_are_apart(self, process: Process) -> None:
        """Query for each hash algorithm separately, since signers differ in it."""
        process.lease()
        process.keyring.group(KEY_GROUP_ID, HashAlgorithm.SHA256).lease(SETTINGS_KEY)

        assert len(process.looks) == 2


class TestLimit:
    """How long URLs may live that a lease signs."""

    @given(
        seen=st.integers(0, 10**6),
        part=st.sampled_from([0, 0.25, 0.999]),
        interval=st.integers(0, 1000),
        lifetime=st.integers(1, 10**6),
        later=st.integers(0, 2 * 10**6),
        expire=st.integers(1, 10**6),
    )
    def test_urls_end_before_the_key(
        self, seen: int, part: float, interval: int, lifetime: int, later: int, expire: int
    ) -> None:
        """Grant what was asked for up to the moment when the key may end, and nothing past it."""
        process = Process(now=seen + part, interval=interval, answer=found("K1"))
        lease = process.lease()
        now, end = seen + later, seen + 2 * interval + lifetime

        if now >= end:
            with pytest.raises(ImproperlyConfigured):
                lease.cap_expiry(now + expire, lifetime=lifetime, now=now)
        else:
            until = lease.cap_expiry(now + expire, lifetime=lifetime, now=now)
            assert until == min(now + expire, end)
            assert now < until


class TestFailures:
    """Which key signs while the database does not answer."""

    @pytest.mark.parametrize("signs", ["K1", "KSETTINGS"])
    def test_it_goes_on(self, signs: str, process: Process, logged: Logged) -> None:
        """Go on with the key of the last answer, as of then; log it once per interval."""
        process.answer = found("K1") if signs == "K1" else nobody()
        process.lease()
        process.answer = GONE
        for second in range(INTERVAL, 4 * INTERVAL):
            process.now = START + second
            lease = process.lease()
            assert (lease.signer.key_pair_id, lease.seen_at) == (signs, START)
            assert lease.good_until == START + 2 * INTERVAL

        assert len(process.looks) == 1 + len(logged()) == 4
        for line in logged():
            assert signs in line
            assert "secret" not in line

    def test_a_slow_failure_counts_from_its_end(self, signing: Process) -> None:
        """Wait a whole interval after a failure, however long it took to fail."""
        signing.answer = GONE
        signing.meanwhile = lambda: signing.pass_time(2 * INTERVAL)

        signing.lease()
        signing.lease()

        assert len(signing.looks) == 2

    def test_a_key_that_cannot_be_used(self, signing: Process, logged: Logged) -> None:
        """Sign with nothing, neither the key before it nor the settings' key, until it is fixed."""
        signing.answer = nobody(problem=CannotDecrypt("SECRET_KEY"))

        for _ in range(3):
            with pytest.raises(NothingSigns, match="Start one"):
                signing.lease(SETTINGS_KEY)
        assert (len(signing.looks), len(logged())) == (2, 1)

        signing.answer = found("K1")
        signing.pass_time(INTERVAL)
        assert signing.signs() == "K1"


class TestFirstUse:
    """Which key signs in a process that started while the database was down."""

    @pytest.fixture(autouse=True)
    def _down(self, process: Process) -> None:
        """Take the database down."""
        process.answer = GONE

    def test_without_a_settings_key(self, process: Process, logged: Logged) -> None:
        """Sign with nothing, speak of no key, and do not show what the database said."""
        with pytest.raises(ImproperlyConfigured, match=KEY_GROUP_ID) as raised:
            process.lease(None)
        for text in (str(raised.value), *logged()):
            assert "secret" not in text
            assert "--start" not in text
        assert "the key of the settings" not in logged()[0]

    def test_it_looks_again_soon_but_not_all_the_time(
        self, process: Process, logged: Logged
    ) -> None:
        """Sign with the settings' key, and look every 5 s until an answer comes; log each look."""
        moments = []
        for second in range(INTERVAL):
            process.now = START + second
            before = len(process.looks)
            assert [process.signs() for _ in range(5)] == ["KSETTINGS"] * 5
            if len(process.looks) > before:
                moments.append(second)
        assert moments == list(range(0, INTERVAL, 5))
        assert ["KSETTINGS" in line for line in logged()] == [True] * len(process.looks)

        process.answer = found("K1")
        process.now = START + INTERVAL
        assert (process.signs(), process.lease().seen_at) == ("K1", START + INTERVAL)

    def test_what_it_signs_ends(self, process: Process) -> None:
        """Grant URLs what they would have if the database had confirmed the key at first."""
        process.lease()
        process.pass_time(1000)

        lease = process.lease()

        latest = START + 2 * INTERVAL + 3600
        assert lease.cap_expiry(latest + 5, lifetime=3600, now=START + 1000) == latest
        with pytest.raises(ImproperlyConfigured, match="KSETTINGS"):
            lease.cap_expiry(latest + 5, lifetime=3600, now=latest)


class TestThreads:
    """What other threads do while one queries the database."""

    @pytest.fixture
    def slow(self, signing: Process) -> Slow:
        """Return a database that answers K2 when the test lets it."""
        signing.answer = found("K2")
        signing.looks.clear()
        return Slow(process=signing)

    def test_nobody_waits_for_a_look(self, slow: Slow) -> None:
        """Answer other threads at once, with what was known, while one looks."""
        looking = slow.ask()
        assert slow.begun.wait(30)

        assert [slow.process.signs() for _ in range(10)] == ["K1"] * 10
        slow.go_on.set()
        looking.join()
        assert slow.answers == ["K2"]
        assert len(slow.process.looks) == 1

    def test_a_look_whose_thread_is_gone(self, slow: Slow) -> None:
        """Query again after the longest time that a look takes: a fork loses the other threads."""
        looking = slow.ask()
        assert slow.begun.wait(30)
        slow.process.pass_time(INTERVAL)
        slow.process.meanwhile = lambda: None
        slow.process.keyring.longest_look = 0
        assert slow.process.signs() == "K2"
        slow.go_on.set()
        looking.join()

    @pytest.mark.parametrize(
        "later", [found("K2"), nobody(problem=CannotDecrypt())], ids=["K2", ""]
    )
    def test_no_thread_sees_half_an_answer(self, later: SigningState, signing: Process) -> None:
        """Sign with K1, then with K2 or nothing, never with the settings' key in between."""
        answers = []

        def ask(*event: object) -> Callable[..., Any]:
            sys.settrace(None)
            try:
                answers.append(signing.signs())
            except ImproperlyConfigured:
                answers.append("nothing")
            sys.settrace(ask)
            return ask

        def begin() -> None:
            """Ask at each line that follows, where another thread may come in between."""
            signing.meanwhile = lambda: None
            frame: Any = sys._getframe()
            while frame := frame.f_back:
                frame.f_trace = ask
            sys.settrace(ask)

        def look() -> None:
            with suppress(ImproperlyConfigured):
                signing.lease()
            sys.settrace(None)

        signing.answer, signing.meanwhile = later, begin
        looking = threading.Thread(target=look)
        looking.start()
        looking.join()
        assert len(answers) > 3
        assert {*answers} == {"K1", "K2" if later.signer else "nothing"}

    @pytest.mark.parametrize("is_first", [True, False], ids=["first use", "two intervals"])
    def test_everybody_waits_for_an_answer_that_is_needed(self, is_first: bool, slow: Slow) -> None:
        """All threads wait for one query if no answer, or no fresh one, is known."""
        if is_first:
            slow = Slow(process=Process(answer=found("K2")))
        slow.process.pass_time(INTERVAL)
        threads = [slow.ask() for _ in range(5)]
        assert slow.begun.wait(30)
        slow.go_on.set()
        for thread in threads:
            thread.join()

        assert slow.answers == ["K2"] * 5
        assert len(slow.process.looks) == 1


@dataclass(kw_only=True)
class Slow:
    """A database that answers when the test lets it."""

    process: Process
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    answers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process.meanwhile = self._wait

    def _wait(self) -> None:
        self.begun.set()
        assert self.go_on.wait(30)

    def ask(self) -> threading.Thread:
        """Ask in another thread what signs."""
        thread = threading.Thread(target=lambda: self.answers.append(self.process.signs()))
        thread.start()
        return thread


# The keyring of this process


def test_looks_again(settings: Settings) -> None:
    """Query again after a change of settings, and after forget()."""
    find = mock.Mock(return_value=found("K1"))
    keyring.register(find, interval=60)
    changes: list[Callable[[], object]] = [
        lambda: setattr(settings, "AWS_CLOUDFRONT_PROPAGATION_SECONDS", 5),
        lambda: setattr(settings, "SECRET_KEY", "another one"),
        lambda: setattr(settings, "DATABASE_ROUTERS", []),
        forget_keys,
    ]
    try:
        for number, change in enumerate(changes, 1):
            for _ in range(2):
                keyring.watch(KEY_GROUP_ID, None).lease(None)
            assert find.call_count == number
            change()
        keyring.watch(KEY_GROUP_ID, None).lease(None)
        assert find.call_count == len(changes) + 1
    finally:
        keyring.register(find_active_signer, interval=60)
