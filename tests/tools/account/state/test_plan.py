"""Plan without any account: where each step stands, what it would send, and in words why.

Modules: tools/account/state/plan.py, tools/account/state/steps.py, tools/account/state/wanted.py,
tools/account/state/keys.py, tools/account/state/bucket.py, tools/account/state/distribution.py,
tools/account/state/exposure.py, tools/account/state/encryption.py, tools/account/state/policies.py,
tools/account/state/site_in_aws.py, tools/account/documents/key_policy.py
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from cfsigned_django.aws.errors import AwsError, explain
from cfsigned_django.tools.account.account import (
    Account,
    AwsDistribution,
    Bucket,
    BucketPart,
    BucketState,
    KmsKey,
    NamedConfig,
)
from cfsigned_django.tools.account.documents.behavior import list_of, listed
from cfsigned_django.tools.account.documents.cors import UPLOAD_RULE_ID, cors_rule
from cfsigned_django.tools.account.documents.distribution_config import find_origin, new_origin
from cfsigned_django.tools.account.documents.iam import setup_policy
from cfsigned_django.tools.account.documents.lifecycle import upload_rule
from cfsigned_django.tools.account.documents.policies import (
    CACHE_POLICIES,
    cache_policy_config,
    origin_request_policy_config,
    response_headers_policy_config,
)
from cfsigned_django.tools.account.state.plan import blockers, next_step, plan
from cfsigned_django.tools.account.state.steps import NOT_YET, SetupStep, conflict, done, todo
from cfsigned_django.tools.account.state.wanted import (
    InvalidWanted,
    OriginAccess,
    SiteKey,
    Wanted,
)
from tests.golden import assert_golden
from tests.simulation.answers import refusal
from tests.tools.account.state.accounts import KMS_POLICY, LEGACY_ORIGIN, find, grown_distribution

#: The account, the desired state, and the plan: "step=state", with "!" if nothing may be
#: changed then, or "step.Field=value" for what would be sent. "-": there is no such step or field.
Case: TypeAlias = tuple[Account, Wanted, str]

BUCKET = "media-bucket"
DISTRIBUTION_ARN = "arn:aws:cloudfront::111122223333:distribution/E1234567"
KEY = SiteKey(name="cfsigned-1", caller_reference="1", public_key_pem="PEM")
DESIRED = Wanted(bucket=BUCKET, distribution_id="E1234567", path_pattern="media/*", key=KEY)

GROWN = grown_distribution(BUCKET)
APP_ORIGIN, LEGACY = listed(GROWN["Origins"])
(MEDIA,) = listed(GROWN["CacheBehaviors"])
#: An origin that looks where the site saves.
CLEAN = {**new_origin(BUCKET, "us-east-1"), "Id": "clean"}
A, B, ANY = "https://a.example.com", "https://b.example.com", "https://*.example.com"
ARN = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
#: The policy of a KMS key as AWS documents it, wider than ours.
DOCUMENTED = {
    "Statement": [
        {
            "Sid": "AllowCloudFrontServicePrincipalSSE-KMS",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudfront.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"AWS:SourceArn": DISTRIBUTION_ARN}},
        }
    ]
}
#: The certificate that the grown distribution has.
THEIRS = GROWN["ViewerCertificate"]["ACMCertificateArn"]
CONTROL = {**LEGACY, "OriginAccessControlId": "E2"}
IDENTITY = {
    **LEGACY,
    "S3OriginConfig": {"OriginAccessIdentity": "origin-access-identity/cloudfront/E3"},
}
WEBSITE = {**LEGACY, "DomainName": f"{BUCKET}.s3-website.us-east-1.amazonaws.com"}
ACCESS_POINTS = (
    "media-111122223333.s3-accesspoint.us-east-1.amazonaws.com",
    "media-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias.s3.us-east-1.amazonaws.com",
    "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com",
)
OPEN_MEDIA = {**MEDIA, "TrustedSigners": {"Enabled": False}}
FORWARDED = {"QueryString": True, "Cookies": {"Forward": "none"}, "Headers": list_of(["Origin"])}
FORWARDING = {**MEDIA, "ForwardedValues": FORWARDED}
ACCEPT = {**FORWARDED, "Headers": list_of(["Accept"])}
FORWARDING_ACCEPT = {**MEDIA, "ForwardedValues": ACCEPT}
PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
OFFICE = {**PUBLIC, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
ALL_SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def account_with(
    *, bucket: Mapping[str, Any] = {}, others: Mapping[str, Any] = {}, **config: Any
) -> Account:
    """Return an account with a bucket, and a distribution with these fields changed.

    ``bucket`` and ``others`` are further fields of the bucket and of the account.
    """
    fields: dict[str, Any] = {
        "account_id": "111122223333",
        "bucket": Bucket(
            **{"name": BUCKET, "state": BucketState.OURS, "region": "us-east-1", **bucket}
        ),
        "distribution": AwsDistribution(
            id="E1234567",
            arn=DISTRIBUTION_ARN,
            status="Deployed",
            domain_name="d111111abcdef8.cloudfront.net",
            etag="ETAG",
            config={**GROWN, **config},
            active_key_pairs={},
        ),
        "public_keys": (),
        "key_groups": (),
        **others,
    }
    return Account(**fields)


def with_behaviors(*behaviors: Mapping[str, Any], **fields: Any) -> Account:
    """Return an account whose distribution has these behaviors beside the default one."""
    return account_with(CacheBehaviors=list_of(list(behaviors)), **fields)


def with_origins(*origins: Mapping[str, Any], **fields: Any) -> Account:
    """Return an account whose distribution has these origins beside the application's."""
    return account_with(Origins=list_of([APP_ORIGIN, *origins]), **fields)


