"""What the clean-up removes, if AWS is slow, and if what it finds is not what it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.ledger import Ledger
from acceptance.run import bucket_of, stack_of

RUN = "0123456789abcdef" * 2
MARK = f"acceptance-{RUN}"
STACK, BUCKET, ID = stack_of(RUN), bucket_of(RUN), "arn:stack"
REFERENCE = "0a1b2c3d-0a1b-4a1b-8a1b-0a1b2c3d4e5f"
KEY_NAME = f"cfsigned-{REFERENCE}"


def refusal(code: str, text: str = "") -> ClientError:
    """Return a refusal of AWS."""
    return ClientError({"Error": {"Code": code, "Message": text}}, "an operation")


class Aws:
    """A stack with its bucket, and public keys; every client at once."""

    def __init__(self) -> None:
        self.status, self.tag, self.is_protected = "CREATE_COMPLETE", MARK, True
        self.buckets, self.keys = {BUCKET}, dict[str, tuple[str, str, str]]()
        #: Whether the stack has made the bucket.
        self.made = True
        #: How many looks a deletion takes, and whether it fails.
        self.looks = self.left = 0
        self.fails = False
        #: How often the stack is not found although it is there.
        self.late = 0

    @property
    def clients(self) -> Clients:
        """Return itself, as each client."""
        return Clients(cloudformation=self, cloudfront=self, s3=self, sts=self)

    # The stack

    def describe_stacks(self, *, StackName: str) -> Any:
        """Return the stack; each look brings it nearer to its end."""
        self.late -= 1
        is_gone = self.status == "DELETE_COMPLETE" and StackName != ID
        if self.late >= 0 or is_gone or StackName not in (STACK, ID):
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        if self.status.endswith("_IN_PROGRESS"):
            self.left -= 1
            if self.left < 0:
                end = "FAILED" if self.fails else "COMPLETE"
                self.status = f"{self.status.removesuffix('_IN_PROGRESS')}_{end}"
        stack = {
            "StackId": ID,
            "StackName": STACK,
            "StackStatus": self.status,
            "Tags": [{"Key": "acceptance", "Value": self.tag}],
            "EnableTerminationProtection": self.is_protected,
        }
        return {"Stacks": [stack]}

    def describe_stack_resources(self, *, StackName: str) -> Any:
        """Return what the stack has made."""
        status = "CREATE_COMPLETE" if self.made else "CREATE_FAILED"
        return {"StackResources": [{"PhysicalResourceId": BUCKET, "ResourceStatus": status}]}

    def update_termination_protection(
        self, *, StackName: str, EnableTerminationProtection: bool
    ) -> None:
        """Protect the stack, or not."""
        assert StackName == ID
        self.is_protected = EnableTerminationProtection

    def delete_stack(self, *, StackName: str) -> None:
        """Begin to delete the stack, unless it is protected."""
        assert StackName == ID
        if self.is_protected:
            raise refusal("ValidationError", "TerminationProtection is enabled")
        self.status, self.left = "DELETE_IN_PROGRESS", self.looks

    # Keys

    def list_public_keys(self) -> Any:
        """Return all keys."""
        items = [{"Id": id, "Name": name} for id, (name, _, _) in self.keys.items()]
        return {"PublicKeyList": {"Items": items}}

    def get_public_key(self, *, Id: str) -> Any:
        """Return a key."""
        if Id not in self.keys:
            raise refusal("NoSuchPublicKey")
        name, reference, comment = self.keys[Id]
        config = {"Name": name, "CallerReference": reference, "Comment": comment}
        return {"PublicKey": {"Id": Id, "PublicKeyConfig": config}, "ETag": "E"}

    def delete_public_key(self, *, Id: str, IfMatch: str) -> None:
        """Delete a key."""
        del self.keys[Id]

    # S3

    def head_bucket(self, *, Bucket: str, ExpectedBucketOwner: str) -> Any:
        """Return something about a bucket of the account."""
        assert ExpectedBucketOwner == "1"
        if Bucket not in self.buckets:
            raise refusal("404")
        return {}

    def delete_bucket(self, *, Bucket: str, ExpectedBucketOwner: str) -> Any:
        """Delete a bucket."""
        self.buckets.remove(Bucket)
        return {}


@pytest.fixture
def aws() -> Aws:
    """Return an account with the stack and the bucket."""
    return Aws()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return the ledger of a run."""
    path = tmp_path / RUN / "ledger"
    with closing(
        Ledger.begin(path, run=RUN, account="1", region="us-east-1", endpoint="")
    ) as ledger:
        yield ledger


