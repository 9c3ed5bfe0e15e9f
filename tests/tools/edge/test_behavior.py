"""Select behaviors by path as CloudFront does."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.edge.behavior import Behavior, select_behavior

RESTRICTED = ("group",)


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


#: Behaviors, a path, and the one that it selects; tests/tools/model/test_random_behaviors.py draws
#: paths that need no reading.
SELECTED: list[tuple[tuple[Behavior, ...], str, Behavior]] = [
    # Unreserved characters are decoded, and slashes joined.
    (ALL, "/%70ublic/a.txt", OPEN),
    (ALL, "//public//a.txt", OPEN),
    (ALL, "/x/../public/a.txt", OPEN),
    # An open folder does not bypass a signature: dot segments are resolved.
    (ALL, "/public/../private/a.txt", DEFAULT),
    (ALL, "/public/%2e%2e/private/a.txt", DEFAULT),
    (ALL, "//public/..//private/a.txt", DEFAULT),
    (ALL, "/public/..", DEFAULT),
    # An encoded slash makes the two readings disagree: a signature is needed.
    ((PRIVATE, Behavior()), "/private%2Fa.txt", PRIVATE),
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
