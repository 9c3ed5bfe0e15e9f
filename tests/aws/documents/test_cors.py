"""Merge origins into the CORS rules of a bucket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

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


def test_rules_that_suffice() -> None:
    """Accept a wildcard for the origins that it covers alone; add a rule if a method is missing."""
    wildcard = {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["https://*.example.com"]}
    get = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}

    assert missing_origins([wildcard], [APP, "https://example.com"]) == ["https://example.com"]
    assert merge([get], [APP]) == [get, cors_rule([APP])]


A, B, ANY = "https://a.example.com", "https://b.example.com", "https://*.example.com"


@pytest.mark.parametrize(
    ("rules", "origins", "expected"),
    [
        ([], [A], False),
        ([[A]], [A], False),
        ([["*"]], [A, B], False),
        ([[ANY]], [], True),
        ([[A], [B]], [], True),
        ([[A]], [B], True),
        ([[A, "*"]], [], True),
    ],
)
def test_echoes_origins(rules: list[list[str]], origins: list[str], expected: bool) -> None:
    """Return whether a copy made for one origin cannot serve another; uploads do not count."""
    found = [cors_rule(each) for each in rules]

    assert echoes_origins(found, origins) is expected
    assert not echoes_origins([{**each, "AllowedMethods": ["PUT"]} for each in found])
