"""Test the command cfsigned_sign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cfsigned_django.signing import PrivateKey, Verifier
from tests.storage_cases import KEY_ID, NOW, ORIGIN, at


@pytest.fixture(autouse=True)
def storages(site: Any) -> None:
    """Give the site a storage that signs, and two that do not."""
    site.STORAGES = {
        "default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"},
        "bad": {"BACKEND": "nowhere.Storage"},
        "plain": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


def run(*arguments: str) -> str:
    """Return what the command prints."""
    output = StringIO()
    call_command("cfsigned_sign", *arguments, stdout=output)
    return output.getvalue().strip()


def test_url_and_json(rsa_key: PrivateKey) -> None:
    """Print the signed URL alone, or described for machines, with its end in UTC."""
    url = run("회의록 2026.txt")
    described = json.loads(run("a.jpg", "--expire", "60", "--json"))

    verifier = Verifier({KEY_ID: rsa_key.public_key})
    policy = verifier.verify(url, now=1_790_000_000)
    assert policy.resource.startswith(f"{ORIGIN}/%ED%9A%8C")
    end = verifier.verify(described["url"], now=1_790_000_000).date_less_than
    assert datetime.fromisoformat(described["expires_at"]) == datetime.fromtimestamp(end, tz=UTC)
    assert described["expires_at"].endswith("Z")
    assert described["key_pair_id"] == KEY_ID


@pytest.mark.parametrize(("given", "seconds"), [("7d", 604_800), ("5m", 300), ("60", 60)])
def test_lifetime(given: str, seconds: int) -> None:
    """Take a lifetime with its unit, or in seconds."""
    with at(NOW):
        assert f"?Expires={NOW + seconds}&" in run("a.jpg", "--expire", given)


@pytest.mark.parametrize("is_public", [True, False])
def test_unsigned(is_public: bool, settings: Any) -> None:
    """Print a URL without a signature only with --unsigned, and describe it without end and key."""
    settings.AWS_QUERYSTRING_AUTH = not is_public
    url = f"{ORIGIN}/a.jpg"

    assert run("a.jpg", "--unsigned") == url
    described = json.loads(run("a.jpg", "--unsigned", "--json"))
    assert described == {"url": url, "expires_at": None, "key_pair_id": None}


def test_public_name(settings: Any) -> None:
    """Print the URL of a public file only with --unsigned, although url() has no other."""
    entry = {**settings.STORAGES["default"], "OPTIONS": {"public": ["covers/"]}}
    settings.STORAGES = {"default": entry}
    with pytest.raises(CommandError, match="--unsigned"):
        run("covers/a.jpg")
    assert run("covers/a.jpg", "--unsigned").endswith("/covers/a.jpg")
    assert "Signature=" in run("a.jpg")


@pytest.mark.parametrize(
    ("setting", "options", "named"),
    [
        (False, {}, "AWS_QUERYSTRING_AUTH is False.*querystring_auth"),
        (True, {"querystring_auth": False}, "querystring_auth is False"),
        (True, {"cloudfront_signer": None}, "cloudfront_signer is None"),
    ],
)
def test_storage_that_does_not_sign(
    setting: bool, options: dict[str, Any], named: str, settings: Any
) -> None:
    """Print no unsigned URL unasked: say why the storage does not sign."""
    settings.AWS_QUERYSTRING_AUTH = setting
    settings.STORAGES = {"default": {**settings.STORAGES["default"], "OPTIONS": options}}
    output = StringIO()

    with pytest.raises(CommandError, match=named) as refused:
        call_command("cfsigned_sign", "a.jpg", stdout=output)

    assert output.getvalue() == ""
    assert "--unsigned" in str(refused.value)


@pytest.mark.parametrize(
    ("cls", "name", "named"),
    [
        ("OtherHost", "a.jpg", r"storage_cases\.OtherHost\.url\(\) changed.*docs\.example\.com"),
        ("OfOtherHost", "a.jpg", r"storage_cases\.OtherHost\.url\(\) changed"),
        ("SomeUnsigned", "public/a.jpg", r"SomeUnsigned\.url\(\).*without a signature.*--unsigned"),
    ],
)
def test_class_that_changes_the_url(cls: str, name: str, named: str, settings: Any) -> None:
    """Print no URL that CloudFront refuses, and name the class that changed it."""
    settings.STORAGES = {"default": {"BACKEND": f"tests.storage_cases.{cls}"}}
    with pytest.raises(CommandError, match=named) as refused:
        run(name)
    assert "Signature=" not in str(refused.value)


def test_class_that_adds_conditions(settings: Any) -> None:
    """Print the URL of a class that changed the arguments, without a viewer, and its end."""
    settings.STORAGES = {"default": {"BACKEND": "tests.storage_cases.SomeUnsigned"}}
    assert "Policy=" in run("a.jpg")
    with at(NOW):
        described = json.loads(run("a.jpg", "--expire", "60", "--json"))
    end = datetime.fromtimestamp(NOW + 60, tz=UTC)
    assert datetime.fromisoformat(described["expires_at"]) == end
    assert "Signature=" not in run("public/a.jpg", "--unsigned")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["a.jpg", "--storage", "nope"], "'nope'.*bad, default, plain"),
        (["a.jpg", "--storage", "bad"], "nowhere.Storage"),
        (["a.jpg", "--storage", "plain"], "'plain'"),
        (["a.jpg", "--expire", "0"], "1 s"),
        (["../a.jpg"], r"'\.\.'"),
        (
            ["https://m.example.com/a.jpg?Signature=c2ln"],
            "'https://m.example.com/a.jpg.*' is a URL",
        ),
        (["https://m.example.com/a.jpg", "--unsigned"], "is a URL"),
    ],
)
def test_refusals(arguments: list[str], named: str) -> None:
    """Name the argument that makes no sense, and show no signature of a URL that was pasted."""
    with pytest.raises(CommandError, match=named) as refused:
        run(*arguments)
    assert "c2ln" not in str(refused.value)


def test_missing_setting(settings: Any) -> None:
    """Pass on what is wrong with the settings."""
    settings.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(CommandError, match="AWS_S3_CUSTOM_DOMAIN"):
        run("a.jpg")
