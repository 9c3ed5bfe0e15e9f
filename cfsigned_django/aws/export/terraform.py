"""Write a set-up down as Terraform, for the AWS provider of HashiCorp (5 or newer)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.export import documents as export
from cfsigned_django.aws.export.documents import Documents, substitute
from cfsigned_django.aws.export.hcl import Block, Expression, jsonencode, quoted, resource
from cfsigned_django.aws.export.terraform_distribution import distribution_body

_REFERENCES: Final[Mapping[str, str]] = {
    export.PUBLIC_KEY: "aws_cloudfront_public_key.media.id",
    export.KEY_GROUP: "aws_cloudfront_key_group.media.id",
    export.CACHE_POLICY: "aws_cloudfront_cache_policy.media.id",
    export.ORIGIN_REQUEST_POLICY: "aws_cloudfront_origin_request_policy.media.id",
    export.DISTRIBUTION_ARN: "aws_cloudfront_distribution.media.arn",
}
_BUCKET: Final = Expression("aws_s3_bucket.media.id")
_HEADER: Final = """terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}"""


def terraform(documents: Documents) -> str:
    """Return the configuration."""
    parts = [
        _HEADER,
        f'provider "aws" {{\n  region = {quoted(documents.region)}\n}}',
        *_key_parts(documents),
        *_bucket_parts(documents),
        _origin_access(documents),
        *_policy_parts(documents),
        resource(
            "aws_cloudfront_distribution",
            "media",
            _refer(distribution_body(documents.distribution)),
        ),
        'output "domain" {\n  value = aws_cloudfront_distribution.media.domain_name\n}',
    ]
    return "\n\n".join(parts) + "\n"


def _key_parts(documents: Documents) -> list[str]:
    if documents.public_key_pem:
        key: Any = documents.public_key_pem
        declared = []
    else:
        key = Expression("var.public_key_pem")
        declared = ['variable "public_key_pem" {\n  type = string\n}']
    public_key = {"name": documents.public_key_name, "encoded_key": key}
    group = {
        "name": documents.key_group["Name"],
        "comment": documents.key_group["Comment"],
        "items": documents.key_group["Items"],
        # A rotation changes the group: the next apply must not put the first key in its place.
        "lifecycle": Block({"ignore_changes": [Expression("items")]}),
    }
    return [
        *declared,
        resource("aws_cloudfront_public_key", "media", public_key),
        resource("aws_cloudfront_key_group", "media", _refer(group)),
    ]


def _bucket_parts(documents: Documents) -> list[str]:
    block = documents.public_access_block
    parts = [
        resource("aws_s3_bucket", "media", {"bucket": documents.bucket}),
        resource(
            "aws_s3_bucket_ownership_controls",
            "media",
            {"bucket": _BUCKET, "rule": Block({"object_ownership": "BucketOwnerEnforced"})},
        ),
        resource(
            "aws_s3_bucket_public_access_block",
            "media",
            {
                "bucket": _BUCKET,
                "block_public_acls": block["BlockPublicAcls"],
                "ignore_public_acls": block["IgnorePublicAcls"],
                "block_public_policy": block["BlockPublicPolicy"],
                "restrict_public_buckets": block["RestrictPublicBuckets"],
            },
        ),
        resource(
            "aws_s3_bucket_policy",
            "media",
            {"bucket": _BUCKET, "policy": jsonencode(_refer(documents.bucket_policy))},
        ),
    ]
    rules = [
        Block(
            {
                "id": rule["ID"],
                "allowed_headers": rule["AllowedHeaders"],
                "allowed_methods": rule["AllowedMethods"],
                "allowed_origins": rule["AllowedOrigins"],
                "expose_headers": rule["ExposeHeaders"],
                "max_age_seconds": rule["MaxAgeSeconds"],
            }
        )
        for rule in documents.cors_rules
    ]
    if rules:
        body = {"bucket": _BUCKET, "cors_rule": rules}
        parts.append(resource("aws_s3_bucket_cors_configuration", "media", body))
    return parts


def _origin_access(documents: Documents) -> str:
    config = documents.access_control
    if config is None:
        comment = (documents.access_identity or {})["Comment"]
        return resource("aws_cloudfront_origin_access_identity", "media", {"comment": comment})
    return resource(
        "aws_cloudfront_origin_access_control",
        "media",
        {
            "name": config["Name"],
            "description": config["Description"],
            "origin_access_control_origin_type": config["OriginAccessControlOriginType"],
            "signing_behavior": config["SigningBehavior"],
            "signing_protocol": config["SigningProtocol"],
        },
    )


def _policy_parts(documents: Documents) -> list[str]:
    parts = []
    if config := documents.cache_policy:
        parameters = config["ParametersInCacheKeyAndForwardedToOrigin"]
        body = {
            "name": config["Name"],
            "comment": config["Comment"],
            "default_ttl": config["DefaultTTL"],
            "max_ttl": config["MaxTTL"],
            "min_ttl": config["MinTTL"],
            "parameters_in_cache_key_and_forwarded_to_origin": Block(
                {
                    "enable_accept_encoding_gzip": parameters["EnableAcceptEncodingGzip"],
                    "enable_accept_encoding_brotli": parameters["EnableAcceptEncodingBrotli"],
                    **_forwarded(parameters),
                }
            ),
        }
        parts.append(resource("aws_cloudfront_cache_policy", "media", body))
    if config := documents.origin_request_policy:
        body = {"name": config["Name"], "comment": config["Comment"], **_forwarded(config)}
        parts.append(resource("aws_cloudfront_origin_request_policy", "media", body))
    return parts


def _forwarded(config: Document) -> Document:
    """Return which headers, cookies and query strings a policy names."""
    headers, queries = config["HeadersConfig"], config["QueryStringsConfig"]
    header_names = listed(headers.get("Headers"))
    return {
        "headers_config": Block(
            {
                "header_behavior": headers["HeaderBehavior"],
                **({"headers": Block({"items": header_names})} if header_names else {}),
            }
        ),
        "cookies_config": Block({"cookie_behavior": config["CookiesConfig"]["CookieBehavior"]}),
        "query_strings_config": Block(
            {
                "query_string_behavior": queries["QueryStringBehavior"],
                "query_strings": Block({"items": listed(queries["QueryStrings"])}),
            }
        ),
    }


def _refer(value: Any) -> Any:
    """Put references in the place of tokens, in blocks too."""
    if isinstance(value, Block):
        return Block({name: _refer(each) for name, each in value.body.items()})
    if isinstance(value, list):
        return [_refer(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _refer(each) for name, each in value.items()}
    return substitute(value, _reference)


def _reference(text: str) -> Expression:
    if text in _REFERENCES:
        return Expression(_REFERENCES[text])
    # The ARN of an identity is the one text that holds a token inside.
    return Expression("aws_cloudfront_origin_access_identity.media.iam_arn")
