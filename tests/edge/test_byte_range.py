from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.edge.s3_object import ByteRange, NotSatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, 9),
        ("bytes=3-5", 3, 5),
        ("bytes=3-99", 3, 9),
        ("bytes=9-", 9, 9),
        ("bytes=-1", 9, 9),
        ("bytes=-10", 0, 9),
        ("bytes=-99", 0, 9),
        (f"bytes=0-{'9' * 18}", 0, 9),
        ("bytes= 3-5 ", 3, 5),
    ],
)
def test_range(header: str, first: int, last: int) -> None:
    """Read one range of an object of 10 bytes."""
    assert parse_range(header, 10) == ByteRange(first=first, last=last)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=--5",
        "items=0-5",
        "bytes=0-1,3-4",
        "bytes=0-1, 3-4",
        "bytes=\u0663-\u0665",
        f"bytes={'1' * 19}-",
        f"bytes={'1' * 5000}-",
        f"bytes=0-{'1' * 5000}",
        f"bytes=-{'1' * 5000}",
    ],
)
def test_ignored(header: str) -> None:
    """Serve the whole object for what is not one range, several ranges included."""
    assert parse_range(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_not_satisfiable(header: str, size: int) -> None:
    """Refuse a range without a single byte of the object in it."""
    with pytest.raises(NotSatisfiable):
        parse_range(header, size)


@given(
    size=st.integers(1, 50),
    first=st.none() | st.integers(0, 60),
    last=st.none() | st.integers(0, 60),
)
def test_agrees_with_slices(size: int, first: int | None, last: int | None) -> None:
    """Name the bytes that a slice of a list would give."""
    positions = list(range(size))
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        expected = positions[-last:] if last else []
    else:
        expected = positions[first:] if last is None else positions[first : last + 1]
    try:
        part = parse_range(header, size)
    except NotSatisfiable:
        assert expected == []
        return
    if part is None:
        assert first is last is None or (first is not None and last is not None and last < first)
        return
    assert positions[part.first : part.last + 1] == expected
    assert part.length == len(expected)
    assert part.content_range(size) == f"bytes {expected[0]}-{expected[-1]}/{size}"
