"""Merge origins into the CORS rules of a bucket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.aws.documents.bucket_policy import PUBLIC_ACCESS_BLOCK, open_switches
from cfsigned_django.aws.documents.cors import (
    cors_rule,
    echoes_origins,
    merge,
    missing_origins,
)

APP = "https://app.example.com"
origins = st.sampled_from([APP, "https://www.example.com", "http://localhost:8000", "*"])
rules = st.lists(
    st.fixed_dictionaries(
        {
            "AllowedMethods": st.lists(st.sampled_from(["GET", "HEAD", "PUT"]), min_size=1),
            "AllowedOrigins": st.lists(origins, min_size=1),
        },
        optional={"ID": st.sampled_from(["theirs", "other"]), "MaxAgeSeconds": st.just(5)},
    ),
    max_size=4,
)


@given(rules, st.lists(origins, max_size=3))
def test_merge_keeps_and_suffices(present: list[dict[str, Any]], wished: list[str]) -> None:
    """Keep every rule, let every origin in, and change nothing the second time."""
    merged = merge(present, wished)

    assert merged[: len(present)] == present
    assert missing_origins(merged, wished) == []
    assert merge(merged, wished) == merged


@given(rules, origins, origins)
def test_own_rule_grows(present: list[dict[str, Any]], first: str, second: str) -> None:
    """Take a further origin into the rule that an earlier run made, and forget none."""
    merged = merge(merge(present, [first]), [second])

    assert missing_origins(merged, [first, second]) == []
    assert len(merged) <= len(present) + 1


def test_wildcard_of_a_rule() -> None:
    """Accept a rule with a wildcard for the origins that it covers, and no others."""
    rule = {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["https://*.example.com"]}

    assert missing_origins([rule], [APP, "https://example.com"]) == ["https://example.com"]


def test_needs_get_and_head() -> None:
    """Add a rule where one method is missing."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}

    assert merge([rule], [APP]) == [rule, cors_rule([APP])]


def test_switches_that_are_open() -> None:
    """Name the switches of Block Public Access that are not on."""
    assert open_switches(PUBLIC_ACCESS_BLOCK) == []
    assert open_switches({**PUBLIC_ACCESS_BLOCK, "IgnorePublicAcls": False}) == ["IgnorePublicAcls"]
    assert open_switches(None) == list(PUBLIC_ACCESS_BLOCK)


@pytest.mark.parametrize(
    ("rules", "origins", "expected"),
    [
        ([], ["https://a.example.com"], False),
        ([["https://a.example.com"]], ["https://a.example.com"], False),
        ([["*"]], ["https://a.example.com", "https://b.example.com"], False),
        ([["https://*.example.com"]], [], True),
        ([["https://a.example.com"], ["https://b.example.com"]], [], True),
        ([["https://a.example.com"]], ["https://b.example.com"], True),
        ([["https://a.example.com", "*"]], [], True),
    ],
)
def test_echoes_origins(rules: list[list[str]], origins: list[str], expected: bool) -> None:
    """Tell whether a copy made for one origin is no good for another."""
    assert echoes_origins([cors_rule(each) for each in rules], origins) is expected


def test_rules_for_uploads_echo_nothing() -> None:
    """Leave out rules that are not for reading."""
    rule = {**cors_rule(["https://a.example.com", "https://b.example.com"]), "AllowedMethods": []}

    assert not echoes_origins([rule])
