"""The IAM policy of a job: what a command may do while it is in force, and what is missing."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any

import pytest

from acceptance import site
from acceptance.permissions import policy_of
from acceptance.run import Run
from acceptance.site import CommandFailed, Pace
from tests.acceptance.conftest import RECORD

ROLE = "arn:aws:iam::111122223333:role/x"
DENIED = CommandFailed(
    "CloudFormation failed: the distribution: User: arn:aws:sts::111122223333:assumed-role/x is "
    "not authorized to perform: cloudfront:CreateDistribution on resource: arn:aws:cloudfront::1"
)
OTHER = CommandFailed("Rate exceeded")
DONE: Any = (0, {"settings": {}})


@pytest.mark.parametrize("job", ["setup", "doctor", "rotation"])
def test_policies_of_the_docs(job: str) -> None:
    """Leave a role what its job needs, of this run, in the 2,048 characters that AWS takes."""
    text = policy_of(job, stack=RECORD.stack, bucket=RECORD.bucket)
    allows, *denies = json.loads(text)["Statement"]

    assert len(text) <= 2048
    assert "media" not in text
    if job == "setup":  # what the files of the role have for a rotation alone
        others = ["cloudfront:DeletePublicKey", "cloudfront:GetPublicKey"]
        assert (allows["Action"], [each["Action"] for each in denies]) == ("*", [others])
    if job == "doctor":
        assert f":stack/{RECORD.stack}/*" in text
        assert f"arn:aws:s3:::{RECORD.bucket}" in text


@pytest.mark.parametrize(
    ("role", "answers", "denied", "who"),
    [
        (ROLE, [DONE], [], ["role"]),
        (ROLE, [DENIED, DONE], ["cloudfront:CreateDistribution"], ["role", "mine"]),
        # Another policy would not help.
        (ROLE, [OTHER], None, ["role"]),
        ("", [DENIED], None, ["mine"]),
    ],
)
def test_set_up_with_the_policy(
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    answers: list[Any],
    denied: list[str] | None,
    who: Any,
) -> None:
    """Create the stack as the role with the policy; note what that lacks, and go on with all."""
    asked: list[Any] = []
    left = [*answers]

    def assume_role(**given: Any) -> Any:
        assert given["RoleArn"] == ROLE
        assert "cloudfront:DeletePublicKey" in given["Policy"]
        found = {"AccessKeyId": "role", "SecretAccessKey": "x", "SessionToken": "x"}
        return {"Credentials": found}

    def command(name: str, *arguments: str) -> Any:
        asked.append(os.environ["AWS_ACCESS_KEY_ID"])
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(site, "command", command)
    monkeypatch.setattr(site, "deploy", lambda values: None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    run = Run(
        record=RECORD,
        clients=SimpleNamespace(sts=SimpleNamespace(assume_role=assume_role)),  # type: ignore[arg-type]
        pace=Pace(),
        confirm=lambda: None,
        role=role,
        tell=lambda line: None,
    )
    if denied is None:
        with pytest.raises(CommandFailed):
            run.set_up()
    else:
        run.set_up()
        assert run.denied == denied
    assert (asked, os.environ["AWS_ACCESS_KEY_ID"]) == (who, "mine")
