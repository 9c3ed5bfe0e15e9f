"""Set up in processes, each of which is killed right after AWS answered its n-th change.

usage: killed_run ENDPOINT DIRECTORY LAST

The processes 1 to LAST work in accounts of their own, and keep their key files in the directory.
Their exit codes are printed. They are forks of one process: to import everything takes longest.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import django

from cfsigned_django.aws.provisioning.apply import Provisioner
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.signing import KeyAlgorithm
from tests.aws.provisioning.accounts import clients_of, reader
from tests.ministack_server import Ministack

_READS = ("Get", "List", "Head")


def account_of(nth: int) -> str:
    """Return the account of the n-th process."""
    return f"7{nth:011d}"


def key_file_of(directory: Path, nth: int) -> Path:
    """Return the key file of the n-th process."""
    return directory / f"{nth}.pem"


def desired_state_of(nth: int) -> DesiredState:
    """Return the desired state of the n-th process: the same but for the bucket."""
    return DesiredState(
        bucket=f"media-{account_of(nth)}",
        creates_distribution=True,
        path_pattern="media/*",
        cors_origins=("https://www.example.com",),
        downloads=True,
    )


def set_up(server: Ministack, directory: Path, nth: int) -> None:
    """Set up, and die in the middle."""
    from cfsigned_django.setup.keys import KeyFile

    answered = 0

    def count(model: Any, **event: Any) -> None:
        nonlocal answered
        answered += not model.name.startswith(_READS)
        if answered == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    clients = clients_of(server, account_of(nth))
    for client in (clients.cloudfront, clients.s3):
        client.meta.events.register("after-call", count)
    desired, provider = desired_state_of(nth), KeyFile(path=key_file_of(directory, nth))
    Provisioner(
        clients=clients,
        read=reader(clients, desired),
        desired=lambda: replace(desired, key=provider.find()),
        make_key=lambda: provider.make(KeyAlgorithm.ECDSA_P256),
        sleep=lambda seconds: None,
    ).apply()


def main(endpoint_url: str, directory: Path, last: int) -> None:
    """Run one process after the other."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()  # beside the file's key is the database's, which is a model
    codes = []
    for nth in range(1, last + 1):
        child = os.fork()
        if not child:
            try:
                set_up(Ministack(endpoint_url=endpoint_url), directory, nth)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
