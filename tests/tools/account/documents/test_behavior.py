"""Find cache behaviors."""

from __future__ import annotations

from cfsigned_django.tools.account.documents.behavior import (
    behaviors,
    find_behavior,
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


def test_find() -> None:
    """Find a behavior by its pattern, with or without the slash; the default one for None."""
    items = [{"PathPattern": each, "TargetOriginId": each} for each in ("api/*", "/media/*", "*")]
    default = {"TargetOriginId": "S3"}
    config = {"CacheBehaviors": list_of(items), "DefaultCacheBehavior": default}

    assert find_behavior(config, "media/*") == items[1]
    assert find_behavior(config, "*") == items[2]
    assert find_behavior(config, None) == default
    assert find_behavior(config, "media/a*") is None
    assert [pattern_of(each) for each in behaviors(config)] == ["api/*", "/media/*", "*", "*"]
