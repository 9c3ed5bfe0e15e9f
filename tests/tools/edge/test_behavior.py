"""Refuse behaviors that CloudFront would; which one serves a path is in tests/vectors."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.edge.behavior import Behavior


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
