"""What a run sends to AWS: nothing that would touch what it did not make."""

from __future__ import annotations

import functools
from typing import Any

import boto3
import pytest

from acceptance.clients import Clients
from acceptance.guard import Guard, Refused
from cfsigned_django.tools.stack.template import read_template
from tests.acceptance.conftest import BUCKET, MARK, RECORD, STACK, Aws

CHANGE_SET = f"arn:change-set:{STACK}"


@functools.cache
def client(service: str) -> Any:
    """Return a client that somebody else makes."""
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


def make_group(clients: Clients) -> str:
    """Make a key group as the package does: it has another comment."""
    config = {"Name": "x", "Items": ["K1"], "Comment": "cfsigned_setup"}
    return str(clients.cloudfront.create_key_group(KeyGroupConfig=config)["KeyGroup"]["Id"])


def plan(clients: Clients, name: str = STACK, bucket: str = BUCKET, **more: Any) -> Any:
    """Make a change set as cfsigned_setup does."""
    parameters = {"BucketName": bucket, "MakeBucket": "true", "KeyGroupId": "KG1"}
    given = {
        "StackName": name,
        "ChangeSetName": "x",
        "ChangeSetType": "CREATE",
        "TemplateBody": read_template(),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    }
    return clients.cloudformation.create_change_set(**given | more)


def deploy(clients: Clients) -> None:
    """Make a stack, and wait for it."""
    plan(clients)
    clients.cloudformation.execute_change_set(ChangeSetName=CHANGE_SET)
    clients.cloudformation.describe_stacks(StackName=STACK)


def test_marks_what_it_makes(aws: Aws, clients: Clients) -> None:
    """Give the mark to keys and key groups as a comment, to stacks and objects as a tag."""
    id = make_group(clients)
    key = {"CallerReference": "r", "Name": "x", "EncodedKey": "PEM"}
    clients.cloudfront.create_public_key(PublicKeyConfig=key)
    clients.cloudfront.update_key_group(Id=id, KeyGroupConfig={"Name": "y", "Items": []})
    deploy(clients)
    clients.s3.put_object(Bucket=BUCKET, Key="a.jpg", Tagging="a=b")

    [written] = [given for operation, given in aws.sent if operation == "PutObject"]
    configs = [each for block in aws.configs.values() for each in block.values()]
    assert [each["Comment"] for each in configs] == [MARK, MARK]
    assert aws.stacks[STACK]["Tags"] == [RECORD.tag]
    assert (written["Tagging"], written["ExpectedBucketOwner"]) == (f"acceptance={MARK}", "1")


NEW = {"MakeBucket": "true", "BucketName": BUCKET}


@pytest.mark.parametrize(
    ("plans", "why"),
    [
        ({"name": "media"}, "no run makes 'media'"),
        ({"bucket": "mine"}, "with the bucket 'mine'"),
        ({"bucket": f"{BUCKET}-bad"}, "no run makes"),
        (
            {
                "Parameters": [
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in {**NEW, "MakeBucket": "false"}.items()
                ]
            },
            "no run makes",
        ),
        ({"TemplateBody": f"{read_template()}  Q: {{Type: AWS::SQS::Queue}}\n"}, "another templ"),
        ({"ChangeSetType": "UPDATE"}, "made no stack"),
    ],
)
def test_plans_only_its_own_stacks(
    aws: Aws, clients: Clients, plans: dict[str, Any], why: str
) -> None:
    """Plan the package's template, with a stack and a new bucket that have the names of the run."""
    with pytest.raises(Refused, match=why):
        plan(clients, **plans)
    assert aws.sent == []


def test_makes_no_bucket_that_somebody_has(aws: Aws, clients: Clients) -> None:
    """Plan no stack whose bucket exists, in whatever account."""
    aws.buckets[BUCKET] = {}
    with pytest.raises(Refused, match="exists already"):
        plan(clients)


def test_updates_its_stack_only(aws: Aws, clients: Clients) -> None:
    """Plan a change of the run's stack, but not of its bucket, nor of another stack."""
    kept = [{"ParameterKey": "BucketName", "UsePreviousValue": True}]
    deploy(clients)
    plan(clients, ChangeSetType="UPDATE", Parameters=kept)
    with pytest.raises(Refused, match="another bucket"):
        plan(clients, ChangeSetType="UPDATE")
    with pytest.raises(Refused, match="made no stack"):
        plan(clients, "theirs", ChangeSetType="UPDATE", Parameters=kept)


