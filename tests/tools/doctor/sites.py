"""Seed sites: each is a healthy site with one change, and what is found then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cfsigned_django.aws.errors import explain
from cfsigned_django.tools.account.account import (
    Account,
    Bucket,
    BucketPart,
    BucketState,
    KmsKey,
)
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    access_identity_statement,
    decrypt_statement,
)
from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.account.documents.lifecycle_rules import upload_rule
from tests.simulation.answers import refusal
from tests.storage_cases import KEY_GROUP_ID, OTHER_KEY_ID, S3_BACKEND
from tests.tools.account.by_hand import (
    ALL_VIEWER,
    CACHING_DISABLED,
    SECURITY_HEADERS,
    cache_policy_config,
    new_behavior,
    origin_request_policy_config,
)
from tests.tools.doctor.world import (
    BACKUP,
    NOW,
    OFFICE,
    OPEN,
    ORIGIN,
    OTHER_ORIGIN,
    Change,
    World,
    behavior,
    behavior_of,
    both,
    configured,
    cors,
    edited,
    headers_policy,
    key_not_in_group,
    no_block,
    open_like,
    origin,
    policy,
    public_bucket,
    setting,
    world_with,
)

_IDENTITY = "EH1HDMB1FH2TC"
_ACCOUNTS = {"Enabled": True, **list_of(["self"])}
_IDENTITY_CONFIG = {"OriginAccessIdentity": f"origin-access-identity/cloudfront/{_IDENTITY}"}
_FUNCTION = list_of([{"EventType": "viewer-request"}])
_OTHER_DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/EOTHER"
_DISTRIBUTIONS = "arn:aws:cloudfront::111111111111:distribution/*"
#: A Deny for all that is not decrypted through S3; no page says whether CloudFront's is.
_THROUGH_S3: Document = {
    "Effect": "Deny",
    "Condition": {"StringNotEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
}
_KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
_KEY_DENIED = explain(
    refusal("AccessDenied", "GetKeyPolicy"), what="read it", permission="kms:GetKeyPolicy"
)


# Changes of the configuration


def id_of_another_key(world: World, settings: Any) -> None:
    """Name the public key of another private key, which is in the group as well."""
    other = world.upload("other")
    world.set_members(world.key_pair_id, other)
    settings.AWS_CLOUDFRONT_KEY_ID = other


def origin_group(
    *, bucket: bool = True, replica_first: bool = False, fallback: str = "replica", opens: str = ""
) -> Change:
    """Read a group of the bucket and its replica, or of others; ``opens`` is open to all."""

    @edited
    def change(config: Document) -> None:
        media = config["Origins"]["Items"][0]
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
        behavior_of(config)["TargetOriginId"] = "failover"
        if opens:
            config["DefaultCacheBehavior"]["TargetOriginId"] = opens

    return change


def cache_key_with(*parameters: str) -> Change:
    """Put Origin and parameters into the cache key, which forwards them."""

    def change(world: World, settings: Any) -> None:
        config = cache_policy_config("own", list(parameters))
        behavior(CachePolicyId=world.make_policy("CachePolicy", config))(world, settings)

    return change


def csp(value: str) -> Change:
    """Send a Content-Security-Policy with each response, and forward the type of a download."""

    def change(world: World, settings: Any) -> None:
        security = {"ContentSecurityPolicy": {"ContentSecurityPolicy": value, "Override": True}}
        config = {"Name": "csp", "SecurityHeadersConfig": security}
        policy_id = world.make_policy("ResponseHeadersPolicy", config)
        behavior(ResponseHeadersPolicyId=policy_id)(world, settings)

    return both(cache_key_with("response-content-type"), change)


def forward_downloads(world: World, settings: Any) -> None:
    """Forward download parameters, and leave them out of the cache key."""
    config = origin_request_policy_config("downloads")
    policy_id = world.make_policy("OriginRequestPolicy", config)
    behavior(OriginRequestPolicyId=policy_id)(world, settings)


def forwarded_values(header: str) -> Change:
    """Forward in the old way, by ForwardedValues."""
    values = {
        "QueryString": True,
        "Cookies": {"Forward": "none"},
        "Headers": list_of([header]),
        "QueryStringCacheKeys": {"Quantity": 0},
    }
    policies = ("CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId")
    return behavior(ForwardedValues=values, **dict.fromkeys(policies))


def another_key_group(world: World, settings: Any) -> None:
    """Give the account the key group of another site."""
    world.add_group("production")


def local_edge(world: World, settings: Any) -> None:
    """Make links for this machine, on which nothing answers."""
    settings.AWS_S3_CUSTOM_DOMAIN, settings.AWS_S3_URL_PROTOCOL = "127.0.0.1:8001", "http:"


@edited
def pages_first(config: Document) -> None:
    """Put open behaviors of the app before a default behavior that is the storage's."""
    config["DefaultCacheBehavior"] = media_of(config)
    pages = [{"PathPattern": each, **new_behavior("pages")} for each in ("*.html", "api/*")]
    config["CacheBehaviors"] = list_of(pages)


