"""Say in one sentence what fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError

from tests.ministack_server import Ministack
from tests.setup.command import run


@pytest.mark.usefixtures("unmigrated")
class TestFailures:
    """Every failure is one clear sentence."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--bucket", "Media"), "lower-case letters"),
            (("--distribution", "EUNKNOWN1"), "has no distribution with that id"),
            (("--distribution", "nonsense"), "is no id of a distribution"),
            (("--cors-origin", "example.com"), "is no origin"),
        ],
    )
    def test_arguments(self, arguments: tuple[str, ...], said: str) -> None:
        """Say what is wrong with an argument."""
        with pytest.raises(CommandError, match=said):
            run(*arguments)

    def test_no_bucket(self, settings: Any) -> None:
        """Ask for the bucket where neither option nor setting names it."""
        del settings.AWS_STORAGE_BUCKET_NAME

        with pytest.raises(CommandError, match="--bucket"):
            run()

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say how to set credentials."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")

        with pytest.raises(CommandError, match="AWS_PROFILE"):
            run("--create")

    def test_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Name the host that cannot be reached."""
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

        with pytest.raises(CommandError, match=r"127\.0\.0\.1:9 cannot be reached"):
            run("--create")

    def test_bucket_of_another_account(self, ministack: Ministack, bucket_name: str) -> None:
        """Say that the bucket is somebody else's, and change nothing."""
        ministack.client("s3", account="999999999997").create_bucket(Bucket=bucket_name)

        with pytest.raises(CommandError, match="belongs to another AWS account"):
            run("--create", "--apply", "--yes")
