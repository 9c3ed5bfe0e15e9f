"""Change one thing of a healthy site at a time, and name the findings that must tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from cfsigned_django.aws.account import Account, KmsKey
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.bucket_policy import access_identity_statement
from cfsigned_django.aws.documents.distribution import new_behavior
from cfsigned_django.aws.documents.key_policy import decrypt_statement
from cfsigned_django.aws.documents.policies import (
    CACHE_POLICIES,
    cache_policy_config,
    origin_request_policy_config,
)
from cfsigned_django.aws.errors import explain
from cfsigned_django.signing import PrivateKey
from cfsigned_django.viewer import Answer
from tests.doctor.world import (
    NOW,
    OPEN,
    ORIGIN,
    World,
    behavior_of,
    open_like_storage,
    open_twin,
)
from tests.simulation.answers import refusal
from tests.storage_cases import KEY_GROUP_ID, OTHER_KEY_ID

#: Takes a healthy site, at AWS and in its settings, and changes it.
Change: TypeAlias = Callable[[World, Any], object]

OTHER_ORIGIN = "https://other.example.com"
IDENTITY = "EH1HDMB1FH2TC"
_ACCOUNTS = {"Enabled": True, **list_of(["self"])}
_WAF_PAGE = b"<!DOCTYPE html><html><body>The request was blocked.</body></html>"
BACKUP = {"Sid": "Backup", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Condition": {}}
_IDENTITY_CONFIG = {"OriginAccessIdentity": f"origin-access-identity/cloudfront/{IDENTITY}"}
KEY_DENIED = explain(
    refusal("AccessDenied", "GetKeyPolicy"), what="read it", permission="kms:GetKeyPolicy"
)
_OTHER_DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/EOTHER"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
OFFICE = {
    "Sid": "Office",
    "Principal": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
}


def both(*changes: Change) -> Change:
    """Make several changes, one after another."""

    def change(world: World, settings: Any) -> None:
        for each in changes:
            each(world, settings)

    return change


def setting(name: str, value: object) -> Change:
    """Change a setting."""
    return lambda world, settings: setattr(settings, name, value)


def world_with(**fields: object) -> Change:
    """Change what the world is beside the API."""

    def change(world: World, settings: Any) -> None:
        for name, value in fields.items():
            setattr(world, name, value)

    return change


def configured(**fields: object) -> Change:
    """Change fields of the distribution."""
    return lambda world, settings: world.update(lambda config: config.update(fields))


def behavior(**fields: object) -> Change:
    """Change fields of the behavior that serves the storage; None takes one away."""
    return lambda world, settings: world.update_behavior(**fields)


def origin(**fields: object) -> Change:
    """Change fields of the origin that is the bucket."""
    return lambda world, settings: world.update(
        lambda config: config["Origins"]["Items"][0].update(fields)
    )


def policy(*changes: Document) -> Change:
    """Replace the bucket policy by the statement that lets the distribution read, changed."""
    return lambda world, settings: world.set_policy(*(world.statement(**each) for each in changes))


def cors(*origins: str, **changes: object) -> Change:
    """Replace the CORS rules of the bucket with one, changed."""
    return lambda world, settings: world.set_cors(*origins, **changes)


def account(**fields: Any) -> Change:
    """Let the API say something else of the account."""

    def change(world: World, settings: Any) -> None:
        world.edit = lambda found: replace(found, **fields)

    return change


def distribution(**fields: object) -> Change:
    """Let the API say something else of the distribution."""
    return lambda world, settings: world.edit_distribution(**fields)


def id_of_another_key(world: World, settings: Any) -> None:
    """Name the public key of another private key, which is in the group as well."""
    other = world.add_public_key(PrivateKey.generate(), "other")
    world.set_members(world.key_pair_id, other)
    settings.AWS_CLOUDFRONT_KEY_ID = other


def key_not_in_group(world: World, settings: Any) -> None:
    """Hold only somebody else's key in the key group."""
    world.set_members(world.add_public_key(PrivateKey.generate(), "other"))


def no_such_group(world: World, settings: Any) -> None:
    """Name a key group that the account does not have."""
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    world.trust(KEY_GROUP_ID)


def group_not_on_behavior(world: World, settings: Any) -> None:
    """Trust another key group on the behavior."""
    other = world.add_public_key(PrivateKey.generate(), "other")
    world.trust(world.add_key_group("other", other))


def old_key(world: World, settings: Any) -> None:
    """Sign with a key of last year."""
    created = datetime.fromtimestamp(NOW, UTC) - timedelta(days=400)
    world.edit = lambda found: replace(
        found,
        public_keys=tuple(replace(each, created_at=created) for each in found.public_keys or ()),
    )


