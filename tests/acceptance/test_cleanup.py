"""What the clean-up removes, if AWS is slow, and if what it finds is not what the run made.

tests/processes/test_acceptance.py lets it follow a kill at each call of a run.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from acceptance.cleanup import CleanUp
from acceptance.clients import Clients
from acceptance.guard import guarding
from tests.acceptance.conftest import RECORD, make_stack
from tests.processes.kills import inventory, make_everything

STACK, BUCKET = RECORD.stack, RECORD.bucket


@pytest.fixture
def theirs(clients: Clients) -> list[str]:
    """Return what others have in the account, with names that begin with those of the run."""
    make_everything(clients, RECORD)
    return inventory(clients)


@pytest.fixture
def made(theirs: list[str], clients: Clients) -> None:
    """Make what a run makes."""
    with guarding(RECORD):
        make_stack(clients)
        clients.cloudformation.update_termination_protection(
            StackName=STACK, EnableTerminationProtection=True
        )
        clients.s3.put_object(Bucket=BUCKET, Key="a.jpg", Body=b"a")


def clean_up(clients: Clients, slept: list[float] | None = None) -> tuple[list[str], list[str]]:
    """Clean up with nothing but the record; return what was found, and what is left."""
    sleep = (slept if slept is not None else []).append
    with guarding(RECORD) as guard:
        one = CleanUp(
            record=RECORD, clients=clients, guard=guard, tell=lambda line: None, sleep=sleep
        )
        return one.found(), one.run()


def test_removes_all_that_has_the_mark(theirs: list[str], made: None, clients: Clients) -> None:
    """Delete the protected stack, then what it needed, and nothing of others."""
    found, left = clean_up(clients)

    assert [each.split()[0] for each in found] == [
        *("stack", "key-group", "public-key", "object", "bucket"),
    ]
    assert left == []
    assert inventory(clients) == theirs


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "DELETE_FAILED"])
def test_reports_a_stack_that_stays(made: None, clients: Clients, status: str) -> None:
    """Name a stack that CloudFormation cannot delete, after the longest wait; keep its needs."""

    def stays(parsed: Any, **given: Any) -> None:
        for stack in parsed.get("Stacks", ()):
            stack["StackStatus"] = status

    events = clients.cloudformation.meta.events
    events.register("after-call.cloudformation.DescribeStacks", stays)
    events.register(
        "before-call.cloudformation.DeleteStack",
        lambda **given: (SimpleNamespace(status_code=200), {}),
    )
    before, slept = inventory(clients), list[float]()
    _found, [left] = clean_up(clients, slept)

    assert left.startswith(f"stack {STACK}: ")
    assert status in left
    assert 44 * 60 < sum(slept) < 50 * 60 or status == "DELETE_FAILED"
    assert inventory(clients) == before


def test_leaves_what_is_of_others(made: None, clients: Clients) -> None:
    """Leave a stack of that name without the tag, and a bucket that holds something else."""
    clients.s3.put_object(Bucket=BUCKET, Key="theirs.jpg", Body=b"b")
    make_stack(clients, f"bad-{STACK}", f"{BUCKET}-bad")
    _found, [untagged] = clean_up(clients)
    clients.cloudformation.update_termination_protection(
        StackName=f"bad-{STACK}", EnableTerminationProtection=False
    )
    clients.cloudformation.delete_stack(StackName=f"bad-{STACK}")
    _found, left = clean_up(clients)

    assert "tag of the run" in untagged
    assert "BucketNotEmpty" in left[0]
    assert [each["Key"] for each in clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "theirs.jpg"
    ]


def test_looks_again(theirs: list[str], made: None, clients: Clients) -> None:
    """Find at the next look what a list shows late; pass over what it shows too long."""
    looks = iter(range(10))

    def late(parsed: Any, **given: Any) -> None:
        items = parsed["PublicKeyList"].setdefault("Items", [])
        if next(looks) < 2:
            items.clear()
        items.append({"Id": "KGONE"})

    clients.cloudfront.meta.events.register("after-call.cloudfront.ListPublicKeys", late)
    clean_up(clients)
    clients.cloudfront.meta.events.unregister("after-call.cloudfront.ListPublicKeys", late)

    assert inventory(clients) == theirs
