"""The local AWS: how it is started, and who may do what in it.

The server is ministack with AUTH=true, which checks signatures and evaluates IAM policies. In the
one bucket, the site may read, write and list, the edge may only read, and everybody else is
refused. In CloudFront's API, the site may rotate keys, and the edge may read whom to trust.
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

# In S3 the edge has the one right that a bucket policy gives to CloudFront's origin access control.
BUCKET_RIGHTS: Mapping[str, tuple[str, ...]] = {
    "site": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"),
    "edge": ("s3:GetObject",),
}
# What docs/rotate-keys.md asks for, and what cfsigned_edge needs to follow a key group.
CLOUDFRONT_RIGHTS: Mapping[str, tuple[str, ...]] = {
    "site": (
        "cloudfront:GetKeyGroup",
        "cloudfront:UpdateKeyGroup",
        "cloudfront:ListPublicKeys",
        "cloudfront:CreatePublicKey",
        "cloudfront:GetPublicKey",
        "cloudfront:DeletePublicKey",
    ),
    "edge": ("cloudfront:GetKeyGroup", "cloudfront:GetPublicKey"),
}


def aws_command(state: DemoState) -> Command:
    """Return how to start the local AWS so that objects, users and key groups outlive it."""
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
        SERVICES="s3,iam,sts,cloudfront",
        STATE_DIR=str(state.folder / "s3" / "state"),
        TMPDIR=str(scratch),
    )
    return Command(
        name="AWS",
        arguments=[sys.executable, "-m", "demo_project.emulator"],
        environment=variables,
        log=state.logs / "aws.log",
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


def api_environment(state: DemoState) -> dict[str, str]:
    """Return the variables by which boto3 finds the local AWS, as the site's user.

    An account that this machine may know besides is none of the demo's business.
    """
    user = state.users["site"]
    return {
        "AWS_ACCESS_KEY_ID": user.access_key_id,
        "AWS_SECRET_ACCESS_KEY": user.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_ENDPOINT_URL": state.address("s3"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def prepare_bucket(state: DemoState) -> DemoState:
    """Create the bucket and its users where they are missing, and return the state with them.

    Raise DemoFailed with what S3 said.
    """
    try:
        users = _prepare(state)
    except (BotoCoreError, ClientError) as error:
        raise DemoFailed(
            f"The bucket could not be prepared: {error}", state.logs / "aws.log"
        ) from error
    prepared = replace(state, users=users)
    prepared.save()
    return prepared


def _prepare(state: DemoState) -> dict[str, Credentials]:
    s3 = _client(state, "s3")
    if state.bucket not in {bucket.get("Name") for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=state.bucket)
    return {name: _working_user(state, name) for name in BUCKET_RIGHTS}


def _working_user(state: DemoState, name: str) -> Credentials:
    """Return the user's key, or a new one where the server does not know it (any more)."""
    iam = _client(state, "iam")
    known = state.users.get(name)
    try:
        iam.get_user(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        iam.create_user(UserName=name)
    existing = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    iam.put_user_policy(UserName=name, PolicyName="demo", PolicyDocument=_policy(state, name))
    if known and known.access_key_id in {key["AccessKeyId"] for key in existing}:
        return known
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])


def _policy(state: DemoState, name: str) -> str:
    bucket = f"arn:aws:s3:::{state.bucket}"
    statements = [
        {"Effect": "Allow", "Action": BUCKET_RIGHTS[name], "Resource": [bucket, f"{bucket}/*"]},
        {"Effect": "Allow", "Action": CLOUDFRONT_RIGHTS[name], "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _client(state: DemoState, name: str) -> Any:
    """Return a client of the local S3 or IAM with the rights of its owner."""
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=state.address("s3"),
        region_name=REGION,
        aws_access_key_id=state.root.access_key_id,
        aws_secret_access_key=state.root.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
