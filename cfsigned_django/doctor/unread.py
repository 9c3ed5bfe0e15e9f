"""Say what was not looked at where a permission is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: IAM action -> what of the doctor's questions depends on it.
QUESTIONS: Final[Mapping[str, str]] = {
    "cloudfront:GetCachePolicy": "whether download parameters and Origin are in the cache key",
    "cloudfront:GetDistribution": "the distribution, its behaviors and its origin",
    "cloudfront:GetOriginRequestPolicy": "whether Origin and download parameters reach S3",
    "cloudfront:GetPublicKey": "whether CloudFront has the key that signs",
    "cloudfront:GetResponseHeadersPolicy": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListCachePolicies": "whether download parameters and Origin are in the cache key",
    "cloudfront:ListDistributions": "the distribution, its behaviors and its origin",
    "cloudfront:ListKeyGroups": "whether the key that signs is in the key group",
    "cloudfront:ListOriginAccessControls": "whether CloudFront signs what it asks of S3",
    "cloudfront:ListOriginRequestPolicies": "whether Origin and download parameters reach S3",
    "cloudfront:ListPublicKeys": "under which id CloudFront has the public half, if it has it",
    "s3:GetBucketCORS": "whether the bucket has a CORS rule for each origin",
    "s3:GetBucketOwnershipControls": "whose the objects are",
    "s3:GetBucketPolicy": "whether the bucket lets CloudFront read, and whom else",
    "s3:GetBucketPublicAccessBlock": "whether Block Public Access is on",
    "s3:ListBucket": "the bucket",
    "sts:GetCallerIdentity": "whose account this is",
}


def why_unread(permission: str | None) -> str | None:
    """Return what was not looked at; None for what does not belong to one permission."""
    question = QUESTIONS.get(permission or "")
    return None if question is None else f"Not looked at, and so not known: {question}."