def later_open_behavior(world: World, settings: Any) -> None:
    """Restrict a folder of the storage, and read the bucket by the open default behavior."""

    def narrow(config: Document) -> None:
        media = behavior_of(config)
        config["DefaultCacheBehavior"]["TargetOriginId"] = media["TargetOriginId"]
        media["PathPattern"] = "media/albums/*"

    world.update(narrow)


def two_distributions_read_the_bucket(world: World, settings: Any) -> None:
    """Leave the domain to nobody, so that two distributions may be meant."""
    world.update(lambda config: config.update(Aliases={"Quantity": 0}))
    config = {**world.config(), "CallerReference": "second"}
    world.clients.cloudfront.create_distribution(DistributionConfig=config)


def website_origin(world: World, settings: Any) -> None:
    """Let the behavior read the website endpoint of the bucket."""

    def change(config: Document) -> None:
        pages = next(each for each in config["Origins"]["Items"] if each["Id"] == "pages")
        pages["DomainName"] = f"{world.bucket}.s3-website-us-east-1.amazonaws.com"
        behavior_of(config)["TargetOriginId"] = "pages"

    world.update(change)


def control_that_does_not_sign(world: World, settings: Any) -> None:
    """Let the access control sign nothing."""
    world.edit = lambda found: replace(
        found,
        access_controls=tuple(
            replace(each, config={**each.config, "SigningBehavior": "never"})
            for each in found.access_controls or ()
        ),
    )


def origin_group(
    *, bucket: bool = True, replica_first: bool = False, fallback: str = "replica", opens: str = ""
) -> Change:
    """Read a group of the bucket and its replica, or of others; ``opens`` is open to all."""

    def change(config: Document) -> None:
        behavior, media = behavior_of(config), config["Origins"]["Items"][0]
        host = "media-replica.s3.eu-west-1.amazonaws.com"
        replica = {**media, "Id": "replica", "DomainName": host, "OriginPath": "/copies"}
        config["Origins"] = list_of([*config["Origins"]["Items"], replica])
        members = [media["Id"] if bucket else "pages", fallback]
        group = {
            "Id": "failover",
            "FailoverCriteria": {"StatusCodes": list_of([500, 503])},
            "Members": list_of(
                [{"OriginId": each} for each in (members[::-1] if replica_first else members)]
            ),
        }
        config["OriginGroups"] = list_of([group])
        behavior["TargetOriginId"] = "failover"
        if opens:
            config["DefaultCacheBehavior"]["TargetOriginId"] = opens

    return lambda world, settings: world.update(change)


def encrypted(key: KmsKey | None, *, key_id: str = KEY_ARN) -> Change:
    """Let a KMS key encrypt the bucket by default."""
    by_default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key_id} if key_id else {})}
    encryption = {"ApplyServerSideEncryptionByDefault": by_default}

    def change(world: World, settings: Any) -> None:
        world.edit = lambda found: replace(
            found,
            bucket=replace(found.bucket, encryption=encryption) if found.bucket else None,
            kms_key=key,
        )

    return change


def encrypted_for_the_distribution(world: World, settings: Any) -> None:
    """Let a KMS key encrypt the bucket that lets the distribution decrypt."""
    answer = world.clients.cloudfront.get_distribution(Id=world.distribution_id)
    statement = decrypt_statement(answer["Distribution"]["ARN"])
    encrypted(KmsKey(arn=KEY_ARN, policy={"Statement": statement}))(world, settings)


def no_policy(world: World, settings: Any) -> None:
    """Have no bucket policy."""
    world.edit = lambda found: replace(
        found, bucket=replace(found.bucket, policy=None) if found.bucket else None
    )


def no_origin(world: World, settings: Any) -> None:
    """Name an origin that the distribution does not have."""
    world.edit_distribution(config={**world.config(), "Origins": {"Quantity": 0}})


def no_block(world: World, settings: Any) -> None:
    """Turn Block Public Access off."""
    world.clients.s3.delete_public_access_block(Bucket=world.bucket)


def public_bucket(world: World, settings: Any) -> None:
    """Let everybody in by the bucket policy, which was there before Block Public Access."""
    no_block(world, settings)
    public = world.statement(Sid="Public", Principal="*")
    del public["Condition"]
    world.set_policy(world.statement(), public)
    world.set_public_access_block()


