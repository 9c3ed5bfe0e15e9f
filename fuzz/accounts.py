"""Random sites and their AWS accounts, and what AWS's pages say about who reads their files.

A situation is an account as boto3 returns it: right, or with changes that people make. The oracle
says of an object who gets it, and ``None`` if AWS's pages do not say. It is written from these
pages alone, so that it can judge the doctor; no code of the package is used.

What a situation does not say is assumed: the account as a whole has no Block Public Access, all
objects exist, the DNS record of an alias points to CloudFront, nothing is cached, no function,
firewall or access point is in the way, and the app of a custom origin does not hand out the files.

Pages, by the names that docstrings cite:

- S3 User Guide: "Blocking public access to your Amazon S3 storage", with "The meaning of public",
  "Website endpoints", "Using server-side encryption with AWS KMS keys"
- IAM User Guide: "Principal", "NotPrincipal", "Condition operators", "Global condition context
  keys"
- CloudFront Developer Guide: "Distribution settings", "Origin settings", "Cache behavior settings",
  "Restrict access to an Amazon S3 origin", "Specify signers that can create signed URLs and signed
  cookies", "Use custom URLs by adding alternate domain names", "Mutual TLS authentication"
"""

from __future__ import annotations

import copy
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product
from random import Random
from typing import Any, NamedTuple
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Document = dict[str, Any]

ACCOUNT, OTHER_ACCOUNT, REGION = "111122223333", "444455556666", "us-east-1"
BUCKET, OTHER_BUCKET = "media-example", "other-example"
DISTRIBUTION, OTHER_DISTRIBUTION = "E1A2B3C4D5E6F7", "E7F6E5D4C3B2A1"
DEFAULT_DOMAIN, ALIAS = "d111111abcdef8.cloudfront.net", "media.example.com"
KEY_ID, OTHER_KEY_ID = "K2JCJMDEHXQW5F", "K3D5EWEUDCCXON"
GROUP, OTHER_GROUP = "1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d", "9f8e7d6c-5b4a-3f2e-1d0c-9b8a7f6e5d4c"
ACCESS_CONTROL, IDENTITY = "E1ACCESSCONTROL", "E1IDENTITY"
CACHE_POLICY, HEADERS_POLICY = "cache-policy", "response-headers-policy"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
CLOUDFRONT = "cloudfront.amazonaws.com"
WHEN = datetime(2026, 11, 1, tzinfo=UTC)
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
#: Below the location; the first folder is the one that sites declare to be public.
NAMES = ("a.jpg", "albums/1.jpg", "albums/public/2.jpg", "documents/report.pdf", "public/x.jpg")


def make_public_key() -> str:
    """Return the PEM of a public key whose private key nobody keeps."""
    public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


PUBLIC_KEY, OTHER_PUBLIC_KEY = make_public_key(), make_public_key()


@dataclass(frozen=True)
class Situation:
    """A site and its AWS account."""

    # The account, in the shapes that boto3 returns.
    distribution: Document
    other_distributions: list[Document]
    key_groups: list[Document]
    public_keys: list[Document]
    access_controls: dict[str, Document]
    cache_policies: dict[str, Document]
    origin_request_policies: dict[str, Document]
    response_headers_policies: dict[str, Document]
    policy: Document | None
    #: The four booleans, and None if the bucket has no configuration.
    public_access_block: dict[str, bool] | None
    encryption: Document | None
    cors_rules: list[Document]
    website: Document | None
    kms_key_arn: str | None
    kms_policy: Document | None
    # The settings of the site.
    domain: str
    location: str = ""
    #: Below the location.
    public_folders: tuple[str, ...] = ()
    key_group_id: str | None = GROUP
    key_pair_id: str = KEY_ID
    public_key: str = PUBLIC_KEY
    bucket: str = BUCKET
    region: str = REGION
    account_id: str = ACCOUNT
    #: ``BucketOwnerEnforced``: the bucket has no ACLs.
    object_ownership: str = "BucketOwnerEnforced"


class Verdict(NamedTuple):
    """Whether something is so, or None if AWS's pages do not say; and why."""

    holds: bool | None
    why: str


# Right accounts


def account(
    *,
    location: str = "",
    public_folders: tuple[str, ...] = (),
    has_app: bool = False,
    has_kms: bool = False,
    has_alias: bool = True,
) -> Situation:
    """Return a site and its account as the template makes it, or the page on existing ones.

    ``has_app``: the behavior of the location comes before an open default one, to another origin.
    """
    behaviors = [behavior(f"{location}{each}*", groups=()) for each in public_folders]
    default = behavior(None)
    origins = [origin("files")]
    if has_app:
        behaviors.append(behavior(pattern(location)))
        default = behavior(None, target="app", groups=())
        origins.append(custom("app", "app.example.com"))
    key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY} if has_kms else None
    return settle(
        Situation(
            distribution=distribution(
                DISTRIBUTION, DEFAULT_DOMAIN, origins, behaviors, default, [ALIAS] * has_alias
            ),
            other_distributions=[],
            key_groups=[key_group(GROUP, KEY_ID), key_group(OTHER_GROUP, OTHER_KEY_ID)],
            public_keys=[
                public_key(KEY_ID, PUBLIC_KEY),
                public_key(OTHER_KEY_ID, OTHER_PUBLIC_KEY),
            ],
            access_controls={ACCESS_CONTROL: access_control("always")},
            cache_policies={CACHE_POLICY: cache_policy()},
            origin_request_policies={},
            response_headers_policies={HEADERS_POLICY: headers_policy()},
            policy={"Version": "2012-10-17", "Statement": [statement()]},
            public_access_block=dict.fromkeys(BLOCKS, True),
            encryption={
                "ApplyServerSideEncryptionByDefault": key or {"SSEAlgorithm": "AES256"},
                "BucketKeyEnabled": has_kms,
            },
            cors_rules=[],
            website=None,
            kms_key_arn=KMS_KEY if has_kms else None,
            kms_policy=kms_policy([source_arn(DISTRIBUTION)]) if has_kms else None,
            domain=ALIAS if has_alias else DEFAULT_DOMAIN,
            location=location,
            public_folders=public_folders,
        )
    )


def right(dice: Random) -> Situation:
    """Return a right account."""
    has_app = dice.random() < 0.3
    return account(
        location="media/" if has_app else dice.choice(["", "media/"]),
        public_folders=dice.choice([(), (), ("public/",)]),
        has_app=has_app,
        has_kms=dice.random() < 0.25,
        has_alias=dice.random() < 0.7,
    )


