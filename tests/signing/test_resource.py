"""Match resources as the developer guide describes it, and refuse what must not be signed."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.signing import InvalidPolicy, Policy
from tests.signing.cases import EXPIRES, ORIGIN
from tests.signing.test_vectors import DATA

# The last word of a row says how sure it is; None stands where nobody knows.
ROWS = [row for row in DATA["resource_match"] if row[2] is not None]

MORE = [
    # An asterisk stays within its section.
    ("https://*.example.com/a", "https://x.example.com/a", True),
    ("https://*.example.com/a", "https://evil.net/x.example.com/a", False),
    ("https://h/a*b", "https://h/a?b", False),
    ("https://h/a*b", "https://h/ab?x=1", False),
    ("https://h/a?x=*", "https://h/a", False),
    ("https://h/a?x=*&y=2", "https://h/a?x=1&y=3", False),
    # One at the end of the path reaches into the query, one at the end of the
    # domain into both.
    ("https://h/a*", "https://h/a?x=1", True),
    ("https://h/a*", "https://h/b?x=/a", False),
    ("https://h*", "https://h.evil.net/any", True),
    ("https://h*", "https://x/h", False),
    ("https://*", "https://h/a?b", True),
    # The protocol.
    ("*://h/a", "http://h/a", True),
    ("http*://h/a", "https://h/a", True),
    ("https://h/a", "http://h/a", False),
    ("*h/a", "https://h/a", True),
    ("*h/a", "https://evil-h/a", True),
    # Host and scheme have no case, path and query have.
    ("https://Media.Example.com/A", "HTTPS://media.example.COM/A", True),
    ("https://key.com/a", "https://\u212aey.com/a", False),
    ("https://h/a?X=1", "https://h/a?x=1", False),
    # What is plain in a pattern stays plain.
    ("https://a.b/c", "https://axb/c", False),
    ("https://h/a+b(c)[d]$", "https://h/a+b(c)[d]$", True),
    ("https://h/a%20b", "https://h/a b", False),
    ("https://h/a%2Fb", "https://h/a%2fb", False),
    ("https://h/", "https://h/a", False),
    ("https://h/a", "https://h/a/", False),
    ("https://h:8001/a", "https://h/a", False),
    # The question mark that begins the query is not a wildcard, a later one is.
    ("https://h/a?", "https://h/a?", True),
    ("https://h/a?", "https://h/ab", False),
    ("https://h/a?x=?", "https://h/a?x=1", True),
    ("https://h/a?x=?", "https://h/a?x=", False),
    # An asterisk covers a path only if it also covers what `..` makes of it.
    ("https://h/a/1/*", "https://h/a/1/x/../y", True),
    ("https://h/a/1/*", "https://h/a/1/../2/y", False),
    ("https://h/a/1/*", "https://h/a/1/%2e%2E/2/y", False),
    ("https://h/a/1/*", "https://h/a/1/..%2f2%2Fy", False),
    ("https://h/a/1/*", "https://h/a/1/..\\2/y", False),
    ("https://h/a/1/*", "https://h/a/1/\\..\\2/y", False),
    ("https://h/a/1/*", "https://h/a/1/x\\y", True),
    ("https://h/a/1/*", "https://h/a/1/x/../../2/y", False),
    ("https://h/a/1/*", "https://h/a/1//../2/y", False),
    ("https://h/a/1/*", "https://h/a/1/x//../y", True),
    ("https://h/a/1/*", "https://h/a/1/y?z=/../../", True),
    ("https://h/a%2Fb/*", "https://h/a%2Fb/c", True),
    ("https://h/*", "https://h/../../x", True),
    ("https://h/a/../b", "https://h/a/../b", True),
    # No resource covers what is not a URL.
    ("https://h/*", "", False),
    ("https://*", "https:/h/a", False),
    ("*", "../..", True),
]


def matches(resource: str, url: str) -> bool:
    """Return whether a policy for the resource covers the URL."""
    policy = Policy(resource=resource, date_less_than=EXPIRES, allow_any_resource=True)
    return policy.matches(url)


def test_published_examples() -> None:
    """Match as the guide's examples and rules say, and as is inferred from them (V21)."""
    assert (len(DATA["resource_match"]), len(ROWS)) == (21, 20)
    assert [row for row in ROWS if matches(row[0], row[1]) is not row[2]] == []


def test_matching() -> None:
    """Keep each wildcard within its section, its host and its folder."""
    assert [row for row in MORE if matches(row[0], row[1]) is not row[2]] == []


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


def test_host_of_a_resource_becomes_lower_case() -> None:
    """Write the host as clients send it: in lowercase."""
    for resource, expected in [
        ("https://Media.Example.COM/A?B=C", "https://media.example.com/A?B=C"),
        ("*.Example.COM/A", "*.example.com/A"),
        ("*://*/Albums/*", "*://*/Albums/*"),
    ]:
        assert Policy(resource=resource, date_less_than=EXPIRES).resource == expected
