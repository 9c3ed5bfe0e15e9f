"""Plan what a person must know or decide after every edge has the change."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.aws.account import BucketPart, Distribution
from cfsigned_django.aws.documents.behavior import (
    earlier_open_patterns,
    find_behavior,
    patch_behavior,
    replace_behavior,
    trusted_signers,
)
from cfsigned_django.aws.documents.bucket_policy import is_for_strangers, is_public, statements
from cfsigned_django.aws.documents.origins import (
    Place,
    open_under_other_paths,
    place_of,
    places_of,
)
from cfsigned_django.aws.state.distribution import update_call
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import Step, conflict, todo


def after_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the steps for when every edge has the change, and what a person must decide."""
    found = site.account.distribution
    if found is None:
        return
    if site.behavior and trusted_signers(site.behavior):
        yield _trusted_signers(site, found)
    if patterns := list(_leaking_patterns(site)):
        yield conflict(
            "earlier-behaviors",
            f"CloudFront tries {', '.join(patterns)} first, without requiring a signature: what "
            "they match is public. Restrict them too (--path-pattern) if they serve private "
            "files",
        )
    if patterns := _exposing_patterns(site, found):
        yield conflict(
            "origin-paths",
            f"{', '.join(patterns)} requires no signature, and its origin path leads to the same "
            "files: they can be read under other paths. Restrict it too (--path-pattern), or "
            "change its origin path",
        )


def _trusted_signers(site: SiteInAws, found: Distribution) -> Step:
    behavior = site.behavior or {}
    accounts = ", ".join(trusted_signers(behavior))
    if not site.wanted.drops_trusted_signers:
        return conflict(
            "trusted-signers",
            f"the behavior also trusts the key pairs of AWS accounts ({accounts}), which is the "
            "older way: after the site signs with the key group, and the last signed URL of the "
            "old keys has expired, --drop-trusted-signers removes them",
        )
    after = patch_behavior(behavior, site.key_group_id, drops_trusted_signers=True)
    return todo(
        "trusted-signers",
        f"key pairs of AWS accounts ({accounts}) must no longer sign: their signed URLs stop "
        "working",
        call=update_call(found, replace_behavior(found.config, site.wanted.path_pattern, after)),
        before=behavior,
        after=after,
    )


def _leaking_patterns(site: SiteInAws) -> Iterator[str]:
    """Return the open patterns that are tried first, and may serve the files or take their paths.

    The desired order counts: a new behavior goes before some of them. Every
    pattern takes paths of the default behavior, such as those of a site's
    static files. Before the default behavior, only patterns that may read the
    bucket count.
    """
    config = site.wanted_config()
    for pattern in earlier_open_patterns(config, site.wanted.path_pattern):
        places = places_of(config, find_behavior(config, pattern) or {})
        is_elsewhere = places and all(each.bucket != site.wanted.bucket for each in places)
        if site.wanted.path_pattern is not None or not is_elsewhere:
            yield pattern


def _exposing_patterns(site: SiteInAws, found: Distribution) -> list[str]:
    """Return the open patterns that serve the files under other paths, by an origin path.

    The behavior of the plan is not among them, since the plan restricts it.
    """
    if site.wanted.path_pattern is None:
        return []  # then every other behavior that reads the bucket is an earlier one
    storage_locations = {Place(bucket=site.wanted.bucket)}
    if site.origin is not None:
        storage_locations.add(place_of(site.origin))
    leaks = open_under_other_paths(
        found.config,
        storage_locations,
        site.wanted.path_pattern,
        lets_in_strangers=_will_let_in_strangers(site),
    )
    patterns = [each["PathPattern"] for each in leaks if each is not site.behavior]
    return ["Default (*)" if each == "*" else each for each in patterns]


def _will_let_in_strangers(site: SiteInAws) -> bool:
    bucket, closes = site.bucket, site.wanted.closes_public
    return BucketPart.POLICY in bucket.unread or any(
        is_for_strangers(each) and not (closes and is_public(each))
        for each in statements(bucket.policy)
    )
