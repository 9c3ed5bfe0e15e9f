"""Give the tests of the edge a distribution in front of an origin that repeats what it gets."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.tools.edge import Behavior, Distribution
from cfsigned_django.tools.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.tools.model.forwarding import Forwarding
from tests.signing.cases import BODIES, EXPIRES, IMAGE, KEY_ID, NOW, ORIGIN
from tests.tools.account.by_hand import CORS_HEADERS

MakeClient: TypeAlias = Callable[..., EdgeClient]
HOST = ORIGIN.removeprefix("https://")
#: Every parameter, and the headers of CORS.
EVERYTHING = Forwarding(
    cache_policy={
        "Name": "everything",
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    },
    origin_request_policy={
        "Name": "Managed-CORS-S3Origin",
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Items": CORS_HEADERS}},
    },
)


def call(application: WSGIApplication, **environ: object) -> tuple[str, dict[str, str], bytes]:
    """Call a WSGI application with a GET request; return status, headers and body."""
    started: list[tuple[str, dict[str, str]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> type:
        started.append((status, dict(headers)))
        return bytes

    request = {"REQUEST_METHOD": "GET", "HTTP_HOST": HOST, "wsgi.url_scheme": "https"}
    body = b"".join(application(request | environ, start_response))
    return *started[0], body


def check_refused(response: EdgeResponse, code: str) -> None:
    """Compare the whole refusal, byte for byte: it never says why."""
    headers = dict(response.headers.items())
    assert (response.status, response.body) == (403, BODIES[code])
    assert headers.pop("Content-Length") == str(len(BODIES[code]))
    assert headers.pop("Content-Type") == "text/xml"
    assert headers.pop("Server") == "CloudFront"
    assert headers.pop("X-Cache") == "Error from cloudfront"
    assert {*headers} == {"Via", "X-Amz-Cf-Id", "X-Amz-Cf-Pop"}
    assert response.error_code == code
    assert response.reason


def echo_origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with what reached the origin, as JSON."""
    seen = {name: value for name, value in environ.items() if isinstance(value, str)}
    body = json.dumps(seen).encode()
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def seen_by_origin(response: EdgeResponse) -> dict[str, str]:
    """Return the environ that the echoing origin got."""
    assert response.status == 200, response.reason
    seen: dict[str, str] = json.loads(response.body)
    return seen


@pytest.fixture
def signer(ec_key: PrivateKey) -> Signer:
    """Return a signer whose key the distribution trusts."""
    return Signer(key_pair_id=KEY_ID, private_key=ec_key)


@pytest.fixture
def url(signer: Signer) -> str:
    """Return the image's URL, signed."""
    return signer.sign_url(IMAGE, date_less_than=EXPIRES)


@pytest.fixture
def make_client(ec_key: PrivateKey) -> MakeClient:
    """Return a function that makes a client of a distribution, restricted unless told otherwise."""

    def make(**options: Any) -> EdgeClient:
        defaults: dict[str, Any] = {
            "domain_names": (HOST,),
            "behaviors": (Behavior(trusted_key_groups=("group",)),),
            "key_groups": {"group": {KEY_ID: ec_key.public_key}},
            "origin": echo_origin,
            "clock": lambda: float(NOW),
        }
        return EdgeClient(Distribution(**(defaults | options)))

    return make


@pytest.fixture
def client(make_client: MakeClient) -> EdgeClient:
    """Return a client of a distribution that serves nothing without a signature."""
    return make_client()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return what the edge logs, served requests included."""
    caplog.set_level(logging.INFO, "cfsigned_django.tools.edge")
    return caplog
