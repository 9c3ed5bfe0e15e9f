"""Plan what a person must know or decide when every edge has the change."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.aws.account import Distribution, Part
from cfsigned_django.aws.documents.behavior import (
    BehaviorWish,
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
from cfsigned_django.aws.provisioning.distribution_steps import update_call
from cfsigned_django.aws.provisioning.resolved_state import Target
from cfsigned_django.aws.provisioning.steps import Step, conflict, todo


def after_steps(target: Target) -> Iterator[Step]:
    """Return what comes when every edge has the change, and what a person must decide."""
    found = target.stack.distribution
    if found is None:
        return
    if target.behavior and trusted_signers(target.behavior):
        yield _trusted_signers(target, found)
    if patterns := list(_leaking_patterns(target)):
        yield conflict(
            "earlier-behaviors",
            f"CloudFront tries {', '.join(patterns)} first, where no signature is wanted: what "
            "they match is open to everybody. Restrict them, too (--path-pattern), if they "
            "serve private files",
        )
    if patterns := _roundabout_patterns(target, found):
        yield conflict(
            "origin-paths",
            f"{', '.join(patterns)} is open, and its origin path leads to the same files: they can "
            "be read under other paths without a signature. Restrict it, too (--path-pattern), or "
            "let its origin path lead elsewhere",
        )
    policies = target.policies
    if lacking := policies.origins_without_cors:
        yield conflict(
            "response-headers-policy",
            f"the one on the behavior ({policies.response_headers_policy}) sets CORS headers, and "
            f"not for {', '.join(lacking)}: add them to its Access-Control-Allow-Origin, in "
            "CloudFront > Policies > Response headers",
        )


def _trusted_signers(target: Target, found: Distribution) -> Step:
    behavior = target.behavior or {}
    accounts = ", ".join(trusted_signers(behavior))
    if not target.wish.drops_trusted_signers:
        return conflict(
            "trusted-signers",
            f"the behavior also trusts the key pairs of AWS accounts ({accounts}), the old way: "
            "when the site signs with the key group, and the last link of the old keys has "
            "expired, --drop-trusted-signers takes them out",
        )
    after = patch_behavior(
        behavior, BehaviorWish(key_group_id=target.key_group_id, drops_trusted_signers=True)
    )
    return todo(
        "trusted-signers",
        f"key pairs of AWS accounts ({accounts}) shall no longer sign: their links end",
        call=update_call(found, replace_behavior(found.config, target.wish.path_pattern, after)),
        before=behavior,
        after=after,
    )


def _leaking_patterns(target: Target) -> Iterator[str]:
    """Return the open patterns that are tried first, and may serve the files or take their paths.

    Tried first as it shall be: a new behavior goes before some of them. Every
    pattern takes paths of the default behavior, such as those of a site's
    static files: there, only one that may read the bucket counts.
    """
    config = target.wanted_config()
    for pattern in earlier_open_patterns(config, target.wish.path_pattern):
        places = places_of(config, find_behavior(config, pattern) or {})
        is_elsewhere = places and all(each.bucket != target.wish.bucket for each in places)
        if target.wish.path_pattern is not None or not is_elsewhere:
            yield pattern


def _roundabout_patterns(target: Target, found: Distribution) -> list[str]:
    """Return the open patterns that serve the files under other paths, by an origin path.

    Whatever the wished behavior itself serves, the plan closes.
    """
    if target.wish.path_pattern is None:
        return []  # whatever reads the bucket is an earlier behavior then
    homes = {Place(bucket=target.wish.bucket)}
    if target.origin is not None:
        homes.add(place_of(target.origin))
    leaks = open_under_other_paths(
        found.config,
        homes,
        target.wish.path_pattern,
        lets_in_strangers=_will_let_in_strangers(target),
    )
    patterns = [each["PathPattern"] for each in leaks if each is not target.behavior]
    return ["Default (*)" if each == "*" else each for each in patterns]


def _will_let_in_strangers(target: Target) -> bool:
    bucket, closes = target.stack.bucket, target.wish.closes_public
    return Part.POLICY in bucket.unread or any(
        is_for_strangers(each) and not (closes and is_public(each))
        for each in statements(bucket.policy)
    )