def wish(**fields: Any) -> Wanted:
    """Return the desired state with some fields changed."""
    return replace(DESIRED, **fields)


def case(expected: str, account: Account | None = None, **wishes: Any) -> Case:
    """Return a case: what is planned for an account, if this is desired."""
    return account or account_with(), wish(**wishes), expected


def opened(*patterns: str) -> Account:
    """Return an account whose behaviors are the application's, and open."""
    return with_behaviors(*({"PathPattern": each, "TargetOriginId": "app"} for each in patterns))


def default_at(origin: dict[str, Any], **fields: Any) -> Account:
    """Return an account whose default behavior, which is open, reads this origin."""
    default = {**GROWN["DefaultCacheBehavior"], "TargetOriginId": origin["Id"]}
    return with_origins(LEGACY, origin, DefaultCacheBehavior=default, **fields)


def static_beside(origin: str) -> Account:
    """Return an account whose default behavior reads the bucket, and static/* this origin."""
    default = {name: each for name, each in MEDIA.items() if name != "PathPattern"}
    static = {"PathPattern": "static/*", "TargetOriginId": origin}
    return with_behaviors(static, DefaultCacheBehavior=default)


def grouped(*members: str) -> Account:
    """Return an account whose behavior media/* reads a group of origins."""
    replica = {**CLEAN, "Id": "replica", "DomainName": "media-replica.s3.amazonaws.com"}
    group = {"Id": "failover", "Members": list_of([{"OriginId": each} for each in members])}
    behaviors = list_of([{**MEDIA, "TargetOriginId": "failover"}])
    groups = list_of([group])
    return with_origins(LEGACY, replica, OriginGroups=groups, CacheBehaviors=behaviors)


def access_denied(permission: str) -> AwsError:
    """Return the error of a call whose permission is missing."""
    return explain(refusal("AccessDenied", "Get"), what="read it", permission=permission)


def unread(part: BucketPart, permission: str) -> Account:
    """Return an account in whose bucket one part may not be read."""
    return account_with(bucket={"unread": {part: access_denied(permission)}})


def encrypted(policy: dict[str, Any] | None, **key: Any) -> Account:
    """Return an account whose bucket is encrypted with a KMS key with this policy."""
    kms_key = KmsKey(arn=KEY_ARN, policy=policy, **key)
    return account_with(bucket={"encryption": sse_kms(KEY_ARN)}, others={"kms_key": kms_key})


def sse_kms(key_id: str) -> dict[str, Any]:
    """Return the default encryption of a bucket with a KMS key, "" for aws/s3."""
    by_default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key_id} if key_id else {})}
    return {"BucketKeyEnabled": False, "ApplyServerSideEncryptionByDefault": by_default}


def blocking(ownership: str, *switches: str) -> Case:
    """Return a case for Block Public Access, with these switches on."""
    block = dict.fromkeys(switches, True)
    fields = {"object_ownership": ownership, "public_access_block": block}
    return account_with(bucket=fields), DESIRED, "block-public-access=todo"


def public(desired: Wanted, expected: str, **block: bool) -> Case:
    """Return a case of a public bucket policy, with these switches of Block Public Access."""
    policy = {"Statement": [{**PUBLIC, "Sid": "PublicRead"}]}
    fields = {"policy": policy, "public_access_block": block}
    return account_with(bucket=fields), desired, expected


def leaving(*others: str, pattern: str) -> Case:
    """Return a case in which a pattern is restricted, and others of its origin stay open."""
    behaviors = [{**OPEN_MEDIA, "PathPattern": each} for each in ("*.pdf", *others)]
    account = with_origins(CONTROL, CacheBehaviors=list_of(behaviors))
    state = "conflict!" if others else "-"
    return account, wish(path_pattern=pattern), f"behavior=todo origin-paths={state}"


