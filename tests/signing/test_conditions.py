"""Hold a policy's conditions against the clock and the viewer's address."""

from __future__ import annotations

import pytest

from cfsigned_django.signing import Policy
from tests.signing.cases import EXPIRES, ORIGIN

URL = f"{ORIGIN}/image.jpg"
LIMITED = Policy(
    resource=URL,
    date_less_than=EXPIRES,
    date_greater_than=1767200000,
    ip_address="192.0.2.0/24",
)


@pytest.mark.parametrize(
    ("now", "viewer_ip", "expected"),
    [
        (1767200000, "192.0.2.7", False),
        (1767200001, "192.0.2.7", True),
        (EXPIRES - 1, "192.0.2.255", True),
        (EXPIRES, "192.0.2.7", False),
        (EXPIRES + 1, "192.0.2.7", False),
        (EXPIRES - 1, "192.0.3.0", False),
        (EXPIRES - 1, None, False),
        (EXPIRES - 1, "", False),
        (EXPIRES - 1, "::ffff:192.0.2.7", False),
        (EXPIRES - 1, "192.0.2.7, 10.0.0.1", False),
    ],
)
def test_allows(now: int, viewer_ip: str | None, expected: bool) -> None:
    """Allow strictly between start and end, and viewers within the range only."""
    assert LIMITED.allows(now, viewer_ip) is expected
    assert (LIMITED.why_not(now, viewer_ip) is None) is expected


@pytest.mark.parametrize(
    ("now", "viewer_ip", "reason"),
    [
        (EXPIRES + 12, "192.0.2.7", "expired 12 s ago"),
        (1767199990, "192.0.2.7", "valid only in 11 s"),
        (EXPIRES - 1, "10.0.0.1", "address 10.0.0.1 is not in 192.0.2.0/24"),
    ],
)
def test_why_not(now: int, viewer_ip: str, reason: str) -> None:
    """Say which condition does not hold, and by how much."""
    assert reason in str(LIMITED.why_not(now, viewer_ip))


def test_host_bits_of_a_range_do_not_count() -> None:
    """Read 192.0.2.9/24 as the range that it lies in."""
    policy = Policy(resource=URL, date_less_than=EXPIRES, ip_address="192.0.2.9/24")
    assert policy.allows(EXPIRES - 1, "192.0.2.200")
