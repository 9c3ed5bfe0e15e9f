"""Break one thing of a healthy site at a time, and name the finding that must tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.bucket_policy import PUBLIC_ACCESS_BLOCK
from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.distribution import find_origin
from cfsigned_django.aws.documents.policies import origin_request_policy_config
from cfsigned_django.signing import PrivateKey
from cfsigned_django.viewer import Answer
from tests.doctor.world import NOW, World, behavior_of
from tests.storage_cases import OTHER_KEY_ID

_PAGE = b"<!DOCTYPE html><html><body>The request was blocked.</body></html>"


def disabled(world: World, settings: Any) -> None:
    """Disable the distribution."""
    world.update(lambda config: config.update(Enabled=False))


def deploying(world: World, settings: Any) -> None:
    """Have a change on its way to the edges."""
    world.edit_distribution(status="InProgress")


def not_an_alias(world: World, settings: Any) -> None:
    """Leave the domain out of the distribution's."""
    world.update(lambda config: config.update(Aliases={"Quantity": 0}))


def clock_ten_minutes_ahead(world: World, settings: Any) -> None:
    """Let the clock be ten minutes ahead."""
    world.ahead = 600


def clock_ten_minutes_behind(world: World, settings: Any) -> None:
    """Let the clock be ten minutes behind."""
    world.ahead = -600


def clock_a_minute_off(world: World, settings: Any) -> None:
    """Let the clock be a minute ahead."""
    world.ahead = 60


def ipv6_with_addresses(world: World, settings: Any) -> None:
    """Have IPv6 on where links are for addresses."""
    world.update(lambda config: config.update(IsIPV6Enabled=True))
    world.options["uses_addresses"] = True


def plain_http(world: World, settings: Any) -> None:
    """Serve plain HTTP."""
    world.update_behavior(ViewerProtocolPolicy="allow-all")


def missing_object(world: World, settings: Any) -> None:
    """Ask for an object that is not there."""
    world.name = "albums/2.jpg"


def firewall(world: World, settings: Any) -> None:
    """Let AWS WAF refuse with a page of HTML."""
    world.between = lambda answer: replace(answer, status=403, body=_PAGE)