def restricted(pattern: str, state: str) -> Case:
    """Return a case in which a pattern is restricted before a default behavior that is open."""
    behaviors = list_of([MEDIA, {**MEDIA, "PathPattern": pattern}])
    clean = {**CLEAN, "OriginAccessControlId": "E2"}
    return default_at(clean, CacheBehaviors=behaviors), DESIRED, f"origin-paths={state}"


def strangers(statement: dict[str, Any] | None, closes: bool, state: str) -> Case:
    """Return a case with a bucket policy, and with an open origin that signs nothing."""
    policy = {"Statement": [statement]} if statement else None
    account = default_at({**CLEAN, "OriginPath": "/media"}, bucket={"policy": policy})
    return account, wish(closes_public=closes), f"origin-paths={state}"


def named(policy_id: str, config: dict[str, Any], name: str = "theirs") -> dict[str, NamedConfig]:
    """Return policies as an account has them: one."""
    return {policy_id: NamedConfig(id=policy_id, name=name, config=config)}


def answering(*allowed: str, **fields: Any) -> Account:
    """Return an account whose behavior has a response headers policy that overrides S3's CORS."""
    cors = {"AccessControlAllowOrigins": list_of(list(allowed)), "OriginOverride": True}
    policies = {"response_headers_policies": named("r", {"CorsConfig": cors})}
    return with_behaviors({**MEDIA, "ResponseHeadersPolicyId": "r", **fields}, others=policies)


def caching(*policies: dict[str, NamedConfig], allowed: str = "", **fields: Any) -> Account:
    """Return an account with cache policies, a CORS rule, and a behavior with these fields."""
    rules = (cors_rule([allowed]),) if allowed else ()
    found = {key: each for some in policies for key, each in some.items()}
    return with_behaviors(
        {**MEDIA, **fields}, bucket={"cors_rules": rules}, others={"cache_policies": found}
    )


def certified(method: str, protocol: str, kept: str, **present: Any) -> Case:
    """Return a case in which a distribution with a certificate gets another one."""
    fields = {"SSLSupportMethod": method, "MinimumProtocolVersion": protocol, **present}
    sent = zip(("SSLSupportMethod", "MinimumProtocolVersion"), kept.split(), strict=True)
    expected = [f"domain.ViewerCertificate.{name}={value}" for name, value in sent]
    return (
        account_with(ViewerCertificate=fields),
        wish(domain="files.example.com", certificate=ARN),
        f"domain=todo domain.ViewerCertificate.ACMCertificateArn={ARN} {' '.join(expected)}",
    )


OWN = named("own", cache_policy_config("own"), f"cfsigned-{BUCKET}")
OWN_REQUEST = named("own", origin_request_policy_config("own"), f"cfsigned-{BUCKET}")
OWN_WITHOUT_ORIGIN = named("own", {"MaxTTL": 31536000}, f"cfsigned-{BUCKET}")
SHARED = named("theirs", {"MaxTTL": 31536000})
ALL_QUERIES = {"QueryStringsConfig": {"QueryStringBehavior": "all"}}
OWNER = {
    "cache_policies": named("c", {"ParametersInCacheKeyAndForwardedToOrigin": ALL_QUERIES}),
    "origin_request_policies": named(
        "o", {**ALL_QUERIES, "HeadersConfig": {"HeaderBehavior": "allViewer"}}
    ),
    "response_headers_policies": named(
        "r", {"CorsConfig": {"AccessControlAllowOrigins": list_of([A])}}
    ),
}
OWNED = {
    **MEDIA,
    "CachePolicyId": "c",
    "OriginRequestPolicyId": "o",
    "ResponseHeadersPolicyId": "r",
}
SPLIT = f"cache-policy=todo cache-policy.Name=cfsigned-{BUCKET} origin-request-policy=-"
AWS_S3 = account_with(bucket={"encryption": sse_kms("")})
NEVER = NamedConfig(id="E2", name="x", config={"SigningBehavior": "never"})

