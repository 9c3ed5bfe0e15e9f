"""Kill a setup after each of its changes; the next run reaches the same end.

``python -m tests.aws.state.test_kills ENDPOINT KEY_FILE`` sets up in one process after the
other, each killed right after AWS answered its first change, until one has nothing left to change.
The processes are forks of one: to import everything takes longest.

Modules: aws/state/apply.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.state.wanted import SiteKey, Wanted
from cfsigned_django.signing import PrivateKey
from tests.aws.state.accounts import bucket_of, provisioner, reader
from tests.ministack_server import Ministack, run_ministack
from tests.projects import ROOT

KILLED, UNKILLED = "700000000001", "700000000002"
#: CreatePublicKey, CreateKeyGroup, CreateBucket, CreateOriginAccessControl, two policies,
#: CreateDistribution, PutBucketPolicy, PutBucketCors, PutPublicAccessBlock.
CHANGES = 11


def desired_state(account: str, key: PrivateKey) -> Wanted:
    """Return a desired state that takes every change: the same for each account but the bucket."""
    return Wanted(
        bucket=f"media-{account}",
        creates_distribution=True,
        path_pattern="media/*",
        cors_origins=("https://www.example.com",),
        downloads=True,
        key=SiteKey.from_private_key(key),
    )


def set_up_and_die(clients: Clients, desired: Wanted) -> None:
    """Set up, but die as soon as AWS has answered a change."""

    def die(model: Any, **event: Any) -> None:
        if not model.name.startswith(("Get", "List", "Head")):
            os.kill(os.getpid(), signal.SIGKILL)

    for client in (clients.cloudfront, clients.s3):
        client.meta.events.register("after-call", die)
    provisioner(clients, desired).apply()


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


def test_same_end_state(ec_key: PrivateKey, tmp_path: Path) -> None:
    """Reach the state of an undisturbed run, whichever answers were lost."""
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(ec_key.to_pem())

    with run_ministack(tmp_path) as server:
        command = [sys.executable, "-m", __name__, server.endpoint_url, str(key_file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        unkilled = server.clients(UNKILLED)
        provisioner(unkilled, desired_state(UNKILLED, ec_key)).apply()
        killed = end_state(server.clients(KILLED), desired_state(KILLED, ec_key), KILLED)
        expected = end_state(unkilled, desired_state(UNKILLED, ec_key), UNKILLED)

    assert json.loads(done.stdout) == [-signal.SIGKILL] * CHANGES + [0], done.stderr
    assert killed == expected


def main(endpoint_url: str, key_file: Path) -> None:
    """Run one process after the other; print their exit codes."""
    desired = desired_state(KILLED, PrivateKey.load(key_file))
    clients = Ministack(endpoint_url=endpoint_url).clients(KILLED)  # connects in each process
    codes = [1]
    while codes[-1] and len(codes) < 2 * CHANGES:
        child = os.fork()
        if not child:
            try:
                set_up_and_die(clients, desired)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes[1:]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
