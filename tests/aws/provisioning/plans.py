"""Plan without any account."""

from __future__ import annotations

from typing import Any

from cfsigned_django.aws.account import Account, Bucket, BucketState, Distribution
from cfsigned_django.aws.provisioning.desired_state import DesiredState, SiteKey
from cfsigned_django.aws.provisioning.steps import Step
from tests.aws.provisioning.accounts import grown_distribution

BUCKET = "media-bucket"
KEY = SiteKey(name="cfsigned-1", caller_reference="1", public_key_pem="PEM")
DESIRED = DesiredState(bucket=BUCKET, distribution_id="E1234567", path_pattern="media/*", key=KEY)


def account_with(**config: Any) -> Account:
    """Return an account with a bucket, and a distribution with these fields changed."""
    return Account(
        account_id="111122223333",
        partition="aws",
        bucket=Bucket(name=BUCKET, state=BucketState.OURS, region="us-east-1"),
        distribution=Distribution(
            id="E1234567",
            arn="arn:aws:cloudfront::111122223333:distribution/E1234567",
            status="Deployed",
            domain_name="d111111abcdef8.cloudfront.net",
            etag="ETAG",
            config={**grown_distribution(BUCKET), **config},
            active_key_pairs={},
        ),
        public_keys=(),
        key_groups=(),
        access_controls=(),
        access_identities=(),
        cache_policies={},
        origin_request_policies={},
    )


def find(steps: list[Step], name: str) -> Step:
    """Return the step of that name."""
    return next(each for each in steps if each.name == name)
