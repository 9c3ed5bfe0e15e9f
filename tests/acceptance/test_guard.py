"""What a run sends to AWS: nothing that its ledger does not have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from acceptance.guard import Refused, guarding
from acceptance.ledger import Ledger
from cfsigned_django.tools.stack.template import read_template
from tests.plugins_aws import no_aws_configuration as no_aws_configuration

RUN = "0123456789abcdef" * 2
MARK = f"acceptance-{RUN}"
REFERENCE = "0a1b2c3d-0a1b-4a1b-8a1b-0a1b2c3d4e5f"
TAG = {"Key": "acceptance", "Value": MARK}


class Aws:
    """Note each call, and what the ledger had by then; answer with an ID."""

    def __init__(self, path: Path) -> None:
        self.path, self.sent = path, list[str]()
        self.in_ledger = ""
        self.arguments: Any = None
        self.refuses_after: int | None = None

    def answer(self, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        """Be AWS."""
        if operation == "HeadBucket" and arguments["Bucket"] != f"{MARK}-taken":
            raise refusal(403 if arguments["Bucket"] == f"{MARK}-hidden" else 404)
        self.sent.append(operation)
        self.in_ledger, self.arguments = self.path.read_text(), arguments
        if self.refuses_after is not None:
            raise refusal(400, self.refuses_after)
        if operation == "DescribeStacks":
            outputs = {"DistributionId": "D1", "BucketName": MARK}
            if arguments["StackName"] == "theirs":
                outputs = {"DistributionId": "D2", "BucketName": "theirs"}
            named = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
            id = "arn:theirs" if arguments["StackName"] == "theirs" else "arn:stack"
            return {"Stacks": [{"StackId": id, "Outputs": named}]}
        return {
            "KeyGroup": {"Id": "KG1"},
            "PublicKey": {"Id": "K1"},
            "Id": "arn:change-set",
            "StackId": "arn:stack",
            "ResponseMetadata": {"HTTPHeaders": {}},
        }


def refusal(status: int, retries: int = 0) -> ClientError:
    """Return a refusal of AWS."""
    answer: Any = {"HTTPStatusCode": status, "RetryAttempts": retries}
    return ClientError({"Error": {"Code": str(status)}, "ResponseMetadata": answer}, "x")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return the ledger of a new run."""
    path = tmp_path / RUN / "ledger"
    with closing(
        Ledger.begin(path, run=RUN, account="1", region="us-east-1", endpoint="")
    ) as ledger:
        yield ledger


@pytest.fixture
def aws(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, no_aws_configuration: None
) -> Iterator[Aws]:
    """Guard every client of this process; nothing is sent."""
    aws = Aws(ledger.path)
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *given: aws.answer(*given))
    with guarding(ledger):
        yield aws


def client(name: str) -> Any:
    """Return a client that somebody else makes."""
    given = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(name, region_name="us-east-1", **given)  # type: ignore[call-overload]


def make_group(name: str = MARK) -> Any:
    """Make a key group."""
    config = {"Name": name, "Items": ["K1"]}
    return client("cloudfront").create_key_group(KeyGroupConfig=config)


def make_key(reference: str) -> Any:
    """Make a public key as the package does: its name does not contain the run."""
    config = {"CallerReference": reference, "Name": f"cfsigned-{reference}", "EncodedKey": "PEM"}
    return client("cloudfront").create_public_key(PublicKeyConfig=config)


def plan(name: str = MARK, bucket: str = MARK, **more: Any) -> Any:
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
    return client("cloudformation").create_change_set(**given | more)


def deploy() -> None:
    """Make a stack, and wait for it."""
    plan()
    client("cloudformation").execute_change_set(ChangeSetName="arn:change-set")
    client("cloudformation").describe_stacks(StackName=MARK)


def test_writes_before_the_call(aws: Aws, ledger: Ledger) -> None:
    """Write down what a call makes before it is sent, and its ID afterwards."""
    make_group()
    make_key(REFERENCE)

    assert aws.sent == ["CreateKeyGroup", "CreatePublicKey"]
    assert REFERENCE in aws.in_ledger
    assert '"K1"' not in aws.in_ledger
    [key], [group] = ledger.left("public-key"), ledger.left("key-group")
    assert (key.id, key.reference) == ("K1", REFERENCE)
    assert (group.id, group.name) == ("KG1", MARK)