CASES: dict[str, Case] = {
    # The bucket, the distribution and the key group.
    "bucket of somebody else": case(
        "bucket=conflict!", account_with(bucket={"state": BucketState.REFUSED})
    ),
    "another region": case("bucket=conflict", region="eu-west-1"),
    "no distribution": case(
        "distribution=conflict!", account_with(others={"distribution": None}), distribution_id=None
    ),
    "disabled distribution": case("distribution=conflict", account_with(Enabled=False)),
    "unknown key group": case("key-group=conflict!", key_group_id="group-1"),
    "objects of other accounts": case("object-ownership=done"),
    # Which origin a behavior reads.
    "behavior of another origin": case("distribution=conflict! behavior=-", path_pattern=None),
    "website endpoint": case("distribution=conflict!", with_origins(WEBSITE)),
    "multi-tenant distribution": case(
        "distribution=conflict! behavior=- domain=-",
        account_with(ConnectionMode="tenant-only"),
        domain="files.example.com",
    ),
    **{
        f"behavior of {host}": case(
            "distribution=conflict! origin=- behavior=-",
            with_origins({**LEGACY, "DomainName": host}),
        )
        for host in ACCESS_POINTS
    },
    "new behavior beside an access point": case(
        "distribution=conflict! origin=- behavior=-",
        with_origins({**LEGACY, "DomainName": ACCESS_POINTS[0]}),
        path_pattern="private/*",
    ),
    "new behavior beside an access point and the bucket": case(
        "distribution=done behavior.TargetOriginId=clean",
        with_origins({**LEGACY, "DomainName": ACCESS_POINTS[0]}, CLEAN),
        path_pattern="private/*",
    ),
    "origin that is not there": case(
        "distribution=conflict!", with_behaviors({**MEDIA, "TargetOriginId": "nothing"})
    ),
    "bucket in an origin group": case(
        f"distribution=done origin.Id={LEGACY_ORIGIN} behavior.TargetOriginId=failover",
        grouped("replica", LEGACY_ORIGIN),
    ),
    "origin group without it": case("distribution=conflict!", grouped("app", "replica")),
    "new behavior, origin without a path": case(
        "origin=todo origin.OriginPath= behavior=todo behavior.TargetOriginId=clean",
        with_origins(LEGACY, CLEAN),
        path_pattern="private/*",
    ),
    "new origin beside a group of its name": case(
        f"origin.Id=S3-{BUCKET}-2",
        account_with(OriginGroups=list_of([{"Id": f"S3-{BUCKET}"}])),
        path_pattern="private/*",
    ),
    "behavior that is there keeps its origin": case(
        f"origin=todo behavior.TargetOriginId={LEGACY_ORIGIN}", with_origins(LEGACY, CLEAN)
    ),
    # How CloudFront reads the bucket.
    "access control that does not sign": case(
        "origin-access=conflict", with_origins(CONTROL, others={"access_controls": (NEVER,)})
    ),
    "identity gives way to control": case(
        "origin=todo origin.S3OriginConfig.OriginAccessIdentity=",
        with_origins(IDENTITY),
        origin_access=OriginAccess.OAC,
    ),
    "control gives way to identity": case(
        "origin=todo", with_origins(CONTROL), origin_access=OriginAccess.OAI
    ),
    "identity is kept": case("origin-access=done origin=done", with_origins(IDENTITY)),
    "identity is kept as asked": case(
        "origin-access=done origin=done", with_origins(IDENTITY), origin_access=OriginAccess.OAI
    ),
    # What may not be read is not overwritten.
    "policy may not be read": case(
        "bucket-policy=conflict!", unread(BucketPart.POLICY, "s3:GetBucketPolicy")
    ),
    "CORS may not be read": case(
        "bucket-policy=todo bucket-cors=conflict",
        unread(BucketPart.CORS, "s3:GetBucketCORS"),
        cors_origins=(A,),
    ),
    "uploads": case("upload-cors=todo", upload_origins=(A,)),
    "uploads are allowed": case(
        "upload-cors=done bucket-lifecycle=done",
        account_with(
            bucket={
                "cors_rules": (cors_rule([A], UPLOAD_RULE_ID),),
                "lifecycle_rules": (upload_rule("tmp/"),),
            }
        ),
        upload_origins=(A,),
        upload_prefix="tmp/s3file/",
    ),
    "incomplete uploads": case("bucket-lifecycle=todo", upload_prefix="tmp/"),
    "incomplete uploads of another folder": case(
        "bucket-lifecycle=todo",
        account_with(bucket={"lifecycle_rules": (upload_rule("other/"),)}),
        upload_prefix="tmp/",
    ),
    "incomplete uploads beside rules of others": case(
        "bucket-policy=todo bucket-lifecycle=conflict",
        account_with(
            bucket={"lifecycle_rules": (upload_rule("other/"), {"Status": "Enabled", "ID": "x"})}
        ),
        upload_prefix="tmp/",
    ),
    "lifecycle rules may not be read": case(
        "bucket-policy=todo bucket-lifecycle=conflict",
        unread(BucketPart.LIFECYCLE, "s3:GetLifecycleConfiguration"),
        upload_prefix="tmp/",
    ),
    "Block Public Access may not be read": case(
        "bucket-policy=conflict! block-public-access=conflict",
        unread(BucketPart.PUBLIC_ACCESS, "s3:GetBucketPublicAccessBlock"),
    ),
    "ownership may not be read": case(
        "bucket-policy=todo object-ownership=conflict",
        unread(BucketPart.OWNERSHIP, "s3:GetBucketOwnershipControls"),
    ),
    # What a KMS key encrypts.
    "KMS key": case("kms-key-policy=todo bucket-encryption=-", encrypted(KMS_POLICY)),
    "KMS key, as AWS documents it": case("kms-key-policy=done", encrypted(DOCUMENTED)),
    "KMS key whose policy may not be read": case(
        "kms-key-policy=conflict behavior=todo",
        encrypted(None, unread=access_denied("kms:GetKeyPolicy")),
    ),
    "KMS key, and an identity": case(
        "kms-key-policy=conflict", encrypted(KMS_POLICY), origin_access=OriginAccess.OAI
    ),
    "aws/s3": case("kms-key-policy=conflict", encrypted(None, is_aws_managed=True)),
    "aws/s3 by default": case("kms-key-policy=conflict", AWS_S3),
    "aws/s3 gives way to a KMS key": case(
        "bucket-encryption=todo bucket-encryption.BucketKeyEnabled=False "
        f"bucket-encryption.ApplyServerSideEncryptionByDefault.KMSMasterKeyID={KEY_ARN}",
        AWS_S3,
        kms_key=KEY_ARN,
    ),
    "the KMS key that is asked for": case(
        "bucket-encryption=done kms-key-policy=todo", encrypted(KMS_POLICY), kms_key=KEY_ARN
    ),
    "encryption may not be read": case(
        "bucket-encryption=- kms-key-policy=conflict",
        unread(BucketPart.ENCRYPTION, "s3:GetEncryptionConfiguration"),
        kms_key=KEY_ARN,
    ),
    # What else is public ends.
    "ACLs": blocking("ObjectWriter"),
    "no ACLs": blocking("BucketOwnerEnforced"),
    "public ACLs are ignored already": blocking("ObjectWriter", "IgnorePublicAcls"),
    "one switch is off": blocking("ObjectWriter", *ALL_SWITCHES[:2], ALL_SWITCHES[3]),
    "public statement": public(DESIRED, "public-statements=conflict block-public-access=conflict"),
    "public statement that S3 refuses": public(
        DESIRED, "bucket-policy=conflict!", BlockPublicPolicy=True
    ),
    "public statement that goes": public(
        wish(closes_public=True),
        "bucket-policy=todo bucket-policy.Statement.0.Principal.Service=cloudfront.amazonaws.com "
        "public-statements=todo "
        "public-statements.Statement.0.Principal.Service=cloudfront.amazonaws.com",
        BlockPublicPolicy=True,
    ),
    # Where a behavior goes, and what others serve.
    "open behavior before": case(
        "earlier-behaviors=conflict!", with_behaviors({**OPEN_MEDIA, "PathPattern": "*.jpg"}, MEDIA)
    ),
    "new behavior before": case("earlier-behaviors=- behavior=todo", opened("*.jpg")),
    "new behavior without a place": case(
        "behavior=conflict!", opened("media/public/*", "*.jpg", "media/invoices/*")
    ),
    **{
        f"static/* of {origin} beside the default": case(
            f"earlier-behaviors={state}", static_beside(origin), path_pattern=None
        )
        for origin, state in (("app", "-"), (LEGACY_ORIGIN, "-"), ("nothing", "-"))
    },
    **{
        f"open default behavior at {folder}": case(
            f"origin-paths={state}",
            default_at({**CLEAN, "OriginAccessControlId": "E2", "OriginPath": folder}),
        )
        for folder, state in (("/media", "conflict!"), ("/static", "-"))
    },
    "open behavior that the plan restricts": leaving(pattern="*.pdf"),
    "the same with a slash": leaving(pattern="/*.pdf"),
    "open behavior beside it": leaving("old/*", pattern="*.pdf"),
    "all paths of the files restricted": restricted("files/*", "-"),
    "some paths restricted": restricted("files/media/*.jpg", "conflict!"),
    "other paths restricted": restricted("other/*", "conflict!"),
    "origin without an access control": strangers(None, False, "-"),
    "origin without an access control, an office may read": strangers(OFFICE, True, "conflict!"),
    "origin without an access control, everybody may read": strangers(PUBLIC, False, "conflict!"),
    "origin without an access control, everybody might read": strangers(PUBLIC, True, "-"),
    # Which policies the behavior gets.
    "policies of the owner": case(
        "cache-policy=done origin-request-policy=done behavior.CachePolicyId=c "
        "behavior.OriginRequestPolicyId=o behavior.ResponseHeadersPolicyId=r",
        with_behaviors(OWNED, others=OWNER),
        cors_origins=(A,),
        downloads=True,
    ),
    "forwarded values stay": case(
        "behavior=todo behavior.ForwardedValues.QueryString=True behavior.MaxTTL=3333",
        with_behaviors(FORWARDING),
    ),
    "forwarded values that have Origin stay": case(
        "behavior.CachePolicyId=- behavior.MaxTTL=3333",
        with_behaviors(FORWARDING),
        cors_origins=(A,),
    ),
    "forwarded values go": case(
        "behavior=todo behavior.ForwardedValues=- behavior.MaxTTL=-",
        with_behaviors(FORWARDING_ACCEPT),
        cors_origins=(A,),
    ),
    "two origins": case(SPLIT, caching(), cors_origins=(A, B)),
    "many origins": case(SPLIT, caching(), cors_origins=(ANY,)),
    "another origin in S3": case(SPLIT, caching(allowed=A), cors_origins=(B,)),
    **{
        f"pages of {origin} alone": case(
            f"cache-policy=- behavior.CachePolicyId={CACHE_POLICIES['CachingOptimized']}",
            caching(),
            cors_origins=(origin,),
        )
        for origin in (A, "*")
    },
    "response headers policy overrides S3": case(
        "cache-policy=- behavior.CachePolicyId=c response-headers-policy=done",
        answering(A, B, CachePolicyId="c"),
        cors_origins=(A, B),
    ),
    "response headers policy without the origin": case(
        "response-headers-policy=conflict behavior.ResponseHeadersPolicyId=r",
        answering(B),
        cors_origins=(A,),
    ),
    "response headers policy of all": case(
        "response-headers-policy=done", answering(ANY), cors_origins=(A,)
    ),
    **{
        f"cache policy that {what}": case(
            "cache-policy=done behavior.CachePolicyId=theirs",
            caching(named("theirs", config), CachePolicyId="theirs"),
            cors_origins=(A, B),
        )
        for what, config in (
            ("keeps nothing", {"MaxTTL": 0}),
            ("has Origin in its key", cache_policy_config("theirs")),
        )
    },
    "cache policy of an earlier run": case(
        "cache-policy=done behavior.CachePolicyId=own",
        caching(SHARED, OWN, CachePolicyId="theirs"),
        cors_origins=(A, B),
    ),
    "content types": case(
        "cache-policy=todo origin-request-policy=todo "
        "origin-request-policy.QueryStringsConfig.QueryStrings.Quantity=2",
        caching(),
        downloads=True,
        content_types=True,
    ),
    "content types, policies of an earlier run without them": case(
        "cache-policy=conflict origin-request-policy=conflict",
        with_behaviors(
            MEDIA, others={"cache_policies": OWN, "origin_request_policies": OWN_REQUEST}
        ),
        downloads=True,
        content_types=True,
    ),
    "response headers policy of an earlier run without CORS": case(
        f"response-headers-policy=todo response-headers-policy.Name=cfsigned-{BUCKET}-cors",
        with_behaviors(
            {**MEDIA, "ResponseHeadersPolicyId": "own"},
            others={"response_headers_policies": OWN},
        ),
        cors_origins=(A,),
    ),
    "response headers policy of an earlier run": case(
        "response-headers-policy=done behavior.ResponseHeadersPolicyId=own",
        account_with(others={"response_headers_policies": OWN}),
    ),
    "cookies": case(
        "response-headers-policy=todo cache-policy=- "
        f"response-headers-policy.Name=cfsigned-{BUCKET}-cookies "
        "response-headers-policy.CorsConfig.AccessControlAllowCredentials=True "
        "response-headers-policy.CorsConfig.AccessControlAllowOrigins.Quantity=2 "
        "response-headers-policy.CorsConfig.OriginOverride=True",
        caching(),
        cors_origins=(A, B),
        cookies=True,
    ),
    **{
        f"cookies, a policy of an earlier run {what}": case(
            f"response-headers-policy={expected}",
            with_behaviors(
                {**MEDIA, "ResponseHeadersPolicyId": "own"},
                others={
                    "response_headers_policies": named(
                        "own",
                        response_headers_policy_config("own", origins, credentials=credentials),
                        f"cfsigned-{BUCKET}{ending}",
                    )
                },
            ),
            cors_origins=(A, B),
            cookies=True,
        )
        for what, expected, ending, origins, credentials in (
            ("without CORS", "todo", "", (), False),
            ("without cookies", "todo", "-cors", (A, B), False),
            ("with them", "done", "-cookies", (A, B), True),
            ("for another origin", "conflict", "-cookies", (A,), True),
            ("that was made '*'", "conflict", "-cookies", ("*",), True),
        )
    },
    "cookies, another policy": case(
        "response-headers-policy=conflict behavior.ResponseHeadersPolicyId=r",
        answering(A),
        cors_origins=(A,),
        cookies=True,
    ),
    "cache policy of an earlier run, changed": case(
        "cache-policy=conflict", caching(OWN_WITHOUT_ORIGIN), cors_origins=(A, B)
    ),
    "trusted signers": case("behavior.TrustedSigners.Enabled=True trusted-signers=conflict"),
    "trusted signers that go": case(
        "behavior.TrustedSigners.Enabled=True trusted-signers=todo "
        "trusted-signers.TrustedSigners.Enabled=False",
        drops_trusted_signers=True,
    ),
    # The domain.
    "no certificate": case("domain=conflict", domain="files.example.com"),
    "new distribution without a certificate": case(
        "distribution=todo domain=-",
        account_with(others={"distribution": None}),
        distribution_id=None,
        creates_distribution=True,
        domain="files.example.com",
    ),
    "domain that is there": case("domain=done", domain="media.example.com"),
    "own domain": case("domain=-", domain="d111111abcdef8.cloudfront.net"),
    "certificate that is there": case(
        "domain=todo", domain="files.example.com", certificate=THEIRS
    ),
    "certificate of ACM before": certified(
        "sni-only", "TLSv1.3_2025", "sni-only TLSv1.3_2025", ACMCertificateArn=f"{ARN}0"
    ),
    "certificate of IAM before": certified(
        "vip", "TLSv1.2_2019", "vip TLSv1.2_2019", IAMCertificateId="ASCAEXAMPLE"
    ),
    "CloudFront's certificate before": certified(
        "vip", "TLSv1", "sni-only TLSv1.2_2021", CloudFrontDefaultCertificate=True
    ),
}


