"""Run a command with no more than the IAM policies that the docs print for its job.

The role has the files of the docs, and nothing else: a session policy only takes away from that.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from cfsigned_django.core.aws.client import call

#: The policies of the docs, one for each job.
POLICIES: Final = Path(__file__).parent.parent / "docs" / "reference" / "iam"
#: The files that the role has: those whose commands a run calls.
_OF_THE_ROLE: Final = ("setup", "doctor", "rotation")
_DENIED: Final = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")


def policy_of(job: str, *, stack: str, bucket: str) -> str:
    """Return the session policy that leaves a role what a job needs, with the names of a run.

    A setup has the files of the setup and of the doctor, which proves what it made. Both are longer
    than the 2,048 characters that AWS takes, so this names what they have not.
    """
    statements = _statements(job)
    if job == "setup":
        own = _actions("setup") | _actions("doctor")
        other = {action for each in _OF_THE_ROLE for action in _actions(each)} - own
        statements = [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": sorted(other), "Resource": "*"},
        ]
    for each in statements:
        named = each["Resource"].replace("media-example", bucket)
        each["Resource"] = named.replace(":stack/media/", f":stack/{stack}/")
    policy = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(policy, separators=(",", ":"))


def denied_in(text: str) -> str:
    """Return the first IAM action that AWS refused by this text; empty if it is about others."""
    found = _DENIED.search(text)
    return found[1] if found else ""


@contextmanager
def limited_to(policy: str, *, role: str, sts: Any) -> Iterator[None]:
    """Let boto3 act in the block as a role that may do only what the policy allows."""
    answer = call(
        sts.assume_role,
        "assume the role with the policy of a job",
        "sts:AssumeRole",
        RoleArn=role,
        RoleSessionName="acceptance",
        Policy=policy,
    )
    found = answer["Credentials"]
    credentials = {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }
    with patch.dict(os.environ, credentials):
        yield


def _statements(job: str) -> list[dict[str, Any]]:
    policy = json.loads((POLICIES / f"{job}.json").read_text(encoding="utf-8"))
    statements: list[dict[str, Any]] = policy["Statement"]
    return statements


def _actions(job: str) -> set[str]:
    return {action for each in _statements(job) for action in each["Action"]}
