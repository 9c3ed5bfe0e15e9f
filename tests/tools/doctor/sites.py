"""Seed sites: each is a healthy site with one change, and what is found then."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cfsigned_django.core.aws.errors import explain
from cfsigned_django.rotation.lifecycle import OLD
from cfsigned_django.tools.account.account import Bucket, BucketPart, BucketState, KeyGroup, KmsKey
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket import (
    PUBLIC_ACCESS_BLOCK,
    access_identity_statement,
    decrypt_statement,
)
from tests.simulation.answers import refusal
from tests.storage_cases import DOMAIN, FILE_BACKEND, KEY_GROUP_ID, OTHER_KEY_ID, S3_BACKEND
from tests.tools import list_of
from tests.tools.account.by_hand import (
    CACHING_DISABLED,
    CORS_AND_SECURITY,
    new_origin,
    upload_rule,
)
from tests.tools.doctor.world import (
    ARN,
    BACKUP,
    BUCKET,
    DISTRIBUTION_ID,
    HEALTHY as HEALTHY_ACCOUNT,
    KEY_GROUP,
    KEY_NOT_IN_GROUP,
    KEY_PAIR_ID,
    NO_BLOCK,
    NOW,
    OFFICE,
    OPEN,
    ORIGIN,
    OTHER_KEY_PAIR_ID,
    OTHER_ORIGIN,
    PUBLIC,
    Change,
    World,
    account,
    behavior,
    behavior_of,
    both,
    bucket,
    configured,
    cors,
    cors_policy,
    distribution,
    edited,
    headers_policy,
    members,
    open_like,
    origin,
    policy,
    settings_with,
    world_with,
)

# Changes of the distribution


def origin_group(*, bucket: bool = True, fallback: str = "replica", opens: str = "") -> Change:
    """Read a group of the bucket and its replica, or of others; ``opens`` is open to all."""

    @edited
    def change(config: Document) -> None:
        media = config["Origins"]["Items"][0]
        host = "media-replica.s3.eu-west-1.amazonaws.com"
        replica = {**media, "Id": "replica", "DomainName": host, "OriginPath": "/copies"}
        config["Origins"] = list_of([*config["Origins"]["Items"], replica])
        read = [fallback, media["Id"] if bucket else "pages"]
        members = list_of([{"OriginId": each} for each in read])
        config["OriginGroups"] = list_of([{"Id": "failover", "Members": members}])
        behavior_of(config)["TargetOriginId"] = "failover"
        if opens:
            config["DefaultCacheBehavior"]["TargetOriginId"] = opens

    return change


def twin(pattern: str, host: str = f"{BUCKET}.s3.us-east-1.amazonaws.com", **fields: str) -> Change:
    """Put an open behavior with a new origin before all others."""

    @edited
    def add_origin(config: Document) -> None:
        media = config["Origins"]["Items"][0]
        own = {**media, "Id": "twin", "DomainName": host, **fields}
        config["Origins"] = list_of([*config["Origins"]["Items"], own])

    return both(add_origin, open_like(pattern, TargetOriginId="twin"))


@edited
def default_like_storage(config: Document) -> None:
    """Make the default behavior equal to the storage's."""
    found = behavior_of(config).items()
    config["DefaultCacheBehavior"] = {key: each for key, each in found if key != "PathPattern"}


@edited
def all_restricted(config: Document) -> None:
    """Make the default behavior that of the storage."""
    items = config["CacheBehaviors"]["Items"]
    own = behavior_of(config)
    config["DefaultCacheBehavior"] = {key: own[key] for key in own if key != "PathPattern"}
    config["CacheBehaviors"] = list_of([each for each in items if each is not own])


# Changes of the rest of the account


def each_of(part: str, **fields: Any) -> Change:
    """Change all public keys, or all access controls."""
    found = getattr(HEALTHY_ACCOUNT, part)
    return account(**{part: tuple(replace(each, **fields) for each in found)})


def another_distribution(changes: Document | None = None, **fields: Any) -> Change:
    """Give the account one whose behavior of all files is open, changed; the rest is restricted."""

    def change(world: World) -> None:
        config = world.config()
        own = behavior_of(config)
        opened = {**own, "PathPattern": "*", "TrustedKeyGroups": OPEN, **(changes or {})}
        found = {
            "Id": "E3OTHER",
            "ARN": ARN.replace(DISTRIBUTION_ID, "E3OTHER"),
            "DomainName": "d222222abcdef8.cloudfront.net",
            **config,
            "CacheBehaviors": list_of([opened]),
            "DefaultCacheBehavior": own,
        }
        world.change("account", {"other_distributions": ({**found, **fields},)})

    return change


