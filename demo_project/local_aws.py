"""The local AWS: how it is started, and what its users may do.

The server is ministack with AUTH=true, which checks signatures and evaluates IAM policies. The site
may save files, rotate keys, and read everything that the doctor reads; the edge may read files, and
which keys are trusted. `tutorial` is the person who follows part 2 of the tutorial here. All other
requests are refused. The owner of the account deploys the stack: see stack.py.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cfsigned_django.tools.account.documents import Document
from demo_project.servers import Command, DemoFailed, environment
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
                "cloudfront:GetCachePolicy",
                "cloudfront:GetDistribution",
                "cloudfront:GetKeyGroup",
                "cloudfront:GetOriginRequestPolicy",
                "cloudfront:GetPublicKey",
                "cloudfront:GetResponseHeadersPolicy",
            ],
            "Resource": "*",
        },
    ],
}

_POLICIES: Final = Path(__file__).parents[1] / "docs" / "reference" / "iam"


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
        SERVICES="s3,iam,sts,cloudfront,cloudformation",
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
        "site": tuple(_of_the_docs(job, bucket) for job in ("site", "rotation", "doctor")),
        "edge": (_EDGE_POLICY,),
        "tutorial": tuple(
            _of_the_docs(job, TUTORIAL_BUCKETS) for job in ("setup", "doctor", "site")
        ),
    }


def _of_the_docs(job: str, bucket: str) -> Document:
    """Return the policy of a job on the page about IAM, for this bucket and any distribution."""
    text = (_POLICIES / f"{job}.json").read_text("utf-8")
    found: Document = json.loads(
        text.replace("media-example", bucket).replace("E1A2B3C4D5E6F7", "*")
    )
    return found


def _working_user(state: DemoState, name: str) -> Credentials:
    """Return the user's key, or a new one if the server does not know it."""
    iam = owners_client(state, "iam")
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


def owners_client(state: DemoState, name: str) -> Any:
    """Return a client of the local AWS with the permissions of its owner."""
    return boto3.client(
        name,  # type: ignore[call-overload]
        endpoint_url=state.address("s3"),
        region_name=REGION,
        aws_access_key_id=state.root.access_key_id,
        aws_secret_access_key=state.root.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
