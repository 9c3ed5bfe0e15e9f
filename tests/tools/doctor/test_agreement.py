"""Judge each seeded site once, as a value: the doctor and the plan of a setup say the same.

Modules: tools/account/state/judge.py, tools/account/state/facts.py, tools/account/state/keys.py,
tools/account/state/bucket.py, tools/account/state/distribution.py, tools/account/state/exposure.py,
tools/account/state/encryption.py, tools/account/state/policies.py,
tools/account/state/site_in_aws.py, tools/doctor/aws.py
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import pytest

from cfsigned_django.tools.account.account import KmsKey
from cfsigned_django.tools.account.state.facts import FACTS, Fact, Level
from cfsigned_django.tools.account.state.judge import beside, judge
from cfsigned_django.tools.account.state.plan import blockers, next_step, plan
from cfsigned_django.tools.account.state.steps import SetupStep, StepState, done, todo
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.doctor.aws import check_aws
from cfsigned_django.tools.doctor.findings import Finding
from tests.storage_cases import FILE_BACKEND
from tests.tools.doctor import faults, ids
from tests.tools.doctor.conftest import Seeded
from tests.tools.doctor.sites import ABOUT_OPEN, HEALTHY, OPENED, SITES, account
from tests.tools.doctor.values import Values, setup_arguments, states
from tests.tools.doctor.world import NOW, setting

TIME = datetime.fromtimestamp(NOW, UTC)

#: An option whose value the reader gives -> such a value.
GIVEN = {
    "--certificate": "arn:aws:acm:us-east-1:111122223333:certificate/1",
    "--kms-key": "arn:aws:kms:us-east-1:111122223333:key/1",
}
#: A finding that the setup does not show -> the reason.
ONLY_DOCTOR: Mapping[str, str] = {
    "key-unknown": "the setup finds the public key by the private one, and prints its id to paste",
    "key-mismatch": "the same",
    "aws-unreadable": "the setup says it in the step that it cannot plan",
}
#: A step that no finding is about -> the ids or steps of which one is there, and the reason.
ONLY_SETUP: Mapping[str, tuple[set[str], str]] = {
    "deployed": ({"*"}, "it waits for the changes of other steps"),
    "key-group": ({""}, "a site that names no key group gets a new one"),
    "origin-access": (
        {"no-origin-access", "no-distribution", "origin-not-bucket", "origin-website"}
        | {"origin-access-point"},
        "the access control of an origin is made before the origin uses it",
    ),
    "response-headers-policy": ({""}, "signed URLs work without it; the setup adds safe headers"),
    "cache-policy": ({""}, "the setup splits copies for whatever S3 may answer"),
    "origin-request-policy": ({""}, "it comes with the cache policy of downloads"),
    "bucket-cors": ({""}, "headers of a policy suffice; the setup wants a rule of the bucket too"),
    "behavior": (
        {"key-group", "response-headers-policy", "cache-policy"},
        "it gets the key group and the policies that other steps make",
    ),
    "bucket": ({""}, "the doctor says nothing of a bucket that was not read"),
    "bucket-policy": (
        {"bucket", "bucket-missing", "no-distribution", "bucket-policy-wide"}
        | {"no-origin-access", "aws-unreadable", "bucket-policy-unknown"},
        "it is new, gets the statement that names the distribution beside a wide or a conditional "
        "one, or one for the access that the origin gets; or it cannot be planned",
    ),
    "block-public-access": (
        {"bucket", "bucket-missing", "aws-unreadable"},
        "a new bucket is open; or the step cannot be planned",
    ),
    "object-ownership": ({"aws-unreadable"}, "the step cannot be planned"),
    "bucket-lifecycle": ({"aws-unreadable"}, "the step cannot be planned"),
    "kms-key-policy": ({"aws-unreadable"}, "the step cannot be planned"),
    "trusted-signers": ({"only-trusted-signers"}, "they go after the key group is trusted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A site, what it needs by its settings and by the setup's options, and what is said of it."""

    values: Values
    wanted: Wanted
    asked: Wanted
    findings: list[Finding]
    steps: list[SetupStep]

    @classmethod
    def of(cls, values: Values) -> Self:
        """Let the doctor and the setup judge a site."""
        wanted = values.examination().wanted()
        asked = values.wanted_by_setup(*setup_arguments(values, wanted))
        return cls(
            values=values,
            wanted=wanted,
            asked=asked,
            findings=list(check_aws(values.found(wanted), wanted, now=TIME)),
            steps=plan(values.found(asked), asked),
        )


def test_sites(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Find the fault of each site and nothing else; the setup says the same, and repairs it."""
    for at, (expected, change) in enumerate(SITES):
        with seeded(change) as values, subtests.test(at=at, expected=expected):
            judged = Judged.of(values)
            assert_found(judged, expected)
            assert_setup_agrees(judged)


def test_open_behaviors(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Report for each open behavior the worst of what it serves of the storage."""
    for at, (change, expected) in enumerate(OPENED):
        with seeded(change) as values, subtests.test(at=at, expected=expected):
            judged = Judged.of(values)
            names = {
                "the default behavior" if pattern is None else f"the behavior {pattern}": kind_id
                for pattern, kind_id in expected.items()
            }
            found = [each for each in judged.findings if each.id in ABOUT_OPEN]
            assert {each.subject: each.id for each in found} == names
            assert len(found) == len(expected)
            assert_setup_agrees(judged)


def assert_setup_agrees(judged: Judged) -> None:
    """Show each finding in the setup too, plan no step without one, and repair what is planned."""
    assert [*contradictions(judged)] == []
    assert_repaired(judged)


def assert_found(judged: Judged, expected: str) -> None:
    """Find the fault of a site, with a reason and a remedy, and nothing else."""
    found = judged.findings
    wrong = [each for each in ids(found) if each not in HEALTHY]
    assert wrong == expected.partition("|")[0].split()
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)
    # A bucket is in order only if nothing else is said of it, but whom it lets read by name.
    about_bucket = {each for each in ids(found) if each.startswith("bucket-")}
    assert "bucket" not in ids(found) or about_bucket <= {"bucket-readers"}