def encrypted(*statements: Document, **key: Any) -> Change:
    """Encrypt the bucket by default with a KMS key that has this policy."""
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _KEY_ARN}
    return both(
        bucket(encryption={"ApplyServerSideEncryptionByDefault": by_default}),
        account(kms_key=KmsKey(arn=_KEY_ARN, policy={"Statement": list(statements)}, **key)),
    )


_KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
_DENIED = explain(refusal("AccessDenied", "GetKeyPolicy"), what="x", permission="kms:GetKeyPolicy")
_IDENTITY = "EH1HDMB1FH2TC"
_IDENTITY_CONFIG = {"OriginAccessIdentity": f"origin-access-identity/cloudfront/{_IDENTITY}"}
_YOUNG = datetime.fromtimestamp(NOW, UTC) - OLD
_FUNCTION = list_of([{"EventType": "viewer-request"}])

NO_GROUP = settings_with(AWS_CLOUDFRONT_KEY_GROUP_ID=None)
AT_ROOT = settings_with(AWS_LOCATION="")
LOGOS = settings_with(
    STORAGES={"default": {"BACKEND": S3_BACKEND, "OPTIONS": {"public": ["logos/"]}}}
)
MISSING = Bucket(name="nobody-has-this-one", state=BucketState.MISSING)
ON_DISK = settings_with(STORAGES={"default": {"BACKEND": FILE_BACKEND}})
OTHER_GROUP: Document = {"Enabled": True, **list_of([KEY_GROUP_ID])}
CUSTOM_ORIGIN = origin(CustomOriginConfig={"OriginProtocolPolicy": "https-only"})
TRUSTS_ANOTHER = behavior(TrustedKeyGroups=OTHER_GROUP)
OLD_SIGNERS = behavior(TrustedSigners={"Enabled": True, **list_of(["self"])})
OPENED_ALL = behavior(TrustedKeyGroups=OPEN)
ANY_PROTOCOL = behavior(ViewerProtocolPolicy="allow-all")
NO_ACCESS = origin(OriginAccessControlId="")
NO_POLICY = bucket(policy=None)
BY_IDENTITY = origin(OriginAccessControlId="", S3OriginConfig=_IDENTITY_CONFIG)
OF_IDENTITY = {**access_identity_statement(BUCKET, _IDENTITY), "Condition": {}}
#: An origin that reads by an identity, which the bucket admits.
IDENTITY = both(BY_IDENTITY, policy(OF_IDENTITY))
#: Let in more distributions than one.
BY_ACCOUNT: Document = {"StringEquals": {"AWS:SourceAccount": "111111111111"}}
OF_ACCOUNT, OF_DISTRIBUTIONS = (
    policy({"Condition": each})
    for each in (BY_ACCOUNT, {"ArnLike": {"AWS:SourceArn": ARN.replace(DISTRIBUTION_ID, "*")}})
)
#: How an origin of the bucket looks whose requests CloudFront signs.
SIGNED_ORIGIN: Document = {**new_origin(BUCKET), "OriginAccessControlId": "E2CONTROL"}
BY_IDENTITY_TOO: Document = {**new_origin(BUCKET), "S3OriginConfig": _IDENTITY_CONFIG}
TWO_RULES = cors(ORIGIN, OTHER_ORIGIN)
WITH_ORIGIN = behavior(CachePolicyId="with_origin")
NO_HEADERS = behavior(ResponseHeadersPolicyId=None)
NOTHING_FORWARDED = behavior(OriginRequestPolicyId=None)
NO_COPIES = behavior(CachePolicyId=CACHING_DISABLED)
#: As a stack with managed policies has it.
MANAGED = both(behavior(ResponseHeadersPolicyId=CORS_AND_SECURITY), NOTHING_FORWARDED)
ATTACHMENTS = settings_with(
    STORAGES={"default": {"BACKEND": S3_BACKEND, "OPTIONS": {"attachment_types": ["text/html"]}}}
)
#: Origin is in the cache key, and no other policy gives CORS headers: the bucket's rule counts.
RULE_OF_BUCKET = both(WITH_ORIGIN, NO_HEADERS, NOTHING_FORWARDED)
WITH_UPLOADS = world_with(options={"upload_origins": (ORIGIN,)})
UPLOADED = cors(ORIGIN, AllowedMethods=["GET", "HEAD", "PUT", "POST"])
#: Pages read files by the rule of the bucket, and upload some, which end.
USES_ALL = both(
    RULE_OF_BUCKET, WITH_UPLOADS, UPLOADED, bucket(lifecycle_rules=(upload_rule("tmp/"),))
)
OTHER_RULE = {**upload_rule("old/"), "Status": "Disabled"}
#: How a part of a bucket looks that may not be read.
UNSET: dict[BucketPart, dict[str, Any]] = {
    BucketPart.CORS: {"cors_rules": ()},
    BucketPart.POLICY: {"policy": None},
    BucketPart.PUBLIC_ACCESS: {"public_access_block": None},
    BucketPart.LIFECYCLE: {"lifecycle_rules": ()},
    BucketPart.ENCRYPTION: {},
}
UNRESTRICTED = bucket(public_access_block={**PUBLIC_ACCESS_BLOCK, "RestrictPublicBuckets": False})
ROOT_RESTRICTED = both(AT_ROOT, default_like_storage)
#: Save at the root of the bucket, of which media/* alone is restricted, and asked for.
NARROW = both(AT_ROOT, world_with(name="media/albums/1.jpg"))
#: An open behavior of the bucket whose origin signs nothing.
WITHOUT_ACCESS = twin("*.pdf", OriginPath="/media", OriginAccessControlId="")
CONTENT_TYPE = behavior(CachePolicyId="with_content_type")
SANDBOX = headers_policy(
    {
        "Name": "csp",
        "SecurityHeadersConfig": {
            "ContentSecurityPolicy": {"ContentSecurityPolicy": "sandbox", "Override": True}
        },
    }
)
#: What is public on purpose, beside the files.
PUBLIC_FOLDER = {"Principal": "*", "Resource": f"arn:aws:s3:::{BUCKET}/static/*", "Condition": {}}
_ANYONE = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
#: What every company denies: requests without TLS.
PLAIN_HTTP = {**_ANYONE, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
KEY_OF_PLAIN_HTTP = {**PLAIN_HTTP, "Action": "kms:*", "Resource": "*"}
#: A Deny that most likely refuses CloudFront as well.
OF_STRANGERS = {**_ANYONE, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}
ROOT_USER = {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Condition": {}}
#: The account of somebody else: it has nothing of the site, whose bucket is another's.
OF_SOMEBODY_ELSE = account(
    account_id="999999999998",
    distribution=None,
    has_looked_for_distribution=True,
    bucket=Bucket(name="x", state=BucketState.REFUSED),
    public_keys=(),
    key_groups=(),
)


def another_key_group(world: World) -> None:
    """Give the account the key group of another site."""
    group = KeyGroup(id="production-id", name="production", key_pair_ids=())
    world.change("account", {"key_groups": (*(world.account.key_groups or ()), group)})


OF_ANOTHER_GROUP = settings_with(AWS_CLOUDFRONT_KEY_GROUP_ID="production-id")
KEY_IN_BOTH = account(
    key_groups=tuple(
        KeyGroup(id=each, name=each, key_pair_ids=(KEY_PAIR_ID,))
        for each in (KEY_GROUP, "production-id")
    )
)
TRUSTS_BOTH = behavior(TrustedKeyGroups={"Enabled": True, **list_of(["production-id", KEY_GROUP])})


def ids_in(expected: str) -> list[str]:
    """Return the ids in what a site is expected to show."""
    return re.findall(r"[\w.-]+", expected)


#: What is found that a healthy site has not, the fault first, with "!" if it has a value to paste,
#: and after "|" what answers show -> what is changed of such a site.
SITES: list[tuple[str, Change]] = [
    ("", both()),
    # The key that signs, and its group.
    ("", NO_GROUP),
    (
        "key-unknown | signed-unknown-key",
        settings_with(AWS_CLOUDFRONT_KEY_ID=OTHER_KEY_ID),
    ),
    (
        "key-mismatch | signed-denied",
        both(
            settings_with(AWS_CLOUDFRONT_KEY_ID=OTHER_KEY_PAIR_ID),
            members(KEY_PAIR_ID, OTHER_KEY_PAIR_ID),
        ),
    ),
    ("key-unknown", account(public_keys=())),
    ("key-not-in-group | signed-unknown-key", KEY_NOT_IN_GROUP),
    ("key-not-in-group | signed-unknown-key", both(NO_GROUP, KEY_NOT_IN_GROUP)),
    (
        "no-key-group | other-key-groups signed-unknown-key",
        both(settings_with(AWS_CLOUDFRONT_KEY_GROUP_ID=KEY_GROUP_ID), TRUSTS_ANOTHER),
    ),
    ("group-not-on-behavior! | signed-unknown-key", TRUSTS_ANOTHER),
    (
        "group-not-on-behavior! key-not-in-group | signed-unknown-key",
        both(TRUSTS_ANOTHER, KEY_NOT_IN_GROUP),
    ),
    # The behavior trusts a group that has the key; the settings name another, or one more has it.
    ("key-group-not-trusted | other-key-groups", both(another_key_group, OF_ANOTHER_GROUP)),
    (
        "no-key-group | other-key-groups",
        settings_with(AWS_CLOUDFRONT_KEY_GROUP_ID=KEY_GROUP_ID),
    ),
    ("| other-key-groups", both(another_key_group, OF_ANOTHER_GROUP, TRUSTS_BOTH)),
    ("", each_of("public_keys", created_at=_YOUNG)),
    ("key-old", each_of("public_keys", created_at=_YOUNG - timedelta(seconds=1))),
    ("distribution-deploying", distribution(active_key_pairs={KEY_GROUP: ("K1OLD",)})),
    # The distribution.
    ("", configured(Aliases=list_of(["*.example.com"]))),
    ("distribution-disabled", configured(Enabled=False)),
    ("viewer-certificates", configured(ViewerMtlsConfig={"Mode": "required"})),
    ("viewer-certificates", configured(ViewerMtlsConfig={"TrustStoreConfig": {}})),
    ("", configured(ViewerMtlsConfig={"Mode": "optional"})),
    ("", configured(ViewerMtlsConfig={"Mode": "passthrough"})),
    ("distribution-deploying", distribution(status="InProgress")),
    ("domain-not-alias", configured(Aliases={"Quantity": 0})),
    ("no-distribution", account(distribution=None, has_looked_for_distribution=True)),
    (
        "distribution-multi-tenant",
        configured(ConnectionMode="tenant-only", Aliases={"Quantity": 0}),
    ),
    # The behavior that serves the storage, and open ones that do.
    ("behavior-open! | unsigned-served", OPENED_ALL),
    (
        "behavior-open! | unsigned-served",
        both(OPENED_ALL, default_like_storage, configured(CacheBehaviors={"Quantity": 0})),
    ),
    ("behavior-open | unsigned-served", open_like("*.jpg")),
    ("behavior-open", twin("*.pdf", f"{BUCKET}.s3.amazonaws.com")),
    ("behavior-open delivery-unknown", both(NARROW, origin_group(opens="failover"))),
    ("behavior-open delivery-unknown", both(NARROW, origin_group(opens="replica"))),
    ("earlier-behavior-elsewhere", twin("*.css", "static-files.s3.amazonaws.com")),
    ("", twin("static/*", "static-files.s3.amazonaws.com")),
    ("delivery-unknown", both(NARROW, origin_group(fallback="pages"))),
    ("trusted-signers", OLD_SIGNERS),
    ("group-not-on-behavior! | signed-unknown-key", both(OLD_SIGNERS, OPENED_ALL)),
    ("plain-http", ANY_PROTOCOL),
    # The origin.
    ("delivery-unknown", origin_group()),
    ("delivery-unknown", configured(ContinuousDeploymentPolicyId="p-1")),
    ("delivery-unknown", configured(Staging=True)),
    ("delivery-unknown", behavior(FunctionAssociations=_FUNCTION)),
    ("delivery-unknown", behavior(LambdaFunctionAssociations=_FUNCTION)),
    ("", IDENTITY),
    ("origin-access", origin(S3OriginConfig=_IDENTITY_CONFIG)),
    ("origin-access!", NO_ACCESS),
    ("origin-access-unsigned", each_of("access_controls", config={"SigningBehavior": "never"})),
    ("", each_of("access_controls", id="E9NOTLISTED")),
    ("origin-not-bucket", behavior(TargetOriginId="pages")),
    ("origin-not-bucket", behavior(TargetOriginId="nothing")),
    ("delivery-unknown origin-not-bucket", origin_group(bucket=False)),
    ("origin-not-bucket", CUSTOM_ORIGIN),
    (
        "origin-not-bucket",
        origin(DomainName=f"{BUCKET}.s3-website-us-east-1.amazonaws.com"),
    ),
    ("origin-path", origin(OriginPath="/old")),
    (
        "origin-access-point",
        origin(DomainName="m-111122223333.s3-accesspoint.us-east-1.amazonaws.com"),
    ),
    # The bucket.
    ("bucket-public bucket-not-blocked | s3-open", both(PUBLIC, UNRESTRICTED)),
    ("bucket-public", PUBLIC),
    ("bucket-public", policy({}, {"Sid": "", "Principal": "*", "Condition": {}})),
    ("", policy({}, PUBLIC_FOLDER)),
    ("bucket-not-blocked", NO_BLOCK),
    ("bucket-not-blocked", UNRESTRICTED),
    ("bucket-policy!", NO_POLICY),
    ("bucket-policy!", BY_IDENTITY),
    ("bucket-policy! bucket-readers", policy(ROOT_USER)),
    ("bucket-readers-wide", policy({"Condition": {}})),
    ("bucket-readers-wide bucket-readers", policy({}, BACKUP, OFFICE)),
    ("", policy({}, PLAIN_HTTP)),
    # Another distribution of the account, which the policy lets in, and which needs no signature.
    *(
        ("bucket-readers other-distribution-open", both(some, another_distribution()))
        for some in (OF_ACCOUNT, OF_DISTRIBUTIONS)
    ),
    ("", another_distribution()),
    ("bucket-readers", both(OF_ACCOUNT, another_distribution(Enabled=False))),
    ("bucket-readers", both(OF_ACCOUNT, another_distribution(Origins=list_of([])))),
    *(
        ("bucket-readers", both(OF_ACCOUNT, another_distribution(each)))
        for each in ({"PathPattern": "static/*"}, {"TrustedKeyGroups": OTHER_GROUP})
    ),
    (
        "bucket-readers",
        both(OF_ACCOUNT, another_distribution({"PathPattern": "media/logos/*"}), LOGOS),
    ),
    *(
        ("bucket-readers", both(OF_ACCOUNT, another_distribution(Origins=list_of([each]))))
        for each in (
            {**SIGNED_ORIGIN, "OriginAccessControlId": ""},
            {**SIGNED_ORIGIN, "DomainName": "other-bucket.s3.us-east-1.amazonaws.com"},
        )
    ),
    # The other one has an identity: that of the site, one that the policy lets in, or no such one.
    ("other-distribution-open", both(IDENTITY, another_distribution())),
    (
        "bucket-readers other-distribution-open",
        both(policy({}, OF_IDENTITY), another_distribution(Origins=list_of([BY_IDENTITY_TOO]))),
    ),
    ("", another_distribution(Origins=list_of([BY_IDENTITY_TOO]))),
    # A Deny that may or may not be about it, and a statement for other files.
    (
        "bucket-readers other-distribution-open",
        both(policy({"Condition": BY_ACCOUNT}, PLAIN_HTTP), another_distribution()),
    ),
    (
        "",
        both(
            policy({}, {"Condition": BY_ACCOUNT, "Resource": PUBLIC_FOLDER["Resource"]}),
            another_distribution(),
        ),
    ),
    ("plain-http bucket-policy-unknown", both(ANY_PROTOCOL, policy({}, PLAIN_HTTP))),
    ("bucket-policy-unknown", policy({}, OF_STRANGERS)),
    ("bucket-policy", policy({}, {**_ANYONE, "Condition": {}})),
    ("", encrypted(decrypt_statement(ARN))),
    ("kms-key-policy!", encrypted()),
    ("kms-key-policy", encrypted(decrypt_statement(ARN) | {"Effect": "Deny"})),
    ("bucket-policy-unknown", encrypted(decrypt_statement(ARN), KEY_OF_PLAIN_HTTP)),
    ("kms-aws-managed", encrypted(is_aws_managed=True)),
    ("origin-access", both(IDENTITY, encrypted())),
    ("aws-unreadable", encrypted(unread=_DENIED)),
    *(
        ("aws-unreadable", both(USES_ALL, bucket(unread={part: _DENIED}, **unset)))
        for part, unset in UNSET.items()
    ),
    ("", account(bucket=None)),
    ("", both(ON_DISK, account(bucket=None))),
    ("bucket-region", settings_with(AWS_S3_REGION_NAME="ap-northeast-2")),
    # The account of somebody else, and one in which nobody could look for a distribution.
    ("no-distribution key-unknown no-key-group bucket-refused", OF_SOMEBODY_ELSE),
    ("bucket-missing", account(distribution=None, bucket=MISSING)),
    # CORS headers of S3.
    ("", RULE_OF_BUCKET),
    ("cors-rule-missing!", both(RULE_OF_BUCKET, cors(OTHER_ORIGIN))),
    ("upload-cors! uploads-kept", WITH_UPLOADS),
    ("upload-cors! uploads-kept", both(WITH_UPLOADS, bucket(lifecycle_rules=(OTHER_RULE,)))),
    ("", USES_ALL),
    ("origin-not-forwarded", both(NO_HEADERS, NOTHING_FORWARDED)),
    ("origin-not-in-cache-key", NO_HEADERS),
    ("origin-not-in-cache-key", both(NO_HEADERS, account(bucket=None))),
    ("", both(NO_HEADERS, account(bucket=None, cache_policies=None))),
    ("", both(NO_HEADERS, NO_COPIES)),
    # CORS headers of a response headers policy, which replaces those of S3, or leaves them.
    ("", cors("https://a.example.com", AllowedMethods=["PUT"])),
    ("", both(TWO_RULES, headers_policy(cors_policy("own", "*", override=True)))),
    ("cors-policy-origins", headers_policy(cors_policy("own", OTHER_ORIGIN, override=True))),
    (
        "cors-credentials-missing | cors-credentials-missing",
        both(
            headers_policy(cors_policy("own", ORIGIN, override=True)),
            world_with(options={"cookies": True}),
        ),
    ),
    *(
        ("cors-rule-missing! origin-not-in-cache-key", both(cors(OTHER_ORIGIN), change))
        for change in (
            headers_policy(cors_policy("own", OTHER_ORIGIN, override=False)),
            headers_policy({"Name": "own", "SecurityHeadersConfig": {}}),
        )
    ),
    # A cached copy that names one of two origins.
    ("origin-not-in-cache-key", TWO_RULES),
    ("", both(TWO_RULES, WITH_ORIGIN)),
    ("", both(TWO_RULES, NO_COPIES)),
    ("", both(TWO_RULES, NOTHING_FORWARDED)),
    ("content-type-forwarded", CONTENT_TYPE),
    ("", both(CONTENT_TYPE, SANDBOX)),
    # Policies that AWS manages, and settings that need others.
    ("", ATTACHMENTS),
    ("managed-policies", MANAGED),
    ("managed-policies", both(MANAGED, TWO_RULES)),
    ("managed-policies managed-policies-loss", both(MANAGED, ATTACHMENTS)),
    (
        "managed-policies managed-policies-loss | cors-credentials-missing",
        both(MANAGED, world_with(options={"cookies": True})),
    ),
    ("", both(MANAGED, NO_COPIES)),
]


#: Make URLs for this machine, on which nothing answers.
LOCAL_EDGE = settings_with(AWS_S3_CUSTOM_DOMAIN="127.0.0.1:8001", AWS_S3_URL_PROTOCOL="http:")

#: The same for what only settings and answers show.
LIVE: list[tuple[str, Change]] = [
    ("cfsigned.E011", settings_with(AWS_CLOUDFRONT_HASH_ALGORITHM="SHA1")),
    ("clock-off", world_with(ahead=600)),
    ("signed-s3-denied", world_with(name="albums/2.jpg")),
    # AWS and S3 say the same of the bucket, once.
    (
        "origin-not-bucket bucket-missing",
        both(settings_with(AWS_STORAGE_BUCKET_NAME=MISSING.name), account(bucket=MISSING)),
    ),
    ("local-edge no-answer", both(LOCAL_EDGE, NO_BLOCK)),  # nobody asks AWS
    ("no-answer", both(LOCAL_EDGE, world_with(options={"distribution_id": DISTRIBUTION_ID}))),
    # Key groups of other sites in the account, which a rotation of this one could change.
    ("other-key-groups", another_key_group),
    ("cfsigned.E004", settings_with(AWS_S3_CUSTOM_DOMAIN=None)),
]

#: What is looked at and in order on a healthy site.
HEALTHY = {
    *("signing-key", "downloads-note", "stale-window", "unsigned-refused", "signed-served"),
    *("cors", "cors-browser-cache", "s3-private"),
}


# Other behaviors: what they serve of the storage, and what they take from it

ABOUT_OTHERS = (
    *("open-folder", "behavior-open", "earlier-behavior-elsewhere"),
    "group-not-on-behavior",
)


def public(*folders: str) -> Change:
    """Declare folders of the storage public."""
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": {"public": folders}}
    return settings_with(STORAGES={"default": entry})


def static_at(url: str) -> Change:
    """Serve static files as Django does, at an address."""
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    entries = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": static}
    return settings_with(STATIC_URL=url, STORAGES=entries)


#: Serve static files from the domain of the files, by the setting or by their storage.
STATIC_URL = static_at(f"https://{DOMAIN}/static/")
STATIC_STORAGE = settings_with(
    STORAGES={
        "default": {"BACKEND": S3_BACKEND},
        "staticfiles": {
            "BACKEND": "storages.backends.s3.S3StaticStorage",
            "OPTIONS": {"location": "static"},
        },
    }
)
STATIC_OPEN = open_like("static/*", "static/admin/*.css")


def media_x(key_groups: list[str]) -> Change:
    """Put a behavior for a folder of the files first that trusts these key groups."""
    return open_like("media/x/*", TrustedKeyGroups={"Enabled": True, **list_of(key_groups)})


#: What tests/tools/model/test_random_behaviors.py does not draw -> the pattern of each other
#: behavior, and what is said of it.
OPENED: list[tuple[Change, dict[str, str]]] = [
    # A folder that the storage declares public.
    (both(open_like("/media/public/*"), public("public/", "logos/")), {}),
    (both(open_like("media/public/x/*"), public("public/")), {}),
    (both(open_like("media/*"), public("public/")), {"media/*": "behavior-open"}),
    (both(open_like("media/public/*"), public("public/x/")), {"media/public/*": "open-folder"}),
    (
        both(ROOT_RESTRICTED, twin("public/*", OriginPath="/media"), public("public/")),
        {"public/*": "open-folder"},
    ),
    # Static files on the domain, also in one bucket as cookiecutter-django has them; on another
    # domain; and around the files, which does not declare these.
    *(
        (both(STATIC_OPEN, place, declared), {})
        for place in (both(), all_restricted, ROOT_RESTRICTED)
        for declared in (STATIC_URL, STATIC_STORAGE)
    ),
    *(
        (
            both(ROOT_RESTRICTED, open_like("static/*"), static_at(each)),
            {"static/*": "open-folder"},
        )
        for each in ("/static/", f"{OTHER_ORIGIN}/static/")
    ),
    (
        both(open_like("media/x/*"), static_at(f"https://{DOMAIN}/media/")),
        {"media/x/*": "open-folder"},
    ),
    # A "*" of an origin path is a character like any other.
    (twin("*.css", OriginPath="/*"), {"*.css": "earlier-behavior-elsewhere"}),
    (both(ROOT_RESTRICTED, open_like("shop/*", TrustedKeyGroups=OTHER_GROUP)), {}),
    # A part of the location trusts a key group without the key, or reads elsewhere.
    (
        both(open_like("media/x/*", TrustedKeyGroups=OTHER_GROUP), all_restricted),
        {"media/x/*": "group-not-on-behavior"},
    ),
    (
        both(twin("media/x/*", OriginPath="/old"), all_restricted),
        {"media/x/*": "earlier-behavior-elsewhere"},
    ),
    # Of two key groups that the behavior trusts, one has the key; another behavior trusts the
    # other one, or a third that has the key as well.
    (
        both(another_key_group, NO_GROUP, TRUSTS_BOTH, media_x(["production-id"])),
        {"media/x/*": "group-not-on-behavior"},
    ),
    (
        both(KEY_IN_BOTH, media_x(["production-id"])),
        {},
    ),
    # Two behaviors together leave nothing to a third.
    (
        both(ROOT_RESTRICTED, open_like("c/?*", "c/", "c/*")),
        {"c/?*": "open-folder", "c/": "open-folder"},
    ),
    # An origin without access leaks only if the bucket's policy lets in strangers, or may.
    (WITHOUT_ACCESS, {"*.pdf": "earlier-behavior-elsewhere"}),
    *(
        (both(WITHOUT_ACCESS, change), {"*.pdf": "behavior-open earlier-behavior-elsewhere"})
        for change in (policy({}, OFFICE), account(bucket=None))
    ),
]
