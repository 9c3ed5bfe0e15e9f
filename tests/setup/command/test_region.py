"""Make a new bucket where the settings say, else where boto3 asks, else in us-east-1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from tests.setup.command import run

SEOUL = "ap-northeast-2"


@pytest.mark.usefixtures("unmigrated")
class TestRegion:
    """The region of a bucket that is not there yet."""

    def test_configuration_of_boto3(
        self, clients: Clients, bucket_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Make it in the region of the person's profile, which is the one that S3 is asked in."""
        monkeypatch.setenv("AWS_DEFAULT_REGION", SEOUL)

        done = json.loads(run("--create", "--apply", "--yes", "--json"))

        assert done["settings"]["AWS_S3_REGION_NAME"] == SEOUL
        made = clients.s3.get_bucket_location(Bucket=bucket_name)
        assert made["LocationConstraint"] == SEOUL

    def test_settings(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the setting go before the profile."""
        monkeypatch.setenv("AWS_DEFAULT_REGION", SEOUL)
        settings.AWS_S3_REGION_NAME = "eu-west-1"

        assert "it is made in eu-west-1" in run("--create")
        assert '"eu-west-1"' in run("--create", "--export", "terraform")

    def test_neither(self) -> None:
        """Make it in us-east-1 where nobody says anything."""
        assert "it is made in us-east-1" in run("--create")

    def test_export(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Write the same region down as the plan has; ask no profile that is not there."""
        monkeypatch.setenv("AWS_DEFAULT_REGION", SEOUL)
        assert f'region = "{SEOUL}"' in run("--create", "--export", "terraform")

        monkeypatch.setenv("AWS_PROFILE", "of somebody else")
        assert 'region = "us-east-1"' in run("--create", "--export", "terraform")
