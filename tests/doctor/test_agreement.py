"""Compare the doctor and the plan of a setup on every seeded site, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cfsigned_django.aws.state.plan import plan
from cfsigned_django.doctor.catalog import CATALOG
from cfsigned_django.doctor.distribution import check_aws
from cfsigned_django.doctor.findings import Level
from tests.doctor import ids
from tests.doctor.sites import OPENED, SITES
from tests.doctor.values import Values, states
from tests.doctor.world import NOW, Change

TIME = datetime.fromtimestamp(NOW, UTC)
#: Every site, and the ids of what is found there.
ALL = [*SITES, *((" ".join(kinds.values()), change) for change, kinds in OPENED)]

#: The step of the setup that repairs a finding, or asks about it.
STEPS: Mapping[str, str] = {
    "no-distribution": "distribution",
    "distribution-disabled": "distribution",
    "distribution-deploying": "deployed",
    "distribution-multi-tenant": "distribution",
    "domain-not-alias": "domain",
    "no-key-group": "key-group",
    "key-not-in-group": "key-group",
    "behavior-open": "behavior",
    "earlier-behavior-open": "earlier-behaviors",
    "origin-path-open": "origin-paths",
    "group-not-on-behavior": "behavior",
    "trusted-signers": "trusted-signers",
    "only-trusted-signers": "behavior",
    "plain-http": "behavior",
    "origin-not-bucket": "distribution",
    "origin-access-point": "distribution",
    "origin-website": "distribution",
    "no-origin-access": "origin",
    "two-origin-accesses": "origin",
    "origin-access-unsigned": "origin-access",
    "bucket-missing": "bucket",
    "bucket-refused": "bucket",
    "kms-key-policy": "kms-key-policy",
    "kms-aws-managed": "kms-key-policy",
    "kms-identity": "kms-key-policy",
    "bucket-region": "bucket",
    "bucket-public": "public-statements",
    "bucket-not-blocked": "block-public-access",
    "bucket-policy": "bucket-policy",
    "bucket-policy-wide": "bucket-policy",
    "cors-rule-missing": "bucket-cors",
    "cors-policy-origins": "response-headers-policy",
    "cors-credentials-missing": "response-headers-policy",
    "origin-not-forwarded": "behavior",
    "origin-not-in-cache-key": "behavior",
    "downloads-lost": "cache-policy",
    "downloads-note": "cache-policy",
}
#: What only the doctor says, for a reason.
ONLY_DOCTOR: Mapping[str, str] = {
    "key-unknown": "the setup finds the public key by the private one, and prints its id to paste",
    "key-mismatch": "the same",
    "key-old": "it is a matter of age, and a rotation cures it",
    "aws-unreadable": "the setup says it in the step that it cannot plan",
}
#: A step that no finding is about -> the ids or steps of which one is there, and the reason.
ONLY_SETUP: Mapping[str, tuple[set[str], str]] = {
    "deployed": ({"*"}, "it waits for the changes of other steps"),
    "key-group": ({""}, "a site that names no key group gets one of its own"),
    "origin-access": (
        {"no-origin-access", "no-distribution", "origin-not-bucket", "origin-website"}
        | {"origin-access-point"},
        "the access control of an origin is made before the origin uses it",
    ),
    "response-headers-policy": ({""}, "signed URLs work without it; the setup adds safe headers"),
    "cache-policy": ({""}, "the setup splits copies for whatever S3 may answer"),
    "origin-request-policy": ({""}, "it comes with the cache policy of downloads"),
    "bucket-cors": ({""}, "headers of a policy suffice; the setup wants a rule of the bucket too"),
    "behavior": (
        {"key-group", "response-headers-policy", "cache-policy"},
        "it gets the key group and the policies that other steps make",
    ),
    "bucket": ({""}, "the doctor says nothing of a bucket that was not read"),
    "bucket-policy": ({"bucket", "bucket-missing", "no-distribution"}, "all of it is new"),
    "block-public-access": ({"bucket", "bucket-missing"}, "a new bucket is open"),
    "kms-key-policy": ({"aws-unreadable"}, "the step cannot be planned"),
    "trusted-signers": ({"only-trusted-signers"}, "they go after the key group is trusted"),
}
#: The sites, by their number in ALL, on which the two contradict each other until this is mended.
CONTRADICTIONS = {
    # Found by the doctor alone: a key not at the edges, later open behaviors, IPv6, an origin
    # path, other readers of the bucket.
    *(9, 21, 22, 33, 45, 54, 58, 120, 121),
    # A conflict of the plan alone: behaviors that read elsewhere, open folders and files.
    *(23, 24, 25, 96, 97, 98, 99, 105, 106, 109, 112, 113, 116, 117),
    # Both, about different things.
    *(107, 115, 118),
}


@pytest.mark.parametrize("number", range(len(ALL)))
def test_agreement(number: int, values: Values, site: Any) -> None:
    """Find no fault that the plan does not show, and plan no step about which nothing is found."""
    change: Change = ALL[number][1]
    change(values, site)
    expected, asked = values.examination().expected_state(), values.wanted_by_setup()
    doctor = ids(check_aws(values.found(expected.bucket or ""), expected, now=TIME))

    open_steps = states(plan(values.found(asked.bucket), asked))

    hidden = [
        each
        for each in doctor
        if CATALOG[each].level is not Level.OK
        and each not in ONLY_DOCTOR
        and STEPS.get(each) not in open_steps
    ]
    about = {STEPS[each] for each in doctor if each in STEPS}
    unknown = []
    for name in open_steps:
        causes, _ = ONLY_SETUP.get(name, (set[str](), ""))
        has_cause = bool(causes & ({"", *doctor} | ({*open_steps} - {name})))
        if not (name in about or has_cause or ("*" in causes and len(open_steps) > 1)):
            unknown.append(name)
    assert bool(hidden or unknown) == (number in CONTRADICTIONS), (hidden, unknown)
