"""Set up a site that fails the system checks: it has no ids yet, and is here to get them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import load_command_class
from django.core.management.base import OutputWrapper

from cfsigned_django.checks.storages import check_storages
from cfsigned_django.setup.keys import SettingsKey
from cfsigned_django.signing import PrivateKey
from tests.setup.command import states
from tests.storage_cases import S3_BACKEND

pytestmark = pytest.mark.usefixtures("unmigrated", "db")


def run_as_program(name: str, *arguments: str) -> tuple[Any, int]:
    """Run a command as manage.py does, with the checks that it wants; return JSON and code."""
    command: Any = load_command_class("cfsigned_django", name)
    output, code = StringIO(), 0
    command.stdout = OutputWrapper(output)
    try:
        command.run_from_argv(["manage.py", name, *arguments, "--json"])
    except SystemExit as end:
        code = int(end.code or 0)
    return json.loads(output.getvalue()), code


@pytest.mark.parametrize(
    ("key_pair_id", "check_id"), [(None, "cfsigned.E002"), ("K2JCJMDEHXQW5F", "cfsigned.E004")]
)
def test_site_without_ids(
    key_pair_id: str | None, check_id: str, settings: Any, ec_key: PrivateKey
) -> None:
    """Plan and do the setup of a site that has a key; let the doctor report what is missing."""
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    settings.AWS_CLOUDFRONT_KEY_ID = key_pair_id
    assert check_id in {each.id for each in check_storages()}

    findings, failed = run_as_program("cfsigned_doctor", "--offline")
    planned, planned_code = run_as_program("cfsigned_setup", "--create")
    done, done_code = run_as_program("cfsigned_setup", "--create", "--apply", "--yes")

    assert failed == 1
    assert check_id in {each["id"] for each in findings}
    assert (planned_code, done_code) == (0, 0)
    assert states(planned)["key-pair"] == "done"
    assert planned["key"] == SettingsKey.place
    assert done["settings"]["AWS_CLOUDFRONT_KEY_ID"].startswith("K")