def proxy_in_place_of_cloudfront(world: World, settings: Any) -> None:
    """Let something else answer under the domain."""
    headers = {"server": "nginx", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    world.between = lambda answer: Answer(status=404, headers=headers, body=b"not found")


def lost_query(world: World, settings: Any) -> None:
    """Let a function on viewer requests drop every query."""
    world.drops_query = True


def public_bucket(world: World, settings: Any) -> None:
    """Let everybody in by the bucket policy."""
    public = {**world.statement(), "Sid": "Public", "Principal": "*"}
    del public["Condition"]
    # It was there before Block Public Access was turned on, which refuses it otherwise.
    s3 = world.clients.s3
    s3.delete_public_access_block(Bucket=world.bucket)
    world.set_policy(world.statement(), public)
    s3.put_public_access_block(
        Bucket=world.bucket, PublicAccessBlockConfiguration=dict(PUBLIC_ACCESS_BLOCK)
    )


def no_public_access_block(world: World, settings: Any) -> None:
    """Turn Block Public Access off."""
    world.clients.s3.delete_public_access_block(Bucket=world.bucket)


def missing_cors(world: World, settings: Any) -> None:
    """Have a CORS rule for another origin, and no response headers policy."""
    rule = cors_rule(["https://other.example.com"])
    world.clients.s3.put_bucket_cors(Bucket=world.bucket, CORSConfiguration={"CORSRules": [rule]})
    _key_on_origin(world)


def origin_not_forwarded(world: World, settings: Any) -> None:
    """Have neither an origin request policy nor a response headers policy."""
    world.update(lambda config: _drop(config, "OriginRequestPolicyId", "ResponseHeadersPolicyId"))


def origin_not_in_cache_key(world: World, settings: Any) -> None:
    """Forward Origin, and keep one copy for all."""
    world.update(lambda config: _drop(config, "ResponseHeadersPolicyId"))


def both_accesses(world: World, settings: Any) -> None:
    """Attach an access identity beside the access control."""
    world.update(
        lambda config: config["Origins"]["Items"][0]["S3OriginConfig"].update(
            OriginAccessIdentity="origin-access-identity/cloudfront/EH1HDMB1FH2TC"
        )
    )


def no_access(world: World, settings: Any) -> None:
    """Attach neither an access control nor an identity."""
    world.update(lambda config: config["Origins"]["Items"][0].update(OriginAccessControlId=""))


def control_that_does_not_sign(world: World, settings: Any) -> None:
    """Let the access control sign nothing."""
    world.edit = lambda found: replace(
        found,
        access_controls=tuple(
            replace(each, config={**each.config, "SigningBehavior": "never"})
            for each in found.access_controls or ()
        ),
    )


def other_origin(world: World, settings: Any) -> None:
    """Let the behavior read another origin."""
    world.update_behavior(TargetOriginId="pages")


def website_origin(world: World, settings: Any) -> None:
    """Let the behavior read the website endpoint of the bucket."""

    def change(config: Document) -> None:
        pages = next(each for each in config["Origins"]["Items"] if each["Id"] == "pages")
        pages["DomainName"] = f"{world.bucket}.s3-website-us-east-1.amazonaws.com"
        behavior_of(config)["TargetOriginId"] = "pages"

    world.update(change)


def origin_path(world: World, settings: Any) -> None:
    """Let CloudFront look for the files in a folder where the storage does not save them."""
    world.update(lambda config: config["Origins"]["Items"][0].update(OriginPath="/old"))


def no_policy_statement(world: World, settings: Any) -> None:
    """Let another distribution read the bucket."""
    statement = world.statement()
    arn = "arn:aws:cloudfront::111122223333:distribution/EOTHER"
    world.set_policy({**statement, "Condition": {"StringEquals": {"AWS:SourceArn": arn}}})


def one_switch_off(world: World, settings: Any) -> None:
    """Turn one of the four switches of Block Public Access off."""
    switches = {**PUBLIC_ACCESS_BLOCK, "RestrictPublicBuckets": False}
    world.clients.s3.put_public_access_block(
        Bucket=world.bucket, PublicAccessBlockConfiguration=switches
    )


def policy_for_every_distribution(world: World, settings: Any) -> None:
    """Let every distribution of everybody's read the bucket."""
    statement = world.statement()
    del statement["Condition"]
    world.set_policy(statement)


def downloads_not_forwarded(world: World, settings: Any) -> None:
    """Use download= with a policy that keeps the parameter back."""
    world.options["uses_downloads"] = True


def downloads_not_in_cache_key(world: World, settings: Any) -> None:
    """Forward the parameter, and serve one viewer's file name to all."""
    made = world.clients.cloudfront.create_origin_request_policy(
        OriginRequestPolicyConfig=origin_request_policy_config("downloads")
    )
    world.update_behavior(OriginRequestPolicyId=made["OriginRequestPolicy"]["Id"])
    world.options["uses_downloads"] = True


def wrong_region(world: World, settings: Any) -> None:
    """Name another region than the bucket's."""
    settings.AWS_S3_REGION_NAME = "ap-northeast-2"


def no_bucket(world: World, settings: Any) -> None:
    """Name a bucket that does not exist."""
    settings.AWS_STORAGE_BUCKET_NAME = "nobody-has-this-one"


def _drop(config: Document, *fields: str) -> None:
    for each in fields:
        behavior_of(config).pop(each, None)


def _key_on_origin(world: World) -> None:
    """Put Origin into the cache key, so that only the rule of the bucket counts."""
    parameters = {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": list_of(["Origin"])},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }
    made = world.clients.cloudfront.create_cache_policy(
        CachePolicyConfig={
            "Name": "by-origin",
            "MinTTL": 1,
            "ParametersInCacheKeyAndForwardedToOrigin": parameters,
        }
    )
    world.update_behavior(CachePolicyId=made["CachePolicy"]["Id"])
    world.update(lambda config: _drop(config, "ResponseHeadersPolicyId"))


_OPEN: Document = {"Enabled": False, "Quantity": 0}


def wrong_key_id(world: World, settings: Any) -> None:
    """Name a public key that the account does not have."""
    settings.AWS_CLOUDFRONT_KEY_ID = OTHER_KEY_ID


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
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = "a1b2c3d4-0123-4567-89ab-cdef01234567"
    world.update_behavior(
        TrustedKeyGroups={"Enabled": True, **list_of([settings.AWS_CLOUDFRONT_KEY_GROUP_ID])}
    )


def group_not_on_behavior(world: World, settings: Any) -> None:
    """Trust another key group on the behavior."""
    other = world.add_public_key(PrivateKey.generate(), "other")
    made = world.clients.cloudfront.create_key_group(
        KeyGroupConfig={"Name": "other", "Items": [other]}
    )
    world.update_behavior(TrustedKeyGroups={"Enabled": True, **list_of([made["KeyGroup"]["Id"]])})


def open_behavior(world: World, settings: Any) -> None:
    """Ask for no signature on the behavior."""
    world.update_behavior(TrustedKeyGroups=_OPEN)


def earlier_open_behavior(world: World, settings: Any) -> None:
    """Put an open behavior for all JPEGs before the restricted one."""

    def insert(config: Document) -> None:
        items = config["CacheBehaviors"]["Items"]
        leak = {**behavior_of(config), "PathPattern": "*.jpg", "TrustedKeyGroups": _OPEN}
        config["CacheBehaviors"] = list_of([leak, *items])

    world.update(insert)


def earlier_open_behavior_for_other_files(world: World, settings: Any) -> None:
    """Put an open behavior before the restricted one that takes other files of the storage."""

    def insert(config: Document) -> None:
        items = config["CacheBehaviors"]["Items"]
        leak = {**behavior_of(config), "PathPattern": "*.pdf", "TrustedKeyGroups": _OPEN}
        config["CacheBehaviors"] = list_of([leak, *items])

    world.update(insert)


def earlier_open_behavior_by_another_origin(world: World, settings: Any) -> None:
    """Read the bucket once more, under its global host, by an open behavior that comes first."""
    twin = f"{world.bucket}.s3.amazonaws.com"
    world.update(lambda config: insert_open(config, "*.pdf", DomainName=twin))


def earlier_open_behavior_by_website(world: World, settings: Any) -> None:
    """Read the website endpoint of the bucket by an open behavior that comes first."""
    website = f"{world.bucket}.s3-website.us-east-1.amazonaws.com"
    world.update(lambda config: insert_open(config, "*.pdf", DomainName=website))


def open_behavior_with_origin_path(world: World, settings: Any) -> None:
    """Serve the folder of the storage under other paths, by the origin path of an open behavior."""
    world.update(lambda config: insert_open(config, "*.pdf", OriginPath="/media"))


def later_open_behavior(world: World, settings: Any) -> None:
    """Restrict a folder of the storage, and read the bucket by the open default behavior."""

    def narrow(config: Document) -> None:
        media = behavior_of(config)
        config["DefaultCacheBehavior"]["TargetOriginId"] = media["TargetOriginId"]
        media["PathPattern"] = "media/albums/*"

    world.update(narrow)


def insert_open(config: Document, pattern: str, **origin: str) -> None:
    """Put an open behavior before all others, with an origin of its own that is the bucket."""
    media = find_origin(config, behavior_of(config)["TargetOriginId"]) or {}
    twin = {**media, "Id": "twin", **origin}
    leak = {
        **behavior_of(config),
        "PathPattern": pattern,
        "TargetOriginId": "twin",
        "TrustedKeyGroups": _OPEN,
    }
    config["Origins"] = list_of([*config["Origins"]["Items"], twin])
    config["CacheBehaviors"] = list_of([leak, *config["CacheBehaviors"]["Items"]])


def old_signers_beside(world: World, settings: Any) -> None:
    """Trust the AWS account beside the key group."""
    world.update_behavior(TrustedSigners={"Enabled": True, **list_of(["self"])})


def old_signers_only(world: World, settings: Any) -> None:
    """Trust the AWS account and no key group."""
    world.update_behavior(
        TrustedSigners={"Enabled": True, **list_of(["self"])}, TrustedKeyGroups=_OPEN
    )


def old_key(world: World, settings: Any) -> None:
    """Sign with a key of last year."""
    created = datetime.fromtimestamp(NOW, UTC) - timedelta(days=400)
    world.edit = lambda found: replace(
        found,
        public_keys=tuple(replace(each, created_at=created) for each in found.public_keys or ()),
    )


def edges_behind(world: World, settings: Any) -> None:
    """Let the edges not know the key yet."""
    world.edit_distribution(active_key_pairs={world.key_group_id: ("K1OLD",)})


def half_a_configuration(world: World, settings: Any) -> None:
    """Give an alias of STORAGES a hash that its key does not take."""
    settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA1"


Break = Callable[[World, Any], None]

# What is broken -> its own finding, then what its consequences are called.
FAULTS: list[tuple[Break, list[str]]] = [
    (wrong_key_id, ["key-unknown", "signed-unknown-key"]),
    (id_of_another_key, ["key-mismatch", "signed-denied"]),
    (key_not_in_group, ["key-not-in-group", "signed-unknown-key"]),
    (no_such_group, ["no-key-group", "signed-unknown-key"]),
    (group_not_on_behavior, ["group-not-on-behavior", "signed-unknown-key"]),
    (open_behavior, ["behavior-open", "unsigned-served"]),
    (earlier_open_behavior, ["earlier-behavior-open", "unsigned-served"]),
    (earlier_open_behavior_for_other_files, ["earlier-behavior-open"]),
    (earlier_open_behavior_by_another_origin, ["earlier-behavior-open"]),
    (earlier_open_behavior_by_website, ["earlier-behavior-open"]),
    (later_open_behavior, ["later-behavior-open"]),
    (open_behavior_with_origin_path, ["origin-path-open"]),
    (public_bucket, ["bucket-public", "s3-open"]),
    (no_public_access_block, ["bucket-not-blocked"]),
    (missing_cors, ["cors-rule-missing", "cors-headers-missing"]),
    (origin_not_forwarded, ["origin-not-forwarded"]),
    (origin_not_in_cache_key, ["origin-not-in-cache-key"]),
    (old_signers_beside, ["trusted-signers"]),
    (old_signers_only, ["only-trusted-signers", "unsigned-served"]),
    (both_accesses, ["two-origin-accesses"]),
    (no_access, ["no-origin-access"]),
    (control_that_does_not_sign, ["origin-access-unsigned"]),
    (other_origin, ["origin-not-bucket"]),
    (website_origin, ["origin-website"]),
    (origin_path, ["origin-path"]),
    (disabled, ["distribution-disabled"]),
    (deploying, ["distribution-deploying"]),
    (not_an_alias, ["domain-not-alias"]),
    (clock_ten_minutes_ahead, ["clock-wrong"]),
    (clock_ten_minutes_behind, ["clock-wrong"]),
    (clock_a_minute_off, ["clock-off"]),
    (no_policy_statement, ["bucket-policy", "bucket-readers-wide"]),
    (one_switch_off, ["bucket-not-blocked"]),
    (policy_for_every_distribution, ["bucket-policy-wide"]),
    (ipv6_with_addresses, ["ipv6-on"]),
    (downloads_not_forwarded, ["downloads-lost"]),
    (downloads_not_in_cache_key, ["downloads-lost"]),
    (plain_http, ["plain-http"]),
    (old_key, ["key-old"]),
    (edges_behind, ["key-not-at-edges"]),
    (wrong_region, ["bucket-region"]),
    (no_bucket, ["origin-not-bucket", "bucket-missing"]),
    (missing_object, ["signed-s3-denied"]),
    (firewall, ["html-answer"]),
    (proxy_in_place_of_cloudfront, ["not-cloudfront"]),
    (lost_query, ["signed-missing-key"]),
    (half_a_configuration, ["cfsigned.E011"]),
]
