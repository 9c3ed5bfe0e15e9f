"""The stack of the demo: the package's template, deployed by CloudFormation of the emulator.

The key group is made once, beside the stack, with the key that the settings name. After that, it
belongs to the rotation: the stack knows its ID, and never changes it. The stack is updated only if
the site has moved to another port, which is part of the CORS rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.reader import list_key_groups
from cfsigned_django.tools.stack import change_set, events
from cfsigned_django.tools.stack.existing import Stack, StackError, read_stack
from demo_project.local_aws import owners_client
from demo_project.servers import DemoFailed
from demo_project.state import DemoState

#: The name of the stack, of the public key and of the key group.
NAME: Final = "demo"
UPLOAD_PREFIX: Final = "tmp/uploads/"

_WAIT: Final = {"Delay": 1, "MaxAttempts": 60}


def deploy(state: DemoState, tell: Callable[[str], object]) -> DemoState:
    """Make or update the stack; return the state with its IDs. `tell` gets a line for each step.

    Raise DemoFailed.
    """
    origins = ",".join(state.origins)
    if state.cors_origin == origins:
        tell(f"as it was left: {_summary(state)}")
        return state
    try:
        key_pair_id, key_group_id = _key_group(state, tell)
        client = owners_client(state, "cloudformation")
        _remove_unfinished(client, owners_client(state, "s3"), state.bucket)
        stack = _deploy(
            client,
            {
                "BucketName": state.bucket,
                "KeyGroupId": key_group_id,
                "CorsOrigins": origins,
                "UploadOrigins": origins,
                "UploadPrefix": UPLOAD_PREFIX,
            },
            tell,
        )
        _end_uploads(owners_client(state, "s3"), state.bucket)
    except (AwsError, BotoCoreError, ClientError, StackError, WaiterError) as error:
        raise DemoFailed(
            f"The stack was not deployed: {error}\nTo start from scratch, delete {state.folder}.",
            state.logs / "aws.log",
        ) from error
    deployed = replace(
        state,
        cors_origin=origins,
        distribution_id=stack.outputs["DistributionId"],
        key_group_id=key_group_id,
        key_pair_id=key_pair_id,
    )
    deployed.save()
    tell(_summary(deployed))
    return deployed


def _key_group(state: DemoState, tell: Callable[[str], object]) -> tuple[str, str]:
    """Return the IDs of the settings' key and of the key group; make what is missing."""
    if state.key_group_id:
        return state.key_pair_id, state.key_group_id
    client = owners_client(state, "cloudfront")
    public_key = PrivateKey.load(state.private_key_path).public_key
    key_pair_id = KeyGroups(client).ensure_public_key(
        caller_reference=NAME, name=NAME, public_key_pem=public_key.to_pem()
    )
    # An earlier start may have been killed.
    found = [each.id for each in list_key_groups(client) if each.name == NAME]
    if not found:
        config = {"Name": NAME, "Items": [key_pair_id]}
        found = [client.create_key_group(KeyGroupConfig=config)["KeyGroup"]["Id"]]
    tell(f"made     the key group {found[0]} with the public key {key_pair_id}")
    return key_pair_id, found[0]


def _remove_unfinished(client: Any, s3: Any, bucket: str) -> None:
    """Remove a stack whose creation an emulator had begun that was killed: it never goes on."""
    found = [each for each in client.describe_stacks()["Stacks"] if each["StackName"] == NAME]
    if [each["StackStatus"] for each in found] != ["CREATE_IN_PROGRESS"]:
        return
    client.delete_stack(StackName=NAME)
    client.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig=_WAIT)
    if any(each["Name"] == bucket for each in s3.list_buckets()["Buckets"]):
        s3.delete_bucket(Bucket=bucket)  # The stack keeps it. Nothing is in it yet.


def _deploy(client: Any, given: Mapping[str, str], tell: Callable[[str], object]) -> Stack:
    """Let CloudFormation create or update the stack, as cfsigned_setup does; return it."""
    present = read_stack(client, NAME)
    plan = change_set.create(client, NAME, stack=present, given=given, sleep=_sleep)
    if present is not None and not plan.changes:
        change_set.delete(client, plan)  # An earlier start was killed before it wrote this down.
        return present
    change_set.execute(client, plan)
    stack = events.follow(client, plan.stack_id, show=tell, sleep=_sleep)
    if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackError(events.cause(client, stack.id) or f"it is in {stack.status}")
    return stack


def _sleep(seconds: float) -> None:
    # The emulator is quicker than AWS.
    time.sleep(seconds / 20)


def _end_uploads(s3: Any, bucket: str) -> None:
    """Set the lifecycle rules of the template: this CloudFormation does not carry them out."""
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "unfinished-parts",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {
                    "ID": "unfinished-uploads",
                    "Status": "Enabled",
                    "Filter": {"Prefix": UPLOAD_PREFIX},
                    "Expiration": {"Days": 7},
                },
            ]
        },
    )


def _summary(state: DemoState) -> str:
    return f"distribution {state.distribution_id}, key group {state.key_group_id}"
