"""Run an emulator of AWS's API (ministack) for tests: in this process, or as a server.

::

    with ministack_here() as aws:
        aws.client("cloudfront", account="111111111111").list_public_keys()

In this process it takes what boto3 would send, and is one for all tests: its
state can be taken and put back. As a server, for other processes, it listens on
a free port of 127.0.0.1, and is stopped by its process id. It keeps everything
in memory. Each 12-digit access key id is a separate account.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import importlib
import io
import os
import pickle
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPHeaderDict, HTTPResponse

from cfsigned_django.core.aws.client import Clients, make_client
from tests.background import PATIENCE, free_port, opens, running

REGION = "us-east-1"
SERVICES = ("s3", "cloudfront", "sts", "iam", "kms", "secretsmanager", "ssm")
_VARIABLES = {
    # Both would open further ports.
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
    "PERSIST_STATE": "0",
    # It imports CloudFormation at the first call, which takes seconds: most tests need none.
    "SERVICES": ",".join((*SERVICES, "cloudformation")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ministack:
    """Describe a running emulator."""

    endpoint_url: str

    def client(self, name: str, *, account: str) -> Any:
        """Return a boto3 client that acts in the account, 12 digits."""
        return make_client(
            name,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="not checked",
        )

    def clients(self, account: str) -> Clients:
        """Return the clients of an account, 12 digits."""
        return Clients(
            cloudfront=self.client("cloudfront", account=account),
            s3=self.client("s3", account=account),
            sts=self.client("sts", account=account),
            kms=functools.cache(lambda region: self.client("kms", account=account)),
        )

    def get(self, target: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the status and the body of an answer, as any program gets it."""
        connection = http.client.HTTPConnection(
            urlsplit(self.endpoint_url).netloc, timeout=PATIENCE
        )
        try:
            connection.request("GET", target, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class MinistackHere(Ministack):
    """The emulator in this process."""

    app: Any
    loop: asyncio.AbstractEventLoop
    #: One request at a time.
    lock: threading.Lock
    #: What its services keep: dictionaries, over all accounts.
    stores: list[Any]

    def empty(self) -> None:
        """Forget all that is in any account."""
        for each in self.stores:
            each.clear()

    def state(self) -> bytes:
        """Return all that is in any account."""
        return pickle.dumps([each.to_dict() for each in self.stores])

    def restore(self, state: bytes) -> None:
        """Have in each account what was there when the state was taken."""
        self.empty()
        for store, kept in zip(self.stores, pickle.loads(state), strict=True):  # noqa: S301 - ours
            store.update(type(store).from_dict(kept))

    def get(self, target: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the status and the body of an answer, as any program gets it."""
        status, _, body = self.ask("GET", f"{self.endpoint_url}{target}", headers)
        return status, body

    def answer(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request of boto3."""
        body: Any = request.body or b""
        body = body.read() if hasattr(body, "read") else body
        sent = body.encode() if isinstance(body, str) else bytes(body)
        status, headers, received = self.ask(
            request.method, request.url, dict(request.headers.items()), sent
        )
        raw = HTTPResponse(
            io.BytesIO(received),
            headers,
            status,
            preload_content=False,
            request_method=request.method,
        )
        fields: Any = headers
        response = AWSResponse(request.url, status, fields, raw)
        if not request.stream_output:
            response.content  # noqa: B018 - it is read now, as from the network
        return response

    def ask(
        self, method: str, url: str, headers: Mapping[str, Any], body: bytes = b""
    ) -> tuple[int, HTTPHeaderDict, bytes]:
        """Return status, headers and body of an answer to any program."""
        place = urlsplit(url)
        fields = {"Host": place.netloc, **headers}
        scope = {
            "type": "http",
            "method": method,
            "scheme": place.scheme,
            "path": unquote(place.path) or "/",
            "raw_path": place.path.encode() or b"/",
            "query_string": place.query.encode(),
            "headers": [
                (name.lower().encode(), each if isinstance(each, bytes) else str(each).encode())
                for name, each in fields.items()
            ],
            "client": ("127.0.0.1", 0),
        }
        started: dict[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                parts.append(message.get("body", b""))

        with self.lock:
            self.loop.run_until_complete(self.app(scope, receive, send))
        answered = HTTPHeaderDict()
        for name, each in started["headers"]:
            answered.add(name.decode("latin-1"), each.decode("latin-1"))
        return started["status"], answered, b"".join(parts)


@contextmanager
def ministack_here() -> Iterator[MinistackHere]:
    """Answer boto3 with the emulator in this process, until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _VARIABLES.items():
            patch.setenv(name, value)
        app = importlib.import_module("ministack.app").app
        kinds = importlib.import_module("ministack.core.responses")
        modules = [importlib.import_module(f"ministack.services.{each}") for each in SERVICES]
    scoped = (kinds.AccountScopedDict, kinds.AccountRegionScopedDict)
    loop = asyncio.new_event_loop()
    here = MinistackHere(
        endpoint_url="http://127.0.0.1:2",  # nothing listens there
        app=app,
        loop=loop,
        lock=threading.Lock(),
        stores=[
            each for module in modules for each in vars(module).values() if isinstance(each, scoped)
        ],
    )
    over_the_network = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if request.url.startswith(f"{here.endpoint_url}/"):
            return here.answer(request)
        return over_the_network(session, request)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(URLLib3Session, "send", send)
            yield here
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def run_ministack(directory: Path, **more: str) -> Iterator[Ministack]:
    """Start the emulator, with its log in ``directory``; stop it at the end of the block.

    ``more`` are further variables, such as ``AUTH="true"``.
    """
    port = free_port()
    variables = {
        **os.environ,
        **_VARIABLES,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
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
