"""Make clients and call them; every failure is one exception without a secret.

Modules: aws/client.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.aws.client import call, make_client
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.tools.edge import EdgeServer
from tests.background import free_port

SECRETS = ("secret-access-key-of-nobody", "session-of-nobody", "password")
CREDENTIALS = dict(
    zip(("access_key", "secret_key", "session_token"), ("AKIANOBODY", *SECRETS), strict=False)
)
NOWHERE = "http://127.0.0.1:1"


def make(**options: Any) -> Any:
    """Make a client for CloudFront with invented credentials."""
    return make_client("cloudfront", **{**CREDENTIALS, **options})


def shown(caught: pytest.ExceptionInfo[AwsError]) -> str:
    """Return what a debug page would show of the error, and of each frame but the test's own."""
    error, parts, trace = caught.value, [], caught.tb.tb_next
    assert error.__context__ is None
    assert error.__cause__ is None
    while trace is not None:
        parts.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    return "\n".join([*parts, str(error), repr(vars(error))])


def check_no_secret(caught: pytest.ExceptionInfo[AwsError]) -> None:
    """Assert that an error says something, and nothing secret."""
    page = shown(caught)
    assert caught.value.what in page
    assert not [secret for secret in SECRETS if secret in page]


@contextmanager
def answering(status: int) -> Iterator[tuple[str, list[str]]]:
    """Serve one status, without a body, to every request; yield the URL and the paths."""
    paths: list[str] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        paths.append(environ["PATH_INFO"])
        start_response(f"{status} -", [("Content-Length", "0")])
        return []

    with EdgeServer(application).running() as server:
        yield f"http://127.0.0.1:{server.port}", paths


class TestMakeClient:
    """Arguments first, boto3's own configuration otherwise."""

    def test_endpoint_and_region(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Take the argument, else the environment, else the profile, else AWS's own."""
        config = tmp_path / "config"
        config.write_text("[profile rotation]\nendpoint_url = http://127.0.0.1:3\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.fspath(config))
        assert make().meta.endpoint_url == "https://cloudfront.amazonaws.com"
        named = make_client("cloudfront", profile_name="rotation")
        assert named.meta.endpoint_url == "http://127.0.0.1:3"
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
        assert make().meta.endpoint_url == "http://127.0.0.1:2"
        given = make(endpoint_url=NOWHERE, region_name="eu-west-1").meta
        assert (given.endpoint_url, given.region_name) == (NOWHERE, "eu-west-1")
        assert make(endpoint_url=NOWHERE).meta.region_name == "us-east-1"

    def test_nobody_waits_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give up before gunicorn's 30 s, pauses included, whatever the environment says."""
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "50")

        config = make().meta.config

        attempts = config.retries["total_max_attempts"]
        assert config.retries["mode"] == "standard"
        # Between attempts botocore pauses for up to 1 s, 2 s, 4 s and so on.
        pauses = 2 ** (attempts - 1) - 1
        assert attempts * (config.connect_timeout + config.read_timeout) + pauses <= 25

    @pytest.mark.parametrize(
        ("options", "code", "named"),
        [
            ({"profile_name": "nobody"}, "ProfileNotFound", "AWS_PROFILE"),
            ({"endpoint_url": "nowhere"}, "ValueError", "AWS_ENDPOINT_URL"),
            ({"access_key": None}, "PartialCredentialsError", "AWS_ACCESS_KEY_ID"),
            ({"secret_key": None}, "PartialCredentialsError", "AWS_SECRET_ACCESS_KEY"),
        ],
    )
    def test_configuration_that_cannot_be_used(
        self, options: dict[str, Any], code: str, named: str
    ) -> None:
        """Name the setting, and show no secret in the message nor in any frame."""
        given = {**CREDENTIALS, **options}
        with pytest.raises(AwsError, match=named) as caught:
            make_client("cloudfront", **given)

        assert caught.value.code == code
        given.clear()
        check_no_secret(caught)


class TestCall:
    """Pass on what a method returns; explain what it raises."""

    def test_passes_through(self) -> None:
        """Return what the method returns; leave a mistake in the program alone."""
        assert call(divmod, "divide", "math:Divide", 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            call(divmod, "divide", "math:Divide", 7, 0)


class TestOverTheNetwork:
    """Fail as real clients fail."""

    @pytest.fixture(autouse=True)
    def _no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Skip botocore's pauses between attempts."""
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)

    @pytest.mark.parametrize(("status", "attempts"), [(503, 2), (404, 1)])
    def test_status(self, status: int, attempts: int) -> None:
        """Try twice if AWS has a problem, and call that alone temporary."""
        with answering(status) as (url, paths), pytest.raises(AwsError) as caught:
            call(make(endpoint_url=url).get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

        assert paths == ["/2020-05-31/key-group/g"] * attempts
        assert (caught.value.what, caught.value.permission) == ("read", "cloudfront:GetKeyGroup")
        assert (caught.value.code, caught.value.is_temporary) == (str(status), attempts > 1)

    def test_nobody_answers(self) -> None:
        """Name the host that cannot be reached, and show no secret in any frame."""
        place = f"127.0.0.1:{free_port()}"
        client = make(endpoint_url=f"http://me:password@{place}")

        with pytest.raises(AwsError, match=place) as caught:
            call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

        assert caught.value.code == "EndpointConnectionError"
        check_no_secret(caught)

    @pytest.mark.parametrize(
        ("credentials", "key_group_id", "code"),
        [({}, "g", "NoCredentialsError"), (CREDENTIALS, None, "ParamValidationError")],
    )
    def test_call_that_cannot_be_made(
        self, credentials: dict[str, Any], key_group_id: Any, code: str
    ) -> None:
        """Explain credentials and an id that are missing."""
        client = make_client("cloudfront", endpoint_url=NOWHERE, **credentials)

        with pytest.raises(AwsError) as caught:
            call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id=key_group_id)

        assert (caught.value.code, caught.value.is_temporary) == (code, False)
