"""The local AWS: how it is started, and who may do what in it.

The server is ministack with AUTH=true, which checks signatures and evaluates IAM policies. Three
users share the work, with the policies that `manage.py cfsigned_setup --iam` prints: `setup` may
set AWS up; the site may keep files, rotate keys, and look at all that the doctor looks at; the
edge may read files, and whom to trust. Everybody else is refused.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.iam import (
    doctor_policy,
    rotation_policy,
    runtime_policy,
    setup_policy,
)
from demo_project.ports import HOST
from demo_project.processes import Command, DemoFailed, environment
from demo_project.state import Credentials, DemoState, write_secret

REGION = "us-east-1"
EDGE_PROFILE = "edge"

#: Names the user as whom boto3 works in the demo's settings, "site" where it is not set.
USER_VARIABLE = "CFSIGNED_DEMO_AWS_USER"


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
    """Return the variables by which boto3 finds the local AWS, as a user of the demo's.

    An account that this machine may know besides is none of the demo's business.
    """
    user = state.users[os.environ.get(USER_VARIABLE) or "site"]
    return {
        "AWS_ACCESS_KEY_ID": user.access_key_id,
        "AWS_SECRET_ACCESS_KEY": user.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_ENDPOINT_URL": state.address("s3"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def prepare_users(state: DemoState) -> DemoState:
    """Create the users where they are missing, and return the state with their keys.

    Raise DemoFailed with what IAM said.
    """
    try:
        users = {name: _working_user(state, name) for name in policies(state.bucket)}
    except (BotoCoreError, ClientError) as error:
        raise DemoFailed(
            f"The users could not be prepared: {error}", state.logs / "aws.log"
        ) from error
    prepared = replace(state, users=users)
    prepared.save()
    return prepared


def policies(bucket: str) -> dict[str, tuple[Document, ...]]:
    """Return what each user may do."""
    return {
        "setup": (setup_policy(bucket),),
        "site": (runtime_policy(bucket), rotation_policy(), doctor_policy(bucket)),
        "edge": (_edge_policy(bucket),),
    }


def _edge_policy(bucket: str) -> Document:
    """Return what `cfsigned_edge --distribution` needs.

    In S3 that is the one right which a bucket policy gives to an origin access control.
    """
    reads = ("cloudfront:GetDistribution", "cloudfront:GetKeyGroup", "cloudfront:GetPublicKey")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
            {"Effect": "Allow", "Action": list(reads), "Resource": "*"},
        ],
    }


def _working_user(state: DemoState, name: str) -> Credentials:
    """Return the user's key, or a new one where the server does not know it (any more)."""
    iam = _client(state, "iam")
    known = state.users.get(name)
    try:
        iam.get_user(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        iam.create_user(UserName=name)
    existing = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    for number, policy in enumerate(policies(state.bucket)[name]):
        document = json.dumps(policy)
        iam.put_user_policy(UserName=name, PolicyName=f"demo-{number}", PolicyDocument=document)
    if known and known.access_key_id in {key["AccessKeyId"] for key in existing}:
        return known
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])


def _client(state: DemoState, name: str) -> Any:
    """Return a client of the local AWS with the rights of its owner."""
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=state.address("s3"),
        region_name=REGION,
        aws_access_key_id=state.root.access_key_id,
        aws_secret_access_key=state.root.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
