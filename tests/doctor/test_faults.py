"""Name each of many faults by its own finding, and find nothing on a sound site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.account import Account, KmsKey
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.bucket_policy import access_identity_statement
from cfsigned_django.aws.documents.key_policy import decrypt_statement
from cfsigned_django.aws.documents.policies import CACHE_POLICIES, cache_policy_config
from cfsigned_django.aws.errors import explain
from cfsigned_django.doctor.findings import Finding, Level
from cfsigned_django.viewer import Answer
from tests.doctor import faults, ids
from tests.doctor.world import (
    ALLOW_ORIGINS,
    BACKUP,
    IDENTITY,
    MISSING_CORS,
    NARROW,
    OFFICE,
    OPEN,
    ORIGIN,
    OTHER_ORIGIN,
    RULE_OF_BUCKET,
    Change,
    World,
    account,
    behavior,
    both,
    configured,
    control_that_does_not_sign,
    cors,
    default_like_storage,
    forward_downloads,
    forwarded_values,
    group_not_on_behavior,
    headers_policy,
    id_of_another_key,
    key_not_in_group,
    later_open_behavior,
    local_edge,
    no_block,
    old_key,
    open_like,
    origin,
    origin_group,
    origin_in_cache_key,
    pages_first,
    part_of_account,
    policy,
    public_bucket,
    setting,
    twin,
    two_distributions_read_the_bucket,
    website_origin,
    world_with,
)
from tests.simulation.answers import refusal
from tests.storage_cases import FILE_BACKEND, KEY_GROUP_ID, OTHER_KEY_ID

_ACCOUNTS = {"Enabled": True, **list_of(["self"])}
_WAF_PAGE = b"<!DOCTYPE html><html><body>The request was blocked.</body></html>"
_IDENTITY_CONFIG = {"OriginAccessIdentity": f"origin-access-identity/cloudfront/{IDENTITY}"}
_OTHER_DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/EOTHER"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
KEY_DENIED = explain(
    refusal("AccessDenied", "GetKeyPolicy"), what="read it", permission="kms:GetKeyPolicy"
)
PROXY = Answer(
    status=404,
    headers={"server": "nginx", "date": "Thu, 01 Jan 2026 00:00:00 GMT"},
    body=b"not found",
)
TWO_RULES = cors(ORIGIN, OTHER_ORIGIN)
WITH_DOWNLOADS = world_with(options={"uses_downloads": True})
NO_ACCESS = origin(OriginAccessControlId="")
NO_POLICY = part_of_account("bucket", policy=None)
WIDE_POLICY = policy({"Condition": {}})
IPV6 = configured(IsIPV6Enabled=True)
ACCESS_IDENTITY = origin(OriginAccessControlId="", S3OriginConfig=_IDENTITY_CONFIG)
NO_SUCH_GROUP = both(
    setting("AWS_CLOUDFRONT_KEY_GROUP_ID", KEY_GROUP_ID),
    lambda world, _: world.trust(KEY_GROUP_ID),
)
ROOT = setting("AWS_LOCATION", "")
ROOT_RESTRICTED = both(ROOT, default_like_storage())
#: An open behavior of the bucket whose origin signs nothing.
WITHOUT_ACCESS = twin("*.pdf", OriginPath="/media", OriginAccessControlId="")


def no_origin(world: World, settings: Any) -> None:
    """Name an origin that the distribution does not have."""
    config = {**world.config(), "Origins": {"Quantity": 0}}
    part_of_account("distribution", config=config)(world, settings)


def encrypted(policy: Document | None, **key: Any) -> Change:
    """Let a KMS key with this policy encrypt the bucket by default."""
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN}

    def edit(found: Account) -> Account:
        assert found.bucket is not None
        encryption = {"ApplyServerSideEncryptionByDefault": by_default}
        return replace(
            found,
            bucket=replace(found.bucket, encryption=encryption),
            kms_key=KmsKey(arn=KEY_ARN, policy=policy, **key),
        )

    return world_with(edit=edit)


def encrypted_for_the_distribution(world: World, settings: Any) -> None:
    """Let a KMS key encrypt the bucket that lets the distribution decrypt."""
    answer = world.clients.cloudfront.get_distribution(Id=world.distribution_id)
    statement = decrypt_statement(answer["Distribution"]["ARN"])
    encrypted({"Statement": statement})(world, settings)


def forward_content_types(world: World, settings: Any) -> None:
    """Forward the content type by a cache policy, which forwards what is in its key."""
    made = world.clients.cloudfront.create_cache_policy(
        CachePolicyConfig=cache_policy_config("types", ["response-content-type"])
    )
    world.update_behavior(CachePolicyId=made["CachePolicy"]["Id"])


#: What is wrong -> the change, its own finding, then what its consequences are called.
FAULTS: dict[str, tuple[Change, list[str]]] = {
    "unknown-key-id": (
        setting("AWS_CLOUDFRONT_KEY_ID", OTHER_KEY_ID),
        ["key-unknown", "signed-unknown-key"],
    ),
    "id-of-another-key": (id_of_another_key, ["key-mismatch", "signed-denied"]),
    "key-not-in-group": (key_not_in_group, ["key-not-in-group", "signed-unknown-key"]),
    "key-in-no-group": (
        both(setting("AWS_CLOUDFRONT_KEY_GROUP_ID", None), key_not_in_group),
        ["key-not-in-group", "signed-unknown-key"],
    ),
    "no-such-group": (NO_SUCH_GROUP, ["no-key-group", "signed-unknown-key"]),
    "group-not-trusted": (group_not_on_behavior, ["group-not-on-behavior", "signed-unknown-key"]),
    "old-key": (world_with(edit=old_key), ["key-old"]),
    "edges-behind": (
        lambda world, _: part_of_account(
            "distribution", active_key_pairs={world.key_group_id: ("K1OLD",)}
        )(world, _),
        ["key-not-at-edges"],
    ),
    "hash-of-another-key": (setting("AWS_CLOUDFRONT_HASH_ALGORITHM", "SHA1"), ["cfsigned.E011"]),
    # The distribution, and the behavior that serves the storage.
    "disabled": (configured(Enabled=False), ["distribution-disabled"]),
    "deploying": (part_of_account("distribution", status="InProgress"), ["distribution-deploying"]),
    "not-an-alias": (configured(Aliases={"Quantity": 0}), ["domain-not-alias"]),
    "two-distributions": (
        two_distributions_read_the_bucket,
        ["no-distribution", "bucket-not-public"],
    ),
    "open": (behavior(TrustedKeyGroups=OPEN), ["behavior-open", "unsigned-served"]),
    "default-open": (
        both(
            default_like_storage(TrustedKeyGroups=OPEN), configured(CacheBehaviors={"Quantity": 0})
        ),
        ["behavior-open", "unsigned-served"],
    ),
    "earlier-open": (open_like("*.jpg"), ["earlier-behavior-open", "unsigned-served"]),
    "earlier-open-elsewhere": (open_like("*.pdf"), ["earlier-behavior-open"]),
    "earlier-open-by-global-host": (
        twin("*.pdf", "{bucket}.s3.amazonaws.com"),
        ["earlier-behavior-open"],
    ),
    "earlier-open-by-website": (
        twin("*.pdf", "{bucket}.s3-website.us-east-1.amazonaws.com"),
        ["earlier-behavior-open"],
    ),
    "later-open": (later_open_behavior, ["later-behavior-open"]),
    "open-by-origin-path": (twin("*.pdf", OriginPath="/media"), ["origin-path-open"]),
    "open-by-group": (both(NARROW, origin_group(opens="failover")), ["later-behavior-open"]),
    "open-by-replica": (both(NARROW, origin_group(opens="replica")), ["later-behavior-open"]),
    "old-signers": (behavior(TrustedSigners=_ACCOUNTS), ["trusted-signers"]),
    "only-old-signers": (
        behavior(TrustedSigners=_ACCOUNTS, TrustedKeyGroups=OPEN),
        ["only-trusted-signers", "unsigned-served"],
    ),
    "plain-http": (behavior(ViewerProtocolPolicy="allow-all"), ["plain-http"]),
    "ipv6-with-addresses": (both(IPV6, world_with(options={"uses_addresses": True})), ["ipv6-on"]),
    # The origin and the bucket.
    "both-accesses": (origin(S3OriginConfig=_IDENTITY_CONFIG), ["two-origin-accesses"]),
    "no-access": (NO_ACCESS, ["no-origin-access", "bucket-not-public"]),
    "no-access-wide": (both(NO_ACCESS, WIDE_POLICY), ["no-origin-access", "bucket-policy-wide"]),
    "unsigned-control": (world_with(edit=control_that_does_not_sign), ["origin-access-unsigned"]),
    "refused-identity": (ACCESS_IDENTITY, ["bucket-policy"]),
    "other-origin": (behavior(TargetOriginId="pages"), ["origin-not-bucket", "bucket-not-public"]),
    "no-origin": (no_origin, ["origin-not-bucket", "bucket-not-public"]),
    "group-without-bucket": (
        origin_group(bucket=False),
        ["origin-not-bucket", "bucket-not-public"],
    ),
    "group-not-admitted": (both(origin_group(), NO_POLICY), ["bucket-policy"]),
    "website": (website_origin, ["origin-website", "bucket-not-public"]),
    "origin-path": (origin(OriginPath="/old"), ["origin-path"]),
    "public-bucket": (public_bucket, ["bucket-public", "s3-open"]),
    "no-block": (no_block, ["bucket-not-blocked"]),
    "one-switch-off": (
        lambda world, _: world.set_public_access_block(RestrictPublicBuckets=False),
        ["bucket-not-blocked"],
    ),
    "no-policy": (NO_POLICY, ["bucket-policy"]),
    "policy-for-another": (
        policy({"Condition": {"StringEquals": {"AWS:SourceArn": _OTHER_DISTRIBUTION}}}),
        ["bucket-policy", "bucket-readers-wide"],
    ),
    "policy-for-a-user": (
        policy({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}),
        ["bucket-policy", "bucket-readers"],
    ),
    "policy-for-all": (WIDE_POLICY, ["bucket-policy-wide"]),
    "unnamed-reader": (policy({}, BACKUP, OFFICE), ["bucket-readers-wide", "bucket-readers"]),
    "key-policy": (encrypted({"Statement": []}), ["kms-key-policy"]),
    "key-policy-for-another": (
        encrypted({"Statement": [decrypt_statement(_OTHER_DISTRIBUTION)]}),
        ["kms-key-policy"],
    ),
    "aws-managed-key": (encrypted(None, is_aws_managed=True), ["kms-aws-managed"]),
    "identity-and-key": (
        both(
            ACCESS_IDENTITY,
            lambda world, _: world.set_policy(access_identity_statement(world.bucket, IDENTITY)),
            encrypted(None),
        ),
        ["kms-identity"],
    ),
    "key-not-readable": (encrypted(None, unread=KEY_DENIED), ["aws-unreadable"]),
    "wrong-region": (setting("AWS_S3_REGION_NAME", "ap-northeast-2"), ["bucket-region"]),
    "no-bucket": (
        setting("AWS_STORAGE_BUCKET_NAME", "nobody-has-this-one"),
        ["origin-not-bucket", "bucket-missing"],
    ),
    # CORS and downloads.
    "missing-cors": (
        MISSING_CORS,
        ["cors-rule-missing", "cors-headers-missing"],
    ),
    "origin-not-forwarded": (
        behavior(OriginRequestPolicyId=None, ResponseHeadersPolicyId=None),
        ["origin-not-forwarded"],
    ),
    "origin-not-in-cache-key": (
        behavior(ResponseHeadersPolicyId=None),
        ["origin-not-in-cache-key"],
    ),
    "bucket-unknown": (
        both(behavior(ResponseHeadersPolicyId=None), account(bucket=None)),
        ["origin-not-in-cache-key"],
    ),
    "policy-for-other-pages": (headers_policy(OTHER_ORIGIN), ["cors-policy-origins"]),
    "policy-without-credentials": (
        both(headers_policy(ORIGIN), world_with(options={"uses_cookies": True})),
        ["cors-credentials-missing", "cors-credentials-missing"],
    ),
    "policy-leaves-others-to-s3": (
        headers_policy(OTHER_ORIGIN, override=False),
        ["cors-rule-missing", "origin-not-in-cache-key"],
    ),
    "policy-without-cors": (
        headers_policy(override=False),
        ["cors-rule-missing", "origin-not-in-cache-key"],
    ),
    "copy-names-one-of-two": (both(TWO_RULES, ALLOW_ORIGINS), ["origin-not-in-cache-key"]),
    "copy-names-one-of-a-pattern": (
        headers_policy("*", override=False, rule=("https://*.example.com",)),
        ["origin-not-in-cache-key"],
    ),
    "copy-names-another": (
        headers_policy("*", override=False, rule=(OTHER_ORIGIN,)),
        ["origin-not-in-cache-key"],
    ),
    "downloads-not-forwarded": (WITH_DOWNLOADS, ["downloads-lost"]),
    "downloads-not-in-cache-key": (both(forward_downloads, WITH_DOWNLOADS), ["downloads-lost"]),
    # What answers.
    "clock-ahead": (world_with(ahead=600), ["clock-wrong"]),
    "clock-behind": (world_with(ahead=-600), ["clock-wrong"]),
    "clock-a-minute-off": (world_with(ahead=60), ["clock-off"]),
    "missing-object": (
        world_with(name="albums/2.jpg"),
        ["signed-s3-denied", "cors-untested"],
    ),
    "firewall": (
        world_with(between=lambda answer: replace(answer, status=403, body=_WAF_PAGE)),
        ["html-answer"],
    ),
    "proxy": (world_with(between=lambda _: PROXY), ["not-cloudfront"]),
    "lost-query": (world_with(drops_query=True), ["signed-missing-key"]),
    "local-edge-down": (local_edge(distribution=True), ["no-answer"]),
    "local-edge-alone": (local_edge(distribution=False), ["local-edge", "no-answer"]),
    "no-domain": (setting("AWS_S3_CUSTOM_DOMAIN", None), ["cfsigned.E004"]),
}

#: What is unusual and right -> the change, and what is noted of it.
SOUND: dict[str, tuple[Change, list[str]]] = {
    "healthy": (both(), []),
    "no-key-group-named": (setting("AWS_CLOUDFRONT_KEY_GROUP_ID", None), []),
    "wildcard-alias": (configured(Aliases=list_of(["*.example.com"])), []),
    "ipv6": (IPV6, ["ipv6-note"]),
    "multi-tenant": (
        configured(ConnectionMode="tenant-only", Aliases={"Quantity": 0}),
        ["distribution-multi-tenant"],
    ),
    **{
        kind: (origin(DomainName=host), ["origin-access-point", "bucket-not-public"])
        for kind, host in (
            ("access-point", "media-111122223333.s3-accesspoint.us-east-1.amazonaws.com"),
            ("access-point-of-regions", "m1.mrap.accesspoint.s3-global.amazonaws.com"),
        )
    },
    "other-bucket-open": (twin("*.css", "static-files.s3.amazonaws.com"), []),
    "other-bucket-open-by-path": (
        twin("*.css", "s3.amazonaws.com", OriginPath="/static-files"),
        [],
    ),
    "other-folder-open": (twin("*.css", OriginPath="/static"), []),
    "origin-group": (origin_group(), []),
    "replica-first": (origin_group(replica_first=True), []),
    "app-behind-bucket": (both(NARROW, origin_group(fallback="pages")), []),
    "pages-before-group": (both(NARROW, origin_group(fallback="pages"), pages_first), []),
    "identity": (
        both(
            ACCESS_IDENTITY,
            lambda world, _: world.set_policy(access_identity_statement(world.bucket, IDENTITY)),
        ),
        [],
    ),
    "named-reader": (policy({}, BACKUP), ["bucket-readers"]),
    "own-key": (encrypted_for_the_distribution, []),
    "rule-of-bucket": (RULE_OF_BUCKET, []),
    "policies-unknown": (
        both(behavior(ResponseHeadersPolicyId=None), account(bucket=None, cache_policies=None)),
        [],
    ),
    "simple-cors": (both(cors("https://a.example.com", AllowedMethods=["PUT"]), ALLOW_ORIGINS), []),
    "own-policy": (headers_policy(ORIGIN), []),
    "own-policy-for-all": (headers_policy("*"), []),
    "own-policy-by-pattern": (headers_policy("https://*.example.com"), []),
    "copy-names-the-only-one": (headers_policy("*", override=False, rule=(ORIGIN,)), []),
    "copy-names-all": (headers_policy("*", override=False, rule=("*",)), []),
    "copy-for-each": (both(TWO_RULES, origin_in_cache_key, ALLOW_ORIGINS), []),
    "no-copies": (
        both(TWO_RULES, behavior(CachePolicyId=CACHE_POLICIES["CachingDisabled"]), ALLOW_ORIGINS),
        [],
    ),
    "no-copies-of-s3": (
        behavior(CachePolicyId=CACHE_POLICIES["CachingDisabled"], ResponseHeadersPolicyId=None),
        [],
    ),
    "copies-overridden": (headers_policy("*", rule=(ORIGIN, OTHER_ORIGIN)), []),
    "nothing-forwarded": (both(TWO_RULES, behavior(OriginRequestPolicyId=None), ALLOW_ORIGINS), []),
    "forwarded-origin": (
        both(forwarded_values("Origin"), WITH_DOWNLOADS),
        ["content-type-forwarded"],
    ),
    "forwarded-all": (both(forwarded_values("*"), WITH_DOWNLOADS), ["content-type-forwarded"]),
    "content-types": (forward_content_types, ["content-type-forwarded"]),
}

#: What is looked at and in order on a healthy site.
HEALTHY = [
    *("settings", "signing-key", "distribution", "behavior", "keys", "origin", "bucket"),
    *("downloads-note", "delivery", "clock", "unsigned-refused", "signed-served"),
    *("tampered-refused", "expired-refused", "cors", "cors-browser-cache", "s3-private"),
]


def unusual(found: list[Finding]) -> list[str]:
    """Return the ids that a healthy site has not."""
    return [each for each in ids(found) if each not in HEALTHY]


@pytest.mark.parametrize(("change", "expected"), FAULTS.values(), ids=FAULTS)
def test_fault(change: Change, expected: list[str], world: World, site: Any) -> None:
    """Name the fault, with a reason and a remedy, and nothing that is no fault."""
    change(world, site)

    found = world.examine()

    assert unusual(found) == expected
    assert faults(found)
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)
    # A bucket is in order only if nothing else is said of it, but whom it lets read by name.
    about_bucket = {each for each in ids(found) if each.startswith("bucket-")}
    assert "bucket" not in ids(found) or about_bucket <= {"bucket-readers"}


@pytest.mark.parametrize(("change", "expected"), SOUND.values(), ids=SOUND)
def test_sound(change: Change, expected: list[str], world: World, site: Any) -> None:
    """Find no fault with what is unusual and right."""
    change(world, site)

    found = world.examine()

    assert unusual(found) == expected
    assert faults(found) == []


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        (account(bucket=None), {"bucket"}),
        (setting("STORAGES", {"default": {"BACKEND": FILE_BACKEND}}), {"bucket", "s3-private"}),
    ],
    ids=["not read", "on disk"],
)
def test_no_bucket(change: Change, absent: set[str], world: World, site: Any) -> None:
    """Look at no bucket if a storage has none, or if it was not read."""
    change(world, site)

    found = world.examine()

    assert faults(found) == []
    assert not absent & {*ids(found)}


def test_healthy_site(world: World) -> None:
    """Say of a healthy site what was looked at."""
    assert ids(world.examine()) == HEALTHY


# Open behaviors: those that serve files of the storage, and those that serve what is public

ABOUT_OPEN = (
    *("open-folder", "open-file", "behavior-open"),
    *("earlier-behavior-open", "later-behavior-open", "origin-path-open"),
)


def two_ways_in(pattern: str) -> Change:
    """Read the bucket by an origin path, and its root by a restricted pattern and the default."""
    return both(
        twin(pattern, restricted=True, OriginPath=""),
        origin(OriginPath="/prod"),
        default_like_storage(TargetOriginId="twin", TrustedKeyGroups=OPEN),
    )


#: What is changed -> the pattern of each open behavior, and what is said of it.
OPENED: list[tuple[Change, dict[str, str]]] = [
    # Behaviors that come before the restricted one.
    (open_like("media/public/*"), {"media/public/*": "open-folder"}),
    (open_like("/media/public/*.css"), {"/media/public/*.css": "open-folder"}),
    (open_like("/media/logo.png"), {"/media/logo.png": "open-file"}),
    (open_like("media/public/logo.png"), {"media/public/logo.png": "open-file"}),
    (open_like("media/logo.pn?"), {"media/logo.pn?": "earlier-behavior-open"}),
    (open_like("logo.png"), {}),
    (open_like("media/*.css"), {"media/*.css": "earlier-behavior-open"}),
    (open_like("*/public/*"), {"*/public/*": "earlier-behavior-open"}),
    (open_like("assets/*"), {}),
    # Behaviors that read a folder of the bucket by an origin path.
    (twin("open/*", OriginPath="/media"), {"open/*": "open-folder"}),
    (twin("*.css", OriginPath="/media/open"), {"*.css": "open-folder"}),
    (twin("*.css", OriginPath="/media"), {"*.css": "origin-path-open"}),
    (twin("albums*", OriginPath="/media"), {"albums*": "origin-path-open"}),
    (twin("logo.png", OriginPath="/media"), {"logo.png": "open-file"}),
    (twin("logo.pn?", OriginPath="/media"), {"logo.pn?": "origin-path-open"}),
    (twin("logo.png", OriginPath="/static"), {}),
    # A restricted behavior takes the other paths before the open default, or not all of them.
    (two_ways_in("prod/*"), {}),
    (two_ways_in("prod/*.jpg"), {"*": "origin-path-open"}),
    # An open default behind a pattern that takes all that the storage saves.
    (default_like_storage(TrustedKeyGroups=OPEN), {}),
    # An origin without access leaks only if the bucket's policy lets in strangers.
    (WITHOUT_ACCESS, {}),
    (both(WITHOUT_ACCESS, policy({}, OFFICE)), {"*.pdf": "origin-path-open"}),
    # The storage saves at the root of the bucket, as without AWS_LOCATION.
    (both(ROOT_RESTRICTED, twin("assets/*", OriginPath="/public")), {"assets/*": "open-folder"}),
    (
        both(ROOT_RESTRICTED, origin(OriginPath="/site1"), open_like("assets/*", "*.css")),
        {"assets/*": "open-folder", "*.css": "earlier-behavior-open"},
    ),
    (
        both(ROOT_RESTRICTED, open_like("favicon.ico", "a.html", "*.html")),
        {"favicon.ico": "open-file", "a.html": "open-file", "*.html": "earlier-behavior-open"},
    ),
    # There, media/* is restricted and asked for.
    (both(NARROW, default_like_storage(TrustedKeyGroups=OPEN)), {"*": "later-behavior-open"}),
    (
        both(NARROW, open_like("*.pdf", "public/*", "media/old/*", last=True)),
        {"*.pdf": "later-behavior-open", "public/*": "open-folder"},
    ),
]


@pytest.mark.parametrize(("change", "expected"), OPENED, ids=range(len(OPENED)))
def test_open_behaviors(change: Change, expected: dict[str, str], world: World, site: Any) -> None:
    """Say of each open behavior what it serves of the storage, its worst alone."""
    change(world, site)

    found = [each for each in world.examine() if each.id in ABOUT_OPEN]

    names = {
        "the default behavior" if pattern == "*" else f"the behavior {pattern}": kind_id
        for pattern, kind_id in expected.items()
    }
    assert {each.subject: each.id for each in found} == names
    assert len(found) == len(expected)
