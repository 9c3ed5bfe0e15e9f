"""Find nothing wrong with what cfsigned_setup has made, before anything was touched by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from cfsigned_django.management.commands import cfsigned_doctor
from cfsigned_django.viewer import Answer
from tests.checks.test_every_id import COOKIES, SESSIONS
from tests.ministack_server import Ministack
from tests.setup.viewers import ACCOUNT, Viewer, configure
from tests.storage_cases import S3_BACKEND

ORIGIN = "https://app.example.com"


@pytest.fixture
def viewer(
    ministack: Ministack,
    aws_account: str,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    no_aws_configuration: None,
) -> Viewer:
    """Configure boto3 for the emulator, and let both commands ask an edge in front of it."""
    viewer = configure(ministack, settings, monkeypatch)
    settings.AWS_STORAGE_BUCKET_NAME = f"made-{aws_account}"
    settings.AWS_CLOUDFRONT_COOKIE_SCOPES = []

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        is_s3 = ".amazonaws.com/" in url
        answer = viewer(f"{ministack.endpoint_url}/x" if is_s3 else url, headers)
        fields = {"x-cache": "Miss from cloudfront", "date": formatdate(usegmt=True)}
        if "Origin" in headers:
            # Of the response headers policy, which nobody plays here.
            with_cookies = bool(settings.AWS_CLOUDFRONT_COOKIE_SCOPES)
            fields["access-control-allow-origin"] = headers["Origin"] if with_cookies else "*"
            fields["access-control-allow-credentials"] = str(with_cookies).lower()
        return Answer(status=answer.status, headers=fields, body=answer.body)

    monkeypatch.setattr(cfsigned_doctor, "fetch", fetch)
    return viewer


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wanted",
    [
        ["--cors-origin", ORIGIN],
        ["--cors-origin", ORIGIN, "--cookies"],
        ["--cors-origin", ORIGIN, "--cors-origin", "https://other.example.com", "--downloads"],
    ],
    ids=["origin", "cookies", "origins and downloads"],
)
def test_nothing_is_wrong(
    wanted: list[str], viewer: Viewer, settings: Any, ministack: Ministack, tmp_path: Path
) -> None:
    """Be content with every choice that the set-up makes, and with a file that is there."""
    made, key = io.StringIO(), tmp_path / "key.pem"
    arguments = ["--create", "--path-pattern", "media/*", "--key-file", str(key), *wanted]
    options = ["--apply", "--yes", "--json"]
    call_command("cfsigned_setup", *arguments, *options, stdout=made, stderr=io.StringIO())
    for name, value in json.loads(made.getvalue())["settings"].items():
        setattr(settings, name, value)
    settings.AWS_CLOUDFRONT_KEY = key
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    # The emulator's key groups have ids that look like those of public keys.
    settings.SILENCED_SYSTEM_CHECKS = ["cfsigned.W004"]
    s3 = ministack.clients(ACCOUNT).s3
    s3.put_object(Bucket=settings.AWS_STORAGE_BUCKET_NAME, Key="media/a.txt", Body=b"private")

    found = io.StringIO()
    asked = [each for each in wanted if each != "--cookies"]
    if asked != wanted:  # the settings tell the doctor
        settings.AWS_CLOUDFRONT_COOKIE_SCOPES = ["tests.cookies.test_middleware.Courses"]
        settings.AWS_CLOUDFRONT_COOKIE_DOMAIN = ".".join(
            json.loads(made.getvalue())["settings"]["AWS_S3_CUSTOM_DOMAIN"].split(".")[1:]
        )
        settings.MIDDLEWARE = [SESSIONS, COOKIES]
    call_command("cfsigned_doctor", "--object", "a.txt", "--json", *asked, stdout=found)

    levels = {each["id"]: each["level"] for each in json.loads(found.getvalue())}
    assert set(levels.values()) == {"ok"}
    assert {"distribution", "behavior", "keys", "origin", "bucket", "delivery"} <= levels.keys()
    assert {"signed-served", "tampered-refused", "s3-private"} <= levels.keys()