def media_of(config: Document) -> Document:
    """Return the behavior of the storage, as the default one would be."""
    return {name: each for name, each in behavior_of(config).items() if name != "PathPattern"}


def default_like_storage(**changes: Any) -> Change:
    """Make the default behavior equal to the storage's, except for the changes."""
    return edited(
        lambda config: config.update(DefaultCacheBehavior={**media_of(config), **changes})
    )


def twin(
    pattern: str,
    host: str = "{bucket}.s3.us-east-1.amazonaws.com",
    *,
    restricted: bool = False,
    **fields: str,
) -> Change:
    """Put a behavior, open if not restricted, with a new origin, before all others."""

    def change(world: World, settings: Any) -> None:
        def add_origin(config: Document) -> None:
            target = behavior_of(config)["TargetOriginId"]
            [media] = [each for each in config["Origins"]["Items"] if each["Id"] == target]
            own = {**media, "Id": "twin", "DomainName": host.format(bucket=world.bucket), **fields}
            config["Origins"] = list_of([*config["Origins"]["Items"], own])

        world.update(add_origin)
        trusted = behavior_of(world.config())["TrustedKeyGroups"] if restricted else OPEN
        open_like(pattern, TargetOriginId="twin", TrustedKeyGroups=trusted)(world, settings)

    return change


# What the emulator cannot be brought to say


def account(**fields: Any) -> Change:
    """Change what the API says about the account."""
    return world_with(edit=lambda found: replace(found, **fields))


def part_of_account(part: str, **fields: Any) -> Change:
    """Change what the API says about the distribution or the bucket."""
    return world_with(
        edit=lambda found: replace(found, **{part: replace(getattr(found, part), **fields)})
    )


def each_of(part: str, **fields: Any) -> Change:
    """Change what the API says about all public keys, or about all access controls."""
    return world_with(
        edit=lambda found: replace(
            found, **{part: tuple(replace(each, **fields) for each in getattr(found, part))}
        )
    )


def old_at_the_edges(world: World, settings: Any) -> None:
    """Give the distribution an older state of its key group."""
    active = {world.key_group_id: ("K1OLD",)}
    part_of_account("distribution", active_key_pairs=active)(world, settings)


def encrypted(policy: Document | None, **key: Any) -> Change:
    """Encrypt the bucket by default with a KMS key that has this policy."""
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _KEY_ARN}

    def edit(found: Account) -> Account:
        assert found.bucket is not None
        encryption = {"ApplyServerSideEncryptionByDefault": by_default}
        return replace(
            found,
            bucket=replace(found.bucket, encryption=encryption),
            kms_key=KmsKey(arn=_KEY_ARN, policy=policy, **key),
        )

    return world_with(edit=edit)


def encrypted_for_the_distribution(*others: Document) -> Change:
    """Encrypt with a KMS key that allows the distribution to decrypt, and other statements."""

    def change(world: World, settings: Any) -> None:
        own = decrypt_statement(world.arn)
        encrypted({"Statement": [own, *({**own, **each} for each in others)]})(world, settings)

    return change