def shown(step: SetupStep | None, fields: list[str]) -> str:
    """Return the state of a step, or a field of what it would send."""
    if step is None:
        return "-"
    if not fields:
        return f"{step.state}{'!' if step.blocks else ''}"
    value = step.after
    for name in fields:
        value = value[int(name)] if isinstance(value, list) else value.get(name, "-")
    return str(value)


def test_cases() -> None:
    """Plan each step as expected, and block everything only if that is expected."""
    found, blocked = {}, {}
    for name, (account, desired, expected) in CASES.items():
        planned = plan(account, desired)
        steps = {each.name: each for each in planned}
        fields = [each.partition("=")[0] for each in expected.split()]
        found[name] = [
            f"{field}={shown(steps.get(step), of_step)}"
            for field, (step, *of_step) in ((each, each.split(".")) for each in fields)
        ]
        blocked[name] = len(blockers(planned))

    assert found == {name: expected.split() for name, (_, _, expected) in CASES.items()}
    assert blocked == {name: each[2].count("conflict!") for name, each in CASES.items()}


def filled(text: str) -> str:
    """Return a text in lines that a person can read."""
    return textwrap.indent(textwrap.fill(text, 96, break_on_hyphens=False), "    ")


def test_words() -> None:
    """Explain in each case the state of the steps."""
    parts = []
    for name, (account, desired, expected) in CASES.items():
        for step in plan(account, desired):
            if f" {step.name}=" in f" {expected}":
                parts.append(f"{name}: {step.name}, {step.state}\n{filled(step.why)}")
    assert_golden("aws-plan", "\n\n".join(parts))


