"""Explain what CloudFront and S3 refuse when a distribution or a bucket is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cfsigned_django.aws.explanation import AGAIN, Explanation

_OTHER_REGION: Final = Explanation(
    reason="the bucket is in another region",
    next_step="Set AWS_S3_REGION_NAME, or AWS_DEFAULT_REGION, to the region of the bucket.",
)
_TAKEN: Final = Explanation(
    reason="another AWS account has a bucket of that name, and names are shared by all accounts",
    next_step="Choose another name (--bucket), or use the credentials of that account.",
)
_QUOTA: Final = Explanation(
    reason="the AWS account has as many of these as its quota allows ({code})",
    next_step="Delete one that nothing uses, or have the quota raised (Service Quotas, "
    "CloudFront).",
)
_TAKEN_NAME: Final = Explanation(
    reason="something else has that name already ({code})",
    next_step=AGAIN,
)
_WRONG_ETAG: Final = Explanation(
    reason="the version that was to be changed is not the current one",
    next_step=AGAIN,
    is_temporary=True,
)

SERVICE_EXPLANATIONS: Final[Mapping[str, Explanation]] = {
    "NoSuchDistribution": Explanation(
        reason="this AWS account has no distribution with that id",
        next_step="Check the id (--distribution, AWS_CLOUDFRONT_DISTRIBUTION_ID), and that the "
        "credentials belong to its account.",
    ),
    "DistributionAlreadyExists": Explanation(
        reason="the distribution was made before, and was renamed since",
        next_step="Name it: --distribution ID. CloudFront shows the id in its list.",
    ),
    "NoSuchOriginAccessControl": Explanation(
        reason="the origin access control is gone", next_step=AGAIN, is_temporary=True
    ),
    "TrustedKeyGroupDoesNotExist": Explanation(
        reason="the key group is gone", next_step=AGAIN, is_temporary=True
    ),
    "InvalidIfMatchVersion": _WRONG_ETAG,
    "TooManyDistributions": _QUOTA,
    "TooManyKeyGroups": _QUOTA,
    "TooManyOriginAccessControls": _QUOTA,
    "TooManyCloudFrontOriginAccessIdentities": _QUOTA,
    "TooManyCacheBehaviors": _QUOTA,
    "TooManyCachePolicies": _QUOTA,
    "TooManyOriginRequestPolicies": _QUOTA,
    "TooManyKeyGroupsAssociatedToDistribution": _QUOTA,
    "TooManyDistributionsAssociatedToKeyGroup": _QUOTA,
    "TooManyBuckets": _QUOTA,
    "KeyGroupAlreadyExists": _TAKEN_NAME,
    "OriginAccessControlAlreadyExists": _TAKEN_NAME,
    "CachePolicyAlreadyExists": _TAKEN_NAME,
    "OriginRequestPolicyAlreadyExists": _TAKEN_NAME,
    # S3.
    "BucketAlreadyExists": _TAKEN,
    "NoSuchBucket": Explanation(
        reason="there is no bucket of that name",
        next_step="Check the name (--bucket, AWS_STORAGE_BUCKET_NAME).",
    ),
    "301": _OTHER_REGION,
    "PermanentRedirect": _OTHER_REGION,
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "IllegalLocationConstraintException": _OTHER_REGION,
    "OperationAborted": Explanation(
        reason="another change to the bucket is still under way",
        next_step=AGAIN,
        is_temporary=True,
    ),
}
