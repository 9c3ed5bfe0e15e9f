"""The demo's key group: made through CloudFront's API, as the emulator speaks it.

On the first start the public half of the settings' key goes into CloudFront and into a new key
group. From then on the group belongs to whoever rotates keys. Where the emulator has lost it (its
folder was emptied), the demo begins anew with the settings' key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from cfsigned_django.aws.client import AwsError, call, make_client
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.signing import PrivateKey
from demo_project.processes import DemoFailed
from demo_project.state import DemoState

# Names are CloudFront's: each is given once in an account.
_PUBLIC_KEY: Final = "demo-settings-key"
_KEY_GROUP: Final = "demo-media"


def prepare_key_group(state: DemoState) -> DemoState:
    """Make public key and key group where they are missing; return the state with their ids.

    Each step finds what a start that was killed had made. Raise DemoFailed with what the API said.
    """
    try:
        prepared = _prepare(state)
    except AwsError as error:
        log = state.logs / "aws.log"
        raise DemoFailed(f"The key group could not be prepared. {error}", log) from error
    prepared.save()
    return prepared


def _prepare(state: DemoState) -> DemoState:
    client = make_client(
        "cloudfront",
        endpoint_url=state.address("s3"),
        access_key=state.root.access_key_id,
        secret_key=state.root.secret_access_key,
    )
    key_groups = KeyGroups(client)
    if state.key_group_id and _is_there(key_groups, state.key_group_id):
        return state
    private_key = PrivateKey.load(state.private_key_path)
    key_pair_id = key_groups.ensure_public_key(
        caller_reference=private_key.public_key.fingerprint,
        name=_PUBLIC_KEY,
        public_key_pem=private_key.public_key.to_pem(),
    )
    key_group_id = _ensure_group(client, key_pair_id)
    return replace(state, key_pair_id=key_pair_id, key_group_id=key_group_id)


def _is_there(key_groups: KeyGroups, key_group_id: str) -> bool:
    try:
        key_groups.members(key_group_id)
    except AwsError as error:
        if error.code == "NoSuchResource":
            return False
        raise
    return True


def _ensure_group(client: Any, key_pair_id: str) -> str:
    listed = call(client.list_key_groups, "list the key groups", "cloudfront:ListKeyGroups")
    for item in listed["KeyGroupList"].get("Items", ()):
        group: dict[str, Any] = item["KeyGroup"]
        if group["KeyGroupConfig"]["Name"] == _KEY_GROUP:
            return str(group["Id"])
    created = call(
        client.create_key_group,
        "create the key group",
        "cloudfront:CreateKeyGroup",
        KeyGroupConfig={
            "Name": _KEY_GROUP,
            "Comment": "made by the cfsigned_django demo",
            "Items": [key_pair_id],
        },
    )
    return str(created["KeyGroup"]["Id"])