def distribution(
    id_: str,
    domain: str,
    origins: list[Document],
    behaviors: list[Document],
    default: Document,
    aliases: list[str],
) -> Document:
    """Return the value of "Distribution" of GetDistribution."""
    certificate: Document = {
        "CloudFrontDefaultCertificate": not aliases,
        "MinimumProtocolVersion": "TLSv1.2_2021" if aliases else "TLSv1",
    }
    return {
        "Id": id_,
        "ARN": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{id_}",
        "Status": "Deployed",
        "LastModifiedTime": WHEN,
        "InProgressInvalidationBatches": 0,
        "DomainName": domain,
        "DistributionConfig": {
            "CallerReference": id_,
            "Aliases": {"Items": aliases},
            "DefaultRootObject": "",
            "Origins": {"Items": origins},
            "OriginGroups": {"Quantity": 0},
            "DefaultCacheBehavior": default,
            "CacheBehaviors": {"Items": behaviors},
            "CustomErrorResponses": {"Quantity": 0},
            "Comment": "media",
            "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
            "PriceClass": "PriceClass_All",
            "Enabled": True,
            "ViewerCertificate": certificate,
            "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
            "WebACLId": "",
            "HttpVersion": "http2and3",
            "IsIPV6Enabled": False,
            "Staging": False,
        },
    }


def origin(id_: str, *, bucket: str = BUCKET, path: str = "") -> Document:
    """Return an origin that is a bucket, with the origin access control."""
    return {
        "Id": id_,
        "DomainName": f"{bucket}.s3.{REGION}.amazonaws.com",
        "OriginPath": path,
        "CustomHeaders": {"Quantity": 0},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": ACCESS_CONTROL,
    }


def custom(id_: str, domain: str, protocol: str = "https-only") -> Document:
    """Return a custom origin."""
    made = origin(id_) | {"DomainName": domain, "OriginAccessControlId": ""}
    del made["S3OriginConfig"]
    made["CustomOriginConfig"] = {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": protocol,
        "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        "OriginReadTimeout": 30,
        "OriginKeepaliveTimeout": 5,
    }
    return made


def behavior(
    path_pattern: str | None, *, target: str = "files", groups: Iterable[str] = (GROUP,)
) -> Document:
    """Return a behavior, open if it trusts no group; the default one has no pattern."""
    return ({} if path_pattern is None else {"PathPattern": path_pattern}) | {
        "TargetOriginId": target,
        "TrustedSigners": {},
        "TrustedKeyGroups": {"Items": [*groups]},
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {
            "Quantity": 2,
            "Items": ["HEAD", "GET"],
            "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]},
        },
        "SmoothStreaming": False,
        "Compress": True,
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
        "FieldLevelEncryptionId": "",
        "CachePolicyId": CACHE_POLICY,
        "ResponseHeadersPolicyId": HEADERS_POLICY,
    }


def key_group(id_: str, *key_ids: str) -> Document:
    """Return a key group."""
    config = {"Name": id_, "Items": [*key_ids], "Comment": ""}
    return {"Id": id_, "LastModifiedTime": WHEN, "KeyGroupConfig": config}


def public_key(id_: str, pem: str) -> Document:
    """Return the summary of a public key."""
    return {"Id": id_, "Name": id_, "CreatedTime": WHEN, "EncodedKey": pem, "Comment": ""}


def access_control(signing: str) -> Document:
    """Return the configuration of an origin access control."""
    return {
        "Name": "media",
        "Description": "",
        "SigningProtocol": "sigv4",
        "SigningBehavior": signing,
        "OriginAccessControlOriginType": "s3",
    }


def cache_policy() -> Document:
    """Return the template's cache policy, which forwards no parameter of a signature."""
    names = ["response-content-disposition", "response-content-type", "versionId"]
    return {
        "Name": "media",
        "Comment": "",
        "MinTTL": 0,
        "DefaultTTL": 86400,
        "MaxTTL": 31536000,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingBrotli": True,
            "EnableAcceptEncodingGzip": True,
            "CookiesConfig": {"CookieBehavior": "none"},
            "HeadersConfig": {"HeaderBehavior": "none"},
            "QueryStringsConfig": {
                "QueryStringBehavior": "whitelist",
                "QueryStrings": {"Quantity": len(names), "Items": names},
            },
        },
    }


def headers_policy() -> Document:
    """Return the template's response headers policy."""
    csp = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
    return {
        "Name": "media",
        "Comment": "",
        "SecurityHeadersConfig": {
            "ContentTypeOptions": {"Override": True},
            "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
            "ContentSecurityPolicy": {"ContentSecurityPolicy": csp, "Override": True},
        },
    }


def source_arn(id_: str = DISTRIBUTION) -> Document:
    """Return the condition that the request comes from a distribution of the account."""
    arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{id_}"
    return {"StringEquals": {"AWS:SourceArn": arn}}


def statement(id_: str = DISTRIBUTION, **changed: Any) -> Document:
    """Return the statement by which a distribution reads the bucket."""
    return {
        "Sid": "AllowCloudFront",
        "Effect": "Allow",
        "Principal": {"Service": CLOUDFRONT},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": source_arn(id_),
    } | changed


def kms_policy(conditions: list[Document]) -> Document:
    """Return a key policy: of the account, and CloudFront with each of the conditions."""
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    service = {
        "Effect": "Allow",
        "Principal": {"Service": CLOUDFRONT},
        "Action": "kms:Decrypt",
        "Resource": "*",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [root, *(service | {"Condition": each} for each in conditions)],
    }


def pattern(prefix: str) -> str:
    """Return the path pattern of a folder."""
    return f"{prefix}*" if prefix else "/*"


