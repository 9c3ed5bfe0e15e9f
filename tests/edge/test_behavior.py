from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.edge.behavior import Behavior, select_behavior

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


class TestMatches:
    @pytest.mark.parametrize(
        ("pattern", "path", "expected"),
        [
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
        ],
    )
    def test_pattern(self, pattern: str, path: str, expected: bool) -> None:
        """Match the patterns of the guide and their near misses."""
        assert Behavior(path_pattern=pattern).matches(path) is expected

    @given(
        pattern=st.text(alphabet="ab/.*?", min_size=1, max_size=12),
        path=st.text(alphabet="ab/.", max_size=12).map("/{}".format),
    )
    def test_pattern_agrees_with_reference(self, pattern: str, path: str) -> None:
        """Match whatever the set of reachable positions says, for any pattern and path."""
        expected = reference_match(f"/{pattern.removeprefix('/')}", path)
        assert Behavior(path_pattern=pattern).matches(path) is expected


class TestConstruction:
    @pytest.mark.parametrize("pattern", ["", "a" * 256, "a b", "a[b]", "한글/*", "a%20b", "a\\b"])
    def test_refuses_pattern(self, pattern: str) -> None:
        """Refuse a path pattern that CloudFront would not take."""
        with pytest.raises(ValueError, match="path_pattern"):
            Behavior(path_pattern=pattern)

    def test_takes_whole_alphabet(self) -> None:
        """Take each character that the guide lists."""
        pattern = "Az09_-.*$/~\"'@:+&?"
        assert Behavior(path_pattern=pattern).path_pattern == pattern

    @pytest.mark.parametrize("methods", [set(), {"GET"}, {"GET", "HEAD", "PUT"}])
    def test_refuses_methods(self, methods: set[str]) -> None:
        """Refuse a set of methods other than the two that CloudFront has for reading."""
        with pytest.raises(ValueError, match="allowed_methods"):
            Behavior(allowed_methods=frozenset(methods))

    def test_restricted(self) -> None:
        """Count a behavior as restricted when it names a key group."""
        assert Behavior(trusted_key_groups=RESTRICTED).is_restricted
        assert not Behavior().is_restricted


class TestSelectBehavior:
    OPEN = Behavior(path_pattern="public/*")
    PICTURES = Behavior(path_pattern="*.jpg", trusted_key_groups=("pictures",))
    DEFAULT = Behavior(trusted_key_groups=RESTRICTED)
    ALL = (OPEN, PICTURES, DEFAULT)

    def test_first_match_wins(self) -> None:
        """Take the first behavior that matches, though a later one matches as well."""
        assert select_behavior(self.ALL, "/public/a.jpg") is self.OPEN

    def test_order_counts(self) -> None:
        """Take the other behavior where the order is the other way round."""
        behaviors = (self.PICTURES, self.OPEN, self.DEFAULT)
        assert select_behavior(behaviors, "/public/a.jpg") is self.PICTURES

    def test_default(self) -> None:
        """Fall back to the last behavior."""
        assert select_behavior(self.ALL, "/private/a.txt") is self.DEFAULT

    @pytest.mark.parametrize(
        "path",
        [
            "/public/../private/a.txt",
            "/public/%2e%2e/private/a.txt",
            "/public/./../private/a.txt",
            "//public/..//private/a.txt",
            "/public/..",
            "/../private",
            "/public//../private/a.txt",
            "/public/x/../../private/",
        ],
    )
    def test_dot_segments_are_resolved(self, path: str) -> None:
        """Compare the path after dot segments: an open folder is no way around a signature."""
        assert select_behavior(self.ALL, path) is self.DEFAULT

    @pytest.mark.parametrize("path", ["/%70ublic/a.txt", "//public//a.txt", "/x/../public/a.txt"])
    def test_equivalent_spellings(self, path: str) -> None:
        """Compare the path after decoding unreserved characters and joining slashes."""
        assert select_behavior(self.ALL, path) is self.OPEN

    @pytest.mark.parametrize(
        "path", ["/private%2Fa.txt", "/private%2fa.txt", "/x%2F..%2Fprivate/a.txt"]
    )
    def test_encoded_slash_opens_nothing(self, path: str) -> None:
        """Ask for a signature where an encoded slash makes the two readings disagree."""
        private = Behavior(path_pattern="private/*", trusted_key_groups=RESTRICTED)
        assert select_behavior((private, Behavior()), path) is private

    def test_trailing_slash_is_kept(self) -> None:
        """Tell a folder from a file of the same name."""
        folder = Behavior(path_pattern="a/", trusted_key_groups=RESTRICTED)
        assert select_behavior((folder, Behavior()), "/a/") is folder
        assert select_behavior((folder, Behavior()), "/a/b/..") is folder
        assert select_behavior((folder, Behavior()), "//a/.//") is folder
        assert not select_behavior((folder, Behavior()), "/a").is_restricted
