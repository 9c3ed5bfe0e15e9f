"""Let CloudFront decrypt what a KMS key encrypts, or say why it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.desired_state import DesiredState, OriginAccess
from tests.aws.provisioning.accounts import find, planned, provisioner, states
from tests.aws.provisioning.strict import strict
from tests.simulation.answers import refusal

ROOT = {
    "Sid": "Root",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*",
    "Resource": "*",
}


@pytest.fixture
def key_arn(clients: Clients) -> str:
    """Return the ARN of a key of the account, whose policy is the usual one."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ROOT]})
    arn: str = clients.kms("us-east-1").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    return arn


def statements(clients: Clients, key_arn: str) -> list[dict[str, Any]]:
    """Return the statements of the policy of a key."""
    answer = clients.kms("us-east-1").get_key_policy(KeyId=key_arn, PolicyName="default")
    found: list[dict[str, Any]] = json.loads(answer["Policy"])["Statement"]
    return found


def encrypt(clients: Clients, bucket: str, key_id: str | None, **rule: Any) -> None:
    """Make SSE-KMS the default encryption of a bucket."""
    by_default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key_id} if key_id else {})}
    rule |= {"ApplyServerSideEncryptionByDefault": by_default}
    clients.s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )


@pytest.mark.parametrize("form", ["arn", "id", "alias"])
def test_key_of_the_account(clients: Clients, grown: DesiredState, key_arn: str, form: str) -> None:
    """Add one statement, for this distribution and for decrypting alone; once."""
    kms = clients.kms("us-east-1")
    kms.create_alias(AliasName=f"alias/{grown.bucket}", TargetKeyId=key_arn)
    forms = {"arn": key_arn, "id": key_arn.rpartition("/")[2], "alias": f"alias/{grown.bucket}"}
    encrypt(clients, grown.bucket, forms[form])
    before = states(planned(clients, grown))

    steps = provisioner(strict(clients), grown).apply()

    distribution = clients.cloudfront.get_distribution(Id=grown.distribution_id)["Distribution"]
    root, ours = statements(clients, key_arn)
    assert before["kms-key-policy"] == "todo"
    assert states(steps)["kms-key-policy"] == "done"
    assert root == ROOT
    assert {name: each for name, each in ours.items() if name != "Sid"} == {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution["ARN"]}},
    }


def test_order(clients: Clients, grown: DesiredState, key_arn: str) -> None:
    """Let CloudFront decrypt before the origin begins to sign its requests."""
    encrypt(clients, grown.bucket, key_arn)
    names = [each.name for each in planned(clients, grown)]

    assert names.index("bucket-policy") < names.index("kms-key-policy") < names.index("origin")