@pytest.fixture
def made(ledger: Ledger) -> Ledger:
    """Return the ledger of a run that made a stack with its bucket."""
    ledger.made(ledger.intend("stack", STACK), ID)
    ledger.made(ledger.intend("bucket", BUCKET), BUCKET)
    return ledger


def clean_up(
    ledger: Ledger, aws: Aws, slept: list[float] | None = None, hours: float = 0
) -> list[str]:
    """Clean up once, some hours later; return what is left."""
    now = datetime.now(UTC) + timedelta(hours=hours)
    sleep = ([] if slept is None else slept).append
    return CleanUp(
        ledger=ledger,
        clients=aws.clients,
        tell=lambda line: None,
        sleep=sleep,
        now=lambda: now,
    ).run()


def test_takes_the_protection_off_first(made: Ledger, aws: Aws) -> None:
    """Delete a protected stack, wait until CloudFormation has done it, then its bucket."""
    aws.looks, slept = 9, list[float]()

    assert clean_up(made, aws, slept) == []
    assert (aws.status, aws.buckets, made.left("stack")) == ("DELETE_COMPLETE", set(), [])
    assert len(slept) > 5


def test_waits_for_what_is_under_way(made: Ledger, aws: Aws) -> None:
    """Delete a stack that is being made when CloudFormation is done with that."""
    aws.status, aws.left = "CREATE_IN_PROGRESS", 5

    assert clean_up(made, aws) == []
    assert (aws.status, aws.buckets) == ("DELETE_COMPLETE", set())


def test_goes_on_later(made: Ledger, aws: Aws) -> None:
    """Report a stack that is not deleted after the longest wait, and remove it the next time."""
    aws.looks = 250
    first = clean_up(made, aws)
    buckets = {*aws.buckets}
    second = clean_up(made, aws)

    assert [line.split()[0] for line in first] == ["stack", "bucket"]
    assert (buckets, second, aws.buckets) == ({BUCKET}, [], set())


def test_says_that_a_deletion_failed(made: Ledger, aws: Aws) -> None:
    """Name a stack that CloudFormation could not delete; try again the next time."""
    aws.fails = True
    first = clean_up(made, aws)
    aws.fails = False
    second = clean_up(made, aws)

    assert "DELETE_FAILED" in first[0]
    assert (second, aws.status) == ([], "DELETE_COMPLETE")


@pytest.mark.parametrize("is_answered", [True, False])
def test_leaves_a_stack_of_others(ledger: Ledger, aws: Aws, is_answered: bool) -> None:
    """Leave what has the name and the ID of the ledger, but not the tag of the run."""
    resource = ledger.intend("stack", STACK)
    if is_answered:
        ledger.made(resource, ID)
    aws.tag = "theirs"

    [left] = clean_up(ledger, aws, hours=1)

    assert "tag of the run" in left
    assert (aws.status, aws.is_protected) == ("CREATE_COMPLETE", True)


