"""Test the command cfsigned_sign."""

from __future__ import annotations

import json
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


def test_prints_a_url_that_verifies(ec_key: PrivateKey) -> None:
    """Print the signed URL alone."""
    url = run("회의록 2026.txt")
    policy = Verifier({"K2JCJMDEHXQW5F": ec_key.public_key}).verify(url, now=1_790_000_000)
    assert policy.resource.startswith("https://d111111abcdef8.cloudfront.net/%ED%9A%8C")


def test_json_says_when_the_url_ends_and_which_key_signed_it() -> None:
    """Describe the URL for machines, with its end in UTC."""
    described = json.loads(run("a.jpg", "--expire", "60", "--json"))
    assert described["url"].startswith("https://d111111abcdef8.cloudfront.net/a.jpg?Expires=")
    assert described["expires_at"].endswith("Z")
    assert described["key_pair_id"] == "K2JCJMDEHXQW5F"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["a.jpg", "--storage", "nope"],
            "no storage 'nope' in STORAGES, which has bad, default, plain",
        ),
        (
            ["a.jpg", "--storage", "bad"],
            r"STORAGES\['bad'\] cannot be used: Could not find backend 'nowhere.Storage'",
        ),
        (["a.jpg", "--storage", "plain"], "does not sign URLs"),
        (["a.jpg", "--expire", "0"], "1 s or more"),
        (["../a.jpg"], "'../a.jpg'"),
    ],
)
def test_refuses_with_one_sentence(arguments: list[str], message: str) -> None:
    """Refuse what makes no sense in a sentence, without a traceback."""
    with pytest.raises(CommandError, match=message.replace("..", r"\.\.")):
        run(*arguments)


def test_names_the_setting_that_is_missing(settings: Any) -> None:
    """Pass on what is wrong with the settings."""
    settings.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(CommandError, match="AWS_S3_CUSTOM_DOMAIN is not set"):
        run("a.jpg")
