"""Make clients and call them; every failure is one exception without a secret."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cfsigned_django.aws.client import call, make_client
from cfsigned_django.aws.errors import AwsError
from tests.simulation.answers import refusal

SECRET = "secret-access-key-of-nobody"
SESSION = "session-of-nobody"


def make(**options: str) -> Any:
    """Make a client for CloudFront with credentials of nobody."""
    credentials = {"access_key": "AKIANOBODY", "secret_key": SECRET, "session_token": SESSION}
    return make_client("cloudfront", **(credentials | options))


def shown_frames(caught: pytest.ExceptionInfo[AwsError]) -> list[str]:
    """Return what a debug page would show of each frame but the test's own."""
    assert caught.value.__context__ is None
    trace = caught.tb.tb_next
    shown = []
    while trace is not None:
        shown.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    return shown


@contextmanager
def answering(status: int) -> Iterator[tuple[str, list[str]]]:
    """Serve one status, without a body, to every request; yield the URL and the paths."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestMakeClient:
    """Arguments first, boto3's own configuration otherwise."""

    def test_arguments(self) -> None:
        """Take the endpoint, the region and the credentials that were given."""
        client = make(endpoint_url="http://127.0.0.1:1", region_name="eu-west-1")

        assert client.meta.endpoint_url == "http://127.0.0.1:1"
        assert client.meta.region_name == "eu-west-1"

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take AWS_ENDPOINT_URL where no endpoint is given."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")

        assert make().meta.endpoint_url == "http://127.0.0.1:2"

    def test_profile(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Take a profile by its name."""
        config = tmp_path / "config"
        config.write_text("[profile rotation]\nendpoint_url = http://127.0.0.1:3\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.fspath(config))

        client = make_client("cloudfront", profile_name="rotation")

        assert client.meta.endpoint_url == "http://127.0.0.1:3"

    def test_needs_no_region(self) -> None:
        """Reach CloudFront, which has no regions, where none is configured."""
        assert make().meta.endpoint_url == "https://cloudfront.amazonaws.com"
        assert make(endpoint_url="http://127.0.0.1:1").meta.region_name == "us-east-1"

    def test_nobody_waits_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give up before gunicorn's 30 s, pauses included, whatever the environment says."""
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "50")

        config = make().meta.config

        attempts = config.retries["total_max_attempts"]
        assert config.retries["mode"] == "standard"
        # Between attempts botocore pauses for up to 1 s, 2 s, 4 s and so on.
        pauses = 2 ** (attempts - 1) - 1
        assert attempts * (config.connect_timeout + config.read_timeout) + pauses <= 25

    def test_unknown_profile(self) -> None:
        """Name AWS_PROFILE where there is no such profile."""
        with pytest.raises(AwsError, match="AWS_PROFILE") as caught:
            make_client("cloudfront", profile_name="nobody")

        assert caught.value.code == "ProfileNotFound"

    def test_endpoint_that_is_no_url(self) -> None:
        """Name AWS_ENDPOINT_URL, and show no secret in the message nor in any frame."""
        with pytest.raises(AwsError, match="AWS_ENDPOINT_URL") as caught:
            make_client(
                "cloudfront",
                access_key="AKIANOBODY",
                secret_key=SECRET,
                session_token=SESSION,
                endpoint_url="nowhere",
            )

        (frame,) = shown_frames(caught)
        assert "service_name" in frame
        assert SECRET not in frame + str(caught.value)
        assert SESSION not in frame + str(caught.value)

    @pytest.mark.parametrize("half", ["access_key", "secret_key"])
    def test_half_of_the_credentials(self, half: str) -> None:
        """Ask for both halves where one is missing."""
        with pytest.raises(AwsError, match="one half of the AWS credentials is missing"):
            make_client("cloudfront", **{half: "AKIANOBODY"})


class TestCall:
    """Pass on what a method returns; explain what it raises."""

    def test_returns_the_answer(self) -> None:
        """Return what the method returns, with the arguments that it was given."""
        assert call(divmod, "divide", "math:Divide", 7, 2) == (3, 1)

    def test_names_what_and_permission(self) -> None:
        """Say what was tried and which permission is missing, in one sentence and in fields."""

        def fail() -> None:
            raise refusal("AccessDenied", "UpdateKeyGroup", "User: arn:x is not authorized.")

        with pytest.raises(AwsError) as caught:
            call(fail, "add K1 to the key group G", "cloudfront:UpdateKeyGroup")

        error = caught.value
        assert str(error) == (
            "Could not add K1 to the key group G: the AWS credentials do not allow "
            "cloudfront:UpdateKeyGroup. Allow cloudfront:UpdateKeyGroup in IAM for the user or "
            "role whose credentials are used here."
        )
        assert error.what == "add K1 to the key group G"
        assert error.permission == "cloudfront:UpdateKeyGroup"
        assert error.code == "AccessDenied"
        assert error.detail == "User: arn:x is not authorized."
        assert not error.is_temporary

    def test_other_exceptions_pass(self) -> None:
        """Leave a mistake in the program alone."""
        with pytest.raises(ZeroDivisionError):
            call(divmod, "divide", "math:Divide", 7, 0)

    def test_has_no_context(self) -> None:
        """Carry nothing of boto3's: its frames hold the signed request."""

        def fail() -> None:
            raise EndpointConnectionError(endpoint_url="https://cloudfront.amazonaws.com")

        with pytest.raises(AwsError) as caught:
            call(fail, "try", "cloudfront:GetKeyGroup")

        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


class TestOverTheNetwork:
    """Fail as real clients fail."""

    @pytest.fixture(autouse=True)
    def _no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let botocore's pauses between attempts take no time."""
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)

    def test_two_attempts(self) -> None:
        """Try twice where AWS has a problem, and call that temporary."""
        with answering(503) as (url, paths), pytest.raises(AwsError) as caught:
            call(make(endpoint_url=url).get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

        assert paths == ["/2020-05-31/key-group/g"] * 2
        assert caught.value.is_temporary
        assert "AWS has a problem of its own" in str(caught.value)

    def test_not_aws(self) -> None:
        """Say so where something else answers at the endpoint."""
        with answering(404) as (url, _), pytest.raises(AwsError) as caught:
            call(make(endpoint_url=url).get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

        assert caught.value.code == "404"

    def test_nobody_answers(self) -> None:
        """Name the host that cannot be reached, and show no secret in any frame."""
        with answering(200) as (url, _):
            pass
        place = url.removeprefix("http://")
        client = make(endpoint_url=f"http://me:password@{place}")

        with pytest.raises(AwsError, match=f"{place} cannot be reached") as caught:
            call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

        (frame,) = shown_frames(caught)
        assert "cloudfront:GetKeyGroup" in frame
        shown = frame + str(caught.value) + repr(vars(caught.value))
        assert not [secret for secret in (SECRET, SESSION, "password") if secret in shown]

    def test_no_credentials(self) -> None:
        """Say how to set credentials where there are none."""
        client = make_client("cloudfront", endpoint_url="http://127.0.0.1:1")

        with pytest.raises(AwsError, match="there are no AWS credentials") as caught:
            call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

        assert caught.value.code == "NoCredentialsError"
        assert not caught.value.is_temporary

    def test_missing_id(self) -> None:
        """Explain an argument that boto3 does not take, such as an id that is None."""
        client = make(endpoint_url="http://127.0.0.1:1")
        nothing: Any = None

        with pytest.raises(AwsError) as caught:
            call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id=nothing)

        assert caught.value.code == "ParamValidationError"
