"""Run a set-up in a process that is killed right after AWS answered its n-th change.

usage: killed_run ENDPOINT ACCOUNT BUCKET KEY_FILE NTH; nothing is killed if NTH is too large
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import django

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.apply import Provisioner
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.signing import KeyAlgorithm
from tests.aws.provisioning.accounts import reader
from tests.ministack_server import Ministack

_READS = ("Get", "List", "Head")


def desired_state_of(bucket: str) -> DesiredState:
    """Return the desired state of every run."""
    return DesiredState(
        bucket=bucket,
        creates_distribution=True,
        path_pattern="media/*",
        cors_origins=("https://www.example.com",),
        downloads=True,
    )


def main(endpoint_url: str, account: str, bucket: str, key_file: str, nth: int) -> None:
    """Set up, and die in the middle."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()  # beside the file's key is the database's, which is a model
    from cfsigned_django.setup.keys import KeyFile

    server = Ministack(endpoint_url=endpoint_url)
    cloudfront, s3, sts = (
        server.client(name, account=account) for name in ("cloudfront", "s3", "sts")
    )
    answered = 0

    def count(model: Any, **event: Any) -> None:
        nonlocal answered
        if model.name.startswith(_READS):
            return
        answered += 1
        if answered == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    for client in (cloudfront, s3):
        client.meta.events.register("after-call", count)
    clients = Clients(cloudfront=cloudfront, s3=s3, sts=sts)
    desired, provider = desired_state_of(bucket), KeyFile(path=Path(key_file))
    Provisioner(
        clients=clients,
        read=reader(clients, desired),
        desired=lambda: replace(desired, key=provider.find()),
        make_key=lambda: provider.make(KeyAlgorithm.ECDSA_P256),
        sleep=lambda seconds: None,
    ).apply()


if __name__ == "__main__":
    _, url, owner, name, path, number = sys.argv
    main(url, owner, name, path, int(number))
