"""Write a distribution down in HCL."""

from __future__ import annotations

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import listed, trusted_key_groups
from cfsigned_django.aws.documents.distribution import access_identity_of
from cfsigned_django.aws.export.hcl import Block, Expression


def distribution_body(config: Document) -> Document:
    """Return the body of the resource; ids of what is made with it are still tokens."""
    return {
        "comment": config["Comment"],
        "enabled": config["Enabled"],
        "http_version": config["HttpVersion"],
        "is_ipv6_enabled": config["IsIPV6Enabled"],
        "price_class": config["PriceClass"],
        "origin": [_origin(each) for each in listed(config["Origins"])],
        "default_cache_behavior": Block(_behavior(config["DefaultCacheBehavior"])),
        "ordered_cache_behavior": [
            Block({"path_pattern": each["PathPattern"], **_behavior(each)})
            for each in listed(config["CacheBehaviors"])
        ],
        "restrictions": Block({"geo_restriction": Block({"restriction_type": "none"})}),
        "aliases": listed(config.get("Aliases")),
        "viewer_certificate": _certificate(config.get("ViewerCertificate")),
    }


def _certificate(given: Document | None) -> Block:
    if given is None:
        return Block({"cloudfront_default_certificate": True})
    return Block(
        {
            "acm_certificate_arn": given["ACMCertificateArn"],
            "ssl_support_method": given["SSLSupportMethod"],
            "minimum_protocol_version": given["MinimumProtocolVersion"],
        }
    )


def _origin(origin: Document) -> Block:
    body: Document = {"origin_id": origin["Id"], "domain_name": origin["DomainName"]}
    if access_identity_of(origin):
        path = "aws_cloudfront_origin_access_identity.media.cloudfront_access_identity_path"
        body["s3_origin_config"] = Block({"origin_access_identity": Expression(path)})
    else:
        control = "aws_cloudfront_origin_access_control.media.id"
        body["origin_access_control_id"] = Expression(control)
    return Block(body)


def _behavior(behavior: Document) -> Document:
    methods = behavior["AllowedMethods"]
    return {
        "target_origin_id": behavior["TargetOriginId"],
        "viewer_protocol_policy": behavior["ViewerProtocolPolicy"],
        "allowed_methods": listed(methods),
        "cached_methods": listed(methods["CachedMethods"]),
        "compress": behavior["Compress"],
        "smooth_streaming": behavior["SmoothStreaming"],
        "cache_policy_id": behavior.get("CachePolicyId"),
        "origin_request_policy_id": behavior.get("OriginRequestPolicyId"),
        "response_headers_policy_id": behavior.get("ResponseHeadersPolicyId"),
        "trusted_key_groups": trusted_key_groups(behavior),
    }