def test_makes_only_what_names_the_run(aws: Aws, ledger: Ledger) -> None:
    """Refuse to make what could not be told apart from what others make."""
    with pytest.raises(Refused, match="did not make it"):
        make_group("media")
    with pytest.raises(Refused, match="did not make it"):
        make_key("mine")
    with pytest.raises(Refused, match="did not make it"):
        plan("media")
    with pytest.raises(Refused, match="does not make the bucket 'mine'"):
        plan(bucket="mine")
    existing = {"ParameterKey": "MakeBucket", "ParameterValue": "false"}
    named = {"ParameterKey": "BucketName", "ParameterValue": MARK}
    with pytest.raises(Refused, match="does not make the bucket"):
        plan(Parameters=[named, existing])
    with pytest.raises(Refused, match="another template"):
        plan(TemplateBody=f"{read_template()}  Queue: {{Type: AWS::SQS::Queue}}\n")

    assert aws.sent == []
    assert ledger.left() == []


@pytest.mark.parametrize("how", ["taken", "hidden"])
def test_makes_no_bucket_that_somebody_has(aws: Aws, ledger: Ledger, how: str) -> None:
    """Execute no change set whose bucket exists, in whatever account."""
    plan(bucket=f"{MARK}-{how}")
    with pytest.raises(Refused, match="exists already"):
        client("cloudformation").execute_change_set(ChangeSetName="arn:change-set")

    assert "ExecuteChangeSet" not in aws.sent
    assert ledger.left("bucket") == []


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
        ("cloudfront", "delete_distribution", {"Id": "D1", "IfMatch": "E"}),
        ("cloudfront", "create_distribution", {"DistributionConfig": {}}),
        ("cloudfront", "update_key_group", {"Id": "KG2", "KeyGroupConfig": {}}),
        ("cloudfront", "update_distribution", {"Id": "D2", "DistributionConfig": {}}),
        (
            "cloudfront",
            "create_invalidation",
            {"DistributionId": "D2", "InvalidationBatch": {}},
        ),
        ("cloudfront", "tag_resource", {"Resource": "arn", "Tags": {}}),
        ("s3", "create_bucket", {"Bucket": MARK}),
        ("s3", "delete_bucket", {"Bucket": "theirs"}),
        ("s3", "delete_object", {"Bucket": "theirs", "Key": "a.jpg"}),
        ("s3", "delete_objects", {"Bucket": "theirs", "Delete": {}}),
        ("s3", "put_object", {"Bucket": "theirs", "Key": "a.jpg"}),
        ("s3", "put_bucket_policy", {"Bucket": "theirs", "Policy": ""}),
        ("s3", "put_bucket_versioning", {"Bucket": MARK, "VersioningConfiguration": {}}),
        ("iam", "create_user", {"UserName": "x"}),
        ("kms", "put_key_policy", {"KeyId": "x", "Policy": ""}),
        ("lightsail", "delete_distribution", {"distributionName": "x"}),
    ],
)
def test_touches_nothing_else(
    aws: Aws, service: str, method: str, arguments: dict[str, Any]
) -> None:
    """Refuse to change or remove what this run did not make, and any call that is not listed."""
    make_group()
    deploy()
    client("cloudformation").describe_stacks(StackName="theirs")
    before = [*aws.sent]
    with pytest.raises(Refused):
        getattr(client(service), method)(**arguments)
    assert aws.sent == before


def test_updates_its_stack_only(aws: Aws) -> None:
    """Plan a change of the run's stack, but not of its bucket, nor of another stack."""
    kept = [{"ParameterKey": "BucketName", "UsePreviousValue": True}]
    with pytest.raises(Refused, match="made no stack"):
        plan(ChangeSetType="UPDATE", Parameters=kept)
    aws.refuses_after = 1  # so whether it was made is unknown
    with pytest.raises(ClientError):
        plan()
    aws.refuses_after = None
    with pytest.raises(Refused, match="made no stack"):
        plan(ChangeSetType="UPDATE", Parameters=kept)
    deploy()
    plan(ChangeSetType="UPDATE", Parameters=kept)
    with pytest.raises(Refused, match="another bucket"):
        plan(ChangeSetType="UPDATE")
    with pytest.raises(Refused, match="made no stack"):
        plan("theirs", ChangeSetType="UPDATE", Parameters=kept)

    assert aws.sent.count("CreateChangeSet") == 3