def settle(situation: Situation) -> Situation:
    """Return the situation with each quantity, and what GetDistribution derives, as it must be."""
    for each in distributions(situation):
        config = each["DistributionConfig"]
        for name in ("Origins", "CacheBehaviors", "Aliases"):
            count(config[name])
        trusted: list[str] = []
        is_signer = False
        for one in [*behaviors_of(each), config["DefaultCacheBehavior"]]:
            trusted += one["TrustedKeyGroups"].get("Items", [])
            for name in ("TrustedSigners", "TrustedKeyGroups"):
                count(one[name])
                one[name]["Enabled"] = bool(one[name]["Quantity"])
            is_signer = is_signer or one["TrustedSigners"]["Enabled"]
        keys = {group["Id"]: group["KeyGroupConfig"]["Items"] for group in situation.key_groups}
        groups = [
            {"KeyGroupId": id_, "KeyPairIds": {"Quantity": len(keys[id_]), "Items": [*keys[id_]]}}
            for id_ in dict.fromkeys(trusted)
        ]
        signers = [{"AwsAccountNumber": "self", "KeyPairIds": {"Quantity": 0}}] * is_signer
        for name, found in (("ActiveTrustedKeyGroups", groups), ("ActiveTrustedSigners", signers)):
            each[name] = {"Enabled": bool(found), "Items": found}
            count(each[name])
    policy = situation.policy
    return replace(situation, policy=policy if policy and policy["Statement"] else None)


def count(items: Document) -> None:
    """Set the quantity of a list; boto3 leaves an empty one out."""
    items["Quantity"] = len(items.get("Items", []))
    if not items["Quantity"]:
        items.pop("Items", None)


def distributions(situation: Situation) -> list[Document]:
    """Return the distributions of the account."""
    return [situation.distribution, *situation.other_distributions]


def behaviors_of(each: Document) -> list[Document]:
    """Return the behaviors of a distribution that have a pattern, in their order."""
    items: list[Document] = each["DistributionConfig"]["CacheBehaviors"].get("Items", [])
    return items


# What people change: each takes an account that it may write to, and returns it, or None if there
# is nothing to change.

Change = Callable[[Situation], Situation | None]


def config(situation: Situation) -> Document:
    """Return the configuration of the site's distribution."""
    found: Document = situation.distribution["DistributionConfig"]
    return found


def governing(situation: Situation) -> Document:
    """Return the behavior of the files at the location."""
    return matched(situation.distribution, f"/{situation.location}a.jpg")


def files(situation: Situation) -> Document:
    """Return the origin that is the bucket."""
    found: Document = config(situation)["Origins"]["Items"][0]
    return found


def statements(situation: Situation) -> list[Document]:
    """Return the statements of the bucket policy."""
    found: list[Document] = (situation.policy or {})["Statement"]
    return found


def trusting(*groups: str) -> Change:
    """Let the behavior of the files trust these groups alone."""

    def change(situation: Situation) -> Situation:
        governing(situation)["TrustedKeyGroups"] = {"Items": [*groups]}
        return situation

    return change


def key_not_in_group(situation: Situation) -> Situation:
    """Take the site's key out of its group."""
    situation.key_groups[0]["KeyGroupConfig"]["Items"] = [OTHER_KEY_ID]
    return situation


def key_differs(situation: Situation) -> Situation:
    """Upload another public key than that of the site's private key."""
    situation.public_keys[0]["EncodedKey"] = OTHER_PUBLIC_KEY
    return situation


def setting_names_other_group(situation: Situation) -> Situation:
    """Configure another group than the one that is trusted."""
    return replace(situation, key_group_id=OTHER_GROUP)


def setting_names_no_group(situation: Situation) -> Situation:
    """Configure no group."""
    return replace(situation, key_group_id=None)


def before(tail: str | None, **options: Any) -> Change:
    """Put a behavior for a pattern below the location, or for all of it, before the others."""

    def change(situation: Situation) -> Situation:
        place = situation.location
        added = behavior(pattern(place) if tail is None else f"{place}{tail}", **options)
        config(situation)["CacheBehaviors"].setdefault("Items", []).insert(0, added)
        return situation

    return change


def open_endings(situation: Situation) -> Situation:
    """Open all pictures, in any folder."""
    added = behavior("*.jpg", groups=())
    config(situation)["CacheBehaviors"].setdefault("Items", []).insert(0, added)
    return situation


def open_default(situation: Situation) -> Situation | None:
    """Restrict the location alone, and leave the default behavior to the same bucket open."""
    if not situation.location:
        return None
    items = config(situation)["CacheBehaviors"].setdefault("Items", [])
    items.append(behavior(pattern(situation.location)))
    config(situation)["DefaultCacheBehavior"] = behavior(None, groups=())
    return situation


def folder_of_other_bucket(situation: Situation) -> Situation:
    """Take the documents from another bucket."""
    config(situation)["Origins"]["Items"].append(origin("documents", bucket=OTHER_BUCKET))
    return before("documents/*", target="documents")(situation) or situation


def origin_path(path: str) -> Change:
    """Let the origin begin at a folder of the bucket."""

    def change(situation: Situation) -> Situation:
        files(situation)["OriginPath"] = path
        return situation

    return change


def public_origin_path(situation: Situation) -> Situation | None:
    """Let what is declared public begin at a folder of the bucket that has private files."""
    if not situation.public_folders:
        return None
    path = f"/{situation.location}albums"
    config(situation)["Origins"]["Items"].append(origin("public", path=path))
    added = behavior("public/*", target="public", groups=())
    config(situation)["CacheBehaviors"].setdefault("Items", []).insert(0, added)
    return situation


def public_elsewhere(situation: Situation) -> Situation | None:
    """Declare another folder than the one that is open."""
    if not situation.public_folders:
        return None
    return replace(situation, public_folders=("covers/",))


def public_without_location(situation: Situation) -> Situation | None:
    """Open the declared folder as if there were no location."""
    if not situation.public_folders or not situation.location:
        return None
    for each in behaviors_of(situation.distribution):
        each["PathPattern"] = each["PathPattern"].replace(f"{situation.location}public/", "public/")
    return situation


def other_bucket(situation: Situation) -> Situation:
    """Read another bucket."""
    files(situation)["DomainName"] = f"{OTHER_BUCKET}.s3.{REGION}.amazonaws.com"
    return situation


def custom_origin(domain: str, protocol: str) -> Change:
    """Make the bucket a custom origin, which cannot have an origin access control."""

    def change(situation: Situation) -> Situation:
        config(situation)["Origins"]["Items"][0] = custom("files", domain, protocol)
        is_website = "s3-website" in domain
        website = {"IndexDocument": {"Suffix": "index.html"}} if is_website else situation.website
        return replace(situation, website=website)

    return change


def no_access_control(situation: Situation) -> Situation:
    """Take the origin access control off."""
    files(situation)["OriginAccessControlId"] = ""
    return situation


