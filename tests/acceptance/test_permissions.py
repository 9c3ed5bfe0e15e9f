"""The IAM policy of a job: what a command may do while it is in force, and what is missing."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from acceptance import site
from acceptance.permissions import denied_in, limited_to, policy_of
from acceptance.questions import decrypting_alone, printed_policies
from acceptance.run import Run
from acceptance.site import CommandFailed, Pace
from tests.acceptance.conftest import RECORD

ROLE = "arn:aws:iam::111122223333:role/x"
DENIED = (
    "CloudFormation failed: the distribution: User: arn:aws:sts::111122223333:assumed-role/x is "
    "not authorized to perform: cloudfront:CreateDistribution on resource: arn:aws:cloudfront::1"
)


@pytest.mark.parametrize("job", ["setup", "doctor", "rotation"])
def test_policies_of_the_docs(job: str) -> None:
    """Put the names of the run in the place of those of the docs; AWS takes 2,048 characters."""
    text = policy_of(job, stack=RECORD.stack, bucket=RECORD.bucket)

    assert len(text) <= 2048
    assert "media" not in text
    if job == "setup":
        assert f":stack/{RECORD.stack}/*" in text
        assert f"arn:aws:s3:::{RECORD.bucket}" in text


def test_acts_with_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the credentials of the role in the block, and those from before after it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    asked: list[Any] = []

    def assume_role(**given: Any) -> Any:
        asked.append(given)
        found = {"AccessKeyId": "role", "SecretAccessKey": "x", "SessionToken": "x"}
        return {"Credentials": found}

    with limited_to("policy", role=ROLE, sts=SimpleNamespace(assume_role=assume_role)):
        within = os.environ["AWS_ACCESS_KEY_ID"]

    assert (within, os.environ["AWS_ACCESS_KEY_ID"]) == ("role", "mine")
    assert (asked[0]["RoleArn"], asked[0]["Policy"]) == (ROLE, "policy")


def test_finds_what_is_denied() -> None:
    """Take the action from AWS's text, and nothing of the account."""
    assert denied_in(DENIED) == "cloudfront:CreateDistribution"
    assert denied_in("Rate exceeded") == ""


def set_up(monkeypatch: pytest.MonkeyPatch, answers: list[Any], role: str) -> tuple[Run, list[str]]:
    """Set up with these answers of the command; return the run, and who ran the command."""
    who: list[str] = []

    def command(name: str, *arguments: str) -> Any:
        who.append(os.environ.get("AWS_ACCESS_KEY_ID", ""))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(site, "command", command)
    monkeypatch.setattr(site, "deploy", lambda values: None)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    found = {"AccessKeyId": "role", "SecretAccessKey": "x", "SessionToken": "x"}
    sts = SimpleNamespace(assume_role=lambda **given: {"Credentials": found})
    run = Run(
        record=RECORD,
        clients=SimpleNamespace(sts=sts),  # type: ignore[arg-type]
        pace=Pace(),
        confirm=lambda: None,
        role=role,
        tell=lambda line: None,
    )
    run.set_up()
    return run, who


def test_goes_on_without_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note what the policy of the setup lacks, and create the stack with all permissions."""
    done: Any = (0, {"settings": {}})
    run, who = set_up(monkeypatch, [CommandFailed(DENIED), done], ROLE)
    enough, once = set_up(monkeypatch, [done], ROLE)

    assert (run.denied, who) == ("cloudfront:CreateDistribution", ["role", ""])
    assert (enough.denied, once) == ("", ["role"])


@pytest.mark.parametrize(("role", "why"), [("", DENIED), (ROLE, "Rate exceeded")])
def test_other_failures_end_the_run(monkeypatch: pytest.MonkeyPatch, role: str, why: str) -> None:
    """Stop at a failure that another policy would not change."""
    with pytest.raises(CommandFailed):
        set_up(monkeypatch, [CommandFailed(why)], role)


@pytest.mark.parametrize(
    ("denied", "findings", "answer"),
    [
        ("", [], "yes"),
        ("s3:PutBucketPolicy", [], "the setup lacks s3:PutBucketPolicy"),
        ("", [{"id": "aws-unreadable"}], "the doctor cannot read all"),
    ],
)
def test_says_whether_the_policies_suffice(denied: str, findings: list[Any], answer: str) -> None:
    """Name what the setup lacks, and whether the doctor reads all."""
    world: Any = SimpleNamespace(denied=denied, command=lambda name, job: (0, findings))

    assert printed_policies(world) == answer


def test_asks_only_with_what_a_person_names() -> None:
    """Say which two questions need a role or a key, and count that as no difference."""
    world: Any = SimpleNamespace(denied=None, kms_key="")

    assert printed_policies(world) == ("not asked: no role was named (ROLE)", True)
    assert decrypting_alone(world) == ("not asked: no key was named (KMS_KEY)", True)
