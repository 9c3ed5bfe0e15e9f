"""Measure signed cookies: a request whose marker is good, a renewal, and what others take.

`cloudfront-signed-cookies` is measured if it is installed, as `make bench` does. Others return the
cookies; a renewal of this package also puts them into a response and writes the marker.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

from botocore.signers import CloudFrontSigner
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from benchmarks.sites import DOMAIN, ECDSA, RSA, bare_signature, settings_for
from cfsigned_django.cookies import SignedCookieScope
from cfsigned_django.cookies.marker import MARKER
from cfsigned_django.cookies.renewal import are_cookies_due, renew_cookies
from cfsigned_django.signing import PrivateKey

GOOD_MARKER = "a request whose marker is good"
RENEWAL = "a renewal of one folder, {}"
BOTOCORE = "botocore's signer, by hand, RSA"
OTHER = "cloudfront-signed-cookies, RSA"
RESOURCE = f"https://{DOMAIN}/courses/42/*"


class Courses(SignedCookieScope):
    """Open the folder of one course."""

    def get_folders(self, request: HttpRequest) -> list[str]:
        """Return the folder."""
        return ["courses/42"]


def measure(*, rounds: int, count: int) -> dict[str, list[float]]:
    """Return the mean microseconds of each round, by what was measured."""
    found: dict[str, list[float]] = {}
    for key in (RSA, ECDSA):
        with override_settings(**_site(key)):
            for title, work in _contenders(key).items():
                found[title] = [_time(work, count) for _ in range(rounds + 1)][1:]
    return found


def _site(key: PrivateKey) -> dict[str, Any]:
    return settings_for(key) | {
        "ALLOWED_HOSTS": ["*"],
        "AWS_CLOUDFRONT_COOKIE_SCOPES": [f"{__name__}.Courses"],
        "AWS_S3_CUSTOM_DOMAIN": "media.example.com",
        "AWS_CLOUDFRONT_COOKIE_DOMAIN": "example.com",
        "STORAGES": {"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}},
    }


def _contenders(key: PrivateKey) -> dict[str, Callable[[], object]]:
    request: Any = RequestFactory().get("/", secure=True, HTTP_HOST="app.example.com")
    request.session = SimpleNamespace(session_key="k" * 32)
    response = HttpResponse()
    renew_cookies(request, response)
    request.COOKIES[MARKER] = response.cookies[MARKER].value
    assert not are_cookies_due(request)
    work: dict[str, Callable[[], object]] = {
        RENEWAL.format("RSA" if key is RSA else "ECDSA"): lambda: renew_cookies(
            request, HttpResponse()
        )
    }
    if key is RSA:
        work[GOOD_MARKER] = lambda: are_cookies_due(request)
        work[BOTOCORE] = _by_hand(key)
        if find_spec("cloudfront_signed_cookies"):
            theirs = import_module("cloudfront_signed_cookies.signer").Signer(
                "K2JCJMDEHXQW5F", key.to_pem().decode()
            )
            work[OTHER] = lambda: theirs.generate_cookies(RESOURCE, SecondsBeforeExpires=3600)
    return work


def _by_hand(key: PrivateKey) -> Callable[[], object]:
    """Return what sites write that use botocore for the policy, and nothing of this package."""
    sign = bare_signature(key)
    signer = CloudFrontSigner("K2JCJMDEHXQW5F", sign)
    table = str.maketrans("+=/", "-_~")

    def cookies() -> dict[str, str]:
        policy = signer.build_policy(RESOURCE, datetime.fromtimestamp(time.time() + 3600, UTC))
        return {
            "CloudFront-Policy": b64encode(policy.encode()).decode().translate(table),
            "CloudFront-Signature": b64encode(sign(policy.encode())).decode().translate(table),
            "CloudFront-Key-Pair-Id": "K2JCJMDEHXQW5F",
        }

    return cookies


def _time(work: Callable[[], object], count: int) -> float:
    began = time.process_time_ns()
    for _ in range(count):
        work()
    return (time.process_time_ns() - began) / count / 1000
