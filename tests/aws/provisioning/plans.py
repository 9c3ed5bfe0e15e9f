"""Plan without any account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfsigned_django.aws.account import Account, Bucket, BucketState, Distribution
from cfsigned_django.aws.documents.behavior import list_of, listed
from cfsigned_django.aws.documents.distribution import new_origin
from cfsigned_django.aws.provisioning.desired_state import DesiredState, SiteKey
from cfsigned_django.aws.provisioning.steps import Step
from tests.aws.provisioning.accounts import grown_distribution

BUCKET = "media-bucket"
KEY = SiteKey(name="cfsigned-1", caller_reference="1", public_key_pem="PEM")
DESIRED = DesiredState(bucket=BUCKET, distribution_id="E1234567", path_pattern="media/*", key=KEY)

GROWN = grown_distribution(BUCKET)
APP_ORIGIN, LEGACY = listed(GROWN["Origins"])
(MEDIA,) = listed(GROWN["CacheBehaviors"])
#: An origin that looks where the site saves.
CLEAN = {**new_origin(BUCKET, "us-east-1"), "Id": "clean"}


def account_with(
    *, bucket: Mapping[str, Any] = {}, others: Mapping[str, Any] = {}, **config: Any
) -> Account:
    """Return an account with a bucket, and a distribution with these fields changed.

    ``bucket`` and ``others`` are further fields of the bucket and of the account.
    """
    fields: dict[str, Any] = {
        "account_id": "111122223333",
        "bucket": Bucket(
            **{"name": BUCKET, "state": BucketState.OURS, "region": "us-east-1", **bucket}
        ),
        "distribution": Distribution(
            id="E1234567",
            arn="arn:aws:cloudfront::111122223333:distribution/E1234567",
            status="Deployed",
            domain_name="d111111abcdef8.cloudfront.net",
            etag="ETAG",
            config={**GROWN, **config},
            active_key_pairs={},
        ),
        "public_keys": (),
        "key_groups": (),
        **others,
    }
    return Account(**fields)


def with_behaviors(*behaviors: Mapping[str, Any], **fields: Any) -> Account:
    """Return an account whose distribution has these behaviors beside the default one."""
    return account_with(CacheBehaviors=list_of(list(behaviors)), **fields)


def with_origins(*origins: Mapping[str, Any], **fields: Any) -> Account:
    """Return an account whose distribution has these origins beside the application's."""
    return account_with(Origins=list_of([APP_ORIGIN, *origins]), **fields)


def find(steps: list[Step], name: str) -> Step:
    """Return the step of that name."""
    return next(each for each in steps if each.name == name)