def test_new_cache_policy() -> None:
    """Refer to a policy that is yet to be made, and make it with Origin in its key."""
    steps = plan(caching(), wish(cors_origins=(A, B)))

    assert find(steps, "cache-policy").after == cache_policy_config(f"cfsigned-{BUCKET}")
    assert find(steps, "behavior").after["CachePolicyId"] == NOT_YET


@pytest.mark.parametrize(
    ("taken", "expected"),
    [((), f"S3-{BUCKET}"), ((f"S3-{BUCKET}", f"S3-{BUCKET}-2"), f"S3-{BUCKET}-3")],
)
def test_new_origin(taken: tuple[str, ...], expected: str) -> None:
    """Make an origin under an id that is free if each one there has an origin path."""
    others = [{**CLEAN, "Id": each, "OriginPath": "/static"} for each in taken]

    steps = plan(with_origins(LEGACY, *others), wish(path_pattern="private/*"))

    call = find(steps, "origin").call
    assert call is not None
    config = call.arguments["DistributionConfig"]
    assert listed(config["Origins"])[:-1] == [APP_ORIGIN, LEGACY, *others]
    assert (find_origin(config, expected) or {})["OriginPath"] == ""
    assert find(steps, "behavior").after["TargetOriginId"] == expected


def test_kept_identity_may_read() -> None:
    """Admit the identity that stays on the origin to the bucket."""
    steps = plan(with_origins(IDENTITY), DESIRED)

    (statement,) = find(steps, "bucket-policy").after["Statement"]
    assert statement["Principal"]["AWS"].endswith("Origin Access Identity E3")


