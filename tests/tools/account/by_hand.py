"""Documents as people make them by hand, or another tool does, who know nothing of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfsigned_django.tools.account.documents import Document
from tests.tools import list_of

# Managed policies have the same ID in every account (Developer Guide: "Use managed cache policies",
# "Use managed origin request policies", "Use managed response headers policies").
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CORS_S3_ORIGIN = "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"
SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"
CORS_AND_SECURITY = "e61eb60c-9c35-4d20-a928-2b84e02af89c"
#: What CORS-S3Origin forwards (Developer Guide, "Use managed origin request policies").
CORS_HEADERS = ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"]


def new_origin(bucket: str, *, origin_id: str = "") -> Document:
    """Return an origin for the bucket, without an access control or identity."""
    return {
        "Id": origin_id or f"S3-{bucket}",
        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": "",
    }


def new_behavior(origin_id: str) -> Document:
    """Return a behavior that reads an origin, and requires no signature."""
    methods: Document = list_of(["GET", "HEAD"])
    return {
        "TargetOriginId": origin_id,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**methods, "CachedMethods": methods},
        "Compress": True,
        "CachePolicyId": CACHING_OPTIMIZED,
        "SmoothStreaming": False,
        "FieldLevelEncryptionId": "",
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
    }


def upload_rule(prefix: str) -> Document:
    """Return a rule that ends incomplete multipart uploads under a prefix."""
    return {
        "ID": f"uploads {prefix}",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def new_distribution_config(
    bucket: str, origin: Mapping[str, Any], behavior: Mapping[str, Any]
) -> Document:
    """Return a distribution that serves only the bucket."""
    return {
        "CallerReference": f"by-hand-{bucket}",
        "Comment": f"by-hand-{bucket}",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": False,
        "PriceClass": "PriceClass_All",
        "Origins": list_of([dict(origin)]),
        "DefaultCacheBehavior": dict(behavior),
        "CacheBehaviors": {"Quantity": 0},
    }