def identity(*, is_named: bool) -> Change:
    """Use the older origin access identity, with or without its statement in the policy."""

    def change(situation: Situation) -> Situation | None:
        ours = files(situation)
        if "S3OriginConfig" not in ours:
            return None
        ours["OriginAccessControlId"] = ""
        ours["S3OriginConfig"] = {
            "OriginAccessIdentity": f"origin-access-identity/cloudfront/{IDENTITY}"
        }
        if is_named:
            added = statement(Sid="Identity", Principal={"AWS": identity_arn(IDENTITY)})
            del added["Condition"]
            statements(situation).append(added)
        return situation

    return change


def identity_arn(id_: str) -> str:
    """Return the principal of an origin access identity."""
    return f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {id_}"


def signing(value: str) -> Change:
    """Change the signing behavior of the origin access control."""

    def change(situation: Situation) -> Situation:
        situation.access_controls[ACCESS_CONTROL] = access_control(value)
        return situation

    return change


def granting(**changed: Any) -> Change:
    """Change the statement by which CloudFront reads; None takes a key of it out."""

    def change(situation: Situation) -> Situation | None:
        ours = [each for each in statements(situation) if each["Sid"] == "AllowCloudFront"]
        for each in ours:
            each |= copy.deepcopy(changed)
            for name in [name for name in each if each[name] is None]:
                del each[name]
        return situation if ours else None

    return change


def no_statement(situation: Situation) -> Situation | None:
    """Take the statement by which CloudFront reads out."""
    left = [each for each in statements(situation) if each["Sid"] != "AllowCloudFront"]
    if len(left) == len(statements(situation)):
        return None
    statements(situation)[:] = left
    return situation


def adding(**changed: Any) -> Change:
    """Add a statement for all files; None takes a key out of it."""

    def change(situation: Situation) -> Situation:
        made = statement(Sid="Added", Principal="*", Condition=None) | copy.deepcopy(changed)
        statements(situation).append({k: v for k, v in made.items() if v is not None})
        return situation

    return change


def deny_documents(situation: Situation) -> Situation | None:
    """Deny all access to the documents."""
    resource = f"arn:aws:s3:::{BUCKET}/{situation.location}documents/*"
    return adding(Effect="Deny", Action="s3:*", Resource=resource)(situation)


def unblocking(*names: str) -> Change:
    """Turn these settings of Block Public Access off."""

    def change(situation: Situation) -> Situation:
        blocked = situation.public_access_block or {}
        left = {each: blocked.get(each, False) and each not in names for each in BLOCKS}
        return replace(situation, public_access_block=left)

    return change


def no_block(situation: Situation) -> Situation:
    """Delete the configuration of Block Public Access."""
    return replace(situation, public_access_block=None)


def public_bucket(situation: Situation) -> Situation:
    """Let everybody read, as for a website."""
    return no_block(adding()(situation) or situation)


def acls(situation: Situation) -> Situation:
    """Use ACLs, which may open single objects."""
    changed = unblocking("BlockPublicAcls", "IgnorePublicAcls")(situation) or situation
    return replace(changed, object_ownership="ObjectWriter")


