"""Read what there is into one value.

Modules: tools/account/reader.py, tools/account/account.py
"""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.account.account import Account, Bucket, BucketPart, BucketState, KmsKey
from cfsigned_django.tools.account.documents.bucket import access_control_statement
from cfsigned_django.tools.account.reader import read_account, read_bucket, read_distribution
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.doctor.aws import DEPENDS_ON_PERMISSION
from tests.core.aws.failing import Failing
from tests.ministack_server import Ministack
from tests.simulation.answers import operation_of, refusal
from tests.tools import list_of
from tests.tools.account.by_hand import (
    SIMPLE_CORS,
    new_behavior,
    new_distribution_config,
    new_origin,
    upload_rule,
)

#: A policy of a bucket or a key, in which nothing is allowed.
POLICY: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}


def bucket_of(account: Account) -> Bucket:
    """Return the bucket of an account in which it was read."""
    assert account.bucket is not None
    return account.bucket


def refusing(client: Any, call: str, code: str = "AccessDenied") -> Any:
    """Return a client that AWS refuses one call."""
    return Failing(client, lambda name: refusal(code, name), call)


def test_empty_account(ministack: Ministack, bucket_name: str) -> None:
    """Find nothing, in the account whose credentials these are."""
    clients = ministack.clients("111111111111")
    account = read_account(clients, Wanted(bucket=bucket_name))

    assert account.account_id == "111111111111"
    assert bucket_of(account).state is BucketState.MISSING
    assert account.distribution is None
    assert (account.public_keys, account.key_groups, account.access_controls) == ((), (), ())
    assert account.cache_policies == account.origin_request_policies == {}


def test_bucket_with_everything(clients: Clients, bucket_name: str, aws_account: str) -> None:
    """Read the settings of a bucket, each None or empty if it was never made."""
    s3, rule = clients.s3, {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    region = {"LocationConstraint": "ap-northeast-2"}
    s3.create_bucket(Bucket=bucket_name, CreateBucketConfiguration=region)
    plain = read_bucket(s3, bucket_name, aws_account, uploads=True)
    s3.put_bucket_cors(Bucket=bucket_name, CORSConfiguration={"CORSRules": [rule]})
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket_name, LifecycleConfiguration={"Rules": [upload_rule("tmp/")]}
    )
    s3.put_bucket_policy(Bucket=bucket_name, Policy=json.dumps(POLICY))

    full = read_bucket(s3, bucket_name, aws_account, uploads=True)

    assert (plain.region, plain.policy) == ("ap-northeast-2", None)
    assert plain.cors_rules == plain.lifecycle_rules == ()
    assert read_bucket(s3, bucket_name, aws_account).lifecycle_rules == ()
    assert (full.policy, full.lifecycle_rules) == (POLICY, (upload_rule("tmp/"),))
    assert [dict(each) for each in full.cors_rules] == [rule]


def test_bucket_of_somebody_else(
    clients: Clients, bucket_name: str, ministack: Ministack, aws_account: str
) -> None:
    """Return that a bucket is refused, without an error."""
    ministack.client("s3", account="999999999999").create_bucket(Bucket=bucket_name)

    found = read_bucket(clients.s3, bucket_name, account_id=aws_account)

    assert (found.state, found.is_ours) == (BucketState.REFUSED, False)


#: The call that reads a part of a bucket, and its permission.
PARTS = [
    ("get_bucket_policy", BucketPart.POLICY, "s3:GetBucketPolicy"),
    ("get_bucket_cors", BucketPart.CORS, "s3:GetBucketCORS"),
    ("get_public_access_block", BucketPart.PUBLIC_ACCESS, "s3:GetBucketPublicAccessBlock"),
    ("get_bucket_encryption", BucketPart.ENCRYPTION, "s3:GetEncryptionConfiguration"),
    ("get_bucket_lifecycle_configuration", BucketPart.LIFECYCLE, "s3:GetLifecycleConfiguration"),
]


