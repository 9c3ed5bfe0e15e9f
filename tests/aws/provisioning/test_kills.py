"""Kill a set-up after each of its changes; the next run reaches the same end."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.aws.account import Account
from cfsigned_django.aws.client import Clients
from cfsigned_django.setup.keys import KeyFile
from tests.aws.provisioning.accounts import (
    bucket_of,
    clients_of,
    provisioner,
    reader,
    states,
)
from tests.aws.provisioning.killed_run import desired_state_of
from tests.ministack_server import Ministack
from tests.projects import ROOT

#: CreatePublicKey, CreateKeyGroup, CreateBucket, CreateOriginAccessControl, two policies,
#: CreateDistribution, PutBucketPolicy, PutBucketCors, PutPublicAccessBlock.
CHANGES = 10


def run(server: Ministack, account: str, bucket: str, key: Path, nth: int) -> int:
    """Run the set-up in a process that is killed after the n-th change; return its exit code."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.aws.provisioning.killed_run",
            server.endpoint_url,
            account,
            bucket,
            str(key),
            str(nth),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def end_state(account: Account, account_id: str) -> dict[str, Any]:
    """Return what there is, with labels in the place of what differs between accounts."""
    assert account.distribution is not None
    (key,), (group,) = account.public_keys or (), account.key_groups or ()
    (control,) = account.access_controls or ()
    policies = {
        each.id: kind
        for kind, policies_of_kind in (
            ("cache policy", account.cache_policies),
            ("origin request policy", account.origin_request_policies),
        )
        for each in (policies_of_kind or {}).values()
    }
    # Each account made its key at a moment of its own.
    without_time = replace(account, public_keys=(replace(key, created_at=None),))
    labels = {
        account.distribution.id: "distribution",
        account.distribution.domain_name: "domain",
        account.distribution.etag: "version",
        key.key_pair_id: "public key",
        key.public_key_pem: "PEM",
        key.name: "name of the key",
        group.id: "key group",
        control.id: "access control",
        bucket_of(account).name: "bucket",
        account_id: "account",
        **policies,
    }
    shown: dict[str, Any] = _relabel(asdict(without_time), labels)
    return shown


def _relabel(value: Any, labels: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_relabel(k, labels): _relabel(v, labels) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_relabel(each, labels) for each in value]
    if isinstance(value, str):
        for text, label in sorted(labels.items(), key=lambda pair: -len(pair[0])):
            value = value.replace(text, f"<{label}>")
    return value


def go_on(clients: Clients, bucket: str, account: str, key: Path) -> dict[str, Any]:
    """Run the set-up to its end; return the end state."""
    desired = replace(desired_state_of(bucket), key=KeyFile(path=key).find())
    after = provisioner(clients, desired).apply()
    assert set(states(after).values()) == {"done"}
    return end_state(reader(clients, desired)(), account)


@pytest.fixture(scope="module")
def reference(ministack: Ministack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the end state of a run that nobody killed: it makes no further change."""
    account, bucket = "777777777777", "media-of-the-reference"
    key = tmp_path_factory.mktemp("reference") / "key.pem"
    assert run(ministack, account, bucket, key, CHANGES + 1) == 0
    return go_on(clients_of(ministack, account), bucket, account, key)


@pytest.mark.parametrize("nth", range(1, CHANGES + 1))
def test_same_end_state(
    nth: int,
    clients: Clients,
    ministack: Ministack,
    aws_account: str,
    bucket_name: str,
    tmp_path: Path,
    reference: dict[str, Any],
) -> None:
    """Reach the state of a run that nobody killed, whatever the answer that was lost."""
    key = tmp_path / "key.pem"

    killed = run(ministack, aws_account, bucket_name, key, nth)
    found = go_on(clients, bucket_name, aws_account, key)

    assert killed == -signal.SIGKILL
    assert found == reference