def encrypting(key_arn: str | None) -> Change:
    """Encrypt with KMS, and do not let CloudFront decrypt."""

    def change(situation: Situation) -> Situation:
        rule: Document = {"SSEAlgorithm": "aws:kms"}
        rule |= {"KMSMasterKeyID": key_arn} if key_arn else {}
        return replace(
            situation,
            encryption={"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True},
            kms_key_arn=key_arn,
            kms_policy=kms_policy([]) if key_arn else None,
        )

    return change


def disabled(situation: Situation) -> Situation:
    """Disable the distribution."""
    config(situation)["Enabled"] = False
    return situation


def trusted_signers(situation: Situation) -> Situation:
    """Trust an account, as before key groups."""
    governing(situation)["TrustedSigners"] = {"Items": ["self"]}
    return trusting()(situation) or situation


def viewer_mtls(mode: str) -> Change:
    """Ask viewers for a certificate."""

    def change(situation: Situation) -> Situation:
        store = {
            "TrustStoreId": "store",
            "AdvertiseTrustStoreCaNames": False,
            "IgnoreCertificateExpiry": False,
        }
        config(situation)["ViewerMtlsConfig"] = {"Mode": mode, "TrustStoreConfig": store}
        return situation

    return change


def no_alias(situation: Situation) -> Situation | None:
    """Leave the site's domain out of the aliases."""
    if situation.domain == DEFAULT_DOMAIN or not config(situation)["Aliases"].get("Items"):
        return None
    config(situation)["Aliases"] = {}
    return situation


def all_viewer(situation: Situation) -> Situation:
    """Forward all headers of viewers, the host too."""
    governing(situation)["OriginRequestPolicyId"] = ALL_VIEWER
    situation.origin_request_policies[ALL_VIEWER] = {
        "Name": "Managed-AllViewer",
        "Comment": "",
        "HeadersConfig": {"HeaderBehavior": "allViewer"},
        "CookiesConfig": {"CookieBehavior": "all"},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
    }
    return situation


def second_distribution(*, is_open: bool, is_named: bool) -> Change:
    """Make another distribution with the origin of this one, for another site."""

    def change(situation: Situation) -> Situation | None:
        if situation.other_distributions:
            return None
        groups = () if is_open else (OTHER_GROUP,)
        other = distribution(
            OTHER_DISTRIBUTION,
            "d222222abcdef8.cloudfront.net",
            [copy.deepcopy(files(situation))],
            [],
            behavior(None, groups=groups),
            [],
        )
        situation.other_distributions.append(other)
        if is_named:
            statements(situation).append(statement(OTHER_DISTRIBUTION, Sid="Other"))
        return situation

    return change


SITE = {"aws:Referer": ["https://www.example.com/*", "https://example.com/*"]}
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
ENDPOINT = {"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}}
ANY_OF_ACCOUNT = f"arn:aws:cloudfront::{ACCOUNT}:distribution/*"
PUBLIC_FOLDER = f"arn:aws:s3:::{BUCKET}/public/*"
ROOT, PARTNER = f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{OTHER_ACCOUNT}:root"

CHANGES: dict[str, Change] = {
    # Who signs
    "group removed": trusting(),
    "group replaced": trusting(OTHER_GROUP),
    "group added": trusting(GROUP, OTHER_GROUP),
    "key not in group": key_not_in_group,
    "public key differs": key_differs,
    "setting names another group": setting_names_other_group,
    "setting names no group": setting_names_no_group,
    "trusted signers": trusted_signers,
    # Behaviors
    "open folder": before("albums/*", groups=()),
    "open endings": open_endings,
    "open before": before(None, groups=()),
    "open default": open_default,
    "folder of another group": before("albums/*", groups=(OTHER_GROUP,)),
    "folder of another bucket": folder_of_other_bucket,
    "open public/, undeclared": before("public/*", groups=()),
    "public folder elsewhere": public_elsewhere,
    "public folder without location": public_without_location,
    "public folder with origin path": public_origin_path,
    "all viewer headers": all_viewer,
    # Origins
    "origin path": origin_path("/files"),
    "origin path as location": origin_path("/media"),
    "another bucket": other_bucket,
    "custom origin": custom_origin(f"{BUCKET}.s3.{REGION}.amazonaws.com", "https-only"),
    "website endpoint": custom_origin(f"{BUCKET}.s3-website-{REGION}.amazonaws.com", "http-only"),
    "no access control": no_access_control,
    "identity": identity(is_named=True),
    "identity, not in policy": identity(is_named=False),
    "never signs": signing("never"),
    "signs without override": signing("no-override"),
    # Bucket policy
    "no statement": no_statement,
    "statement for another": granting(Condition=source_arn(OTHER_DISTRIBUTION)),
    "any of the account": granting(Condition={"StringEquals": {"AWS:SourceAccount": ACCOUNT}}),
    "any by pattern": granting(Condition={"ArnLike": {"AWS:SourceArn": ANY_OF_ACCOUNT}}),
    "no condition": granting(Condition=None),
    "anyone of the distribution": granting(Principal="*"),
    "not action": granting(Action=None, NotAction=["s3:PutObject", "s3:DeleteObject"]),
    "anyone": adding(),
    "anyone, AWS": adding(Principal={"AWS": "*"}),
    "anyone from the site": adding(Condition={"StringLike": SITE}),
    "anyone of the office": adding(Condition=OFFICE),
    "anyone but one folder": adding(Resource=None, NotResource=PUBLIC_FOLDER),
    "anyone but a partner": adding(Principal=None, NotPrincipal={"AWS": PARTNER}),
    "a partner": adding(Principal={"AWS": PARTNER}),
    "deny but endpoint": adding(Effect="Deny", Action="s3:*", Condition=ENDPOINT),
    "deny but account": adding(
        Effect="Deny", Action="s3:*", Principal=None, NotPrincipal={"AWS": ROOT}
    ),
    "deny HTTP": adding(
        Effect="Deny", Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}}
    ),
    "deny documents": deny_documents,
    # Bucket
    "unblocked": unblocking(*BLOCKS),
    "no block": no_block,
    "public policies allowed": unblocking("BlockPublicPolicy"),
    "public buckets unrestricted": unblocking("RestrictPublicBuckets"),
    "public bucket": public_bucket,
    "ACLs": acls,
    "KMS without CloudFront": encrypting(KMS_KEY),
    "KMS key of AWS": encrypting(None),
    # Distributions
    "disabled": disabled,
    "mTLS": viewer_mtls("required"),
    "optional mTLS": viewer_mtls("optional"),
    "no alias": no_alias,
    "second, open": second_distribution(is_open=True, is_named=True),
    "second, open, not in policy": second_distribution(is_open=True, is_named=False),
    "second, restricted": second_distribution(is_open=False, is_named=True),
}


def apply(name: str, situation: Situation) -> Situation | None:
    """Return the situation, whose documents may be written to, with a change, or None."""
    policy = situation.policy or {"Version": "2012-10-17", "Statement": []}
    changed = CHANGES[name](replace(situation, policy=policy))
    return None if changed is None else settle(changed)


def change(dice: Random, situation: Situation) -> tuple[Situation, str]:
    """Return a copy of the situation with one change, and its name."""
    while True:
        name = dice.choice([*CHANGES])
        changed = apply(name, copy.deepcopy(situation))
        if changed is not None:
            return changed, name


def situations(seed: int, count: int) -> Iterator[tuple[Situation, tuple[str, ...]]]:
    """Yield right accounts with none to five changes, always the same ones for a seed."""
    for number in range(count):
        dice = Random(f"{seed} {number}")
        situation, made = right(dice), []
        for name in dice.sample([*CHANGES], dice.choice([0, 1, 1, 2, 2, 3, 4, 5])):
            changed = apply(name, situation)
            if changed is not None:
                situation = changed
                made.append(name)
        yield situation, tuple(made)


# The oracle


def keys(situation: Situation) -> list[str]:
    """Return the keys of some objects of the site."""
    return [situation.location + each for each in NAMES]


def is_private(situation: Situation, key: str) -> bool:
    """Return whether the site has not declared an object to be public."""
    return not any(
        key.startswith(situation.location + folder) for folder in situation.public_folders
    )


def stranger_reads(situation: Situation, key: str) -> Verdict:
    """Return whether anybody gets a private object without a signature.

    By S3, or by a distribution of the account. "Cache behavior settings": the first pattern that
    matches decides; CloudFront compares the normalized path, and sends the raw one, so whether
    ``media%2Fa.jpg`` is a path of ``media/*`` is not said.
    """
    if not is_private(situation, key):
        return Verdict(False, "declared public")
    found = [direct(situation, key)]
    for each in distributions(situation):
        found += unsigned(situation, each, key)
    return first(found, True) or first(found, None) or Verdict(False, "no way in")


def signed_url_works(situation: Situation, key: str) -> Verdict:
    """Return whether the signed URL of an object, with the site's domain and key, gets it.

    "Specify signers ...": the key must be in a trusted key group of the behavior that matches.
    """
    each = named(situation)
    if each is None:
        return Verdict(False, "the domain is no alias of a distribution")
    path = f"/{key}"
    governs = matched(each, path)
    return worst(
        answers(each),
        signature_counts(situation, governs),
        fetched(situation, each, governs, path, key, is_new=True),
    )


