"""Select behaviors by path as CloudFront does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.tools.edge.behavior import Behavior, select_behavior

RESTRICTED = ("group",)


def reference_match(pattern: str, text: str) -> bool:
    """Match by the two sentences of the guide: * is any characters, ? is exactly one."""
    reachable = {0}
    for sign in pattern:
        if sign == "*":
            reachable = set(range(min(reachable, default=len(text) + 1), len(text) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(text) and sign in ("?", text[at])}
    return len(text) in reachable


#: Patterns of the guide, paths and near misses.
PATTERNS: list[tuple[str, str, bool]] = [
    ("*", "/", True),
    ("*", "/a/b/c", True),
    ("*.jpg", "/a/b.jpg", True),
    ("*.jpg", "/a/b.JPG", False),
    ("/images/*.jpg", "/images/a.jpg", True),
    ("images/*.jpg", "/images/a.jpg", True),
    ("images/*.jpg", "/images/2026/a.jpg", True),
    ("images/*.jpg", "/other/images/a.jpg", False),
    ("images/*", "/images", False),
    ("images/*", "/images/", True),
    ("a?.txt", "/ab.txt", True),
    ("a?.txt", "/a.txt", False),
    ("a?.txt", "/abc.txt", False),
    ("a??.txt", "/a/b.txt", True),
    ("test/", "/test/file1.jpg", False),
    ("a.b", "/aXb", False),
]


def test_pattern() -> None:
    """Match the patterns of the guide and their near misses."""
    found = [(each, path, Behavior(path_pattern=each).matches(path)) for each, path, _ in PATTERNS]
    assert found == PATTERNS


@given(
    pattern=st.text(alphabet="ab/.*?", min_size=1, max_size=12),
    path=st.text(alphabet="ab/.", max_size=12).map("/{}".format),
)
def test_pattern_agrees_with_reference(pattern: str, path: str) -> None:
    """Match whatever the set of reachable positions says, for any pattern and path."""
    expected = reference_match(f"/{pattern.removeprefix('/')}", path)
    assert Behavior(path_pattern=pattern).matches(path) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("path_pattern", each) for each in ["", "a" * 256, "a b", "a[b]", "한글/*", "a%20b"]),
        ("path_pattern", "a\\b"),
        *(("allowed_methods", frozenset(each)) for each in [(), ("GET",), ("GET", "HEAD", "PUT")]),
    ],
)
def test_refuses(name: str, value: Any) -> None:
    """Refuse a pattern that CloudFront would not take, and methods that do not only read."""
    with pytest.raises(ValueError, match=name):
        Behavior(**{name: value})


def test_takes_whole_alphabet() -> None:
    """Take each character that the guide lists."""
    pattern = "Az09_-.*$/~\"'@:+&?"
    assert Behavior(path_pattern=pattern).path_pattern == pattern


OPEN = Behavior(path_pattern="public/*")
PICTURES = Behavior(path_pattern="*.jpg", trusted_key_groups=("pictures",))
DEFAULT = Behavior(trusted_key_groups=RESTRICTED)
ALL = (OPEN, PICTURES, DEFAULT)
PRIVATE = Behavior(path_pattern="private/*", trusted_key_groups=RESTRICTED)
FOLDER = Behavior(path_pattern="a/", trusted_key_groups=RESTRICTED)


#: Behaviors, a path, and the one that it selects.
SELECTED: list[tuple[tuple[Behavior, ...], str, Behavior]] = [
    (ALL, "/public/a.jpg", OPEN),
    ((PICTURES, OPEN, DEFAULT), "/public/a.jpg", PICTURES),
    (ALL, "/private/a.txt", DEFAULT),
    # Unreserved characters are decoded, and slashes joined.
    (ALL, "/%70ublic/a.txt", OPEN),
    (ALL, "//public//a.txt", OPEN),
    (ALL, "/x/../public/a.txt", OPEN),
    # An open folder does not bypass a signature: dot segments are resolved.
    (ALL, "/public/../private/a.txt", DEFAULT),
    (ALL, "/public/%2e%2e/private/a.txt", DEFAULT),
    (ALL, "/public/./../private/a.txt", DEFAULT),
    (ALL, "//public/..//private/a.txt", DEFAULT),
    (ALL, "/public/..", DEFAULT),
    (ALL, "/../private", DEFAULT),
    (ALL, "/public//../private/a.txt", DEFAULT),
    (ALL, "/public/x/../../private/", DEFAULT),
    # An encoded slash makes the two readings disagree: a signature is needed.
    ((PRIVATE, Behavior()), "/private%2Fa.txt", PRIVATE),
    ((PRIVATE, Behavior()), "/private%2fa.txt", PRIVATE),
    ((PRIVATE, Behavior()), "/x%2F..%2Fprivate/a.txt", PRIVATE),
    # A folder is not a file of the same name.
    ((FOLDER, Behavior()), "/a/", FOLDER),
    ((FOLDER, Behavior()), "/a/b/..", FOLDER),
    ((FOLDER, Behavior()), "//a/.//", FOLDER),
    ((FOLDER, Behavior()), "/a", Behavior()),
]


def test_select() -> None:
    """Take the first behavior that matches, and ask for a signature if two readings disagree."""
    for behaviors, path, expected in SELECTED:
        assert (path, select_behavior(behaviors, path)) == (path, expected)
