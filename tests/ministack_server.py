"""Run an emulator of AWS's API (ministack) for tests.

::

    with run_ministack(tmp_path) as aws:
        aws.client("cloudfront", account="111111111111").list_public_keys()

It listens on a free port of 127.0.0.1, keeps everything in memory, and is
stopped by its process id. Each 12-digit access key id is a separate account.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from cfsigned_django.aws.client import Clients, make_client
from tests.background import free_port, opens, running

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ministack:
    """Describe a running emulator."""

    endpoint_url: str

    @overload
    def client(self, name: Literal["cloudfront"], *, account: str) -> CloudFrontClient: ...

    @overload
    def client(self, name: str, *, account: str) -> Any: ...

    def client(self, name: str, *, account: str) -> Any:
        """Return a boto3 client that acts in the account, 12 digits."""
        return make_client(
            name,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            access_key=account,
            secret_key="not checked",
        )

    def reset(self) -> None:
        """Forget all that is in any account: cheaper than to make clients for another one."""
        request = urllib.request.Request(f"{self.endpoint_url}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def clients(self, account: str) -> Clients:
        """Return the clients of an account, 12 digits."""
        return Clients(
            cloudfront=self.client("cloudfront", account=account),
            s3=self.client("s3", account=account),
            sts=self.client("sts", account=account),
            kms=lambda region: self.client("kms", account=account),
        )


@contextmanager
def run_ministack(directory: Path, **more: str) -> Iterator[Ministack]:
    """Start the emulator, with its log in ``directory``; stop it at the end of the block.

    ``more`` are further variables, such as ``AUTH="true"``.
    """
    port = free_port()
    variables = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # Both would open further ports.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "0",
        "SERVICES": "s3,cloudfront,sts,iam,kms,secretsmanager,ssm",
        "STATE_DIR": str(directory / "state"),
        **more,
    }
    endpoint_url = f"http://127.0.0.1:{port}"

    with running(
        [sys.executable, "-m", "ministack"],
        is_ready=lambda: opens(f"{endpoint_url}/_ministack/health"),
        log=directory / "ministack.log",
        folder=directory,
        environment=variables,
    ):
        yield Ministack(endpoint_url=endpoint_url)
