"""Plan where a permission is missing, or where a policy keeps pages out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.account import BucketPart, Distribution, NamedConfig
from cfsigned_django.aws.account_reader import read_bucket
from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.aws.provisioning.plan import blockers, plan
from cfsigned_django.aws.provisioning.steps import Step, StepState
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import make_grown_account, planned, site_key
from tests.aws.provisioning.plans import DESIRED, account_with, find
from tests.simulation.answers import refusal

ORIGIN = "https://a.example.com"


class Denied:
    """A client for S3 that may not make one call."""

    def __init__(self, client: Any, call: str, code: str = "AccessDenied") -> None:
        self._client, self._call, self._code = client, call, code

    def __getattr__(self, name: str) -> Any:
        return self._refuse if name == self._call else getattr(self._client, name)

    def _refuse(self, **arguments: Any) -> None:
        raise refusal(self._code, self._call)


PARTS = [
    ("get_bucket_policy", BucketPart.POLICY, "s3:GetBucketPolicy", {"bucket-policy"}, True),
    ("get_bucket_cors", BucketPart.CORS, "s3:GetBucketCORS", {"bucket-cors"}, False),
    (
        "get_public_access_block",
        BucketPart.PUBLIC_ACCESS,
        "s3:GetBucketPublicAccessBlock",
        {"bucket-policy", "block-public-access"},
        True,
    ),
    (
        "get_bucket_ownership_controls",
        BucketPart.OWNERSHIP,
        "s3:GetBucketOwnershipControls",
        {"object-ownership"},
        False,
    ),
]


@pytest.mark.parametrize(
    ("call", "part", "permission", "steps", "blocks"), PARTS, ids=[each[0] for each in PARTS]
)
def test_one_part_may_not_be_read(
    clients: Clients,
    bucket_name: str,
    ec_key: PrivateKey,
    call: str,
    part: BucketPart,
    permission: str,
    steps: set[str],
    blocks: bool,
) -> None:
    """Name the permission in the steps that need it; overwrite nothing that was not seen."""
    distribution_id = make_grown_account(clients, bucket_name)
    denied = replace(clients, s3=Denied(clients.s3, call))
    desired = DesiredState(
        bucket=bucket_name,
        distribution_id=distribution_id,
        path_pattern="media/*",
        cors_origins=(ORIGIN,),
        key=site_key(ec_key),
    )

    found = planned(denied, desired)

    named = [each for each in found if permission in each.why]
    assert {each.name for each in named} == steps
    assert all(each.state is StepState.CONFLICT and each.call is None for each in named)
    assert bool(blockers(found)) is blocks
    assert f"the {part} of {bucket_name} cannot be read" in named[0].why


def test_throttling_is_no_missing_permission(
    clients: Clients, bucket_name: str, aws_account: str
) -> None:
    """Raise where S3 refuses a part for another reason: it would answer no other part either."""
    clients.s3.create_bucket(Bucket=bucket_name)
    throttled = Denied(clients.s3, "get_bucket_cors", "Throttling")

    with pytest.raises(AwsError, match="fewer calls"):
        read_bucket(throttled, bucket_name, account_id=aws_account)


def _with_headers_policy(*allowed: str) -> list[Step]:
    account = account_with()
    assert isinstance(account.distribution, Distribution)
    config = account.distribution.config
    (behavior,) = config["CacheBehaviors"]["Items"]
    behavior["ResponseHeadersPolicyId"] = "policy-1"
    cors = {"AccessControlAllowOrigins": list_of(list(allowed)), "OriginOverride": True}
    policy = NamedConfig(id="policy-1", name="own", config={"CorsConfig": cors})
    account = replace(account, response_headers_policies={"policy-1": policy})
    return plan(account, replace(DESIRED, cors_origins=(ORIGIN,)))


def test_response_headers_policy_without_the_origin() -> None:
    """Leave a policy that the behavior has, and say which origin it keeps out."""
    found = find(_with_headers_policy("https://b.example.com"), "response-headers-policy")

    assert found.state is StepState.CONFLICT
    assert not found.blocks
    assert "policy-1" in found.why
    assert ORIGIN in found.why


def test_response_headers_policy_with_the_origin() -> None:
    """Say nothing of a policy that gives the headers already."""
    steps = _with_headers_policy("https://*.example.com")

    assert "response-headers-policy" not in {each.name for each in steps}
