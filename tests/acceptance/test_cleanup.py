"""What the clean-up removes, if AWS is slow, and if what it finds is not what the run made."""

from __future__ import annotations

from typing import Any

import pytest

from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.guard import Guard
from tests.acceptance.conftest import BUCKET, MARK, RECORD, STACK, Aws

BAD = f"bad-{STACK}"
KEY = {"Name": "cfsigned-1", "CallerReference": "1", "Comment": MARK}
THEIRS = {"Name": MARK, "CallerReference": "2", "Comment": f"{MARK}2"}


@pytest.fixture(autouse=True)
def made(aws: Aws) -> None:
    """Leave in the account what a run and what others made, with names like those of the run."""
    for name in (STACK, BAD):
        aws.add_stack(name, [RECORD.tag])
    aws.add_stack(f"{STACK}-2", [])
    for block in ("KeyGroup", "PublicKey"):
        aws.configs[block] = {"1": KEY, "2": THEIRS}
    aws.buckets = {BUCKET: {"a.jpg": MARK}, f"{BUCKET}-bad": {}, f"{BUCKET}-2": {"a.jpg": MARK}}


@pytest.fixture
def slept() -> list[float]:
    """Return how long the clean-up has slept, each time."""
    return []


@pytest.fixture
def clean_up(clients: Clients, guard: Guard, slept: list[float]) -> CleanUp:
    """Return a clean-up of the run, which only knows its record."""
    return CleanUp(
        record=RECORD, clients=clients, guard=guard, tell=lambda line: None, sleep=slept.append
    )


def test_removes_all_that_has_the_mark(aws: Aws, clean_up: CleanUp) -> None:
    """Delete protected stacks, then what they needed, and nothing of others."""
    found = clean_up.found()

    assert found == [
        *(f"stack {STACK}", f"stack {BAD}", "key-group 1", "public-key 1", "object a.jpg"),
        *(f"bucket {BUCKET}", f"bucket {BUCKET}-bad"),
    ]
    assert clean_up.run() == []
    assert clean_up.found() == []
    assert [*aws.stacks] == [f"{STACK}-2"]
    assert aws.configs == {"KeyGroup": {"2": THEIRS}, "PublicKey": {"2": THEIRS}}
    assert aws.buckets == {f"{BUCKET}-2": {"a.jpg": MARK}}


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"])
def test_waits_for_what_is_under_way(aws: Aws, clean_up: CleanUp, status: str) -> None:
    """Delete a stack when CloudFormation is done with it; wait until the stack is gone."""
    aws.stacks[STACK]["StackStatus"], aws.left, aws.looks = status, 5, 9

    assert clean_up.run() == []
    assert [*aws.stacks] == [f"{STACK}-2"]


def test_waits_in_vain_once(aws: Aws, clean_up: CleanUp, slept: list[float]) -> None:
    """Report a stack that is not deleted after the longest wait, and keep what it needs."""
    aws.looks = 5000

    left = clean_up.run()

    assert [line.split(":")[0] for line in left] == [f"stack {STACK}", f"stack {BAD}"]
    assert sum(slept) < 50 * 60
    assert (len(aws.configs["KeyGroup"]), aws.buckets[BUCKET]) == (2, {"a.jpg": MARK})


def test_says_that_a_deletion_failed(aws: Aws, clean_up: CleanUp) -> None:
    """Name a stack that CloudFormation could not delete; try again the next time."""
    aws.fails = True
    first = clean_up.run()
    aws.fails = False

    assert "DELETE_FAILED" in first[0]
    assert clean_up.run() == []


def test_leaves_what_is_of_others(aws: Aws, clean_up: CleanUp) -> None:
    """Leave a stack of that name without the tag, and a bucket that holds something else."""
    aws.stacks[BAD]["Tags"] = [{"Key": "acceptance", "Value": "theirs"}]
    [left] = clean_up.run()
    del aws.stacks[BAD]
    aws.buckets[BUCKET] = {"a.jpg": MARK, "theirs.jpg": "theirs"}
    [bucket] = clean_up.run()

    assert "tag of the run" in left
    assert "BucketNotEmpty" in bucket
    assert aws.buckets[BUCKET] == {"theirs.jpg": "theirs"}


def test_looks_again(aws: Aws, clean_up: CleanUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find at the second look what a list shows late; pass over what it shows too long."""
    answer, looks = aws.answer, iter(range(10))

    def late(client: Any, operation: str, given: Any) -> Any:
        found = answer(client, operation, given)
        if operation == "ListPublicKeys":
            found["PublicKeyList"]["Items"].append({"Id": "gone"})
            if not next(looks):
                found["PublicKeyList"]["Items"].clear()
        return found

    monkeypatch.setattr(aws, "answer", late)

    assert clean_up.run() == []
    assert [*aws.configs["PublicKey"]] == ["2"]