def is_public(situation: Situation) -> Verdict:
    """Return whether S3 gives objects to anybody.

    "Blocking public access ...": ``RestrictPublicBuckets`` takes the effect from a public policy,
    and ``IgnorePublicAcls`` from public ACLs. ``BlockPublicPolicy`` and ``BlockPublicAcls`` refuse
    new ones, and change nothing for those that exist.
    """
    if policy_is_public(situation.policy) and not blocks(situation, "RestrictPublicBuckets"):
        return Verdict(True, "by its policy")
    if has_acls(situation):
        return Verdict(None, "objects may have public ACLs")
    return Verdict(False, "no public policy counts")


def foreign_reads(situation: Situation, key: str) -> Verdict:
    """Return whether a distribution of any other AWS account may read an object of the bucket.

    It is no way of ``stranger_reads``: one needs an account. "Restrict access to an Amazon S3
    origin" limits the statement to a distribution, since the service is the same for all accounts.
    """
    arn = "arn:aws:cloudfront::777788889999:distribution/E0FOREIGN"
    caller = service(arn, "777788889999")
    return worst(allowed(situation, caller, key), decrypts(situation, caller, is_new=False))


def first(verdicts: Iterable[Verdict], holds: bool | None) -> Verdict | None:
    """Return the first of some verdicts that is this one."""
    return next((each for each in verdicts if each.holds is holds), None)


def worst(*verdicts: Verdict) -> Verdict:
    """Return the verdict on all of them together: no, or unknown, or yes."""
    return first(verdicts, False) or first(verdicts, None) or verdicts[-1]


# CloudFront


def named(situation: Situation) -> Document | None:
    """Return the distribution that answers to the site's domain.

    "Use custom URLs by adding alternate domain names": a domain belongs to the one whose alias it
    is, and others are refused.
    """
    domain = situation.domain.lower()
    for each in distributions(situation):
        aliases = each["DistributionConfig"]["Aliases"].get("Items", [])
        if domain in (each["DomainName"], *aliases):
            return each
    return None


def answers(each: Document) -> Verdict:
    """Return whether a distribution answers to viewers who have no certificate.

    "Mutual TLS authentication": the mode ``required`` denies the connection without one. "Enabled"
    of "Distribution settings": CloudFront accepts no requests while a distribution is disabled.
    """
    found = each["DistributionConfig"]
    if not found["Enabled"]:
        return Verdict(False, "the distribution is disabled")
    if found.get("ViewerMtlsConfig", {}).get("Mode") == "required":
        return Verdict(False, "viewers need a certificate")
    return Verdict(True, "the distribution answers")


def matched(each: Document, path: str) -> Document:
    """Return the behavior of a path.

    "Cache behavior settings": the first pattern that matches; a slash at its beginning may be
    missing; ``*`` is any characters, ``?`` is one, and case counts.
    """
    for one in behaviors_of(each):
        if is_like("/" + one["PathPattern"].removeprefix("/"), path):
            return one
    found: Document = each["DistributionConfig"]["DefaultCacheBehavior"]
    return found


def is_open(governs: Document) -> bool:
    """Return whether a behavior needs no signature.

    "Specify signers ...": CloudFront requires signatures as soon as a behavior has a signer, which
    is a key group or an account.
    """
    return not (governs["TrustedKeyGroups"]["Enabled"] or governs["TrustedSigners"]["Enabled"])


def signature_counts(situation: Situation, governs: Document) -> Verdict:
    """Return whether a behavior lets the site's signed URLs through."""
    if is_open(governs):
        if forwards_query(situation, governs):
            return Verdict(None, "the bucket may get the signature as its own")
        return Verdict(True, "no signature is needed")
    if governs["TrustedSigners"]["Enabled"]:
        both = governs["TrustedKeyGroups"]["Enabled"]
        return Verdict(None if both else False, "the signer is an account, not the key group")
    groups = {group["Id"]: group["KeyGroupConfig"]["Items"] for group in situation.key_groups}
    trusted = governs["TrustedKeyGroups"]["Items"]
    if not any(situation.key_pair_id in groups[each] for each in trusted):
        return Verdict(False, "no trusted key group has the key")
    known = {each["Id"]: each["EncodedKey"].split() for each in situation.public_keys}
    if known[situation.key_pair_id] != situation.public_key.split():
        return Verdict(False, "the public key of this ID is another one")
    return Verdict(True, "the key is trusted")


def forwards_query(situation: Situation, governs: Document) -> bool:
    """Return whether the parameters of a signature reach the origin of an open behavior."""
    cached = situation.cache_policies[governs["CachePolicyId"]]
    found = [cached["ParametersInCacheKeyAndForwardedToOrigin"]["QueryStringsConfig"]]
    if "OriginRequestPolicyId" in governs:
        sent = situation.origin_request_policies[governs["OriginRequestPolicyId"]]
        found.append(sent["QueryStringsConfig"])
    return any(each["QueryStringBehavior"] not in ("none", "whitelist") for each in found)


def unsigned(situation: Situation, each: Document, key: str) -> list[Verdict]:
    """Return what requests without a signature get that may reach an object."""
    found = []
    origins = each["DistributionConfig"]["Origins"]["Items"]
    for start in {one["OriginPath"].strip("/") for one in origins}:
        folder = f"{start}/" if start else ""
        if not key.startswith(folder):
            continue
        plain, *encoded = spellings(key.removeprefix(folder))
        for path in (plain, *encoded):
            governs = matched(each, path)
            if not is_open(governs):
                continue
            got = fetched(situation, each, governs, path, key, is_new=False)
            verdict = worst(answers(each), got)
            if verdict.holds and path != plain:
                verdict = Verdict(None, "which behavior an encoded slash has")
            found.append(verdict._replace(why=f"{each['Id']}, {path}: {verdict.why}"))
    return found


def spellings(key: str) -> list[str]:
    """Return the path of a key, and what S3 reads as the same path but no normalization changes.

    RFC 3986, section 6.2.2: an encoded slash is not the same as a slash.
    """
    parts = key.split("/")
    spelled = []
    for slashes in product(["/", "%2F"], repeat=len(parts) - 1):
        pairs = zip(parts[1:], slashes, strict=True)
        spelled.append("/" + parts[0] + "".join(slash + part for part, slash in pairs))
    return spelled


