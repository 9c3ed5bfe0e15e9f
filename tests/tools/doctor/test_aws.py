"""Judge each seeded site once, as a value: find its fault and nothing else, and what repairs it.

Modules: tools/account/state/judge.py, tools/findings.py, tools/account/state/keys.py,
tools/account/state/bucket.py, tools/account/state/distribution.py, tools/account/state/exposure.py,
tools/account/state/policies.py, tools/account/state/site_in_aws.py,
tools/account/state/wanted.py, tools/account/documents/cache_behavior.py, tools/doctor/aws.py
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cfsigned_django.aws.errors import explain
from cfsigned_django.management.commands.cfsigned_setup import Command
from cfsigned_django.tools.account.account import BucketPart
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import CATALOG
from cfsigned_django.tools.doctor.aws import DEPENDS_ON_PERMISSION, FindStack, check_aws
from cfsigned_django.tools.findings import Finding, Level
from cfsigned_django.tools.model.resource_policy import statements
from cfsigned_django.tools.stack.change_set import NOUNS
from cfsigned_django.tools.stack.existing import StackResources
from tests.aws.failing import denied
from tests.pages import DOCS, read
from tests.storage_cases import FILE_BACKEND
from tests.tools.doctor import faults, ids
from tests.tools.doctor.conftest import Seeded
from tests.tools.doctor.sites import (
    ABOUT_OTHERS,
    HEALTHY,
    NARROW,
    OPENED,
    RULE_OF_BUCKET,
    SITES,
    TRUSTS_ANOTHER,
    account,
    of_somebody_else,
    part_of_account,
    twin,
)
from tests.tools.doctor.world import (
    NOW,
    OTHER_ORIGIN,
    World,
    behavior_of,
    both,
    cors,
    no_block,
    open_like,
    public_bucket,
    setting,
    world_with,
)

TIME = datetime.fromtimestamp(NOW, UTC)
#: The stack of the template with all that it can have.
STACK = StackResources(name="media", resources=frozenset(NOUNS))


def judged(values: World, find_stack: FindStack = lambda region, found: None) -> list[Finding]:
    """Return what the doctor says of the account of a site."""
    wanted = values.examination().wanted()
    return list(check_aws(values.found(wanted), wanted, now=TIME, find_stack=find_stack))


def pasted(found: Finding) -> Any:
    """Return the value in a finding."""
    value, _ = json.JSONDecoder().raw_decode(found.fix.partition("Paste: ")[2])
    return value


def test_sites(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Find the fault of each site, with a reason and a remedy, and nothing else."""
    for at, (expected, change) in enumerate(SITES):
        with seeded(change) as values, subtests.test(at=at, expected=expected):
            assert_found(judged(values), expected)


def assert_found(found: list[Finding], expected: str) -> None:
    """Find the fault of a site, with a reason and a remedy, and nothing else."""
    wrong = [each for each in ids(found) if each not in HEALTHY]
    assert wrong == expected.partition("|")[0].split()
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert "statement a statement" not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)


