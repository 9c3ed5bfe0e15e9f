"""An account that answers every boto3 client of this process, below the guard of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from acceptance.clients import Clients, connect
from acceptance.guard import Guard, guarding
from acceptance.record import Record
from tests.plugins_aws import no_aws_configuration as no_aws_configuration

RECORD = Record(run="0123456789abcdef" * 2, account="1", region="us-east-1", endpoint="")
MARK, STACK, BUCKET = RECORD.mark, RECORD.stack, RECORD.bucket


def refusal(code: str, text: str = "") -> ClientError:
    """Return a refusal of AWS."""
    return ClientError({"Error": {"Code": code, "Message": text}}, "an operation")


class Aws:
    """Stacks, keys, key groups and objects, as others or a run have them."""

    def __init__(self) -> None:
        #: The operations that were sent, and the arguments of each.
        self.sent: list[tuple[str, Any]] = []
        #: Name of a stack -> what DescribeStacks answers.
        self.stacks: dict[str, dict[str, Any]] = {}
        #: "KeyGroup" or "PublicKey" -> ID -> configuration.
        self.configs: dict[str, dict[str, Any]] = {"KeyGroup": {}, "PublicKey": {}}
        #: Bucket -> key -> the value of its tag.
        self.buckets: dict[str, dict[str, str]] = {}
        #: How many looks a change of a stack takes, and whether a deletion fails.
        self.looks = self.left = 0
        self.fails = False

    def answer(self, client: Any, operation: str, given: dict[str, Any]) -> Any:
        """Be AWS."""
        if operation != "HeadBucket":
            self.sent.append((operation, given))
        if found := re.fullmatch(r"([A-Z][a-z]+)(KeyGroup|PublicKey)s?", operation):
            return self._configured(found[1], found[2], given)
        own = getattr(self, operation, None)
        return own(**given) if own else {"ResponseMetadata": {"HTTPHeaders": {}}}

    def _configured(self, verb: str, block: str, given: dict[str, Any]) -> Any:
        all, name = self.configs[block], f"{block}Config"
        if verb == "List":
            items = [{"Id": id} for id in all]
            wrapped = [{block: each} for each in items] if block == "KeyGroup" else items
            return {f"{block}List": {"Items": wrapped}}
        if verb == "Create":
            all[id := f"{block}{len(all)}"] = given[name]
        elif (id := given["Id"]) not in all:
            raise refusal(f"NoSuch{block}")
        if verb == "Delete":
            return all.pop(id)
        if verb == "Update":
            all[id] = given[name]
        return {block: {"Id": id, name: all[id]}, "ETag": "E"}

    def CreateChangeSet(self, *, StackName: str, Tags: Any = (), **given: Any) -> Any:
        """Make a stack in review, unless it is there."""
        self.add_stack(StackName, Tags)
        return {"Id": f"arn:change-set:{StackName}", "StackId": f"arn:{StackName}"}

    def add_stack(self, name: str, tags: Any, status: str = "CREATE_COMPLETE") -> None:
        """Make a protected stack."""
        outputs = [{"OutputKey": "DistributionId", "OutputValue": f"D-{name}"}]
        self.stacks.setdefault(
            name,
            {
                "StackId": f"arn:{name}",
                "StackName": name,
                "StackStatus": status,
                "Tags": [*tags],
                "EnableTerminationProtection": True,
                "Outputs": outputs,
            },
        )

    def DescribeStacks(self, *, StackName: str) -> Any:
        """Return a stack; each look brings it nearer to its end."""
        name = StackName.removeprefix("arn:")
        stack = self.stacks.get(name)
        if stack and stack["StackStatus"].endswith("_IN_PROGRESS"):
            self.left -= 1
            if self.left < 0:
                verb = stack["StackStatus"].partition("_")[0]
                stack["StackStatus"] = f"{verb}_{'FAILED' if self.fails else 'COMPLETE'}"
            if stack["StackStatus"] == "DELETE_COMPLETE":
                del self.stacks[name]
                stack = None
        if stack is None:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{**stack}]}

    def UpdateTerminationProtection(self, *, StackName: str, **given: bool) -> Any:
        """Protect a stack, or not."""
        self.stacks[StackName.removeprefix("arn:")].update(given)

    def DeleteStack(self, *, StackName: str) -> None:
        """Begin to delete a stack, unless it is protected."""
        stack = self.stacks[StackName.removeprefix("arn:")]
        if stack["EnableTerminationProtection"]:
            raise refusal("ValidationError", "TerminationProtection is enabled")
        stack["StackStatus"], self.left = "DELETE_IN_PROGRESS", self.looks

    def HeadBucket(self, *, Bucket: str, ExpectedBucketOwner: str = "1") -> Any:
        """Return something about a bucket of the account, or refuse one of another."""
        assert ExpectedBucketOwner == "1"
        if Bucket not in self.buckets:
            raise refusal("404")
        return {"BucketRegion": "us-east-1", "ResponseMetadata": {"HTTPHeaders": {}}}

    def ListObjectsV2(self, *, Bucket: str, ExpectedBucketOwner: str) -> Any:
        """List a bucket."""
        return {"Contents": [{"Key": each} for each in self.buckets[Bucket]]}

    def GetObjectTagging(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str) -> Any:
        """Return the tag of an object."""
        return {"TagSet": [{"Key": "acceptance", "Value": self.buckets[Bucket][Key]}]}

    def DeleteObject(self, *, Bucket: str, Key: str, **given: str) -> Any:
        """Delete an object."""
        self.buckets[Bucket].pop(Key, None)

    def DeleteBucket(self, *, Bucket: str, ExpectedBucketOwner: str) -> Any:
        """Delete an empty bucket."""
        if self.buckets[Bucket]:
            raise refusal("BucketNotEmpty")
        del self.buckets[Bucket]


@pytest.fixture
def aws(no_aws_configuration: None, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Let an empty account answer every client of this process."""
    aws = Aws()
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *given: aws.answer(*given))
    return aws


@pytest.fixture
def guard(aws: Aws) -> Iterator[Guard]:
    """Guard every client of this process."""
    with guarding(RECORD) as guard:
        yield guard


@pytest.fixture(scope="session")
def connected() -> Clients:
    """Return clients, which the account of each test answers: to make them takes time."""
    return connect("us-east-1")


@pytest.fixture
def clients(guard: Guard, connected: Clients) -> Clients:
    """Return the clients of the run, whose calls are guarded."""
    return connected