@pytest.mark.parametrize(
    ("service", "method", "arguments"),
    [
        ("cloudformation", "create_stack", {"StackName": MARK}),
        ("cloudformation", "delete_change_set", {"ChangeSetName": "theirs"}),
        ("cloudformation", "delete_stack", {"StackName": "theirs"}),
        ("cloudformation", "delete_stack", {"StackName": "arn:theirs"}),
        ("cloudformation", "execute_change_set", {"ChangeSetName": "theirs"}),
        (
            "cloudformation",
            "update_termination_protection",
            {"StackName": "theirs", "EnableTerminationProtection": False},
        ),
        ("cloudfront", "delete_key_group", {"Id": "KG2", "IfMatch": "E"}),
        ("cloudfront", "delete_public_key", {"Id": "K2", "IfMatch": "E"}),
        ("cloudfront", "delete_distribution", {"Id": f"D-{STACK}", "IfMatch": "E"}),
        ("cloudfront", "create_distribution", {"DistributionConfig": {}}),
        ("cloudfront", "update_key_group", {"Id": "KG2", "KeyGroupConfig": {}}),
        ("cloudfront", "update_distribution", {"Id": "D-theirs", "DistributionConfig": {}}),
        (
            "cloudfront",
            "create_invalidation",
            {"DistributionId": "D-theirs", "InvalidationBatch": {}},
        ),
        ("cloudfront", "tag_resource", {"Resource": "arn", "Tags": {}}),
        ("s3", "create_bucket", {"Bucket": BUCKET}),
        ("s3", "delete_bucket", {"Bucket": "theirs"}),
        ("s3", "delete_object", {"Bucket": "theirs", "Key": "a.jpg"}),
        ("s3", "delete_object", {"Bucket": BUCKET, "Key": "theirs.jpg"}),
        ("s3", "delete_objects", {"Bucket": BUCKET, "Delete": {}}),
        ("s3", "put_object", {"Bucket": "theirs", "Key": "a.jpg"}),
        ("s3", "put_bucket_policy", {"Bucket": "theirs", "Policy": ""}),
        ("s3", "put_bucket_versioning", {"Bucket": BUCKET, "VersioningConfiguration": {}}),
        ("iam", "create_user", {"UserName": "x"}),
        ("kms", "put_key_policy", {"KeyId": "x", "Policy": ""}),
        ("lightsail", "delete_distribution", {"distributionName": "x"}),
    ],
)
def test_touches_nothing_else(
    aws: Aws, clients: Clients, service: str, method: str, arguments: dict[str, Any]
) -> None:
    """Refuse to change or remove what has no mark, and any call that is not listed."""
    aws.add_stack("theirs", [{"Key": "acceptance", "Value": "theirs"}])
    aws.configs["KeyGroup"]["KG2"] = {"Name": MARK, "Comment": "cfsigned_setup"}
    aws.configs["PublicKey"]["K2"] = {"Name": MARK, "Comment": ""}
    aws.buckets[BUCKET] = {"theirs.jpg": "theirs"}
    clients.cloudformation.describe_stacks(StackName="theirs")
    clients.cloudfront.get_key_group(Id="KG2")
    clients.cloudfront.get_public_key(Id="K2")
    clients.s3.get_object_tagging(Bucket=BUCKET, Key="theirs.jpg", ExpectedBucketOwner="1")
    before = [*aws.sent]
    with pytest.raises(Refused):
        getattr(client(service), method)(**arguments)
    assert aws.sent == before


def test_changes_its_own(aws: Aws, clients: Clients, guard: Guard) -> None:
    """Change and remove what the run made, by a client that somebody else makes."""
    cloudfront = client("cloudfront")
    id = make_group(clients)
    deploy(clients)
    cloudfront.update_distribution(Id=f"D-{STACK}", DistributionConfig={}, IfMatch="E")
    clients.s3.put_bucket_policy(Bucket=BUCKET, Policy="")
    cloudfront.delete_key_group(Id=id, IfMatch="E")
    clients.cloudformation.delete_change_set(ChangeSetName=CHANGE_SET)

    assert aws.configs["KeyGroup"] == {}
    assert {id, f"D-{STACK}", f"arn:{STACK}", BUCKET} <= guard.ids()


def test_lets_boto3_get_credentials(aws: Aws, clients: Clients) -> None:
    """A profile with a role gets its credentials: they end before a run does."""
    clients.sts.assume_role(RoleArn="arn:aws:iam::111122223333:role/x", RoleSessionName="x")
    clients.sts.get_caller_identity()

    assert [each for each, _ in aws.sent] == ["AssumeRole", "GetCallerIdentity"]
