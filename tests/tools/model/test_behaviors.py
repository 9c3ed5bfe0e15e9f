"""Match and compare path patterns."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import example, given, strategies as st

from cfsigned_django.tools.model.behaviors import is_within, matches, may_overlap

patterns = st.text("ab/*?", min_size=1, max_size=6)
paths = st.text("ab/", max_size=6)


@example(one="*", other="?*", path="")
@given(patterns, patterns, paths)
def test_within_and_overlap(one: str, other: str, path: str) -> None:
    """Find overlaps of patterns, and patterns that lie within another.

    Agree with matching if one pattern is a path.
    """
    if matches(one, path):
        assert matches(other, path) or not is_within(one, other)
        assert may_overlap(one, other) or not matches(other, path)
    if path:
        same = fnmatchcase(f"/{path.removeprefix('/')}", f"/{one.removeprefix('/')}")
        assert may_overlap(path, one) == same
