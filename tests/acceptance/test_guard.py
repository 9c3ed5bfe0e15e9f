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
from tests.plugins_aws import no_aws_configuration as no_aws_configuration

RUN = "0123456789abcdef" * 2
MARK = f"acceptance-{RUN}"
REFERENCE = "0a1b2c3d-0a1b-4a1b-8a1b-0a1b2c3d4e5f"


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
        return {"KeyGroup": {"Id": "KG1"}, "PublicKey": {"Id": "K1"}, "Distribution": {"Id": "D1"}}


def refusal(status: int, retries: int = 0) -> ClientError:
    """Return a refusal of AWS."""
    answer: Any = {"HTTPStatusCode": status, "RetryAttempts": retries}
    return ClientError({"Error": {}, "ResponseMetadata": answer}, "x")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return the ledger of a new run."""
    path = tmp_path / RUN / "ledger"
    with closing(Ledger.begin(path, run=RUN, account="1", endpoint="")) as ledger:
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
        client("s3").create_bucket(Bucket="mine")
    with pytest.raises(Refused, match="exists already"):
        client("s3").create_bucket(Bucket=f"{MARK}-taken")
    with pytest.raises(Refused, match="could not be found out: S3 answered 403"):
        client("s3").create_bucket(Bucket=f"{MARK}-hidden")

    assert aws.sent == ["HeadBucket"]
    assert ledger.left("key-group") == ledger.left("public-key") == ledger.left("bucket") == []


@pytest.mark.parametrize(
    ("service", "method", "arguments"),
    [
        ("cloudfront", "delete_key_group", {"Id": "KG2", "IfMatch": "E"}),
        ("cloudfront", "delete_distribution", {"Id": "KG1", "IfMatch": "E"}),
        ("cloudfront", "update_key_group", {"Id": "KG2", "KeyGroupConfig": {}}),
        ("cloudfront", "update_distribution", {"Id": "D", "DistributionConfig": {}}),
        ("cloudfront", "tag_resource", {"Resource": "arn", "Tags": {}}),
        ("s3", "delete_bucket", {"Bucket": MARK}),
        ("s3", "delete_object", {"Bucket": "theirs", "Key": "a.jpg"}),
        ("s3", "delete_objects", {"Bucket": "theirs", "Delete": {}}),
        ("s3", "put_object", {"Bucket": "theirs", "Key": "a.jpg"}),
        ("s3", "put_bucket_policy", {"Bucket": "theirs", "Policy": ""}),
        ("s3", "put_bucket_versioning", {"Bucket": "theirs", "VersioningConfiguration": {}}),
        ("iam", "create_user", {"UserName": "x"}),
        ("lightsail", "delete_distribution", {"distributionName": "x"}),
    ],
)
def test_touches_nothing_else(
    aws: Aws, service: str, method: str, arguments: dict[str, Any]
) -> None:
    """Refuse to change or remove what this run did not make, and any call that is not listed."""
    make_group()
    with pytest.raises(Refused):
        getattr(client(service), method)(**arguments)
    assert aws.sent == ["CreateKeyGroup"]


TAG = {"Key": "acceptance", "Value": MARK}


@pytest.mark.parametrize(
    ("service", "method", "arguments", "sent", "found"),
    [
        (
            "cloudfront",
            "create_distribution",
            {"DistributionConfig": {"Comment": MARK, "CallerReference": "x"}},
            "CreateDistributionWithTags",
            lambda sent: sent["DistributionConfigWithTags"]["Tags"]["Items"],
        ),
        (
            "cloudfront",
            "create_function",
            {"Name": MARK, "FunctionConfig": {}, "FunctionCode": b""},
            "CreateFunction",
            lambda sent: sent["Tags"]["Items"],
        ),
        (
            "s3",
            "create_bucket",
            {"Bucket": MARK, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}},
            "CreateBucket",
            lambda sent: sent["CreateBucketConfiguration"]["Tags"],
        ),
    ],
)
def test_tags_what_takes_tags(
    aws: Aws, service: str, method: str, arguments: Any, sent: str, found: Any
) -> None:
    """Give the run as a tag in the very call that makes something, by whatever command."""
    getattr(client(service), method)(**arguments)

    assert aws.sent == [sent]
    assert found(aws.arguments) == [TAG]


def test_marks_keys_and_objects(aws: Aws) -> None:
    """Give a public key the run as its comment, and an object as a tag."""
    make_key(REFERENCE)
    comment = aws.arguments["PublicKeyConfig"]["Comment"]
    client("s3").create_bucket(Bucket=MARK)
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
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a.jpg")
    s3.put_object(Bucket=bucket, Key="a.jpg")
    assert aws.arguments["Tagging"] == f"acceptance={MARK}"
    assert [each.name for each in ledger.left("object")] == ["a.jpg"]
    with pytest.raises(Refused):
        s3.delete_object(Bucket=bucket, Key="b.jpg")
    s3.delete_object(Bucket=bucket, Key="a.jpg")

    assert ledger.left("object") == []