@edited
def every_path_of_another_group(config: Document) -> None:
    """Restrict every path to another key group before the default behavior, which trusts ours."""
    config["DefaultCacheBehavior"] = media_of(config)
    every = {**behavior_of(config), "TrustedKeyGroups": OTHER_GROUP, "PathPattern": "*"}
    config["CacheBehaviors"] = list_of([every])


def of_somebody_else(found: Account) -> Account:
    """Return an account that has nothing of the site, whose bucket is another's."""
    refused = Bucket(name="x", state=BucketState.REFUSED)
    nothing: dict[str, Any] = {"bucket": refused, "public_keys": (), "key_groups": ()}
    return Account(account_id="999999999998", has_looked_for_distribution=True, **nothing)


NO_GROUP = setting("AWS_CLOUDFRONT_KEY_GROUP_ID", None)
OTHER_GROUP: Document = {"Enabled": True, **list_of([KEY_GROUP_ID])}
TRUSTS_ANOTHER = behavior(TrustedKeyGroups=OTHER_GROUP)
OLD_SIGNERS = behavior(TrustedSigners=_ACCOUNTS)
NO_BEHAVIORS = configured(CacheBehaviors={"Quantity": 0})
ANY_PROTOCOL = behavior(ViewerProtocolPolicy="allow-all")
NO_ACCESS = origin(OriginAccessControlId="")
NO_POLICY = part_of_account("bucket", policy=None)
WIDE_POLICY = policy({"Condition": {}})
BY_IDENTITY = origin(OriginAccessControlId="", S3OriginConfig=_IDENTITY_CONFIG)
#: An origin that reads by an identity, which the bucket admits.
IDENTITY = both(
    BY_IDENTITY,
    lambda world, _: world.set_policy(access_identity_statement(world.bucket, _IDENTITY)),
)
TWO_RULES = cors(ORIGIN, OTHER_ORIGIN)
NO_HEADERS = behavior(ResponseHeadersPolicyId=None)
NOTHING_FORWARDED = behavior(OriginRequestPolicyId=None)
NO_COPIES = behavior(CachePolicyId=CACHING_DISABLED)
#: Origin is in the cache key, and no other policy gives CORS headers: the bucket's rule counts.
RULE_OF_BUCKET = both(cache_key_with(), NO_HEADERS, NOTHING_FORWARDED)
WITH_COOKIES = world_with(options={"cookies": True})
WITH_UPLOADS = world_with(options={"upload_origins": (ORIGIN,)})
UPLOADED = cors(ORIGIN, AllowedMethods=["GET", "HEAD", "PUT", "POST"])
ENDING = world_with(
    edit=lambda found: replace(
        found, bucket=replace(found.bucket, lifecycle_rules=(upload_rule("tmp/"),))
    )
)
ROOT_RESTRICTED = both(setting("AWS_LOCATION", ""), default_like_storage())
#: Save at the root of the bucket, of which media/* alone is restricted, and asked for.
NARROW = both(setting("AWS_LOCATION", ""), world_with(name="media/albums/1.jpg"))
#: An open behavior of the bucket whose origin signs nothing.
WITHOUT_ACCESS = twin("*.pdf", OriginPath="/media", OriginAccessControlId="")

_ANYONE = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
#: What every company denies: requests without TLS.
PLAIN_HTTP = {**_ANYONE, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
_PLAIN_HTTP_OF_OTHERS = {
    **_ANYONE,
    "Condition": {
        "BoolIfExists": {"aws:SecureTransport": "false"},
        "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"},
    },
}
MORE_THAN_HTTP = {"Condition": {"Bool": {"aws:SecureTransport": ["true", "false"]}}}
#: What is public on purpose, beside the files.
PUBLIC_FOLDER = {
    "Principal": "*",
    "Resource": "arn:aws:s3:::media-bucket/static/*",
    "Condition": {},
}
UPLOADS_ONLY = {**_ANYONE, "Action": "s3:PutObject"}
OF_A_ROLE = {**_ANYONE, "Principal": {"AWS": "arn:aws:iam::111122223333:role/auditor"}}
#: A Deny that most likely refuses CloudFront as well.
OF_STRANGERS = {**_ANYONE, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}


