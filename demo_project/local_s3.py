"""The local S3: how it is started, and who may do what in its one bucket.

The server is ministack with AUTH=true, which checks signatures and evaluates IAM policies:
the site may read, write and list, the edge may only read, and everybody else is refused.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from demo_project.processes import Command, DemoFailed, environment
from demo_project.state import HOST, Credentials, DemoState, write_secret

REGION = "us-east-1"
EDGE_PROFILE = "edge"

# The edge has the one right that a bucket policy gives to CloudFront's origin access control.
RIGHTS: Mapping[str, tuple[str, ...]] = {
    "site": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"),
    "edge": ("s3:GetObject",),
}


def s3_command(state: DemoState) -> Command:
    """Return how to start the local S3 so that its objects and users outlive it."""
    scratch = state.folder / "s3" / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    variables = environment(
        AUTH="true",
        AWS_ACCESS_KEY_ID=state.root.access_key_id,
        AWS_SECRET_ACCESS_KEY=state.root.secret_access_key,
        BIND_HOST=HOST,
        GATEWAY_PORT=str(state.ports["s3"]),
        # Both would open ports of their own.
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
        PERSIST_STATE="1",
        S3_DATA_DIR=str(state.folder / "s3" / "objects"),
        S3_PERSIST="1",
        SERVICES="s3,iam,sts",
        STATE_DIR=str(state.folder / "s3" / "state"),
        TMPDIR=str(scratch),
    )
    return Command(
        name="S3",
        arguments=[sys.executable, "-m", "ministack"],
        environment=variables,
        log=state.logs / "s3.log",
        ready_url=state.address("s3") + "/_ministack/health",
    )


def edge_profile(state: DemoState) -> dict[str, str]:
    """Write the edge's own access key as an AWS profile; return the variables that name it."""
    user = state.users["edge"]
    file = state.folder / "keys" / "aws_credentials"
    lines = (
        f"[{EDGE_PROFILE}]",
        f"aws_access_key_id = {user.access_key_id}",
        f"aws_secret_access_key = {user.secret_access_key}",
    )
    write_secret(file, "\n".join(lines).encode() + b"\n")
    return {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_CONFIG_FILE": os.devnull}


def prepare_bucket(state: DemoState) -> DemoState:
    """Create the bucket and its users where they are missing, and return the state with them.

    Raise DemoFailed with what S3 said.
    """
    try:
        users = _prepare(state)
    except (BotoCoreError, ClientError) as error:
        raise DemoFailed(
            f"The bucket could not be prepared: {error}", state.logs / "s3.log"
        ) from error
    prepared = replace(state, users=users)
    prepared.save()
    return prepared


def _prepare(state: DemoState) -> dict[str, Credentials]:
    s3 = _client(state, "s3")
    if state.bucket not in {bucket.get("Name") for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=state.bucket)
    return {name: _working_user(state, name) for name in RIGHTS}


def _working_user(state: DemoState, name: str) -> Credentials:
    """Return the user's key, or a new one where the server does not know it (any more)."""
    iam = _client(state, "iam")
    known = state.users.get(name)
    try:
        iam.get_user(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        iam.create_user(UserName=name)
    existing = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    iam.put_user_policy(UserName=name, PolicyName="media", PolicyDocument=_policy(state, name))
    if known and known.access_key_id in {key["AccessKeyId"] for key in existing}:
        return known
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])


def _policy(state: DemoState, name: str) -> str:
    bucket = f"arn:aws:s3:::{state.bucket}"
    statement = {"Effect": "Allow", "Action": RIGHTS[name], "Resource": [bucket, f"{bucket}/*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _client(state: DemoState, name: str) -> Any:
    """Return a client of the local S3 or its IAM with the rights of its owner."""
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=state.address("s3"),
        region_name=REGION,
        aws_access_key_id=state.root.access_key_id,
        aws_secret_access_key=state.root.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