def test_order_and_version() -> None:
    """Allow CloudFront to read and decrypt before the origin signs; send the plan's version."""
    steps = plan(encrypted(KMS_POLICY), DESIRED)

    call = find(steps, "behavior").call
    assert [each.name for each in steps if each.state == "todo"] == [
        "public-key",
        "key-group",
        "origin-access",
        "response-headers-policy",
        "bucket-policy",
        "kms-key-policy",
        "origin",
        "behavior",
        "deployed",
        "block-public-access",
    ]
    assert next_step(steps) == find(steps, "public-key")
    assert call is not None
    assert (call.arguments["Id"], call.arguments["IfMatch"]) == ("E1234567", "ETAG")


def test_lifecycle_rules() -> None:
    """Add a rule to those of an earlier run, in place of itself; show what a person must add."""
    ours, theirs = upload_rule("other/"), {"Status": "Enabled", "ID": "x"}

    def step(*rules: dict[str, Any]) -> SetupStep:
        account = account_with(bucket={"lifecycle_rules": rules})
        return find(plan(account, wish(upload_prefix="tmp/")), "bucket-lifecycle")

    call = step({**upload_rule("tmp/"), "Status": "Disabled"}, ours).call
    assert call is not None
    assert call.arguments["LifecycleConfiguration"]["Rules"] == [ours, upload_rule("tmp/")]
    assert step(ours, theirs).call is None
    assert step(ours, theirs).after == upload_rule("tmp/")