def by_one_more_condition(world: World, settings: Any) -> None:
    """Let the distribution read if another condition is met as well."""
    condition = {**world.statement()["Condition"], "Bool": {"aws:ViaAWSService": "false"}}
    policy({"Condition": condition})(world, settings)


#: What is found that a healthy site has not, the fault first, and after "|" what answers show ->
#: what is changed of such a site.
SITES: list[tuple[str, Change]] = [
    ("", both()),
    # The key that signs, and its group.
    ("", NO_GROUP),
    ("key-unknown | signed-unknown-key", setting("AWS_CLOUDFRONT_KEY_ID", OTHER_KEY_ID)),
    ("key-mismatch | signed-denied", id_of_another_key),
    ("key-unknown", account(public_keys=())),
    ("key-not-in-group | signed-unknown-key", key_not_in_group),
    ("key-not-in-group | signed-unknown-key", both(NO_GROUP, key_not_in_group)),
    (
        "no-key-group | other-key-groups signed-unknown-key",
        both(setting("AWS_CLOUDFRONT_KEY_GROUP_ID", KEY_GROUP_ID), TRUSTS_ANOTHER),
    ),
    ("group-not-on-behavior | signed-unknown-key", TRUSTS_ANOTHER),
    ("group-not-on-behavior", every_path_of_another_group),
    (
        "key-old",
        each_of("public_keys", created_at=datetime.fromtimestamp(NOW, UTC) - timedelta(days=400)),
    ),
    ("distribution-deploying", old_at_the_edges),
    # The distribution.
    ("", configured(Aliases=list_of(["*.example.com"]))),
    ("distribution-disabled", configured(Enabled=False)),
    ("distribution-deploying", part_of_account("distribution", status="InProgress")),
    ("domain-not-alias", configured(Aliases={"Quantity": 0})),
    ("no-distribution", account(distribution=None, has_looked_for_distribution=True)),
    (
        "distribution-multi-tenant",
        configured(ConnectionMode="tenant-only", Aliases={"Quantity": 0}),
    ),
    # The behavior that serves the storage, and open ones that do.
    ("behavior-open | unsigned-served", behavior(TrustedKeyGroups=OPEN)),
    (
        "behavior-open | unsigned-served",
        both(default_like_storage(TrustedKeyGroups=OPEN), NO_BEHAVIORS),
    ),
    ("behavior-open | unsigned-served", open_like("*.jpg")),
    ("behavior-open", twin("*.pdf", "{bucket}.s3.amazonaws.com")),
    ("behavior-open", twin("*.pdf", "{bucket}.s3-website.us-east-1.amazonaws.com")),
    ("behavior-open delivery-unknown", both(NARROW, origin_group(opens="failover"))),
    ("behavior-open delivery-unknown", both(NARROW, origin_group(opens="replica"))),
    ("earlier-behavior-elsewhere", twin("*.css", "static-files.s3.amazonaws.com")),
    (
        "earlier-behavior-elsewhere",
        twin("*.css", "s3.amazonaws.com", OriginPath="/static-files"),
    ),
    ("earlier-behavior-elsewhere", twin("*.css", OriginPath="/static")),
    ("", twin("static/*", "static-files.s3.amazonaws.com")),
    ("delivery-unknown", both(NARROW, origin_group(fallback="pages"))),
    (
        "earlier-behavior-elsewhere delivery-unknown",
        both(NARROW, origin_group(fallback="pages"), pages_first),
    ),
    ("trusted-signers", OLD_SIGNERS),
    (
        "group-not-on-behavior | signed-unknown-key",
        both(OLD_SIGNERS, behavior(TrustedKeyGroups=OPEN)),
    ),
    ("plain-http", ANY_PROTOCOL),
    # The origin.
    ("delivery-unknown", origin_group()),
    ("delivery-unknown", origin_group(replica_first=True)),
    ("delivery-unknown", configured(ContinuousDeploymentPolicyId="p-1")),
    ("delivery-unknown", configured(Staging=True)),
    ("delivery-unknown", behavior(FunctionAssociations=_FUNCTION)),
    ("delivery-unknown", behavior(LambdaFunctionAssociations=_FUNCTION)),
    ("", IDENTITY),
    ("origin-access", origin(S3OriginConfig=_IDENTITY_CONFIG)),
    ("origin-access", NO_ACCESS),
    ("origin-access bucket-readers-wide", both(NO_ACCESS, WIDE_POLICY)),
    *(
        ("origin-access-unsigned", each_of("access_controls", config={"SigningBehavior": each}))
        for each in ("never", "no-override")
    ),
    ("origin-not-bucket", behavior(TargetOriginId="pages")),
    ("origin-not-bucket", behavior(TargetOriginId="nothing")),
    ("delivery-unknown origin-not-bucket", origin_group(bucket=False)),
    (
        "origin-not-bucket",
        origin(DomainName="media-bucket.s3-website-us-east-1.amazonaws.com"),
    ),
    ("origin-path", origin(OriginPath="/old")),
    *(
        ("origin-access-point", origin(DomainName=host))
        for host in (
            "media-111122223333.s3-accesspoint.us-east-1.amazonaws.com",
            "m1.mrap.accesspoint.s3-global.amazonaws.com",
        )
    ),
    # The bucket.
    ("bucket-public | s3-open", public_bucket),
    ("bucket-public", policy({}, {"Sid": "", "Principal": "*", "Condition": {}})),
    ("", policy({}, PUBLIC_FOLDER)),
    ("bucket-not-blocked", no_block),
    (
        "bucket-not-blocked",
        part_of_account(
            "bucket", public_access_block={**PUBLIC_ACCESS_BLOCK, "RestrictPublicBuckets": False}
        ),
    ),
    ("bucket-policy", NO_POLICY),
    ("delivery-unknown bucket-policy", both(origin_group(), NO_POLICY)),
    ("bucket-policy", BY_IDENTITY),
    (
        "bucket-policy bucket-readers-wide",
        policy({"Condition": {"StringEquals": {"AWS:SourceArn": _OTHER_DISTRIBUTION}}}),
    ),
    (
        "bucket-policy bucket-readers",
        policy({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Condition": {}}),
    ),
    ("bucket-readers-wide", WIDE_POLICY),
    ("", policy({}, PLAIN_HTTP, _PLAIN_HTTP_OF_OTHERS, UPLOADS_ONLY, OF_A_ROLE)),
    ("bucket-policy-unknown", policy({}, OF_STRANGERS)),
    ("bucket-policy-unknown", policy({}, {**OF_STRANGERS, "Principal": {"AWS": "*"}})),
    ("bucket-policy", policy({}, {**PLAIN_HTTP, **MORE_THAN_HTTP})),
    ("plain-http bucket-policy-unknown", both(ANY_PROTOCOL, policy({}, PLAIN_HTTP))),
    ("bucket-policy-unknown", policy({"Resource": "arn:aws:s3:::media-bucket/media/*.jpg"})),
    ("bucket-policy", policy({"Condition": {"StringEquals": {"AWS:SourceArn": _DISTRIBUTIONS}}})),
    ("", policy({"Principal": "*"})),
    (
        "bucket-policy-unknown",
        both(BY_IDENTITY, policy({"Principal": {"CanonicalUser": "abc"}, "Condition": {}})),
    ),
    ("bucket-policy-unknown", by_one_more_condition),
    (
        "bucket-policy-unknown",
        both(
            BY_IDENTITY,
            lambda world, _: world.set_policy(
                access_identity_statement(world.bucket, _IDENTITY),
                world.statement(**OF_STRANGERS),
            ),
        ),
    ),
    ("bucket-policy", policy(OF_STRANGERS)),
    ("bucket-readers", policy({}, BACKUP)),
    ("bucket-readers-wide bucket-readers", policy({}, BACKUP, OFFICE)),
    ("", encrypted_for_the_distribution()),
    ("kms-key-policy", encrypted({"Statement": []})),
    ("kms-key-policy", encrypted({"Statement": [decrypt_statement(_OTHER_DISTRIBUTION)]})),
    ("kms-key-policy", encrypted_for_the_distribution({"Effect": "Deny", "Condition": {}})),
    ("bucket-policy-unknown", encrypted_for_the_distribution(_THROUGH_S3)),
    ("kms-aws-managed", encrypted(None, is_aws_managed=True)),
    ("origin-access", both(IDENTITY, encrypted(None))),
    (
        "origin-not-bucket kms-aws-managed",
        both(behavior(TargetOriginId="pages"), encrypted(None, is_aws_managed=True)),
    ),
    ("aws-unreadable", encrypted(None, unread=_KEY_DENIED)),
    *(
        ("aws-unreadable", part_of_account("bucket", unread={each: _KEY_DENIED}))
        for each in BucketPart
    ),
    ("", each_of("access_controls", id="E9NOTLISTED")),
    ("bucket-region", setting("AWS_S3_REGION_NAME", "ap-northeast-2")),
    (
        "origin-not-bucket bucket-missing",
        setting("AWS_STORAGE_BUCKET_NAME", "nobody-has-this-one"),
    ),
    # The account of somebody else, and one in which nobody could look for a distribution.
    ("no-distribution key-unknown no-key-group bucket-refused", world_with(edit=of_somebody_else)),
    (
        "bucket-missing",
        world_with(edit=lambda found: Account(bucket=Bucket(name="x", state=BucketState.MISSING))),
    ),
    # CORS headers of S3.
    ("", RULE_OF_BUCKET),
    ("cors-rule-missing | cors-headers-missing", both(RULE_OF_BUCKET, cors(OTHER_ORIGIN))),
    ("upload-cors uploads-kept", WITH_UPLOADS),
    ("uploads-kept", both(WITH_UPLOADS, UPLOADED)),
    ("upload-cors", both(WITH_UPLOADS, ENDING)),
    (
        "aws-unreadable",
        both(
            both(WITH_UPLOADS, UPLOADED),
            part_of_account("bucket", unread={BucketPart.LIFECYCLE: _KEY_DENIED}),
        ),
    ),
    ("", both(both(WITH_UPLOADS, UPLOADED), ENDING)),
    ("origin-not-forwarded", both(NO_HEADERS, NOTHING_FORWARDED)),
    ("origin-not-in-cache-key", NO_HEADERS),
    (
        "origin-not-in-cache-key",
        behavior(ResponseHeadersPolicyId=SECURITY_HEADERS),
    ),
    ("origin-not-in-cache-key", both(NO_HEADERS, account(bucket=None))),
    ("", both(NO_HEADERS, account(bucket=None, cache_policies=None))),
    ("", both(NO_HEADERS, NO_COPIES)),
    # CORS headers of a response headers policy, which replaces those of S3, or leaves them.
    ("", cors("https://a.example.com", AllowedMethods=["PUT"])),
    *(("", headers_policy(each)) for each in (ORIGIN, "*", "https://*.example.com")),
    ("", headers_policy("*", rule=(ORIGIN, OTHER_ORIGIN))),
    ("cors-policy-origins", headers_policy(OTHER_ORIGIN)),
    (
        "cors-credentials-missing | cors-credentials-missing",
        both(headers_policy(ORIGIN), WITH_COOKIES),
    ),
    *(
        ("cors-rule-missing origin-not-in-cache-key", headers_policy(*allowed, override=False))
        for allowed in ([OTHER_ORIGIN], [])
    ),
    # A cached copy that names one of two origins, or of a pattern, or another.
    ("origin-not-in-cache-key", TWO_RULES),
    ("", both(TWO_RULES, cache_key_with())),
    ("", both(TWO_RULES, NO_COPIES)),
    ("", NOTHING_FORWARDED),
    ("", both(TWO_RULES, NOTHING_FORWARDED)),
    *(
        ("origin-not-in-cache-key", headers_policy("*", override=False, rule=(rule,)))
        for rule in ("https://*.example.com", OTHER_ORIGIN)
    ),
    *(("", headers_policy("*", override=False, rule=(rule,))) for rule in (ORIGIN, "*")),
    # Parameters. AllViewer does not forward them to S3.
    ("", forward_downloads),
    ("", behavior(OriginRequestPolicyId=ALL_VIEWER)),
    *(("content-type-forwarded", forwarded_values(each)) for each in ("Origin", "*")),
    ("content-type-forwarded", cache_key_with("response-content-type")),
    ("content-type-forwarded", csp("script-src 'self'; sandbox allow-scripts")),
    *(("", csp(each)) for each in ("sandbox", "object-src 'none'; script-src 'none'")),
]

#: The same for what only settings and answers show.
LIVE: list[tuple[str, Change]] = [
    ("cfsigned.E011", setting("AWS_CLOUDFRONT_HASH_ALGORITHM", "SHA1")),
    ("clock-off", world_with(ahead=600)),
    ("signed-s3-denied", world_with(name="albums/2.jpg")),
    # AWS and S3 say the same of the bucket, once.
    (
        "origin-not-bucket bucket-missing",
        setting("AWS_STORAGE_BUCKET_NAME", "nobody-has-this-one"),
    ),
    ("local-edge no-answer", local_edge),
    (
        "no-answer",
        lambda world, settings: both(
            local_edge, world_with(options={"distribution_id": world.distribution_id})
        )(world, settings),
    ),
    # Key groups of other sites in the account, which a rotation of this one could change.
    ("other-key-groups", another_key_group),
    ("cfsigned.E004", setting("AWS_S3_CUSTOM_DOMAIN", None)),
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
    return setting("STORAGES", {"default": entry})


#: What tests/tools/model/test_random_behaviors.py does not draw -> the pattern of each other
#: behavior, and what is said of it.
OPENED: list[tuple[Change, dict[str, str]]] = [
    (open_like("media/public/*", "logo.png"), {"media/public/*": "open-folder"}),
    # A folder that the storage declares public.
    (both(open_like("/media/public/*"), public("public/", "logos/")), {}),
    (both(open_like("media/public/x/*"), public("public/")), {"media/public/x/*": "open-folder"}),
    (both(open_like("media/*"), public("public/")), {"media/*": "behavior-open"}),
    # The file that is asked for is in it.
    (
        both(open_like("media/public/*"), world_with(name="public/1.jpg")),
        {"media/public/*": "open-folder"},
    ),
    # A "*" of an origin path is a character like any other.
    (twin("*.css", OriginPath="/*"), {"*.css": "earlier-behavior-elsewhere"}),
    (both(ROOT_RESTRICTED, open_like("shop/*", TrustedKeyGroups=OTHER_GROUP)), {}),
    # Two behaviors together leave nothing to a third.
    (
        both(ROOT_RESTRICTED, open_like("c/?*", "c/", "c/*")),
        {"c/?*": "open-folder", "c/": "open-folder"},
    ),
    # An origin without access leaks only if the bucket's policy lets in strangers.
    (WITHOUT_ACCESS, {"*.pdf": "earlier-behavior-elsewhere"}),
    (
        both(WITHOUT_ACCESS, policy({}, OFFICE)),
        {"*.pdf": "behavior-open earlier-behavior-elsewhere"},
    ),
    # The storage saves at the root of a folder of the bucket.
    (
        both(ROOT_RESTRICTED, origin(OriginPath="/site1"), open_like("assets/*", "*.css")),
        {"assets/*": "open-folder", "*.css": "behavior-open"},
    ),
]