def fetched(
    situation: Situation, each: Document, governs: Document, path: str, key: str, *, is_new: bool
) -> Verdict:
    """Return whether CloudFront gets an object from the origin of a behavior.

    "Restrict access to an Amazon S3 origin": with an origin access control, CloudFront signs as
    the service; ``never`` signs nothing; ``no-override`` signs what has no header of its own; a
    website endpoint is a custom origin, which has neither access control nor identity.
    "Origin settings": CloudFront puts the origin path before the path.
    """
    origins = {one["Id"]: one for one in each["DistributionConfig"]["Origins"]["Items"]}
    from_origin = origins[governs["TargetOriginId"]]
    kind = endpoint(situation, from_origin["DomainName"])
    if kind == "":
        return Verdict(False, "the origin is not the bucket")
    if unquote(from_origin["OriginPath"] + path).removeprefix("/") != key:
        return Verdict(False, "the origin path makes another key of it")
    if kind == "website" and situation.website is None:
        return Verdict(False, "the bucket is no website")
    caller = caller_of(situation, each, from_origin)
    found = worst(allowed(situation, caller, key), decrypts(situation, caller, is_new=is_new))
    sent = situation.origin_request_policies.get(governs.get("OriginRequestPolicyId", ""), {})
    if found.holds and "allViewer" in sent.get("HeadersConfig", {}).get("HeaderBehavior", ""):
        return Verdict(None, "the bucket gets the host of the viewer")
    return found


def endpoint(situation: Situation, host: str) -> str:
    """Return which endpoint of the site's bucket an origin is: rest, website, or none.

    "Website endpoints": with a dash or with a dot before the region.
    """
    bucket, region = situation.bucket, situation.region
    names = {
        f"{bucket}.s3.{region}.amazonaws.com": "rest",
        f"{bucket}.s3-website-{region}.amazonaws.com": "website",
        f"{bucket}.s3-website.{region}.amazonaws.com": "website",
    }
    return names.get(host.lower(), "")


# Bucket and key policies


@dataclass(frozen=True)
class Caller:
    """Who asks S3 or KMS: a stranger, CloudFront unsigned, its service, or an older identity."""

    kind: str
    name: str = ""
    #: The condition keys that are known to be there, in lowercase.
    context: Mapping[str, str] | None = None


#: "Global condition context keys": they come with an endpoint of a VPC or with a principal that is
#: in an organization, which neither strangers nor CloudFront are.
ABSENT = {"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip", "aws:principalorgid"}
#: Of AWS services, and of principals that have signed.
ABSENT_UNSIGNED = {"aws:sourcearn", "aws:sourceaccount", "aws:principalarn", "aws:userid"}
#: What a viewer may write as they like.
CHOSEN = {"aws:referer", "aws:useragent"}
#: "The meaning of public": a fixed value of one of them makes a statement not public.
FIXED = {"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner"}
FIXED |= {"aws:sourceaccount", "aws:userid", "aws:principalorgid", "aws:principalarn"}
PRIVATE = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]

STRANGER = Caller("stranger", context={"aws:securetransport": "true"})
UNSIGNED = Caller("unsigned", context={"aws:securetransport": "true"})


def service(arn: str, account_id: str) -> Caller:
    """Return CloudFront, which signs for a distribution."""
    known = {"aws:securetransport": "true", "aws:sourcearn": arn, "aws:sourceaccount": account_id}
    return Caller("service", CLOUDFRONT, known)


def caller_of(situation: Situation, each: Document, from_origin: Document) -> Caller:
    """Return as whom CloudFront asks an origin."""
    access = from_origin["OriginAccessControlId"]
    if access and situation.access_controls[access]["SigningBehavior"] != "never":
        return service(each["ARN"], situation.account_id)
    older = from_origin.get("S3OriginConfig", {}).get("OriginAccessIdentity", "")
    if older:
        name = identity_arn(older.rpartition("/")[2])
        return Caller("identity", name, {"aws:securetransport": "true"})
    return UNSIGNED


def direct(situation: Situation, key: str) -> Verdict:
    """Return whether anybody gets an object from S3."""
    found = worst(allowed(situation, STRANGER, key), decrypts(situation, STRANGER, is_new=False))
    if found.holds is False and has_acls(situation):
        return Verdict(None, "the object may have a public ACL")
    return found._replace(why=f"directly: {found.why}")


def has_acls(situation: Situation) -> bool:
    """Return whether objects may have public ACLs that count."""
    enforced = situation.object_ownership == "BucketOwnerEnforced"
    return not enforced and not blocks(situation, "IgnorePublicAcls")


def blocks(situation: Situation, name: str) -> bool:
    """Return whether a setting of Block Public Access is on."""
    return (situation.public_access_block or {}).get(name, False)


def allowed(situation: Situation, caller: Caller, key: str) -> Verdict:
    """Return whether the bucket policy lets a caller read an object.

    "Blocking public access ...": with ``RestrictPublicBuckets``, a public policy is for services
    and for the owner's account alone. What a statement for anyone then is for a service, is not
    said, and neither what an origin access identity is.
    """
    resource = f"arn:aws:s3:::{situation.bucket}/{key}"
    found = decide(situation.policy, caller, "s3:GetObject", resource)
    is_restricted = blocks(situation, "RestrictPublicBuckets")
    if found is False or not is_restricted or not policy_is_public(situation.policy):
        return Verdict(found, "by the bucket policy")
    if caller.kind in ("stranger", "unsigned"):
        return Verdict(False, "RestrictPublicBuckets")
    if caller.kind == "service":
        own = decide(only(situation.policy, "Service"), caller, "s3:GetObject", resource)
        return Verdict(found if own else None, "RestrictPublicBuckets leaves services")
    return Verdict(None, "RestrictPublicBuckets and an origin access identity")


def only(policy: Document | None, principal: str) -> Document | None:
    """Return a policy without what it allows to others than this kind of principal."""
    return policy and policy | {
        "Statement": [
            each
            for each in policy["Statement"]
            if each["Effect"] == "Deny" or principal in each.get("Principal", {})
        ]
    }


def decrypts(situation: Situation, caller: Caller, *, is_new: bool) -> Verdict:
    """Return whether a caller gets what KMS encrypts.

    ``is_new``: the bucket's rule was there before the object; others may not be encrypted by KMS.
    "Restrict access to an Amazon S3 origin": the key policy must let the service decrypt, and an
    identity cannot. The policy of AWS's own key cannot be changed. "Using server-side encryption
    with AWS KMS keys": S3 refuses requests that are not signed.
    """
    rule = (situation.encryption or {}).get("ApplyServerSideEncryptionByDefault", {})
    if not rule.get("SSEAlgorithm", "").startswith("aws:kms"):
        return Verdict(True, "by the bucket policy")
    if caller.kind == "service" and "KMSMasterKeyID" in rule:
        found = decide(situation.kms_policy, caller, "kms:Decrypt", rule["KMSMasterKeyID"])
    else:
        found = False
    if found is False and not is_new:
        return Verdict(None, "objects from before KMS")
    return Verdict(found, "by the key policy")


