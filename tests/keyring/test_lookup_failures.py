"""Go on without the database, or say what keeps a process from signing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError

from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.keyring import Found
from cfsigned_django.signing import InvalidKey
from tests.keyring.lookup import GONE, INTERVAL, START, Process, signer


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

        assert (lease.seen_at, lease.max_age) == (START, 2 * INTERVAL)

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
        """Look every 5 s as long as no answer has come."""
        process.answer = GONE
        moments = []
        for second in range(INTERVAL):
            process.now = START + second
            before = len(process.looks)
            for _ in range(5):
                process.lease()
            if len(process.looks) > before:
                moments.append(second)

        assert moments == list(range(0, INTERVAL, 5))

    def test_it_is_logged_at_each_look(
        self, process: Process, logged: Callable[[], list[str]]
    ) -> None:
        """Log as often as it looks, and not for each URL."""
        process.answer = GONE
        for second in range(INTERVAL):
            process.now = START + second
            process.lease()

        assert len(logged()) == len(process.looks)

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
        assert lease.cap_expiry(latest + 5, lifetime=3600, now=START + 1000) == latest
        with pytest.raises(ImproperlyConfigured, match="has not said for"):
            lease.cap_expiry(latest + 5, lifetime=3600, now=latest)

    def test_it_recovers_soon(self, process: Process) -> None:
        """Take over a first answer at the next look, which comes soon."""
        process.answer = GONE
        process.lease()
        process.answer = Found(signer=signer("K1"))
        process.now += 5

        assert process.signs() == "K1"
        assert process.lease().seen_at == START + 5

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


class TestCannotSign:
    """What signs if the ACTIVE key pair of the database cannot be used."""

    @pytest.mark.parametrize(
        "error", [ImproperlyConfigured("1 of 2 entries"), InvalidKey("no key")], ids=repr
    )
    def test_nothing_signs(self, error: Exception, process: Process) -> None:
        """Sign with nothing, and ask the database once in an interval."""
        process.answer = Found(signer=signer("K1"))
        process.lease()
        process.answer = error
        process.now += INTERVAL

        for _ in range(3):
            with pytest.raises(ImproperlyConfigured, match=str(error)):
                process.lease()
        assert len(process.looks) == 2
