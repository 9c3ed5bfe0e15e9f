"""Run sites through the emulator: the doctor says of them what is said of them as values.

Modules: tools/doctor/examination.py, tools/doctor/aws.py
"""

from __future__ import annotations

import json
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from cfsigned_django.management.commands import cfsigned_doctor
from tests.tools.doctor import ids
from tests.tools.doctor.sites import HEALTHY, LIVE, NO_GROUP, SITES, another_key_group
from tests.tools.doctor.world import ORIGIN, Change, World, both, setting

#: Faults of each part that is judged, several of one site: every combination of a change is in
#: test_sites.py, as a value.
PARTS = (
    ("",),
    (
        *("key-not-in-group | signed-unknown-key", "earlier-behavior-elsewhere"),
        "bucket-readers-wide bucket-readers",
    ),
    ("behavior-open | unsigned-served", "bucket-readers-wide", "origin-not-in-cache-key"),
    ("earlier-behavior-elsewhere", "bucket-public | s3-open"),
    ("origin-access",),
)
CHANGES = dict(reversed(SITES))  # the first of each kind


@pytest.mark.parametrize(("expected", "change"), LIVE, ids=[each for each, _ in LIVE])
def test_site(expected: str, change: Change, world: World, site: Any) -> None:
    """Find the fault in the settings and in what answers, and show no secret."""
    change(world, site)

    found = world.examine()

    assert [each for each in ids(found) if each not in HEALTHY] == expected.split()
    assert_no_secret(world, found)


def test_key_groups_that_no_rotation_changes(world: World, site: Any) -> None:
    """Say nothing of other key groups if a person rotates, or if this site rotates no key."""
    another_key_group(world, site)
    for change in (setting("AWS_CLOUDFRONT_BY_HAND", True), NO_GROUP):
        change(world, site)
        assert "other-key-groups" not in ids(world.examine())
        site.AWS_CLOUDFRONT_BY_HAND = False


def assert_no_secret(world: World, report: object) -> None:
    """Look for a signature, and for the private key, in a report."""
    secrets = ("Signature=", *world.key.to_pem().decode().splitlines()[1:-1])
    assert not any(each in str(report) for each in secrets)


@pytest.mark.parametrize("parts", PARTS, ids=" + ".join)
def test_the_command(parts: tuple[str, ...], online: World, site: Any) -> None:
    """Find the faults in the account and in what answers."""
    both(*(CHANGES[part] for part in parts))(online, site)

    doctor = _report(cfsigned_doctor.Command(), "--object", online.name, "--cors-origin", ORIGIN)

    wrong = {each["id"] for each in doctor} - HEALTHY
    assert wrong == {*" ".join(parts).replace("|", "").split()}
    assert_no_secret(online, doctor)


def _report(command: Any, *arguments: str) -> Any:
    """Return the JSON that a command prints, whatever its exit code."""
    output = StringIO()
    with suppress(SystemExit):
        call_command(command, *arguments, "--json", stdout=output, stderr=StringIO())
    return json.loads(output.getvalue())
