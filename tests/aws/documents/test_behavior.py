"""Find, change and place cache behaviors without touching anything else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from cfsigned_django.aws.documents.behavior import (
    BehaviorChange,
    behaviors,
    earlier_open_patterns,
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
    replace_behavior,
    trusted_key_groups,
    trusted_signers,
)

CHANGE = BehaviorChange(key_group_id="group-1")
patterns = st.text("ab/*?", min_size=1, max_size=6)
paths = st.text("ab/", max_size=6)
unknown = st.dictionaries(st.text("qrs", min_size=1), st.integers() | st.text(), max_size=20)


def config(*path_patterns: str, **fields: Any) -> dict[str, Any]:
    """Return a configuration with behaviors that are open."""
    items = [{"PathPattern": each, "TargetOriginId": "other"} for each in path_patterns]
    return {
        "CacheBehaviors": list_of(items),
        "DefaultCacheBehavior": {"TargetOriginId": "S3"},
        **fields,
    }


def first(found: dict[str, Any], path: str) -> str:
    """Return the pattern that serves a path."""
    names: list[str] = [each["PathPattern"] for each in behaviors(found)]
    return next(each for each in names if matches(each, path))


class TestPatch:
    """Only what is wished for changes."""

    # Making twenty fields is slow on a busy machine, which says nothing of the code.
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(unknown)
    def test_keeps_every_field(self, fields: dict[str, Any]) -> None:
        """Keep the fields that this code does not know, and change nothing the second time."""
        patched = patch_behavior(fields, CHANGE)

        assert {name: patched[name] for name in fields} == fields
        assert set(patched) - set(fields) == {"TrustedKeyGroups", "ViewerProtocolPolicy"}
        assert patch_behavior(patched, CHANGE) == patched

    def test_joins_other_key_groups(self) -> None:
        """Leave the key groups of other people trusted."""
        behavior = {"TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": ["theirs"]}}

        patched = patch_behavior(behavior, CHANGE)

        assert trusted_key_groups(patched) == ["theirs", "group-1"]
        assert patched["TrustedKeyGroups"]["Quantity"] == 2

    def test_switches_restriction_on(self) -> None:
        """Restrict viewer access where a list is there, and switched off."""
        behavior = {"TrustedKeyGroups": {"Enabled": False, "Quantity": 1, "Items": ["group-1"]}}

        assert is_open(behavior)
        assert trusted_key_groups(patch_behavior(behavior, CHANGE)) == ["group-1"]

    @pytest.mark.parametrize("protocol", ["https-only", "redirect-to-https"])
    def test_keeps_a_protocol_that_is_safe(self, protocol: str) -> None:
        """Leave a protocol policy that lets no link through in the clear."""
        patched = patch_behavior({"ViewerProtocolPolicy": protocol}, CHANGE)

        assert patched["ViewerProtocolPolicy"] == protocol

    def test_cache_policy_replaces_forwarded_values(self) -> None:
        """Take out what CloudFront refuses beside a cache policy, and only then."""
        legacy = {"ForwardedValues": {"QueryString": False}, "MinTTL": 0, "MaxTTL": 1}

        assert patch_behavior(legacy, CHANGE).keys() >= legacy.keys()
        patched = patch_behavior(legacy, BehaviorChange(key_group_id="g", cache_policy_id="p"))
        assert patched["CachePolicyId"] == "p"
        assert not patched.keys() & legacy.keys()

    def test_trusted_signers(self) -> None:
        """Leave the signers of the older way in, unless they are to be dropped."""
        behavior = {"TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]}}

        assert trusted_signers(patch_behavior(behavior, CHANGE)) == ["self"]
        dropped = patch_behavior(
            behavior, BehaviorChange(key_group_id="g", drops_trusted_signers=True)
        )
        assert dropped["TrustedSigners"] == {"Enabled": False, "Quantity": 0}


class TestPlace:
    """The first pattern that matches wins."""

    @pytest.mark.parametrize(
        ("present", "expected"),
        [
            ([], ["media/*"]),
            (["*.jpg", "api/*"], ["media/*", "*.jpg", "api/*"]),
            (["media/public/*", "*"], ["media/public/*", "media/*", "*"]),
            (["/media/a*", "*.css"], ["/media/a*", "media/*", "*.css"]),
            (["api/*", "media/b/*", "*"], ["api/*", "media/b/*", "media/*", "*"]),
        ],
    )
    def test_new_pattern(self, present: list[str], expected: list[str]) -> None:
        """Put a new pattern behind what is more specific and before everything else."""
        changed = replace_behavior(config(*present), "media/*", {"TargetOriginId": "S3"})

        assert [each["PathPattern"] for each in listed(changed["CacheBehaviors"])] == expected
        assert changed["CacheBehaviors"]["Quantity"] == len(expected)

    def test_existing_pattern_stays_in_its_place(self) -> None:
        """Change a behavior where it stands, with or without the leading slash."""
        before = config("api/*", "/media/*", Comment="kept")

        after = replace_behavior(before, "media/*", {"PathPattern": "/media/*", "x": 1})

        assert listed(after["CacheBehaviors"])[1] == {"PathPattern": "/media/*", "x": 1}
        assert listed(after["CacheBehaviors"])[0] == listed(before["CacheBehaviors"])[0]
        assert after["Comment"] == "kept"

    def test_default(self) -> None:
        """Change the default behavior for no pattern; it is tried last."""
        after = replace_behavior(config("api/*"), None, {"x": 1})

        assert find_behavior(after, None) == {"x": 1}
        assert list(behaviors(after))[-1] == {"PathPattern": "*", "x": 1}

    @given(st.lists(patterns, unique_by=lambda each: each.removeprefix("/")), patterns, paths)
    def test_more_specific_ones_keep_their_paths(
        self, present: list[str], new: str, path: str
    ) -> None:
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
    def test_no_place(self, present: list[str], found: tuple[str, list[str]] | None) -> None:
        """Name the pattern that would take our paths, and the more specific ones behind it."""
        assert misplaced_patterns(config(*present), "media/*") == found

    def test_overtaken_patterns(self) -> None:
        """Name those that share paths with a new pattern which is tried first, but no wider one."""
        present = config("media/a/*", "*.jpg", "api/*", "*")

        assert overtaken_patterns(present, "media/*") == ["*.jpg"]

    def test_earlier_open_patterns(self) -> None:
        """Name the open patterns that are tried first and may take our paths."""
        present = config("*.jpg", "api/*", "media/*", "late*")

        assert earlier_open_patterns(present, "media/*") == ["*.jpg"]
        assert earlier_open_patterns(present, None) == ["*.jpg", "api/*", "media/*", "late*"]


class TestPatterns:
    """Patterns are compared by the paths that they match."""

    @example(inner="*", outer="?*", path="")
    @given(patterns, patterns, paths)
    def test_within(self, inner: str, outer: str, path: str) -> None:
        """Call a pattern within another only if the other matches all of its paths."""
        if is_within(inner, outer) and matches(inner, path):
            assert matches(outer, path)

    @given(patterns, patterns, paths)
    def test_overlap(self, one: str, other: str, path: str) -> None:
        """See an overlap wherever one path is matched by both."""
        if matches(one, path) and matches(other, path):
            assert may_overlap(one, other)

    @given(st.text("ab/", min_size=1, max_size=6), patterns)
    def test_overlap_with_one_path(self, path: str, pattern: str) -> None:
        """Agree with matching where one pattern is a path."""
        same = fnmatchcase(f"/{path.removeprefix('/')}", f"/{pattern.removeprefix('/')}")

        assert may_overlap(path, pattern) == same