def headers_policy(
    *allowed: str, override: bool = True, rule: tuple[str, ...] = (OTHER_ORIGIN,)
) -> Change:
    """Give the behavior a policy of the account's own, and the bucket a rule."""
    cors = {
        "AccessControlAllowOrigins": list_of([*allowed]),
        "AccessControlAllowHeaders": list_of(["*"]),
        "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
        "AccessControlAllowCredentials": False,
        "OriginOverride": override,
    }
    content = {"SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}}}

    def change(world: World, settings: Any) -> None:
        world.set_cors(*rule)
        made = world.clients.cloudfront.create_response_headers_policy(
            ResponseHeadersPolicyConfig={
                "Name": "own",
                **({"CorsConfig": cors} if allowed else content),
            }
        )
        world.update_behavior(ResponseHeadersPolicyId=made["ResponseHeadersPolicy"]["Id"])
        allow_origins(world, settings)

    return change


def allow_origins(world: World, settings: Any) -> None:
    """Let CloudFront add a CORS header, as its response headers policies do."""
    world.between = lambda answer: replace(
        answer, headers={**answer.headers, "access-control-allow-origin": "*"}
    )


def origin_in_cache_key(world: World, settings: Any) -> None:
    """Keep a copy for each origin."""
    made = world.clients.cloudfront.create_cache_policy(CachePolicyConfig=cache_policy_config("x"))
    world.update_behavior(CachePolicyId=made["CachePolicy"]["Id"])


def forwarded_values(header: str) -> Change:
    """Forward in the old way, by ForwardedValues."""

    def legacy(found: Account) -> Account:
        assert found.distribution is not None
        behavior = behavior_of(found.distribution.config)
        for name in ("CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId"):
            behavior.pop(name, None)
        behavior["ForwardedValues"] = {
            "QueryString": True,
            "Headers": list_of([header]),
            "QueryStringCacheKeys": {"Quantity": 0},
        }
        return found

    def change(world: World, settings: Any) -> None:
        world.edit = legacy

    return change


def forward_downloads(world: World, settings: Any) -> None:
    """Forward download parameters, and leave them out of the cache key."""
    made = world.clients.cloudfront.create_origin_request_policy(
        OriginRequestPolicyConfig=origin_request_policy_config("downloads")
    )
    world.update_behavior(OriginRequestPolicyId=made["OriginRequestPolicy"]["Id"])


def proxy_in_place_of_cloudfront(world: World, settings: Any) -> None:
    """Let something else answer under the domain."""
    headers = {"server": "nginx", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    world.between = lambda answer: Answer(status=404, headers=headers, body=b"not found")


def local_edge(*, distribution: bool) -> Change:
    """Make links for this machine, where nothing answers, beside a distribution or without."""

    def change(world: World, settings: Any) -> None:
        settings.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8001"
        settings.AWS_S3_URL_PROTOCOL = "http:"
        world.options["distribution_id"] = world.distribution_id if distribution else None

    return change


def pages_first(world: World, settings: Any) -> None:
    """Let open behaviors of the app come before a default behavior that is the storage's."""

    def change(config: Document) -> None:
        media = {**behavior_of(config)}
        del media["PathPattern"]
        pages = [{"PathPattern": each, **new_behavior("pages")} for each in ("*.html", "api/*")]
        config["CacheBehaviors"] = list_of(pages)
        config["DefaultCacheBehavior"] = media

    world.update(change)


def default_like_storage(**changes: Any) -> Change:
    """Let the default behavior be like that of the storage but for the changes."""

    def change(config: Document) -> None:
        media = {name: each for name, each in behavior_of(config).items() if name != "PathPattern"}
        config["DefaultCacheBehavior"] = {**media, **changes}

    return lambda world, settings: world.update(change)


def open_like(*patterns: str) -> Change:
    """Put open behaviors of the bucket before the restricted one."""
    return lambda world, settings: world.update(lambda config: open_like_storage(config, *patterns))


def twin(pattern: str, host: str = "{bucket}.s3.us-east-1.amazonaws.com", **origin: str) -> Change:
    """Put an open behavior, with an origin of its own, before the restricted one."""

    def change(world: World, settings: Any) -> None:
        domain = host.format(bucket=world.bucket)
        world.update(lambda config: open_twin(config, pattern, DomainName=domain, **origin))

    return change


#: Save at the root of the bucket, of which media/* alone is restricted, and asked for.
NARROW = both(setting("AWS_LOCATION", ""), world_with(name="media/albums/1.jpg"))
TWO_RULES = cors(ORIGIN, OTHER_ORIGIN)
WITH_DOWNLOADS = world_with(options={"uses_downloads": True})
NO_ACCESS = origin(OriginAccessControlId="")
WIDE_POLICY = policy({"Condition": {}})
#: Origin is in the cache key, and no other policy gives CORS headers: the bucket's rule counts.
RULE_OF_BUCKET = both(
    origin_in_cache_key, behavior(ResponseHeadersPolicyId=None, OriginRequestPolicyId=None)
)
MISSING_CORS = both(RULE_OF_BUCKET, cors(OTHER_ORIGIN))
IPV6 = configured(IsIPV6Enabled=True)
ACCESS_IDENTITY = origin(OriginAccessControlId="", S3OriginConfig=_IDENTITY_CONFIG)

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
    "no-such-group": (no_such_group, ["no-key-group", "signed-unknown-key"]),
    "group-not-trusted": (group_not_on_behavior, ["group-not-on-behavior", "signed-unknown-key"]),
    "old-key": (old_key, ["key-old"]),
    "edges-behind": (
        lambda world, _: world.edit_distribution(active_key_pairs={world.key_group_id: ("K1OLD",)}),
        ["key-not-at-edges"],
    ),
    "hash-of-another-key": (setting("AWS_CLOUDFRONT_HASH_ALGORITHM", "SHA1"), ["cfsigned.E011"]),
    # The distribution, and the behavior that serves the storage.
    "disabled": (configured(Enabled=False), ["distribution-disabled"]),
    "deploying": (distribution(status="InProgress"), ["distribution-deploying"]),
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
    "unsigned-control": (control_that_does_not_sign, ["origin-access-unsigned"]),
    "refused-identity": (ACCESS_IDENTITY, ["bucket-policy"]),
    "other-origin": (behavior(TargetOriginId="pages"), ["origin-not-bucket", "bucket-not-public"]),
    "no-origin": (no_origin, ["origin-not-bucket", "bucket-not-public"]),
    "group-without-bucket": (
        origin_group(bucket=False),
        ["origin-not-bucket", "bucket-not-public"],
    ),
    "group-not-admitted": (both(origin_group(), no_policy), ["bucket-policy"]),
    "website": (website_origin, ["origin-website", "bucket-not-public"]),
    "origin-path": (origin(OriginPath="/old"), ["origin-path"]),
    "public-bucket": (public_bucket, ["bucket-public", "s3-open"]),
    "no-block": (no_block, ["bucket-not-blocked"]),
    "one-switch-off": (
        lambda world, _: world.set_public_access_block(RestrictPublicBuckets=False),
        ["bucket-not-blocked"],
    ),
    "no-policy": (no_policy, ["bucket-policy"]),
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
    "key-policy": (
        encrypted(KmsKey(arn=KEY_ARN, policy={"Statement": []})),
        ["kms-key-policy"],
    ),
    "key-policy-for-another": (
        encrypted(
            KmsKey(arn=KEY_ARN, policy={"Statement": [decrypt_statement(_OTHER_DISTRIBUTION)]})
        ),
        ["kms-key-policy"],
    ),
    "aws-managed-key": (encrypted(KmsKey(arn=KEY_ARN, is_aws_managed=True)), ["kms-aws-managed"]),
    "aws-managed-key-without-id": (encrypted(None, key_id=""), ["kms-aws-managed"]),
    "identity-and-key": (
        both(
            ACCESS_IDENTITY,
            lambda world, _: world.set_policy(access_identity_statement(world.bucket, IDENTITY)),
            encrypted(KmsKey(arn=KEY_ARN)),
        ),
        ["kms-identity"],
    ),
    "key-not-readable": (
        encrypted(KmsKey(arn=KEY_ARN, unread=KEY_DENIED)),
        ["aws-unreadable"],
    ),
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
    "policy-leaves-others-to-s3": (
        headers_policy(OTHER_ORIGIN, override=False),
        ["cors-rule-missing", "origin-not-in-cache-key"],
    ),
    "policy-without-cors": (
        headers_policy(override=False),
        ["cors-rule-missing", "origin-not-in-cache-key"],
    ),
    "copy-names-one-of-two": (both(TWO_RULES, allow_origins), ["origin-not-in-cache-key"]),
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
    "proxy": (proxy_in_place_of_cloudfront, ["not-cloudfront"]),
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
    "simple-cors": (both(cors("https://a.example.com", AllowedMethods=["PUT"]), allow_origins), []),
    "own-policy": (headers_policy(ORIGIN), []),
    "own-policy-for-all": (headers_policy("*"), []),
    "own-policy-by-pattern": (headers_policy("https://*.example.com"), []),
    "copy-names-the-only-one": (headers_policy("*", override=False, rule=(ORIGIN,)), []),
    "copy-names-all": (headers_policy("*", override=False, rule=("*",)), []),
    "copy-for-each": (both(TWO_RULES, origin_in_cache_key, allow_origins), []),
    "no-copies": (
        both(TWO_RULES, behavior(CachePolicyId=CACHE_POLICIES["CachingDisabled"]), allow_origins),
        [],
    ),
    "no-copies-of-s3": (
        behavior(CachePolicyId=CACHE_POLICIES["CachingDisabled"], ResponseHeadersPolicyId=None),
        [],
    ),
    "copies-overridden": (headers_policy("*", rule=(ORIGIN, OTHER_ORIGIN)), []),
    "nothing-forwarded": (both(TWO_RULES, behavior(OriginRequestPolicyId=None), allow_origins), []),
    "forwarded-origin": (both(forwarded_values("Origin"), WITH_DOWNLOADS), []),
    "forwarded-all": (both(forwarded_values("*"), WITH_DOWNLOADS), []),
}
