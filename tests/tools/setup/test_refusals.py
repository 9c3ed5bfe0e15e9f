"""Report in one message, with what to do, why the command cannot go on, and lose nothing.

Modules: management/commands/cfsigned_setup.py, management/command.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoRegionError
from django.core.management import CommandError

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.setup.keys import SettingsKey
from tests.aws.failing import denied
from tests.management import run_as_program
from tests.simulation.answers import refusal
from tests.storage_cases import S3_BACKEND
from tests.tools.account.state.accounts import bucket_of
from tests.tools.setup import APPLY, PAGE, let_fail, report, run, states

pytestmark = pytest.mark.usefixtures("site_in_aws", "unmigrated")


def refused(*arguments: str) -> tuple[str, AwsError]:
    """Return the message of a failing command, and the error of AWS behind it."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    cause = caught.value.__cause__
    assert isinstance(cause, AwsError)
    assert str(caught.value).startswith(str(cause))
    assert "\n" not in str(caught.value)
    return str(caught.value), cause


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--bucket", "Media"], "'Media'"),
        (["--key-file", "settings.py"], "settings.py"),
    ],
)
def test_arguments(arguments: list[str], named: str, tmp_path: Path) -> None:
    """Name the value that makes no sense; leave a file that holds something else alone."""
    (tmp_path / "settings.py").write_text("no key")

    with pytest.raises(CommandError, match=named):
        run(*arguments)

    assert (tmp_path / "settings.py").read_text() == "no key"


@pytest.mark.usefixtures("nothing_shared")
def test_environment(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the host that cannot be reached, what sets credentials, and what names the bucket."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "127.0.0.1:9" in refused("--create")[0]

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "AWS_PROFILE" in refused("--create")[0]

    del settings.AWS_STORAGE_BUCKET_NAME
    with pytest.raises(CommandError, match=r"--bucket.*AWS_STORAGE_BUCKET_NAME"):
        run()


@pytest.mark.parametrize(
    ("service", "call", "code", "named"),
    [
        ("cloudfront", "list_key_groups", "AccessDenied", "cloudfront:ListKeyGroups"),
        ("sts", "get_caller_identity", "AccessDenied", "sts:GetCallerIdentity"),
        ("cloudfront", "list_distributions", "Throttling", ""),
        ("s3", "head_bucket", "Throttling", ""),
        ("s3", "head_bucket", "PermanentRedirect", "AWS_S3_REGION_NAME"),
        ("sts", "get_caller_identity", "NoRegionError", "AWS_DEFAULT_REGION"),
    ],
)
def test_no_plan(
    service: str, call: str, code: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name the permission that is missing, or what else keeps AWS from being read."""

    def error(name: str) -> Exception:
        return NoRegionError() if code == "NoRegionError" else refusal(code, name, "refused")

    let_fail(monkeypatch, service, call, error)

    message, cause = refused("--create")

    assert cause.code == code
    assert cause.is_temporary == (code == "Throttling")
    assert named in message


@pytest.mark.usefixtures("unanswered")
def test_refused_in_the_middle(
    clients: Clients, bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name the permission that a step needs, and what is there by then; the next run goes on."""
    options = (*APPLY, "--cors-origin", PAGE)
    for service, call, permission in (
        ("cloudfront", "create_distribution", "cloudfront:CreateDistribution"),
        ("s3", "put_bucket_cors", "s3:PutBucketCORS"),
    ):
        with monkeypatch.context() as patch:
            let_fail(patch, service, call, denied)
            message, error = refused(*options)
        assert permission in message
        assert error.permission == permission
        made = {"create_distribution": "public-key, key-group, bucket", "put_bucket_cors": "policy"}
        assert made[call] in message

    assert set(states(report(*options)).values()) == {"done"}
    assert bucket_of(read_account(clients, bucket=bucket_name)).is_ours


@pytest.mark.django_db
@pytest.mark.usefixtures("unanswered")
def test_interrupted(clients: Clients, bucket_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """End in one line and with 130 after Ctrl-C; the same command then goes on."""

    def interrupt(*args: object, **given: object) -> Any:
        raise KeyboardInterrupt

    for options, place in (
        (APPLY[:-1], "builtins.input"),
        (APPLY, "cfsigned_django.tools.account.state.apply.logger.info"),  # after a step
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, interrupt)
            _, errors, code = run_as_program("cfsigned_setup", *options)
        assert (code, "Traceback" in errors) == (130, False), place
        assert errors.splitlines()[-1].endswith("run the same command again."), place

    assert set(states(report(*APPLY)).values()) == {"done"}
    assert bucket_of(read_account(clients, bucket=bucket_name)).is_ours


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key_pair_id", "check_id"), [(None, "cfsigned.E002"), ("K2JCJMDEHXQW5F", "cfsigned.E004")]
)
def test_failing_system_check(
    key_pair_id: str | None, check_id: str, settings: Any, ec_key: PrivateKey
) -> None:
    """Go on without the ids that a setup is about to give; let the doctor report them."""
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    settings.AWS_CLOUDFRONT_KEY_ID = key_pair_id
    assert check_id in {each.id for each in check_storages()}

    findings, _, failed = run_as_program("cfsigned_doctor", "--offline", "--json")
    planned, _, code = run_as_program("cfsigned_setup", "--create", "--json")

    assert failed == 1
    assert check_id in {each["id"] for each in json.loads(findings)}
    assert code == 0
    plan = json.loads(planned)
    assert states(plan)["key-pair"] == "done"
    assert plan["key"] == SettingsKey.place
