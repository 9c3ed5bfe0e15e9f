"""Kill a setup after each of its changes; the next run reaches the same end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.aws.account import Account
from cfsigned_django.setup.keys import KeyFile
from tests.aws.provisioning.accounts import (
    bucket_of,
    clients_of,
    provisioner,
    reader,
    states,
)
from tests.aws.provisioning.killed_run import account_of, desired_state_of, key_file_of
from tests.ministack_server import Ministack
from tests.projects import ROOT

#: CreatePublicKey, CreateKeyGroup, CreateBucket, CreateOriginAccessControl, two policies,
#: CreateDistribution, PutBucketPolicy, PutBucketCors, PutPublicAccessBlock.
CHANGES = 10


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


def go_on(server: Ministack, directory: Path, nth: int) -> dict[str, Any]:
    """Run the setup of the n-th process to its end; return the end state."""
    clients = clients_of(server, account_of(nth))
    key = KeyFile(path=key_file_of(directory, nth)).find()
    desired = replace(desired_state_of(nth), key=key)
    after = provisioner(clients, desired).apply()
    assert set(states(after).values()) == {"done"}
    return end_state(reader(clients, desired)(), account_of(nth))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the processes keep their key files."""
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def exit_codes(ministack: Ministack, directory: Path) -> list[int]:
    """Run the processes, and one more than there are changes; return their exit codes."""
    module = "tests.aws.provisioning.killed_run"
    done = subprocess.run(
        [sys.executable, "-m", module, ministack.endpoint_url, directory, str(CHANGES + 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    codes: list[int] = json.loads(done.stdout)
    assert codes[-1] == 0, done.stderr
    return codes


@pytest.fixture(scope="module")
def reference(ministack: Ministack, directory: Path, exit_codes: list[int]) -> dict[str, Any]:
    """Return the end state of the run that nobody killed."""
    assert exit_codes[-1] == 0
    return go_on(ministack, directory, CHANGES + 1)


@pytest.mark.parametrize("nth", range(1, CHANGES + 1))
def test_same_end_state(
    ministack: Ministack,
    directory: Path,
    exit_codes: list[int],
    reference: dict[str, Any],
    nth: int,
) -> None:
    """Reach the state of a run that nobody killed, whatever the answer that was lost."""
    found = go_on(ministack, directory, nth)

    assert exit_codes[nth - 1] == -signal.SIGKILL
    assert found == reference
