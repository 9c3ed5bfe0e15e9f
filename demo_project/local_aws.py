"""The local AWS: how it is started, what its users may do, and how it is set up.

The server is ministack with AUTH=true, which checks signatures and evaluates IAM policies. Users
share the work, with the policies that `manage.py cfsigned_setup --iam` prints: `setup` may set AWS
up; the site may save files, rotate keys, and read everything that the doctor reads; the edge may
read files, and which keys are trusted. `tutorial` is the person who follows part 2 of the tutorial
here. All other requests are refused.

`manage.py cfsigned_setup` sets it up, as in a real AWS account: public key, key group, bucket,
origin access control, policies, distribution. After that, the key group belongs to the rotation.
The command runs again only if the site has moved to another port, which is part of the bucket's
CORS rules.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.iam import (
    doctor_policy,
    rotation_policy,
    runtime_policy,
    setup_policy,
)
from demo_project.servers import Command, DemoFailed, environment, manage_command, run
from demo_project.state import HOST, Credentials, DemoState, write_secret

REGION = "us-east-1"
#: As part 2 of the tutorial names them.
TUTORIAL_PROFILE, TUTORIAL_BUCKETS = "media-admin", "private-media-*"

#: The variable with the user of boto3 in the demo's settings; "site" if it is not set. "root" is
#: the owner of the account.
USER_VARIABLE = "CFSIGNED_DEMO_AWS_USER"

#: What the edge needs. In S3, this is the one permission that a bucket policy gives to an origin
#: access control.
_EDGE_POLICY: Final[Document] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::*/*"},
        {
            "Effect": "Allow",
            "Action": [
                "cloudfront:GetDistribution",
                "cloudfront:GetKeyGroup",
                "cloudfront:GetPublicKey",
                "cloudfront:GetResponseHeadersPolicy",
            ],
            "Resource": "*",
        },
    ],
}

# A plan has the change of a document below the step that sends it.
_OF_A_DOCUMENT: Final = re.compile(r" {10}[-+@ ]")


def aws_command(state: DemoState) -> Command:
    """Return the command of the local AWS. Its objects, users and key groups outlive it."""
    scratch = state.folder / "s3" / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    variables = environment(
        AUTH="true",
        AWS_ACCESS_KEY_ID=state.root.access_key_id,
        AWS_SECRET_ACCESS_KEY=state.root.secret_access_key,
        BIND_HOST=HOST,
        GATEWAY_PORT=str(state.ports["s3"]),
        # Both would open other ports.
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


def tutorial_config(state: DemoState) -> Path:
    """Return the path of the AWS configuration for a person who follows the tutorial."""
    return state.folder / "keys" / "aws_config"


def _write_profile(file: Path, section: str, user: Credentials, *more: str) -> None:
    lines = (
        f"[{section}]",
        f"aws_access_key_id = {user.access_key_id}",
        f"aws_secret_access_key = {user.secret_access_key}",
        *more,
    )
    write_secret(file, "\n".join(lines).encode() + b"\n")


def api_environment(state: DemoState) -> dict[str, str]:
    """Return the variables by which boto3 finds the local AWS, as one of the demo's users.

    They override any AWS account that is configured on this machine.
    """
    name = os.environ.get(USER_VARIABLE) or "site"
    user = state.root if name == "root" else state.users[name]
    return {
        "AWS_ACCESS_KEY_ID": user.access_key_id,
        "AWS_SECRET_ACCESS_KEY": user.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_ENDPOINT_URL": state.address("s3"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def prepare_users(state: DemoState) -> DemoState:
    """Create missing users, and return the state with their keys. Configure the tutorial's.

    Raise DemoFailed with IAM's error.
    """
    try:
        users = {name: _working_user(state, name) for name in policies(state.bucket)}
    except (BotoCoreError, ClientError) as error:
        raise DemoFailed(
            f"The users could not be prepared: {error}", state.logs / "aws.log"
        ) from error
    prepared = replace(state, users=users)
    prepared.save()
    place = f"region = {REGION}", f"endpoint_url = {state.address('s3')}"
    name = f"profile {TUTORIAL_PROFILE}"
    _write_profile(tutorial_config(prepared), name, users["tutorial"], *place)
    return prepared


def policies(bucket: str) -> dict[str, tuple[Document, ...]]:
    """Return what each user may do."""
    return {
        "setup": (setup_policy(bucket, uploads=True),),
        "site": (
            runtime_policy(bucket, invalidated=("*",)),
            rotation_policy(),
            doctor_policy(bucket, uploads=True),
        ),
        "edge": (_EDGE_POLICY,),
        "tutorial": (
            setup_policy(TUTORIAL_BUCKETS),
            doctor_policy(TUTORIAL_BUCKETS),
            runtime_policy(TUTORIAL_BUCKETS, invalidated=("*",)),
        ),
    }


def set_up_aws(state: DemoState, tell: Callable[[str], object]) -> DemoState:
    """Create what is missing; return the state with the IDs. `tell` gets the plan, line by line.

    If an earlier start was killed, what it created is found again. Raise DemoFailed.
    """
    if state.cors_origin == _origins(state):
        tell(f"as it was left: {_summary(state)}")
        return state
    command = _setup_command(state)
    tell(f"$ manage.py {' '.join(_arguments(state))}")
    # It asks after it has shown its plan. The edge of the demo starts later, so the proof has no
    # answer yet: 75.
    made = json.loads(run(command, typed="yes", codes=(0, 75)))["settings"]
    _tell_plan(state, command.log.read_text("utf-8"), tell)
    prepared = replace(
        state,
        cors_origin=_origins(state),
        distribution_id=made["AWS_CLOUDFRONT_DISTRIBUTION_ID"],
        key_group_id=made["AWS_CLOUDFRONT_KEY_GROUP_ID"],
        # Absent if the key was imported into the database.
        key_pair_id=made.get("AWS_CLOUDFRONT_KEY_ID", state.key_pair_id),
    )
    prepared.save()
    tell(f"applied: {_summary(prepared)}")
    return prepared


def _working_user(state: DemoState, name: str) -> Credentials:
    """Return the user's key, or a new one if the server does not know it."""
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
    """Return a client of the local AWS with the permissions of its owner."""
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=state.address("s3"),
        region_name=REGION,
        aws_access_key_id=state.root.access_key_id,
        aws_secret_access_key=state.root.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def _tell_plan(state: DemoState, printed: str, tell: Callable[[str], object]) -> None:
    """Print each planned step with its call; the long documents go into a file."""
    steps, is_planned, _ = printed.partition("\n\nIn short:\n")
    if not is_planned:
        return  # An earlier start has done all of it, and was killed then.
    plan = state.logs / "plan.txt"
    plan.write_text(f"{steps}\n", encoding="utf-8")
    for line in steps.splitlines():
        if not _OF_A_DOCUMENT.match(line):
            tell(line)
    tell("The plan as the command prints it, with each document that is sent:")
    tell(str(plan))


def _origins(state: DemoState) -> str:
    return " ".join(state.cors_options[1::2])


def _summary(state: DemoState) -> str:
    return f"distribution {state.distribution_id}, key group {state.key_group_id}"


def _arguments(state: DemoState) -> tuple[str, ...]:
    """Return the arguments of manage.py by which the demo sets itself up."""
    arguments = (*state.cors_options, "--upload-prefix", "tmp", "--downloads", "--apply", "--json")
    return ("cfsigned_setup", *(() if state.distribution_id else ("--create",)), *arguments)


def _setup_command(state: DemoState) -> Command:
    """Return cfsigned_setup as the user who may set AWS up."""
    return manage_command(state, "setup", *_arguments(state), variables={USER_VARIABLE: "setup"})
