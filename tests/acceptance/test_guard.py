"""What a run sends to AWS: nothing that would touch what it did not make."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest

from acceptance.clients import Clients
from acceptance.guard import Guard, Refused, guarding
from cfsigned_django.tools.stack.template import read_template
from tests.acceptance.conftest import RECORD, make_group, make_stack
from tests.processes.kills import inventory
from tests.tools.stack import as_list

MARK, STACK, BUCKET = RECORD.mark, RECORD.stack, RECORD.bucket
OTHER = f"{STACK}-theirs"


def plan(clients: Clients, name: str = STACK, bucket: str = BUCKET, **more: Any) -> Any:
    """Make a change set as cfsigned_setup does."""
    parameters = {"BucketName": bucket, "MakeBucket": "true", "KeyGroupId": str(uuid.uuid4())}
    given = {
        "StackName": name,
        "ChangeSetName": "x",
        "ChangeSetType": "CREATE",
        "TemplateBody": read_template(),
        "Parameters": as_list(parameters),
    }
    return clients.cloudformation.create_change_set(**given | more)


def test_makes_and_changes_its_own(clients: Clients, guard: Guard) -> None:
    """Mark what it makes, by a comment or a tag; change and remove it, also by another client."""
    group = make_group(clients)
    stack = make_stack(clients)
    clients.s3.put_object(Bucket=BUCKET, Key="a.jpg", Tagging="a=b")
    cloudfront = boto3.client("cloudfront", region_name="us-east-1")
    distribution = stack.outputs["DistributionId"]
    found: Any = cloudfront.get_distribution_config(Id=distribution)
    cloudfront.update_distribution(
        Id=distribution, IfMatch=found["ETag"], DistributionConfig=found["DistributionConfig"]
    )
    clients.s3.put_bucket_policy(Bucket=BUCKET, Policy='{"Statement": []}')
    kept: Any = cloudfront.get_key_group(Id=group)
    config: Any = {**kept["KeyGroup"]["KeyGroupConfig"], "Comment": "x"}
    cloudfront.update_key_group(Id=group, KeyGroupConfig=config, IfMatch=kept["ETag"])

    listed = cloudfront.list_key_groups()["KeyGroupList"]["Items"]
    keys = cloudfront.list_public_keys()["PublicKeyList"]["Items"]
    comments = {each["KeyGroup"]["KeyGroupConfig"].get("Comment") for each in listed}
    tags = clients.s3.get_object_tagging(Bucket=BUCKET, Key="a.jpg")["TagSet"]
    assert comments | {each.get("Comment") for each in keys} == {MARK}
    assert tags == [RECORD.tag]
    assert (
        RECORD.tag in clients.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Tags"]
    )
    assert {group, distribution, BUCKET} <= guard.ids()


def test_plans_only_its_own_stacks(clients: Clients, guard: Guard) -> None:
    """Plan the package's template, with a stack and a new bucket that have the names of the run."""
    no_bucket = as_list({"BucketName": BUCKET, "MakeBucket": "false"})
    another = f"{read_template()}  Q: {{Type: AWS::SQS::Queue}}\n"
    before = inventory(clients)
    for plans, why in (
        ({"name": "media"}, "no run makes 'media'"),
        ({"bucket": "mine"}, "with the bucket 'mine'"),
        ({"bucket": f"{BUCKET}-bad"}, "no run makes"),
        ({"Parameters": no_bucket}, "no run makes"),
        ({"TemplateBody": another}, "another template"),
        ({"ChangeSetType": "UPDATE"}, "made no stack"),
    ):
        with pytest.raises(Refused, match=why):
            plan(clients, **plans)
    assert inventory(clients) == before

    make_stack(clients)
    names = ("BucketName", "KeyGroupId")
    kept = [{"ParameterKey": each, "UsePreviousValue": True} for each in names]
    plan(clients, ChangeSetType="UPDATE", Parameters=kept)
    more: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "exists already"),
        ({"ChangeSetType": "UPDATE"}, "another bucket"),
        ({"name": "theirs", "ChangeSetType": "UPDATE", "Parameters": kept}, "made no stack"),
    )
    for plans, why in more:
        with pytest.raises(Refused, match=why):
            plan(clients, **plans)


def test_touches_nothing_else(clients: Clients, subtests: pytest.Subtests) -> None:
    """Refuse to change or remove what has no mark, and any call that is not listed.

    That others have the names of the run, and that AWS has shown it, changes nothing.
    """
    stack = make_stack(clients, OTHER, "theirs")
    group, distribution = make_group(clients), stack.outputs["DistributionId"]
    [key] = clients.cloudfront.get_key_group(Id=group)["KeyGroup"]["KeyGroupConfig"]["Items"]
    clients.s3.create_bucket(Bucket=BUCKET)
    clients.s3.put_object(Bucket=BUCKET, Key="theirs.jpg", Tagging="acceptance=theirs")
    before = inventory(clients)
    protection = {"StackName": OTHER, "EnableTerminationProtection": False}
    with guarding(RECORD):
        clients.cloudformation.describe_stacks(StackName=OTHER)
        clients.cloudfront.get_key_group(Id=group)
        clients.cloudfront.get_public_key(Id=key)
        clients.s3.get_object_tagging(Bucket=BUCKET, Key="theirs.jpg")
        for service, method, arguments in (
            ("cloudformation", "create_stack", {"StackName": MARK}),
            ("cloudformation", "delete_change_set", {"ChangeSetName": "theirs"}),
            ("cloudformation", "delete_stack", {"StackName": OTHER}),
            ("cloudformation", "execute_change_set", {"ChangeSetName": "theirs"}),
            ("cloudformation", "update_termination_protection", protection),
            ("cloudfront", "delete_key_group", {"Id": group, "IfMatch": "E"}),
            ("cloudfront", "delete_public_key", {"Id": key, "IfMatch": "E"}),
            ("cloudfront", "delete_distribution", {"Id": distribution, "IfMatch": "E"}),
            ("cloudfront", "create_distribution", {"DistributionConfig": {}}),
            ("cloudfront", "update_key_group", {"Id": group, "KeyGroupConfig": {}}),
            ("cloudfront", "update_distribution", {"Id": distribution, "DistributionConfig": {}}),
            (
                *("cloudfront", "create_invalidation"),
                {"DistributionId": distribution, "InvalidationBatch": {}},
            ),
            ("cloudfront", "tag_resource", {"Resource": "arn", "Tags": {}}),
            ("s3", "create_bucket", {"Bucket": BUCKET}),
            ("s3", "delete_bucket", {"Bucket": "theirs"}),
            ("s3", "delete_object", {"Bucket": "theirs", "Key": "a.jpg"}),
            ("s3", "delete_object", {"Bucket": BUCKET, "Key": "theirs.jpg"}),
            ("s3", "put_object", {"Bucket": "theirs", "Key": "a.jpg"}),
            ("s3", "put_bucket_policy", {"Bucket": "theirs", "Policy": ""}),
            ("iam", "create_user", {"UserName": "x"}),
        ):
            client: Any = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
            with subtests.test(f"{method} {arguments}"), pytest.raises(Refused):
                getattr(client, method)(**arguments)
    assert inventory(clients) == before


def test_lets_boto3_get_credentials(clients: Clients, guard: Guard) -> None:
    """A profile with a role gets its credentials: they end before a run does."""
    arn = "arn:aws:iam::111122223333:role/x"
    assert clients.sts.assume_role(RoleArn=arn, RoleSessionName="site")["Credentials"]