@pytest.mark.parametrize(("call", "part", "permission"), PARTS)
def test_part_of_a_bucket_that_cannot_be_read(
    call: str,
    part: BucketPart,
    permission: str,
    clients: Clients,
    bucket_name: str,
    aws_account: str,
) -> None:
    """Leave out the part whose permission is missing, and name it; raise another failure."""
    clients.s3.create_bucket(Bucket=bucket_name)
    read = partial(read_bucket, name=bucket_name, account_id=aws_account, uploads=True)

    found = read(refusing(clients.s3, call))
    with pytest.raises(AwsError) as caught:
        read(refusing(clients.s3, call, "Throttling"))

    assert found.state is BucketState.OURS
    assert {name: error.permission for name, error in found.unread.items()} == {part: permission}
    assert permission in DEPENDS_ON_PERMISSION
    assert caught.value.code == "Throttling"


def encrypt(clients: Clients, bucket: str, **key: str) -> None:
    """Make SSE-KMS the default encryption of a bucket."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", **key}}
    clients.s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )


def test_kms_key(clients: Clients, bucket_name: str) -> None:
    """Read the key of a bucket by each of its names; note which one cannot be changed, and why."""
    kms, alias = clients.kms("us-east-1"), f"alias/{bucket_name}"
    arn = kms.create_key(Policy=json.dumps(POLICY))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    clients.s3.create_bucket(Bucket=bucket_name)
    managed = SimpleNamespace(
        describe_key=lambda KeyId: {"KeyMetadata": {"Arn": KeyId, "KeyManager": "AWS"}}
    )

    def read(key_id: str, kms: Any = kms) -> KmsKey | None:
        encrypt(clients, bucket_name, KMSMasterKeyID=key_id)
        asked = dataclasses.replace(clients, kms=lambda region: kms)
        return read_account(asked, Wanted(bucket=bucket_name)).kms_key

    def unread(key_id: str, kms: Any = kms) -> tuple[str, str | None]:
        found = read(key_id, kms)
        assert found is not None
        assert found.unread is not None
        return found.unread.code, found.unread.permission

    for key_id in (arn, arn.rpartition("/")[2], alias):
        assert read(key_id) == KmsKey(arn=arn, policy=POLICY)
    assert read(arn, managed) == KmsKey(arn=arn, is_aws_managed=True)
    assert unread(arn, refusing(kms, "get_key_policy")) == ("AccessDenied", "kms:GetKeyPolicy")
    assert unread(arn[:-1])[1] == "kms:DescribeKey"
    encrypt(clients, bucket_name)  # with aws/s3, which has no ID here
    account = read_account(clients, Wanted(bucket=bucket_name))
    assert (account.kms_key, bucket_of(account).kms_key_id) == (None, "")


def test_distribution_by_domain_by_bucket_and_by_id(clients: Clients, bucket_name: str) -> None:
    """Find the distribution that has the domain, else the only one of the bucket, and one by ID."""
    origin = new_origin(bucket_name)
    config = new_distribution_config(bucket_name, origin, new_behavior(origin["Id"]))
    made = clients.cloudfront.create_distribution(DistributionConfig=config)
    domain, another = made["Distribution"]["DomainName"], "another-bucket"

    found = read_account(clients, Wanted(bucket=another, domain=domain)).distribution
    of_bucket = read_account(
        clients, Wanted(bucket=bucket_name, domain="media.example.com")
    ).distribution
    by_id = read_account(
        clients, Wanted(bucket=another, distribution_id=made["Distribution"]["Id"])
    )
    clients.cloudfront.create_distribution(
        DistributionConfig={**config, "CallerReference": "second"}
    )
    of_two = read_account(clients, Wanted(bucket=bucket_name, domain="media.example.com"))

    assert found is not None
    assert found.id == made["Distribution"]["Id"]
    assert found.status == "Deployed"
    assert (found.partition, found.aliases) == ("aws", [])
    assert found == of_bucket == by_id.distribution
    # The managed policy that its behavior uses is read along.
    assert [each.name for each in (by_id.cache_policies or {}).values()] == [
        "Managed-CachingOptimized"
    ]
    assert (of_two.distribution, of_two.has_looked_for_distribution) == (None, True)


def test_other_distributions(clients: Clients, bucket_name: str, aws_account: str) -> None:
    """List the others if the bucket lets in another reader, and note it if that is not allowed."""
    origin = new_origin(bucket_name)
    config = new_distribution_config(bucket_name, origin, new_behavior(origin["Id"]))
    ours, other = (
        clients.cloudfront.create_distribution(
            DistributionConfig={**config, "CallerReference": f"{bucket_name}-{each}"}
        )["Distribution"]
        for each in ("ours", "other")
    )
    clients.s3.create_bucket(Bucket=bucket_name)
    wanted = Wanted(bucket=bucket_name, distribution_id=ours["Id"])
    cloudfront = refusing(clients.cloudfront, "list_distributions")
    no_list = dataclasses.replace(clients, cloudfront=cloudfront)

    def read(condition: dict[str, Any], asked: Clients = clients) -> Account:
        statement = {**access_control_statement(bucket_name, ours["ARN"]), "Condition": condition}
        policy = json.dumps({**POLICY, "Statement": [statement]})
        clients.s3.put_bucket_policy(Bucket=bucket_name, Policy=policy)
        return read_account(asked, wanted)

    of_ours = {"StringEquals": {"AWS:SourceArn": ours["ARN"]}}
    of_account = {"StringEquals": {"AWS:SourceAccount": aws_account}}
    refused = read(of_account, no_list)

    assert [each["Id"] for each in read(of_account).other_distributions] == [other["Id"]]
    assert read(of_ours, no_list) == read(of_ours)
    assert [each.permission for each in refused.problems] == ["cloudfront:ListDistributions"]
    assert refused.other_distributions == ()
    assert read_account(clients, Wanted(distribution_id=ours["Id"])).other_distributions == ()


#: A call that is not allowed -> what is then not read.
CALLS = {
    "list_distributions": "distribution",
    "get_distribution": "distribution",
    "list_public_keys": "public_keys",
    "list_key_groups": "key_groups",
    "list_origin_access_controls": "access_controls",
    "list_cache_policies": "cache_policies",
    "get_cache_policy": "cache_policies",
    "list_origin_request_policies": "origin_request_policies",
    "get_response_headers_policy": "response_headers_policies",
}


@pytest.mark.parametrize("call", CALLS)
def test_one_call(call: str, clients: Clients, bucket_name: str) -> None:
    """Name the permission of what could not be read, and read the rest."""
    origin = new_origin(bucket_name)
    behavior = {**new_behavior(origin["Id"]), "ResponseHeadersPolicyId": SIMPLE_CORS}
    config = new_distribution_config(bucket_name, origin, behavior)
    clients.cloudfront.create_distribution(DistributionConfig=config)
    clients.s3.create_bucket(Bucket=bucket_name)

    account = read_account(
        dataclasses.replace(clients, cloudfront=refusing(clients.cloudfront, call)),
        Wanted(bucket=bucket_name),
    )

    permission = f"cloudfront:{operation_of(call)}"
    assert [each.permission for each in account.problems] == [permission]
    assert permission in DEPENDS_ON_PERMISSION
    parts = {each.name for each in dataclasses.fields(account)} - {"kms_key"}
    assert {each for each in parts if getattr(account, each) is None} == {CALLS[call]}


def test_unknown_distribution(clients: Clients, bucket_name: str) -> None:
    """Name the ID that no distribution has."""
    wanted = Wanted(bucket=bucket_name, distribution_id="EUNKNOWN123")
    account = read_account(clients, wanted)

    [unknown] = account.problems
    assert unknown.code == "NoSuchDistribution"
    assert "EUNKNOWN123" in unknown.what
    assert (account.distribution, account.has_looked_for_distribution) == (None, False)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://cloudfront.x/"),
        NoCredentialsError(),
        refusal("ExpiredToken", "x", "expired"),
    ],
    ids=repr,
)
def test_no_call_succeeds(error: Exception) -> None:
    """Note a problem that every call has once."""
    client: Any = Failing(None, lambda name: error)
    clients = Clients(cloudfront=client, s3=client, sts=client)
    assert len(read_account(clients, Wanted(bucket="media")).problems) == 1


def test_keys_that_edges_know() -> None:
    """Read which key pairs are active, which the emulator does not say."""
    active = [{"KeyGroupId": "g", "KeyPairIds": list_of(["K1"])}]
    told = {
        "Id": "EDIST",
        "ARN": "arn:aws-cn:cloudfront::1:distribution/EDIST",
        "Status": "InProgress",
        "DomainName": "d1.cloudfront.net",
        "DistributionConfig": {},
        "ActiveTrustedKeyGroups": list_of(active),
    }
    client = SimpleNamespace(get_distribution=lambda Id: {"Distribution": told})

    found = read_distribution(client, "EDIST")

    assert found.active_key_pairs == {"g": ("K1",)}
    assert (found.status, found.partition) == ("InProgress", "aws-cn")