def test_leaves_a_bucket_of_others(ledger: Ledger, aws: Aws) -> None:
    """Leave a bucket of that name which no stack of the run has made, and say so."""
    ledger.made(ledger.intend("stack", STACK), ID)
    ledger.intend("bucket", BUCKET)
    aws.made = False

    [left] = clean_up(ledger, aws)

    assert BUCKET in left
    assert (aws.status, aws.buckets) == ("DELETE_COMPLETE", {BUCKET})


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "DELETE_COMPLETE"])
def test_finds_the_bucket_of_a_stack(ledger: Ledger, aws: Aws, status: str) -> None:
    """Remove a bucket whose note is missing, also if CloudFormation has deleted its stack."""
    ledger.made(ledger.intend("stack", STACK), ID)
    ledger.intend("bucket", BUCKET)
    aws.status = status

    assert clean_up(ledger, aws) == []
    assert (aws.buckets, ledger.left("stack")) == (set(), [])


def test_looks_again_for_what_has_no_id(ledger: Ledger, aws: Aws) -> None:
    """Name a call without an answer: a list may show later what it made. After that, it is over."""
    ledger.intend("public-key", KEY_NAME, REFERENCE)
    [left] = clean_up(ledger, aws)
    aws.keys["K1"] = (KEY_NAME, REFERENCE, MARK)
    found = clean_up(ledger, aws)
    ledger.intend("public-key", KEY_NAME, REFERENCE)
    again = clean_up(ledger, aws)
    later = clean_up(ledger, aws, hours=1)

    assert KEY_NAME in left
    assert (found, aws.keys) == ([], {})
    assert (len(again), later, ledger.left()) == (1, [], [])


def test_finds_its_own_key_among_others(ledger: Ledger, aws: Aws) -> None:
    """Tell a key whose ID was lost from others: by its name, caller reference and comment."""
    aws.keys["K1"] = (KEY_NAME, "their reference", MARK)
    aws.keys["K2"] = (f"{KEY_NAME}-2", REFERENCE, MARK)
    aws.keys["K3"] = (KEY_NAME, REFERENCE, MARK)
    ledger.intend("public-key", KEY_NAME, REFERENCE)

    assert clean_up(ledger, aws) == []
    assert [*aws.keys] == ["K1", "K2"]


@pytest.mark.parametrize(
    "key",
    [(KEY_NAME, "theirs", MARK), ("theirs", REFERENCE, MARK), (KEY_NAME, REFERENCE, "theirs")],
)
def test_leaves_a_key_that_is_not_confirmed(
    ledger: Ledger, aws: Aws, key: tuple[str, str, str]
) -> None:
    """Leave what has the ID of the ledger, but another name, caller reference or comment."""
    aws.keys["K1"] = key
    ledger.made(ledger.intend("public-key", KEY_NAME, REFERENCE), "K1")

    [left] = clean_up(ledger, aws)

    assert "K1" in left
    assert [*aws.keys] == ["K1"]


def test_waits_in_vain_once(made: Ledger, aws: Aws) -> None:
    """Look once more, and do not wait again, for what was not deleted after the longest wait."""
    aws.looks, slept = 5000, list[float]()
    # Not found at first: it is looked for twice.
    made.made(made.intend("stack", f"{STACK}-2"), "arn:gone")

    left = clean_up(made, aws, slept)

    assert [line.split()[0] for line in left] == ["stack", "bucket"]
    assert sum(slept) < 50 * 60


def test_believes_the_second_look(made: Ledger, aws: Aws) -> None:
    """Look again after a pause for what AWS does not find: it may show it late."""
    aws.late = 2  # neither by its name nor by its ID

    assert clean_up(made, aws) == []
    assert (aws.status, aws.buckets) == ("DELETE_COMPLETE", set())


def test_keeps_what_a_stack_needs(made: Ledger, aws: Aws) -> None:
    """Leave keys, objects and bucket while the stack is left, and say so."""
    aws.keys["K1"] = (KEY_NAME, REFERENCE, MARK)
    made.made(made.intend("public-key", KEY_NAME, REFERENCE), "K1")
    made.made(made.intend("object", "a.jpg"), "a.jpg")
    aws.fails = True

    left = clean_up(made, aws)

    assert [line.split()[0] for line in left] == ["stack", "public-key", "object", "bucket"]
    assert ([*aws.keys], aws.buckets, len(made.left())) == (["K1"], {BUCKET}, 4)
