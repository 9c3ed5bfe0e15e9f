"""Kill, throttle and interrupt a run at its calls: the next run goes on, and makes nothing twice.

Modules: tools/setup/site_stack.py, tools/stack/change_set.py, tools/stack/events.py,
tools/stack/key_group.py
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cfsigned_django.management.commands import cfsigned_setup
from tests.simulation.faults import Fault, Killed
from tests.tools.stack.calls import Calls, count
from tests.tools.stack.conftest import Aws, emptied
from tests.tools.stack.running import APPLY, errors, report, run
from tests.tools.stack.test_command import answer_late, counts, delete_stack, parameters

pytestmark = pytest.mark.usefixtures("unmigrated")
#: Calls that change nothing begin with one of these.
READS = ("get_", "list_", "head_", "describe_")
COMMAND = ("cfsigned_setup", "--stack", "media", *APPLY)


def numbers(aws: Aws, monkeypatch: pytest.MonkeyPatch, *options: str) -> list[int]:
    """Return the numbers of the calls of a run that change something."""
    calls = Calls()
    with monkeypatch.context() as patch:
        count(aws, calls, patch)
        run(*APPLY, *options)
    named = enumerate(calls.names, 1)
    return [number for number, name in named if not name.startswith(READS)]


def interrupted(aws: Aws, monkeypatch: pytest.MonkeyPatch, calls: Calls, *options: str) -> None:
    """Run the command, in which something happens at one call."""
    with monkeypatch.context() as patch, suppress(Killed, CommandError, SystemExit):
        count(aws, calls, patch)
        call_command(*COMMAND, *options)


KILLS: list[dict[str, Any]] = [{"killed": "before"}, {"killed": "after"}]
FAULTS: list[dict[str, Any]] = [*KILLS, {"fault": Fault.THROTTLED}, {"fault": Fault.LOST}]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_each_change_of_a_creation(
    fault: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch, ministack: Any, tmp_path: Any
) -> None:
    """The next run ends with one key, one group, one distribution, and 0 errors."""
    everything = numbers(aws, monkeypatch)
    wrong = {}
    for number in everything:
        emptied(ministack)
        (tmp_path / "cloudfront-media.pem").unlink(missing_ok=True)
        interrupted(aws, monkeypatch, Calls(number=number, **fault))
        again = report(*APPLY)
        if (counts(aws), errors(again)) != ((1, 1, 1), []):
            wrong[number] = counts(aws), errors(again)

    assert len(everything) >= 5
    assert wrong == {}


@pytest.mark.parametrize("fault", KILLS, ids=str)
def test_each_change_of_an_update(fault: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run ends with what both runs asked for."""
    run(*APPLY)
    for number in numbers(aws, monkeypatch, "--public-path", "a/*"):
        options = ("--public-path", f"f{number}/*", "--allow-removal")
        interrupted(aws, monkeypatch, Calls(number=number, **fault), *options)
        report(*APPLY, *options)
        assert parameters(aws)["PublicPath"] == f"f{number}/*"


def press(*arguments: Any, **given: Any) -> None:
    """Interrupt, as Ctrl-C does."""
    raise KeyboardInterrupt


def test_interrupt(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no plan after Ctrl-C; if AWS goes on, a plan says so (75), and --apply follows it."""
    with monkeypatch.context() as patch:
        patch.setattr("builtins.input", press)
        with pytest.raises(KeyboardInterrupt):
            call_command("cfsigned_setup", "--stack", "media", "--apply")
        left = aws.cloudformation.describe_stacks()["Stacks"]
        patch.setattr(cfsigned_setup.Command, "sleep", staticmethod(press))
        patch.setattr(aws.cloudformation, "is_slow", True)
        with pytest.raises(KeyboardInterrupt):
            call_command(*COMMAND)
        planned = run(code=75)
    answer_late(monkeypatch, 3)
    applied = report(*APPLY)

    assert left == []
    assert "CREATE_IN_PROGRESS" in planned
    assert errors(applied) == []
    assert counts(aws) == (1, 1, 1)


def test_interrupt_of_an_update(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no plan of a change after Ctrl-C while the plan is judged."""
    run(*APPLY)
    monkeypatch.setattr(aws.cloudformation, "get_template", press)
    with pytest.raises(KeyboardInterrupt):
        call_command(*COMMAND, "--public-path", "a/*")
    plans = aws.cloudformation.list_change_sets(StackName="media")["Summaries"]

    assert [each["ExecutionStatus"] for each in plans] == ["EXECUTE_COMPLETE"]


def test_late_list(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say that a group of this name is there if no list shows yet that an earlier run made it."""
    run(*APPLY)
    delete_stack(aws)
    with monkeypatch.context() as late:
        nothing = {"KeyGroupList": {"Quantity": 0, "MaxItems": 100}}
        late.setattr(aws.clients.cloudfront, "list_key_groups", lambda **given: nothing)
        refused = run(*APPLY, code=1)
    report(*APPLY, code=75)

    assert "If this command has just made it, run it again" in " ".join(refused.split())
    assert counts(aws) == (1, 1, 1)