def test_stack_and_what_it_makes(aws: Aws, ledger: Ledger) -> None:
    """Tag the stack, write it and its bucket down before each call, and change what it made."""
    plan()
    tags, before = aws.arguments["Tags"], aws.in_ledger
    client("cloudformation").execute_change_set(ChangeSetName="arn:change-set")
    executed = aws.in_ledger
    with pytest.raises(Refused):
        client("s3").put_object(Bucket=MARK, Key="a.jpg")
    client("cloudformation").describe_stacks(StackName=MARK)
    client("cloudfront").update_distribution(Id="D1", DistributionConfig={}, IfMatch="E")
    client("s3").put_bucket_policy(Bucket=MARK, Policy="")
    plan()  # while it is in review, or after it was deleted

    [stack], [bucket] = ledger.left("stack"), ledger.left("bucket")
    assert tags == [TAG]
    assert ('"stack"' in before, '"bucket"' in before) == (True, False)
    assert '"bucket"' in executed
    assert (stack.id, bucket.id) == ("arn:stack", MARK)


def test_stack_is_gone_when_aws_says_so(aws: Aws, ledger: Ledger) -> None:
    """Keep a stack in the ledger after DeleteStack: CloudFormation has only begun then."""
    deploy()
    client("cloudformation").delete_stack(StackName=MARK)

    assert len(ledger.left("stack")) == 1


def test_marks_keys_and_objects(aws: Aws) -> None:
    """Give a public key the run as its comment, and an object as a tag."""
    make_key(REFERENCE)
    comment = aws.arguments["PublicKeyConfig"]["Comment"]
    deploy()
    client("s3").put_object(Bucket=MARK, Key="a.jpg")

    assert (comment, aws.arguments["Tagging"]) == (MARK, f"acceptance={MARK}")


@pytest.mark.parametrize(("retries", "left"), [(0, 0), (1, 1)])
def test_forgets_what_aws_refused(aws: Aws, ledger: Ledger, retries: int, left: int) -> None:
    """Take a refusal as an answer, unless an earlier attempt of the call may have come through."""
    aws.refuses_after = retries
    with pytest.raises(ClientError):
        make_group()

    assert len(ledger.left()) == left


def test_changes_its_own(aws: Aws, ledger: Ledger) -> None:
    """Change and remove what the run made; what was removed is gone from the ledger."""
    make_group()
    cloudfront = client("cloudfront")
    cloudfront.update_key_group(Id="KG1", KeyGroupConfig={"Name": "x", "Items": []})
    cloudfront.list_key_groups()
    cloudfront.delete_key_group(Id="KG1", IfMatch="E")

    assert aws.sent[1:] == ["UpdateKeyGroup", "ListKeyGroups", "DeleteKeyGroup"]
    assert ledger.left("key-group") == []
    with pytest.raises(Refused):
        cloudfront.delete_key_group(Id="KG1", IfMatch="E")


def test_lets_boto3_get_credentials(aws: Aws) -> None:
    """A profile with a role gets its credentials: they end before a run does."""
    client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/x", RoleSessionName="x")
    client("sts").get_caller_identity()

    assert aws.sent == ["AssumeRole", "GetCallerIdentity"]


def test_objects_belong_to_its_bucket(aws: Aws, ledger: Ledger) -> None:
    """Write and delete objects in the bucket of the run only."""
    bucket, s3 = MARK, client("s3")
    deploy()
    s3.put_object(Bucket=bucket, Key="a.jpg")
    s3.put_object(Bucket=bucket, Key="a.jpg")
    assert aws.arguments["Tagging"] == f"acceptance={MARK}"
    assert [each.name for each in ledger.left("object")] == ["a.jpg"]
    with pytest.raises(Refused):
        s3.delete_object(Bucket=bucket, Key="b.jpg")
    s3.delete_object(Bucket=bucket, Key="a.jpg")

    assert ledger.left("object") == []
