"""Match resources fast, and refuse what must not be signed.

What a resource covers is in tests/vectors/verify-resources.json.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.signing import InvalidPolicy, Policy
from tests.signing.cases import EXPIRES, ORIGIN

#: What no HTTP client sends: a pattern, a text, and whether it matches.
NO_URLS = [
    ("https://key.com/a", "https://\u212aey.com/a", False),
    ("https://h/a/1/*", "https://h/a/1/x/..", True),
    ("https://h/a/1/*", "https://h/a/1/.", True),
    ("https://h/a/1/*", "https://h/a/1/x/../..", False),
    ("https://h/*", "", False),
    ("https://*", "https:/h/a", False),
    ("*", "../..", True),
]


def test_what_is_no_url() -> None:
    """Cover nothing that is not a URL, except by the resource that covers everything."""
    for resource, url, expected in NO_URLS:
        policy = Policy(resource=resource, date_less_than=EXPIRES, allow_any_resource=True)
        assert policy.matches(url) is expected


@pytest.mark.parametrize("stars", ["*" * 5000, "*a" * 200, "*a?" * 200])
def test_many_asterisks_are_quick(stars: str) -> None:
    """Match a resource that is full of asterisks at once, not in exponential time."""
    policy = Policy(resource=f"{ORIGIN}/?{stars}x", date_less_than=EXPIRES)
    assert not policy.matches(f"{ORIGIN}/?{'a' * 5000}")
    assert policy.matches(f"{ORIGIN}/?{'a' * 5000}x")


@given(st.text("ab*?/", max_size=12), st.text("ab?/", max_size=12))
def test_matching_agrees_with_the_definition(pattern: str, text: str) -> None:
    """Match a query as the plain definition of the two wildcards does."""

    @cache
    def fits(at: int, upto: int) -> bool:
        if at == len(pattern):
            return upto == len(text)
        if pattern[at] == "*":
            return fits(at + 1, upto) or (upto < len(text) and fits(at, upto + 1))
        return upto < len(text) and pattern[at] in ("?", text[upto]) and fits(at + 1, upto + 1)

    policy = Policy(resource=f"{ORIGIN}/x?y={pattern}", date_less_than=EXPIRES)
    assert policy.matches(f"{ORIGIN}/x?y={text}") is fits(0, 0)


@pytest.mark.parametrize("resource", ["*", "*****", "*/*", "*://*", "http*://*", "*://*/*"])
def test_t33_any_resource_needs_a_word(resource: str) -> None:
    """Refuse a resource that opens everything, unless it is said that this is meant (T33)."""
    with pytest.raises(InvalidPolicy, match="allow_any_resource=True"):
        Policy(resource=resource, date_less_than=EXPIRES)
    policy = Policy(resource=resource, date_less_than=EXPIRES, allow_any_resource=True)
    assert policy.resource == (resource if resource.strip("*") else "*")
    assert not policy.is_canned
