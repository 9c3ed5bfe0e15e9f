"""Tell names that are their own URL path."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.safestring import mark_safe
from hypothesis import given, strategies as st

from cfsigned_django.storage.plain_names import plain_bytes
from tests.storage_cases import PLAIN_NAMES


def expected(name: str) -> bytes | None:
    """Return the bytes of a name that the pattern finds plain."""
    return name.encode() if PLAIN_NAMES.fullmatch(name) else None


@given(
    st.text(alphabet="aZ09-_./", max_size=8)
    | st.text(max_size=4)
    | st.from_regex(PLAIN_NAMES, fullmatch=True)
)
def test_names(name: str) -> None:
    """Find plain what is made of parts that begin with a letter, a digit, - or _."""
    assert plain_bytes(name) == expected(name)


def test_each_character() -> None:
    """Find no character plain that a URL path would hold in another form."""
    for character in map(chr, range(512)):
        for name in (f"a{character}b", character, f"a{character}", f"{character}b"):
            assert plain_bytes(name) == expected(name), ascii(name)


@pytest.mark.parametrize(
    "other", ["\udcff", "a\udcff", mark_safe("a.jpg"), b"a.jpg", None, 1], ids=ascii
)
def test_what_is_no_plain_text(other: Any) -> None:
    """Find nothing else plain: its text may be another one each time."""
    assert plain_bytes(other) is None