def assert_repaired(judged: Judged) -> None:
    """Once the plan is done, nothing is left that the doctor said it would repair."""
    values, asked, steps = judged.values, judged.asked, judged.steps
    values.value, values.edit = values.edit(values.value), lambda found: found
    begun = []

    while (step := next_step(steps)) is not None and not blockers(steps):
        assert step.name not in begun
        begun.append(step.name)
        values.do(step)
        steps = plan(values.found(asked), asked)

    # The command prints the public key ID, to be pasted.
    pem = values.key.public_key.to_pem()
    pasted = next(each for each in values.value.public_keys or () if each.holds(pem))
    wanted = replace(judged.wanted, key_pair_id=pasted.key_pair_id)
    found = list(check_aws(values.found(wanted), wanted, now=TIME))
    promised = {each.id for each in judged.findings if each.repair and each.repair["step"] in begun}
    assert not promised & {*ids(found)}
    # Trust in AWS accounts ends with a separate option.
    assert {*faults(found)} <= {*faults(judged.findings), "trusted-signers"}


def contradictions(judged: Judged) -> Iterator[str]:
    """Yield in what the doctor and the setup of a site differ, but for what a rule names."""
    findings, steps, found = judged.findings, judged.steps, judged.values.found(judged.asked)
    doctor = ids(findings)
    shown = {each.id for each in beside(steps, judge(found, judged.asked, now=TIME))}

    open_steps = states(steps)
    for each in doctor:
        kind = FACTS.get(each)
        is_silent = kind is not None and (not kind.fix or (kind.level is Level.OK and kind.step))
        is_shown = each in shown or (kind is not None and kind.step in open_steps)
        if not is_silent and not is_shown and each not in ONLY_DOCTOR:
            yield f"the setup hides {each}"
    # With the id of another key in the settings, the two speak of two keys.
    other_key = {"key-not-at-edges"} if {"key-unknown", "key-mismatch"} & {*doctor} else set[str]()
    yield from (f"the doctor does not say {each}" for each in shown - {*doctor} - other_key)
    for each in shown:
        if FACTS[each].is_repaired and not blockers(steps):
            yield f"the setup warns of {each} and does not repair it"
    for told in findings:
        if told.repair is not None:
            yield from broken_promises(judged.values, told)
    about = {FACTS[each].step for each in doctor if each in FACTS and FACTS[each].fix}
    for name in open_steps:
        causes, _ = ONLY_SETUP.get(name, (set[str](), ""))
        has_cause = bool(causes & ({"", *doctor} | ({*open_steps} - {name})))
        is_last = "*" in causes and len(open_steps) > 1
        if not (name in about or has_cause or is_last):
            yield f"the doctor knows nothing of {name}"


def broken_promises(values: Values, told: Finding) -> Iterator[str]:
    """Yield in what the command that a finding names would do something else than it says."""
    repair = told.repair or {}
    words = shlex.split(repair["command"])
    words = [GIVEN.get(before, each) for before, each in zip(["", *words], words, strict=False)]
    asked = values.wanted_by_setup(*words[2:])
    found = values.found(asked)
    if asked.kms_key:  # which is read too
        found = replace(found, kms_key=KmsKey(arn=asked.kms_key, policy={"Statement": []}))
    steps = {each.name: each for each in plan(found, asked)}
    step = steps.get(repair["step"])
    if repair["command"] not in told.fix or "--apply" not in words:
        yield f"{told.id} does not name {repair['command']}"
    if step is None or step.state is not StepState.TODO:
        yield f"{told.id} promises {repair['step']}, which the plan does not do"
    elif repair["call"] is not None:
        planned = (str(step.call), step.before, step.after)
        if planned != (repair["call"], repair["before"], repair["after"]):
            yield f"{told.id} promises another change in {step.name}"


def test_no_bucket(seeded: Seeded, subtests: pytest.Subtests) -> None:
    """Judge no bucket if a storage has none, or if it was not read."""
    on_disk = setting("STORAGES", {"default": {"BACKEND": FILE_BACKEND}})
    for change, absent in ((account(bucket=None), {"bucket"}), (on_disk, {"bucket"})):
        with subtests.test(absent=absent), seeded(change) as values:
            wanted = values.examination().wanted()

            found = list(check_aws(values.found(wanted), wanted, now=TIME))

            assert faults(found) == []
            assert not absent & {*ids(found)}


def test_rules_have_reasons() -> None:
    """Only what a rule names may differ, each for a reason, and in the words of the catalog."""
    assert ONLY_DOCTOR.keys() <= {*FACTS, "aws-unreadable"}
    assert all(ONLY_DOCTOR.values())
    assert all(reason for _, reason in ONLY_SETUP.values())


def test_what_no_step_repairs() -> None:
    """Show a warning beside the plan once its step is done, or not planned; a note never."""
    warning, note = (
        Fact(id=each, what="x", subject="x") for each in ("plain-http", "downloads-note")
    )
    step = warning.type.step

    assert (warning.level, note.level) == (Level.WARNING, Level.OK)
    for steps, expected in (
        ([todo(step, "x")], []),
        ([done(step, "x")], [warning]),
        ([], [warning]),
    ):
        assert beside(steps, [warning, note]) == expected
