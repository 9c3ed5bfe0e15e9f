"""Find cache behaviors."""

from __future__ import annotations

from cfsigned_django.tools.account.documents.cache_behavior import (
    behaviors,
    is_open,
    list_of,
    pattern_of,
    trusted_key_groups,
    trusted_signers,
)


def test_trusted() -> None:
    """Know who may sign, by key groups and AWS accounts; a list that is off counts for nobody."""
    groups = {"TrustedKeyGroups": {"Enabled": True, **list_of(["one", "two"])}}
    signers = {"TrustedSigners": {"Enabled": True, **list_of(["self"])}}
    off = {"TrustedKeyGroups": {"Enabled": False, **list_of(["one"])}}

    assert (trusted_key_groups(groups), trusted_signers(groups)) == (["one", "two"], [])
    assert (trusted_key_groups(signers), trusted_signers(signers)) == ([], ["self"])
    assert [is_open(each) for each in (groups, signers, off, {})] == [False, False, True, True]


def test_order() -> None:
    """Return the behaviors in the order in which they are tried, the default one at the end."""
    items = [{"PathPattern": each, "TargetOriginId": each} for each in ("api/*", "/media/*", "*")]
    config = {"CacheBehaviors": list_of(items), "DefaultCacheBehavior": {"TargetOriginId": "S3"}}

    assert [pattern_of(each) for each in behaviors(config)] == ["api/*", "/media/*", "*", "*"]