def test_other_behaviors(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Report for each other behavior what it serves of the storage, and what it takes."""
    for at, (change, expected) in enumerate(OPENED):
        with seeded(change) as values, subtests.test(at=at, expected=expected):
            found = [(each.subject, each.id) for each in judged(values) if each.id in ABOUT_OTHERS]
            assert found == [
                (f"the behavior {pattern}", fact_id)
                for pattern, ids_of_facts in expected.items()
                for fact_id in ids_of_facts.split()
            ]


def test_what_is_to_be_pasted(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Find each fault no more once its statement, rule or field is pasted."""
    seen = set()
    for at, (expected, change) in enumerate(SITES):
        with seeded(change) as values, subtests.test(at=at, expected=expected):
            for each in judged(values):
                if "Paste: " in each.fix:
                    seen.add(each.id)
                    site = replace(values)
                    paste(site, each.id, pasted(each))
                    assert each.id not in ids(judged(site)), each.id

    assert seen >= {
        *("bucket-policy", "kms-key-policy", "behavior-open", "cors-rule-missing"),
        *("upload-cors", "uploads-kept", "origin-access"),
    }


def paste(site: World, fault: str, added: Any) -> None:
    """Put what a finding shows where it belongs, beside what is there."""
    found = site.edit(site.value)
    site.edit = lambda value: value
    if fault == "kms-key-policy":
        assert found.kms_key is not None
        policy = {"Statement": [*statements(found.kms_key.policy), added]}
        found = replace(found, kms_key=replace(found.kms_key, policy=policy))
    elif "TrustedKeyGroups" in added:
        site.value = found

        def restrict(config: Document) -> None:
            distribution = replace(found.distribution, config=config)  # type: ignore[type-var]
            account = replace(found, distribution=distribution)
            private = SiteInAws(account=account, wanted=site.examination().wanted()).behavior
            assert private is not None
            private.update(added)

        site.update(restrict)
        return
    elif "OriginAccessControlId" in added:
        site.value = found
        site.update(lambda config: config["Origins"]["Items"][0].update(added))
        return
    else:
        assert found.bucket is not None
        bucket = found.bucket
        pasted_rules: Mapping[str, Mapping[str, Any]] = {
            "upload-cors": {"cors_rules": (added, *bucket.cors_rules)},
            "cors-rule-missing": {"cors_rules": (*bucket.cors_rules, added)},
            "uploads-kept": {"lifecycle_rules": (*bucket.lifecycle_rules, added)},
        }
        policy = {"Statement": [*statements(bucket.policy), added]}
        fields = pasted_rules.get(fault, {"policy": policy})
        found = replace(found, bucket=replace(bucket, **fields))
    site.value = found


def test_other_groups_stay(seeded: Seeded) -> None:
    """Let a behavior that trusts another group go on trusting it."""
    with seeded(TRUSTS_ANOTHER) as world:
        [before] = behavior_of(world.config())["TrustedKeyGroups"]["Items"]
        [value] = [pasted(each) for each in judged(world) if each.id == "group-not-on-behavior"]

    assert value["TrustedKeyGroups"]["Items"] == [before, world.key_group_id]


def test_faults_of_a_stack(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Name the setup command if a stack made what is wrong, and a remedy by hand for the rest."""
    parser = Command().create_parser("manage.py", "cfsigned_setup")
    for at, (expected, change) in enumerate(SITES):
        with seeded(change) as values, subtests.test(at=at, expected=expected):
            by_hand = judged(values)
            by_stack = judged(values, lambda region, found: STACK)

            assert ids(by_stack) == ids(by_hand)
            has_distribution = values.edit(values.value).distribution is not None
            for one, other in zip(by_hand, by_stack, strict=True):
                kind = CATALOG.get(one.id)
                if kind is None or not kind.resource or not has_distribution:
                    assert one == other
                    continue
                command = other.fix.partition("Run ")[2].partition(": ")[0]
                _, name, *arguments = shlex.split(command)
                options = parser.parse_args(arguments)
                assert (name, options.stack, options.apply) == ("cfsigned_setup", "media", False)
                assert "Paste: " not in other.fix


def test_stack_without_the_bucket(seeded: Seeded) -> None:
    """Leave the bucket to a person if the stack has only made what reads it."""
    made = STACK.resources - {"Bucket", "BucketPolicy"}
    [change] = [change for expected, change in SITES if expected.split() == ["bucket-not-blocked"]][
        :1
    ]
    with seeded(change) as values:
        found = judged(values, lambda region, each: StackResources(name="media", resources=made))

    [told] = [each for each in found if each.id == "bucket-not-blocked"]
    assert told.fix == CATALOG["bucket-not-blocked"].fix


def test_healthy_site_asks_for_no_stack(seeded: Seeded) -> None:
    """Ask CloudFormation nothing if nothing is wrong: few may."""
    asked: list[str] = []

    def find(region: str, distribution_id: str) -> None:
        asked.append(distribution_id)

    with seeded(lambda world, settings: None) as values:
        assert faults(judged(values, find)) == []

    assert asked == []


def test_other_account(seeded: Seeded) -> None:
    """Name the account of the credentials, which has no such distribution."""
    with seeded(world_with(edit=of_somebody_else)) as values:
        [told] = [each.what for each in judged(values) if each.id == "no-distribution"]

    assert "999999999998" in told


#: What could not be read, for want of which permission, and what is then not said of the site.
UNREAD: list[tuple[str, str, str]] = [
    ("distribution", "cloudfront:GetDistribution", "downloads-note stale-window"),
    ("key_groups", "cloudfront:ListKeyGroups", ""),
    ("access_controls", "cloudfront:ListOriginAccessControls", ""),
    ("cache_policies", "cloudfront:ListCachePolicies", "downloads-note stale-window"),
    ("origin_request_policies", "cloudfront:ListOriginRequestPolicies", "downloads-note"),
    ("response_headers_policies", "cloudfront:GetResponseHeadersPolicy", ""),
]


@pytest.mark.parametrize(("part", "permission", "unsaid"), UNREAD)
def test_one_permission_is_missing(part: str, permission: str, unsaid: str, seeded: Seeded) -> None:
    """Name the permission that is missing and what depends on it, and judge all else."""
    error = explain(denied(permission), what="read it", permission=permission)
    with seeded(account(**{part: None, "problems": (error,)})) as values:
        found = judged(values)

    [problem] = [each for each in found if each.level is Level.ERROR]
    assert (problem.id, problem.subject) == ("aws-unreadable", permission)
    assert permission in problem.what
    assert permission in problem.fix
    assert DEPENDS_ON_PERMISSION[permission] in problem.why
    assert {*ids(found)} ^ {"downloads-note", "stale-window"} == {
        "aws-unreadable",
        *unsaid.split(),
    }


#: How a part of a bucket looks that was not read.
UNSET: dict[BucketPart, dict[str, Any]] = {
    BucketPart.CORS: {"cors_rules": ()},
    BucketPart.POLICY: {"policy": None},
    BucketPart.PUBLIC_ACCESS: {"public_access_block": None},
}
#: A part of a bucket that may not be read, and what is then not said of one that is open.
PARTS = {
    BucketPart.CORS: "cors-rule-missing",
    BucketPart.POLICY: "bucket-public",
    BucketPart.PUBLIC_ACCESS: "bucket-not-blocked",
}


@pytest.mark.parametrize("part", PARTS)
def test_other_parts_of_the_bucket(part: BucketPart, seeded: Seeded) -> None:
    """Judge the parts of the bucket that may be read if one may not."""
    error = explain(denied("x"), what="read it", permission="s3:x")
    opened = both(public_bucket, no_block, RULE_OF_BUCKET, cors(OTHER_ORIGIN))
    nothing = part_of_account("bucket", unread={part: error}, **UNSET[part])
    with seeded(both(opened, nothing)) as values:
        found = faults(judged(values))

    assert {*found} == {"aws-unreadable", *PARTS.values()} - {PARTS[part]}


def test_permissions() -> None:
    """Say what depends on each permission, all of which the documented policy allows."""
    policy = json.loads(read(DOCS / "reference" / "iam" / "doctor.json"))
    allowed = {each for part in policy["Statement"] for each in part["Action"]}

    assert DEPENDS_ON_PERMISSION.keys() <= allowed | {"sts:GetCallerIdentity"}


def test_no_bucket(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Judge no bucket if a storage has none, or if it was not read."""
    on_disk = setting("STORAGES", {"default": {"BACKEND": FILE_BACKEND}})
    for at, change in enumerate((account(bucket=None), on_disk)):
        with subtests.test(at=at), seeded(change) as values:
            assert faults(judged(values)) == []


def test_ways_of_an_open_behavior(seeded: Seeded) -> None:
    """Tell apart an open behavior that comes first, one behind, and one with an origin path."""
    ways = {
        "media/*.css": open_like("media/*.css"),
        "*.pdf": both(NARROW, open_like("*.pdf", last=True)),
        "*.css": twin("*.css", OriginPath="/media"),
    }

    said = set()
    for pattern, change in ways.items():
        with seeded(change) as values:
            [found] = [each for each in judged(values) if each.id == "behavior-open"]
            assert pattern in found.what
            said.add(found.what.partition(" requires no signature")[2])

    assert len(said) == len(ways)
