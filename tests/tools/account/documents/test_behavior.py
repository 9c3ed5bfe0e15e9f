"""Find, change and place cache behaviors without touching anything else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from cfsigned_django.tools.account.documents.behavior import (
    behaviors,
    find_behavior,
    is_open,
    is_within,
    list_of,
    listed,
    matches,
    may_overlap,
    misplaced_patterns,
    overtaken_patterns,
    patch_behavior,
    pattern_of,
    replace_behavior,
    trusted_key_groups,
    trusted_signers,
)

GROUP = "group-1"
patterns = st.text("ab/*?", min_size=1, max_size=6)
paths = st.text("ab/", max_size=6)


def config(*path_patterns: str, **fields: Any) -> dict[str, Any]:
    """Return a configuration with behaviors that are open."""
    items = [{"PathPattern": each, "TargetOriginId": "other"} for each in path_patterns]
    default = {"TargetOriginId": "S3"}
    return {"CacheBehaviors": list_of(items), "DefaultCacheBehavior": default, **fields}


def first(found: dict[str, Any], path: str) -> str:
    """Return the pattern that serves a path."""
    names: list[str] = [pattern_of(each) for each in behaviors(found)]
    return next(each for each in names if matches(each, path))


def test_patch_keeps_every_field() -> None:
    """Keep the fields that this code does not know, and change nothing the second time."""
    fields = {"TargetOriginId": "S3", "Unknown": {"Deep": ["x", 1]}, "Novelty": 5}

    patched = patch_behavior(fields, GROUP)

    assert {name: patched[name] for name in fields} == fields
    assert set(patched) - set(fields) == {"TrustedKeyGroups", "ViewerProtocolPolicy"}
    assert patch_behavior(patched, GROUP) == patched


def test_patch_trusts_one_more_key_group() -> None:
    """Leave other key groups trusted, and switch a list on that is switched off."""
    theirs = {"TrustedKeyGroups": {"Enabled": True, **list_of(["theirs"])}}
    off = {"TrustedKeyGroups": {"Enabled": False, **list_of(["group-1"])}}

    both = patch_behavior(theirs, GROUP)

    assert trusted_key_groups(both) == ["theirs", "group-1"]
    assert both["TrustedKeyGroups"]["Quantity"] == 2
    assert is_open(off)
    assert trusted_key_groups(patch_behavior(off, GROUP)) == ["group-1"]


@pytest.mark.parametrize("protocol", ["https-only", "redirect-to-https"])
def test_patch_keeps_a_protocol_that_is_safe(protocol: str) -> None:
    """Leave a protocol policy that lets no signed URL through in the clear."""
    patched = patch_behavior({"ViewerProtocolPolicy": protocol}, GROUP)

    assert patched["ViewerProtocolPolicy"] == protocol


def test_cache_policy_replaces_forwarded_values() -> None:
    """Take out what CloudFront refuses beside a cache policy, and only then."""
    legacy = {"ForwardedValues": {"QueryString": False}, "MinTTL": 0, "MaxTTL": 1}

    patched = patch_behavior(legacy, GROUP, cache_policy_id="p")

    assert patch_behavior(legacy, GROUP).keys() >= legacy.keys()
    assert patched["CachePolicyId"] == "p"
    assert not patched.keys() & legacy.keys()


def test_trusted_signers() -> None:
    """Leave the AWS accounts whose keys may sign, unless they are to be dropped."""
    behavior = {"TrustedSigners": {"Enabled": True, **list_of(["self"])}}

    assert trusted_signers(patch_behavior(behavior, GROUP)) == ["self"]
    dropped = patch_behavior(behavior, GROUP, drops_trusted_signers=True)
    assert dropped["TrustedSigners"] == {"Enabled": False, "Quantity": 0}


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ([], ["media/*"]),
        (["*.jpg", "api/*"], ["media/*", "*.jpg", "api/*"]),
        (["media/public/*", "*"], ["media/public/*", "media/*", "*"]),
        (["/media/a*", "*.css"], ["/media/a*", "media/*", "*.css"]),
        (["api/*", "media/b/*", "*"], ["api/*", "media/b/*", "media/*", "*"]),
        (["media/b/*", "api/*", "media/c/*"], ["media/b/*", "api/*", "media/c/*", "media/*"]),
    ],
)
def test_place_of_a_new_pattern(present: list[str], expected: list[str]) -> None:
    """Put a new pattern behind what is more specific and before everything else."""
    changed = replace_behavior(config(*present), "media/*", {"TargetOriginId": "S3"})

    assert [each["PathPattern"] for each in listed(changed["CacheBehaviors"])] == expected
    assert changed["CacheBehaviors"]["Quantity"] == len(expected)


def test_existing_pattern_stays_in_its_place() -> None:
    """Change a behavior where it stands, with or without the slash; the default one for None."""
    before = config("api/*", "/media/*", Comment="kept")

    after = replace_behavior(before, "media/*", {"PathPattern": "/media/*", "x": 1})
    default = replace_behavior(before, None, {"x": 1})

    assert listed(after["CacheBehaviors"])[1] == {"PathPattern": "/media/*", "x": 1}
    assert listed(after["CacheBehaviors"])[0] == listed(before["CacheBehaviors"])[0]
    assert after["Comment"] == "kept"
    assert find_behavior(default, None) == {"x": 1}
    assert list(behaviors(default))[-1] == {"x": 1}


@given(st.lists(patterns, unique_by=lambda each: each.removeprefix("/")), patterns, paths)
def test_more_specific_ones_keep_their_paths(present: list[str], new: str, path: str) -> None:
    """Take no path from a behavior whose pattern is within the new one."""
    before = config(*present)
    after = replace_behavior(before, new, {"TargetOriginId": "S3"})

    served = first(before, path)
    is_there = served in present and find_behavior(before, new) is None
    if is_there and is_within(served, new):
        assert first(after, path) == served


@pytest.mark.parametrize(
    ("present", "found"),
    [
        (["media/public/*", "*.jpg", "media/a/*"], ("*.jpg", ["media/a/*"])),
        (["*", "media/a/*", "x/*", "media/b/*"], ("*", ["media/a/*", "media/b/*"])),
        (["*.jpg", "media/*", "media/a/*"], None),
        (["media/a/*", "api/*", "media/b/*", "*.jpg"], None),
    ],
)
def test_no_place(present: list[str], found: tuple[str, list[str]] | None) -> None:
    """Return the pattern that would take our paths, and the more specific ones behind it."""
    assert misplaced_patterns(config(*present), "media/*") == found


def test_patterns_that_share_paths() -> None:
    """Return those that lose paths to a new pattern, but no wider one."""
    new = config("media/a/*", "*.jpg", "api/*", "*")

    assert overtaken_patterns(new, "media/*") == ["*.jpg"]


@example(one="*", other="?*", path="")
@given(patterns, patterns, paths)
def test_within_and_overlap(one: str, other: str, path: str) -> None:
    """Find overlaps of patterns, and patterns that lie within another.

    Agree with matching if one pattern is a path.
    """
    if matches(one, path):
        assert matches(other, path) or not is_within(one, other)
        assert may_overlap(one, other) or not matches(other, path)
    if path:
        same = fnmatchcase(f"/{path.removeprefix('/')}", f"/{one.removeprefix('/')}")
        assert may_overlap(path, one) == same
