"""Set up a site that fails the system checks: it has no ids yet, and is here to get them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from typing import Any

import pytest
from django.core.management import load_command_class

from cfsigned_django.checks.storages import check_storages
from cfsigned_django.signing import PrivateKey
from tests.setup.command import states
from tests.storage_cases import S3_BACKEND

pytestmark = [pytest.mark.usefixtures("unmigrated"), pytest.mark.django_db]


def run_as_program(name: str, *arguments: str) -> tuple[str, int]:
    """Run a command as manage.py does, with the checks that it wants; return text and code."""
    command: Any = load_command_class("cfsigned_django", name)
    command.stdout._out = StringIO()
    try:
        command.run_from_argv(["manage.py", name, *arguments])
    except SystemExit as end:
        return command.stdout._out.getvalue(), int(end.code or 0)
    return command.stdout._out.getvalue(), 0


#: What a site may have before its set-up -> the check that fails.
SITES: dict[str, tuple[Mapping[str, Any], str]] = {
    "a key and no id": ({}, "cfsigned.E002"),
    "no domain": ({"AWS_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F"}, "cfsigned.E004"),
}


@pytest.fixture(params=list(SITES))
def expected(request: pytest.FixtureRequest, settings: Any, ec_key: PrivateKey) -> str:
    """Return the check that the site fails."""
    others, check_id = SITES[request.param]
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    for name, value in others.items():
        setattr(settings, name, value)
    assert check_id in {each.id for each in check_storages()}
    return check_id


def test_setup(expected: str) -> None:
    """Plan for a site that has a key and not yet the ids that CloudFront gives."""
    text, code = run_as_program("cfsigned_setup", "--create", "--json")

    assert code == 0
    assert states(text)["key-pair"] == "done"
    assert json.loads(text)["key"] == "the setting AWS_CLOUDFRONT_KEY"


def test_apply(expected: str) -> None:
    """Set such a site up, with the key that it has."""
    text, code = run_as_program("cfsigned_setup", "--create", "--apply", "--yes", "--json")

    assert code == 0
    assert json.loads(text)["settings"]["AWS_CLOUDFRONT_KEY_ID"].startswith("K")


def test_doctor(expected: str) -> None:
    """Report what the checks find, and fail by no check that Django runs before."""
    text, code = run_as_program("cfsigned_doctor", "--offline", "--json")

    assert code == 1
    assert expected in {each["id"] for each in json.loads(text)}
