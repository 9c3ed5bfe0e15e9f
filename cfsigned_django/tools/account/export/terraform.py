"""Export a setup as Terraform, for the AWS provider of HashiCorp (5 or newer)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore import xform_name

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import listed
from cfsigned_django.tools.account.documents.distribution_config import access_identity_of
from cfsigned_django.tools.account.documents.lifecycle import upload_rule
from cfsigned_django.tools.account.export import documents as export
from cfsigned_django.tools.account.export.documents import Documents, flat, substitute


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression instead of a string, such as a reference."""

    text: str


@dataclass(frozen=True, slots=True)
class HclBlock:
    """A block inside a block; a list of them repeats it."""

    body: Mapping[str, Any]


_REFERENCES: Final[Mapping[str, str]] = {
    export.PUBLIC_KEY: "aws_cloudfront_public_key.media.id",
    export.KEY_GROUP: "aws_cloudfront_key_group.media.id",
    export.CACHE_POLICY: "aws_cloudfront_cache_policy.media.id",
    export.ORIGIN_REQUEST_POLICY: "aws_cloudfront_origin_request_policy.media.id",
    export.RESPONSE_HEADERS_POLICY: "aws_cloudfront_response_headers_policy.media.id",
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
    """Return the configuration as HCL."""
    parts = [
        _HEADER,
        f'provider "aws" {{\n  region = {quoted(documents.region)}\n}}',
        *_key_parts(documents),
        *_bucket_parts(documents),
        _origin_access(documents),
        *_policy_parts(documents),
        resource(
            "aws_cloudfront_distribution",
            _refer(_distribution(documents.distribution)),
        ),
        'output "domain" {\n  value = aws_cloudfront_distribution.media.domain_name\n}',
        *_key_output(documents),
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
        **_block(documents.key_group).body,
        # A rotation changes the group: the next apply must not bring the first key back.
        "lifecycle": HclBlock({"ignore_changes": [Expression("items")]}),
    }
    return [
        *declared,
        resource("aws_cloudfront_public_key", public_key),
        resource("aws_cloudfront_key_group", _refer(group)),
    ]


def _bucket_parts(documents: Documents) -> list[str]:
    parts = [
        resource("aws_s3_bucket", {"bucket": documents.bucket}),
        resource(
            "aws_s3_bucket_ownership_controls",
            {"bucket": _BUCKET, "rule": HclBlock({"object_ownership": "BucketOwnerEnforced"})},
        ),
        resource(
            "aws_s3_bucket_public_access_block",
            {"bucket": _BUCKET, **_block(documents.public_access_block).body},
        ),
        resource(
            "aws_s3_bucket_policy",
            {"bucket": _BUCKET, "policy": _jsonencode(_refer(documents.bucket_policy))},
        ),
    ]
    if documents.encryption:
        body = {"bucket": _BUCKET, "rule": _block(documents.encryption)}
        parts.append(resource("aws_s3_bucket_server_side_encryption_configuration", body))
    if documents.cors_rules:
        body = {"bucket": _BUCKET, "cors_rule": [_block(each) for each in documents.cors_rules]}
        parts.append(resource("aws_s3_bucket_cors_configuration", body))
    if documents.upload_prefix:
        body = {"bucket": _BUCKET, "rule": _block(upload_rule(documents.upload_prefix))}
        parts.append(resource("aws_s3_bucket_lifecycle_configuration", body))
    return parts


def _block(document: Mapping[str, Any]) -> HclBlock:
    """Return a document of the API, whose names Terraform writes in snake case."""
    return HclBlock(
        {
            xform_name(name): _block(value) if isinstance(value, dict) else value
            for name, value in document.items()
            if name != "Quantity"
        }
    )


def _key_output(documents: Documents) -> list[str]:
    if documents.key_statement is None:
        return []
    value = _jsonencode(_refer(documents.key_statement)).text
    return [
        "# Add this to the policy of the KMS key, or CloudFront cannot decrypt.\n"
        f'output "kms_key_policy_statement" {{\n  value = {value}\n}}'
    ]


def _origin_access(documents: Documents) -> str:
    config = documents.access_control
    if config is None:
        comment = (documents.access_identity or {})["Comment"]
        return resource("aws_cloudfront_origin_access_identity", {"comment": comment})
    return resource("aws_cloudfront_origin_access_control", _block(config).body)


def _policy_parts(documents: Documents) -> list[str]:
    policies = {
        "cache": documents.cache_policy,
        "origin_request": documents.origin_request_policy,
        "response_headers": documents.response_headers_policy,
    }
    return [
        resource(f"aws_cloudfront_{kind}_policy", _block(config).body)
        for kind, config in policies.items()
        if config
    ]


def _refer(value: Any) -> Any:
    """Return a value with tokens replaced by references, in blocks too."""
    if isinstance(value, HclBlock):
        return HclBlock({name: _refer(each) for name, each in value.body.items()})
    if isinstance(value, list):
        return [_refer(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _refer(each) for name, each in value.items()}
    return substitute(value, _reference)


def _reference(text: str) -> Expression:
    if text in _REFERENCES:
        return Expression(_REFERENCES[text])
    # Only the ARN of an identity contains a token inside a text.
    return Expression("aws_cloudfront_origin_access_identity.media.iam_arn")


# The distribution


def _distribution(config: Document) -> Document:
    """Return the body of the resource, in which IDs of other new resources are tokens."""
    return {
        "comment": config["Comment"],
        "enabled": config["Enabled"],
        "http_version": config["HttpVersion"],
        "is_ipv6_enabled": config["IsIPV6Enabled"],
        "price_class": config["PriceClass"],
        "origin": [_origin(each) for each in listed(config["Origins"])],
        "default_cache_behavior": _block(flat(config["DefaultCacheBehavior"])),
        "ordered_cache_behavior": [
            HclBlock({"path_pattern": each["PathPattern"], **_block(flat(each)).body})
            for each in listed(config["CacheBehaviors"])
        ],
        "restrictions": HclBlock({"geo_restriction": HclBlock({"restriction_type": "none"})}),
        "aliases": listed(config.get("Aliases")),
        "viewer_certificate": _block(certificate)
        if (certificate := config.get("ViewerCertificate"))
        else HclBlock({"cloudfront_default_certificate": True}),
    }


def _origin(origin: Document) -> HclBlock:
    body: Document = {"origin_id": origin["Id"], "domain_name": origin["DomainName"]}
    if access_identity_of(origin):
        path = "aws_cloudfront_origin_access_identity.media.cloudfront_access_identity_path"
        body["s3_origin_config"] = HclBlock({"origin_access_identity": Expression(path)})
    else:
        control = "aws_cloudfront_origin_access_control.media.id"
        body["origin_access_control_id"] = Expression(control)
    return HclBlock(body)


# As much HCL as a setup needs


def resource(kind: str, body: Mapping[str, Any]) -> str:
    """Return a resource block; each resource is the only one of its kind, and named "media"."""
    return "\n".join([f'resource {quoted(kind)} "media" {{', *_lines(body, 1), "}"])


def _jsonencode(document: Mapping[str, Any]) -> Expression:
    """Return an expression for a document as JSON, which may contain references."""
    return Expression(f"jsonencode({_value(document, 1)})")


def quoted(text: str) -> str:
    """Return a quoted string in which nothing is interpolated."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _lines(body: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, value in body.items():
        blocks = value if isinstance(value, list) else [value]
        if blocks and all(isinstance(each, HclBlock) for each in blocks):
            for each in blocks:
                yield f"{indent}{name} {{"
                yield from _lines(each.body, depth + 1)
                yield f"{indent}}}"
        elif value is not None and value != []:
            yield f"{indent}{name} = {_value(value, depth)}"


def _value(value: Any, depth: int) -> str:
    indent = "  " * (depth + 1)
    match value:
        case Expression():
            return value.text
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quoted(value)
        case list():
            items = [f"{indent}{_value(each, depth + 1)}," for each in value]
            return "\n".join(["[", *items, f"{indent[2:]}]"])
        case _:
            entries = [f"{indent}{_key(k)} = {_value(v, depth + 1)}" for k, v in value.items()]
            return "\n".join(["{", *entries, f"{indent[2:]}}}"])


def _key(name: str) -> str:
    return name if name.isidentifier() else quoted(name)
