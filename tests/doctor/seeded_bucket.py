"""Break the bucket, the way into it, and the headers and parameters that reach it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.bucket_policy import PUBLIC_ACCESS_BLOCK
from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.policies import origin_request_policy_config
from tests.doctor.world import World, behavior_of


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
