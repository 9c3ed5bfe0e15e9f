"""Let a setup die after each of its changes; the next run reaches the same end.

Modules: tools/account/state/apply.py
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.state.wanted import SiteKey, Wanted
from tests.ministack_server import MinistackHere
from tests.tools.account.state.accounts import bucket_of, provisioner, reader

DYING, UNDISTURBED = "700000000001", "700000000002"
#: CreatePublicKey, CreateKeyGroup, CreateBucket, CreateOriginAccessControl, two policies,
#: CreateDistribution, PutBucketPolicy, PutBucketCors, PutPublicAccessBlock.
CHANGES = 11


class Died(BaseException):
    """The end of a process: nothing of it goes on."""


def desired_state(account: str, key: PrivateKey) -> Wanted:
    """Return a desired state that takes every change: the same for each account but the bucket."""
    return Wanted(
        bucket=f"media-{account}",
        creates_distribution=True,
        path_pattern="media/*",
        cors_origins=("https://www.example.com",),
        downloads=True,
        key=SiteKey.from_public_key(key.public_key),
    )


def end_state(clients: Clients, desired: Wanted, account_id: str) -> str:
    """Return all that there is, without what differs between accounts."""
    account = reader(clients, desired)()
    assert account.distribution is not None
    (key,), (group,) = account.public_keys or (), account.key_groups or ()
    (control,) = account.access_controls or ()
    [cache], [request] = account.cache_policies or {}, account.origin_request_policies or {}
    [headers] = account.response_headers_policies or {}
    # Each account got the key at another moment.
    without_time = replace(account, public_keys=(replace(key, created_at=None),))
    text = json.dumps(asdict(without_time), default=str, sort_keys=True)
    for label, found in {
        "distribution": account.distribution.id,
        "domain": account.distribution.domain_name,
        "version": account.distribution.etag,
        "key": key.key_pair_id,
        "group": group.id,
        "control": control.id,
        "cache policy": cache,
        "request policy": request,
        "headers policy": headers,
        "bucket": bucket_of(account).name,
        "account": account_id,
    }.items():
        text = text.replace(found, f"<{label}>")
    return text


def test_same_end_state(ministack: MinistackHere, ec_key: PrivateKey) -> None:
    """Reach the state of an undisturbed run, whichever answers were lost.

    Each run dies right after AWS answered its first change, until one has nothing left to change.
    """
    dying, undisturbed = ministack.remembering(DYING), ministack.remembering(UNDISTURBED)
    died: list[str] = []

    def die(model: Any, **event: Any) -> None:
        if not model.name.startswith(("Get", "List", "Head")):
            died.append(model.name)
            raise Died

    for client in (dying.cloudfront, dying.s3):
        client.meta.events.register("after-call", die)
    for _ in range(CHANGES):
        with pytest.raises(Died):
            provisioner(dying, desired_state(DYING, ec_key)).apply()
    provisioner(dying, desired_state(DYING, ec_key)).apply()
    provisioner(undisturbed, desired_state(UNDISTURBED, ec_key)).apply()

    assert len(died) == CHANGES
    assert end_state(dying, desired_state(DYING, ec_key), DYING) == end_state(
        undisturbed, desired_state(UNDISTURBED, ec_key), UNDISTURBED
    )
