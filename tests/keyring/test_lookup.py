"""Remember which key is ACTIVE: look seldom, and say for how long an answer holds."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, strategies as st

from cfsigned_django.keyring import Found, Lease
from cfsigned_django.signing import HashAlgorithm
from tests.keyring import KEY_GROUP_ID
from tests.keyring.lookup import INTERVAL, SETTINGS_KEY, START, Process, signer


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


class TestLimit:
    """How long URLs may live that a lease signs."""

    def test_no_limit_where_the_database_does_not_decide(self) -> None:
        """Leave the expiry alone where the key of the settings signs without a key group."""
        assert Lease(signer=SETTINGS_KEY).cap_expiry(10**12, lifetime=1, now=0) == 10**12

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
        lease = Lease(signer=SETTINGS_KEY, seen_at=seen + part, max_age=worth)
        now, end = seen + later, seen + worth + lifetime

        if now >= end:
            with pytest.raises(ImproperlyConfigured, match="nothing can be signed"):
                lease.cap_expiry(now + expire, lifetime=lifetime, now=now)
        else:
            until = lease.cap_expiry(now + expire, lifetime=lifetime, now=now)
            assert until == min(now + expire, end)
            assert now < until
