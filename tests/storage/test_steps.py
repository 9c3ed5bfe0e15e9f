"""Move the end of a URL in steps, and keep both bounds of its lifetime."""

from __future__ import annotations

from hypothesis import given, strategies as st

from cfsigned_django.storage.arguments import round_up_expiry

MOMENTS = st.integers(min_value=0, max_value=2**31)
STEPS = st.integers(min_value=1, max_value=10**7)
RESOURCES = st.text(max_size=60)


@given(earliest=MOMENTS, step=STEPS, resource=RESOURCES)
def test_bounds(earliest: int, step: int, resource: str) -> None:
    """End at the earliest moment or later, and less than a step later."""
    assert earliest <= round_up_expiry(earliest, step, resource) < earliest + step


@given(earliest=MOMENTS, step=STEPS, resource=RESOURCES, later=st.integers(0, 10**7))
def test_stays_the_same_for_a_step(earliest: int, step: int, resource: str, later: int) -> None:
    """Give one end to all moments up to it, and the next a step later."""
    end = round_up_expiry(earliest, step, resource)
    assert round_up_expiry(min(earliest + later, end), step, resource) == end
    assert round_up_expiry(end + 1, step, resource) == end + step


def test_resources_change_at_different_moments() -> None:
    """Let the pictures of a page change at moments that lie all over the step."""
    step, earliest = 3600, 1_775_000_000
    ends = [round_up_expiry(earliest, step, f"https://d/albums/{n}.jpg") for n in range(1000)]
    quarters = [sum(1 for end in ends if (end - earliest) * 4 // step == part) for part in range(4)]
    assert min(quarters) > 150
    assert len(set(ends)) > 700


def test_same_on_every_machine() -> None:
    """Shift the steps by CRC-32, which is the same everywhere."""
    resource = "https://media.example.com/a.jpg"
    crc = 1_812_447_846  # printf %s "$resource" | gzip -c | tail -c8 | od -An -tu4 -N4
    assert round_up_expiry(1_775_000_000, 900, resource) % 900 == crc % 900