def test_statement_of_the_console(clients: Clients, grown: DesiredState, key_arn: str) -> None:
    """Take the wider statement that AWS documents for the same."""
    arn = clients.cloudfront.get_distribution(Id=grown.distribution_id)["Distribution"]["ARN"]
    documented = {
        "Sid": "AllowCloudFrontServicePrincipalSSE-KMS",
        "Effect": "Allow",
        "Principal": {"Service": ["cloudfront.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }
    clients.kms("us-east-1").put_key_policy(
        KeyId=key_arn, PolicyName="default", Policy=json.dumps({"Statement": [documented]})
    )
    encrypt(clients, grown.bucket, key_arn)

    assert states(planned(clients, grown))["kms-key-policy"] == "done"


def test_new_bucket(clients: Clients, desired: DesiredState, key_arn: str) -> None:
    """Encrypt a new bucket with the key, and do what was planned for nothing."""
    desired = replace(desired, kms_key=key_arn)
    before = planned(clients, desired)
    did: list[str] = []

    after = provisioner(clients, desired, on_step=lambda step: did.append(step.name)).apply()

    (rule,) = clients.s3.get_bucket_encryption(Bucket=desired.bucket)[
        "ServerSideEncryptionConfiguration"
    ]["Rules"]
    assert did == [each.name for each in before if each.call is not None]
    assert {each.state for each in after} == {"done"}
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": key_arn,
    }
    assert len(statements(clients, key_arn)) == 2


def test_bucket_gets_another_key(clients: Clients, grown: DesiredState, key_arn: str) -> None:
    """Replace the default encryption on request alone, and keep the rest of its rule."""
    encrypt(clients, grown.bucket, None, BucketKeyEnabled=False)

    unasked = states(planned(clients, grown))
    provisioner(clients, replace(grown, kms_key=key_arn)).apply()

    (rule,) = clients.s3.get_bucket_encryption(Bucket=grown.bucket)[
        "ServerSideEncryptionConfiguration"
    ]["Rules"]
    assert "bucket-encryption" not in unasked
    assert unasked["kms-key-policy"] == "conflict"
    assert rule["BucketKeyEnabled"] is False
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key_arn


class Managed:
    """A client for KMS in an account whose only key is aws/s3."""

    def describe_key(self, *, KeyId: str) -> Any:
        """Describe the key."""
        return {"KeyMetadata": {"Arn": KeyId, "KeyManager": "AWS"}}


@pytest.mark.parametrize("key_id", [None, "arn:aws:kms:us-east-1:111122223333:alias/aws/s3"])
def test_aws_managed_key(clients: Clients, grown: DesiredState, key_id: str | None) -> None:
    """Say that nobody can change the policy of aws/s3, and what to do instead."""
    encrypt(clients, grown.bucket, key_id)
    clients = replace(clients, kms=lambda region: Managed())

    step = find(provisioner(clients, grown).apply(), "kms-key-policy")

    assert step.state == "conflict"
    assert all(name in step.why for name in ("aws/s3", "--kms-key"))


def test_identity(clients: Clients, grown: DesiredState, key_arn: str) -> None:
    """Say that an identity cannot read what a KMS key encrypts."""
    encrypt(clients, grown.bucket, key_arn)
    desired = replace(grown, origin_access=OriginAccess.OAI)

    step = find(planned(strict(clients), desired), "kms-key-policy")

    assert step.state == "conflict"
    assert "--origin-access oac" in step.why


class Refusing:
    """A client for KMS that may not read the policy of a key."""

    def __init__(self, client: Any) -> None:
        self.describe_key = client.describe_key

    def get_key_policy(self, **arguments: Any) -> Any:
        """Refuse."""
        raise refusal("AccessDenied", "GetKeyPolicy")


def test_key_of_another_account(clients: Clients, grown: DesiredState, key_arn: str) -> None:
    """Print the statement for the owner of a key whose policy may not be read; do the rest."""
    encrypt(clients, grown.bucket, key_arn)
    kms = Refusing(clients.kms("us-east-1"))

    steps = provisioner(replace(clients, kms=lambda region: kms), grown).apply()

    step = find(steps, "kms-key-policy")
    assert step.state == "conflict"
    assert all(name in step.why for name in ("kms:GetKeyPolicy", "kms:Decrypt", "AWS:SourceArn"))
    assert states(steps)["behavior"] == "done"
    assert len(statements(clients, key_arn)) == 1


def test_key_that_is_gone(clients: Clients, grown: DesiredState) -> None:
    """Say that there is no such key."""
    gone = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    encrypt(clients, grown.bucket, gone)

    step = find(planned(clients, grown), "kms-key-policy")

    assert step.state == "conflict"
    assert gone in step.why


def test_encryption_that_may_not_be_read(clients: Clients, grown: DesiredState) -> None:
    """Name the permission, and do the rest."""

    class Denied:
        def __getattr__(self, name: str) -> Any:
            return getattr(clients.s3, name)

        def get_bucket_encryption(self, **arguments: Any) -> Any:
            raise refusal("AccessDenied", "GetBucketEncryption")

    step = find(planned(replace(clients, s3=Denied()), grown), "kms-key-policy")

    assert step.state == "conflict"
    assert not step.blocks
    assert "s3:GetEncryptionConfiguration" in step.why
