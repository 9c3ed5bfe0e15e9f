"""Make clients and call them; every failure is one exception without a secret.

Modules: core/aws/client.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from cfsigned_django.core.aws.client import call, make_client
from cfsigned_django.core.aws.errors import AwsError
from tests.core.aws import Body
from tests.leaks import everything_of

SECRETS = ("secret-access-key-of-nobody", "session-of-nobody", "password")
CREDENTIALS = {
    "aws_access_key_id": "AKIANOBODY",
    "aws_secret_access_key": SECRETS[0],
    "aws_session_token": SECRETS[1],
}
NOWHERE = "http://me:password@127.0.0.1:1"


def make(**options: Any) -> Any:
    """Make a client for CloudFront with invented credentials."""
    return make_client("cloudfront", **{**CREDENTIALS, **options})


def check_no_secret(error: AwsError) -> None:
    """Assert that an error says what failed, and nothing secret."""
    page = everything_of(error)
    assert error.what in page
    assert [secret for secret in SECRETS if secret in page] == []


def test_endpoint_and_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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


def test_nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
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
        ({"aws_access_key_id": None}, "PartialCredentialsError", "AWS_ACCESS_KEY_ID"),
        ({"aws_secret_access_key": None}, "PartialCredentialsError", "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_configuration_that_cannot_be_used(options: dict[str, Any], code: str, named: str) -> None:
    """Name the setting, and show no secret in the message nor in any frame."""
    with pytest.raises(AwsError, match=named) as caught:
        make(**options)

    assert caught.value.code == code
    check_no_secret(caught.value)


def test_passes_through() -> None:
    """Return what the method returns; leave a mistake in the program alone."""
    assert call(divmod, "divide", "math:Divide", 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        call(divmod, "divide", "math:Divide", 7, 0)


@pytest.mark.parametrize(("status", "attempts"), [(503, 2), (404, 1)])
def test_status(status: int, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try twice if AWS has a problem, and call that alone temporary."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    client, sent = make(), []

    def answer(request: AWSPreparedRequest, **event: Any) -> AWSResponse:
        sent.append(request.url)
        return AWSResponse(request.url, status, HTTPHeaders(), Body())

    client.meta.events.register("before-send.cloudfront", answer)
    with pytest.raises(AwsError) as caught:
        call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id="g")

    assert sent == ["https://cloudfront.amazonaws.com/2020-05-31/key-group/g"] * attempts
    assert (caught.value.what, caught.value.permission) == ("read", "cloudfront:GetKeyGroup")
    assert (caught.value.code, caught.value.is_temporary) == (str(status), attempts > 1)


@pytest.mark.parametrize(
    ("credentials", "key_group_id", "code", "named"),
    [
        (CREDENTIALS, "g", "EndpointConnectionError", "127.0.0.1:1"),
        ({}, "g", "NoCredentialsError", "AWS_PROFILE"),
        (CREDENTIALS, None, "ParamValidationError", "aws configure"),
    ],
)
def test_call_that_cannot_be_made(
    credentials: dict[str, Any],
    key_group_id: Any,
    code: str,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Explain a host that does not answer, missing credentials and a missing id; hide secrets."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    client = make_client("cloudfront", endpoint_url=NOWHERE, **credentials)

    with pytest.raises(AwsError, match=named) as caught:
        call(client.get_key_group, "read", "cloudfront:GetKeyGroup", Id=key_group_id)

    is_temporary = code == "EndpointConnectionError"
    assert (caught.value.code, caught.value.is_temporary) == (code, is_temporary)
    check_no_secret(caught.value)
