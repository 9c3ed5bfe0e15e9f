"""Test the command cfsigned_sign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cfsigned_django.signing import PrivateKey, Verifier


@pytest.fixture(autouse=True)
def storage(settings: Any, ec_key: PrivateKey) -> None:
    """Make the default storage one that signs with an ECDSA key."""
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    settings.AWS_CLOUDFRONT_KEY_ID = "K2JCJMDEHXQW5F"
    settings.AWS_S3_CUSTOM_DOMAIN = "d111111abcdef8.cloudfront.net"
    settings.STORAGES = {
        "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
        "bad": {"BACKEND": "nowhere.Storage"},
        "plain": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


def run(*arguments: str) -> str:
    """Return what the command prints."""
    output = StringIO()
    call_command("cfsigned_sign", *arguments, stdout=output)
    return output.getvalue().strip()


def test_url_and_json(ec_key: PrivateKey) -> None:
    """Print the signed URL alone, or described for machines, with its end in UTC."""
    url = run("회의록 2026.txt")
    described = json.loads(run("a.jpg", "--expire", "60", "--json"))

    verifier = Verifier({"K2JCJMDEHXQW5F": ec_key.public_key})
    policy = verifier.verify(url, now=1_790_000_000)
    assert policy.resource.startswith("https://d111111abcdef8.cloudfront.net/%ED%9A%8C")
    end = verifier.verify(described["url"], now=1_790_000_000).date_less_than
    assert datetime.fromisoformat(described["expires_at"]) == datetime.fromtimestamp(end, tz=UTC)
    assert described["expires_at"].endswith("Z")
    assert described["key_pair_id"] == "K2JCJMDEHXQW5F"


def test_public_url(settings: Any) -> None:
    """Describe a URL that is not signed as one without end and key."""
    settings.AWS_QUERYSTRING_AUTH = False
    url = "https://d111111abcdef8.cloudfront.net/a.jpg"

    described = json.loads(run("a.jpg", "--json"))

    assert described == {"url": url, "expires_at": None, "key_pair_id": None}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["a.jpg", "--storage", "nope"], "'nope'.*bad, default, plain"),
        (["a.jpg", "--storage", "bad"], "nowhere.Storage"),
        (["a.jpg", "--storage", "plain"], "'plain'"),
        (["a.jpg", "--expire", "0"], "1 s"),
        (["../a.jpg"], r"'\.\.'"),
    ],
)
def test_refusals(arguments: list[str], named: str) -> None:
    """Name the argument that makes no sense, without a traceback."""
    with pytest.raises(CommandError, match=named):
        run(*arguments)


def test_missing_setting(settings: Any) -> None:
    """Pass on what is wrong with the settings."""
    settings.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(CommandError, match="AWS_S3_CUSTOM_DOMAIN"):
        run("a.jpg")