def decide(policy: Document | None, caller: Caller, action: str, resource: str) -> bool | None:
    """Return whether a policy allows a request: something does, and nothing denies."""
    found: dict[str, list[bool | None]] = {"Allow": [False], "Deny": [False]}
    for each in (policy or {"Statement": []})["Statement"]:
        found[each["Effect"]].append(applies(each, caller, action, resource))
    is_allowed, is_denied = either(found["Allow"]), either(found["Deny"])
    if is_denied or is_allowed is False:
        return False
    return None if is_denied is None else is_allowed


def either(values: Iterable[bool | None]) -> bool | None:
    """Return whether one of some values is true."""
    values = [*values]
    return True if True in values else None if None in values else False


def both(values: Iterable[bool | None]) -> bool | None:
    """Return whether all of some values are true."""
    values = [*values]
    return False if False in values else None if None in values else True


def applies(each: Document, caller: Caller, action: str, resource: str) -> bool | None:
    """Return whether a statement is about a request."""
    if not (covers(each, "Action", action) and covers(each, "Resource", resource)):
        return False
    conditions = [
        holds(operator, name.lower(), listed(wanted), caller, each["Effect"])
        for operator, pairs in each.get("Condition", {}).items()
        for name, wanted in pairs.items()
    ]
    return both([is_principal(each, caller), *conditions])


def covers(each: Document, element: str, value: str) -> bool:
    """Return whether a statement is about an action, in any case, or about a resource."""
    patterns = listed(each.get(element) or each[f"Not{element}"])
    if element == "Action":
        patterns, value = [one.lower() for one in patterns], value.lower()
    return any(is_like(one, value) for one in patterns) is (element in each)


def is_principal(each: Document, caller: Caller) -> bool | None:
    """Return whether a statement is about a caller.

    "Principal": ``*`` is all principals; in "AWS", it is the same for anonymous users, and of
    services it is not said. "NotPrincipal": all but those named are denied; with "Allow", it is
    not supported, and an older edition says that it may be anonymous users.
    """
    found = each.get("Principal") or each["NotPrincipal"]
    if found == "*":
        is_in: bool | None = True
    else:
        aws, services = listed(found.get("AWS", [])), listed(found.get("Service", []))
        if caller.kind == "service":
            is_in = True if caller.name in services else None if "*" in aws else False
        else:
            is_in = "*" in aws or caller.name in aws
        if is_in is False and caller.kind == "identity" and "CanonicalUser" in found:
            is_in = None
    if "Principal" in each:
        return is_in
    is_other = None if is_in is None else not is_in
    return is_other if each["Effect"] == "Deny" or is_other is False else None


def holds(operator: str, name: str, wanted: list[str], caller: Caller, effect: str) -> bool | None:
    """Return whether a condition holds.

    "Condition operators": without the key, it holds if it is negated or ends in ``IfExists``.
    """
    base = operator.removesuffix("IfExists")
    is_negated = "Not" in base
    is_absent = name in ABSENT or (caller.kind != "service" and name in ABSENT_UNSIGNED)
    if is_absent:
        return is_negated or base != operator if base != "Null" else wanted == ["true"]
    if any("${" in each for each in wanted):
        return None
    if name == "aws:sourceip" and base in ("IpAddress", "NotIpAddress"):
        found = comes_from(wanted) if caller.kind == "stranger" else None
        return None if found is None else found is not is_negated
    if name in CHOSEN and caller.kind == "stranger" and any("://" in each for each in wanted):
        return effect == "Allow"
    value = (caller.context or {}).get(name)
    if value is None:
        return None
    plain = base.replace("Not", "")
    if plain in ("StringLike", "ArnLike", "ArnEquals"):
        return any(is_like(each, value) for each in wanted) is not is_negated
    if plain in ("StringEquals", "Bool"):
        return (value in wanted) is not is_negated
    return None


def comes_from(ranges: list[str]) -> bool | None:
    """Return whether a stranger comes from one of these ranges: an office is no stranger."""
    networks = [ipaddress.ip_network(each) for each in ranges]
    if any(each.prefixlen == 0 for each in networks):
        return True
    return None if any(is_broad(each) for each in networks) else False


def is_broad(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Return whether S3 takes a range for everybody: broader than /8, and /32 of IPv6."""
    return network not in PRIVATE and network.prefixlen < (8 if network.version == 4 else 32)


def policy_is_public(policy: Document | None) -> bool:
    """Return whether S3 takes a policy for a public one.

    "The meaning of public": it is, unless each statement that allows is for fixed principals, or
    has a fixed value (no wildcard, no variable) of one of some condition keys.
    """
    found = (policy or {"Statement": []})["Statement"]
    return any(each["Effect"] == "Allow" and is_for_all(each) for each in found)


def is_for_all(each: Document) -> bool:
    """Return whether a statement makes a policy public."""
    found = each.get("Principal", "*")
    anyone = found == "*" or "Federated" in found or "*" in listed(found.get("AWS", []))
    return anyone and not any(
        is_fixed(operator, name.lower(), listed(wanted))
        for operator, pairs in each.get("Condition", {}).items()
        for name, wanted in pairs.items()
    )


def is_fixed(operator: str, name: str, wanted: list[str]) -> bool:
    """Return whether a condition is for fixed values."""
    if name == "aws:sourceip":
        ranges = [ipaddress.ip_network(each) for each in wanted]
        return operator == "IpAddress" and not any(is_broad(each) for each in ranges)
    is_positive = operator in ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
    return is_positive and name in FIXED and not any({"*", "?", "$"} & {*each} for each in wanted)


def listed(value: Any) -> list[str]:
    """Return the values of an element of a policy, which may be a single one."""
    return [value] if isinstance(value, str) else [*value]


@lru_cache(maxsize=4096)
def is_like(pattern: str, text: str) -> bool:
    """Return whether ``*`` stands for any characters, and ``?`` for one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None
