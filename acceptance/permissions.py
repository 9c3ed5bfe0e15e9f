"""Run a command with no more than the IAM policy that the docs print for its job."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from cfsigned_django.aws.client import call

#: The policies of the docs, one for each job.
POLICIES: Final = Path(__file__).parent.parent / "docs" / "reference" / "iam"
#: What a setup needs besides: it proves what it made, as the doctor does, and the guard adds tags.
#: AWS takes 2,048 characters, too few for the doctor's policy as well.
_BESIDES: Final = {
    "Effect": "Allow",
    "Action": [
        *("cloudfront:Get*", "cloudfront:List*", "cloudfront:TagResource"),
        *("s3:Get*", "s3:List*", "s3:PutBucketTagging"),
    ],
    "Resource": "*",
}
_DENIED: Final = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")


def policy_of(job: str, *, stack: str, bucket: str) -> str:
    """Return the policy of a job, with the names of a run."""
    text = (POLICIES / f"{job}.json").read_text(encoding="utf-8")
    named = text.replace("media-example", bucket).replace(":stack/media/", f":stack/{stack}/")
    statements = json.loads(named)["Statement"]
    if job == "setup":
        for each in statements:
            each["Action"] = [name for name in each["Action"] if not _is_besides(name)]
        statements.append(_BESIDES)
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


def _is_besides(action: str) -> bool:
    return action.startswith(("cloudfront:Get", "cloudfront:List", "s3:Get", "s3:List"))