def test_diff() -> None:
    """Show the lines that change, with their neighbors, and nothing for other steps."""
    step = todo("x", "why", before={"a": 1, "b": 2}, after={"a": 1, "b": 3})

    assert step.diff.splitlines()[1:] == [" {", '   "a": 1,', '-  "b": 2', '+  "b": 3', " }"]
    assert done("x", "why").diff == conflict("x", "why").diff == ""


def test_permissions() -> None:
    """Name for each call the IAM action, as the policy of a setup has it; not always as S3 does."""
    steps = [each for account, desired, _ in CASES.values() for each in plan(account, desired)]
    called = {str(each.call): each.call.permission for each in steps if each.call}
    statements = setup_policy(BUCKET, kms_key=KEY_ARN, uploads=True)["Statement"]

    assert set(called.values()) <= {action for each in statements for action in each["Action"]}
    assert called["s3:PutBucketCors"] == "s3:PutBucketCORS"


#: What AWS would not take, and what the message must name.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"bucket": "Media"}, "'Media'"),
    ({"bucket": "a..b"}, "a..b"),
    ({"bucket": "xn--media"}, "xn--media"),
    ({"bucket": "media-hrzrlukc5m36ft7-s3alias"}, "access point"),
    ({"distribution_id": "d111.cloudfront.net"}, "d111.cloudfront.net"),
    ({"creates_distribution": True}, "--create"),
    ({"path_pattern": "media/한글/*"}, "media/한글"),
    ({"path_pattern": "x" * 256}, "xxx"),
    ({"domain": "https://media.example.com"}, "https://media.example.com"),
    ({"cors_origins": ("https://a.example.com/",)}, "https://a.example.com/"),
    ({"cors_origins": ("a.example.com",)}, "'a.example.com'"),
    ({"upload_origins": ("https://a.example.com/",)}, "https://a.example.com/"),
    *(({"upload_origins": (each,)}, "without") for each in ("*", ANY)),
    ({"certificate": ARN.replace("us-east-1", "eu-west-1"), "domain": "x.example.com"}, "us-east"),
    ({"certificate": "arn:aws:iam::1:server-certificate/x", "domain": "x.example.com"}, "us-east"),
    ({"certificate": ARN}, "--domain"),
    ({"cookies": True}, "--cors-origin"),
    ({"cookies": True, "cors_origins": (A, "*")}, r"'\*'"),
    ({"cookies": True, "cors_origins": ("https://*",)}, r"'https://\*'"),
    ({"cookies": True, "cors_origins": (ANY,)}, r"'https://\*\.example"),
    ({"kms_key": "alias/media"}, "alias/media"),
    ({"kms_key": KEY_ARN, "region": "eu-west-1"}, "eu-west-1"),
    ({"kms_key": KEY_ARN, "origin_access": OriginAccess.OAI}, "--origin-access"),
]


def test_desired_state_that_no_account_can_have() -> None:
    """Refuse what AWS would not take before it is asked: name it, and say what is expected."""
    replace(DESIRED, certificate=ARN, domain="files.example.com").refuse_impossible()
    lines = []
    for fields, named in REFUSED:
        with pytest.raises(InvalidWanted, match=named) as caught:
            replace(DESIRED, **fields).refuse_impossible()
        lines.append(filled(str(caught.value)))
    assert_golden("aws-desired-state", "\n\n".join(lines))
