"""Name each of many faults by its own finding, and find nothing on a sound site."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.doctor.findings import Finding, Level
from tests.doctor import faults, ids
from tests.doctor.seeded import FAULTS, SOUND, Change, account, setting
from tests.doctor.world import World
from tests.storage_cases import FILE_BACKEND

#: What is looked at and in order on a healthy site.
HEALTHY = [
    *("settings", "signing-key", "distribution", "behavior", "keys", "origin", "bucket"),
    *("downloads-note", "delivery", "clock", "unsigned-refused", "signed-served"),
    *("tampered-refused", "expired-refused", "cors", "cors-browser-cache", "s3-private"),
]


def unusual(found: list[Finding]) -> list[str]:
    """Return the ids that a healthy site has not."""
    return [each for each in ids(found) if each not in HEALTHY]


@pytest.mark.parametrize(("change", "expected"), FAULTS.values(), ids=FAULTS)
def test_fault(change: Change, expected: list[str], world: World, site: Any) -> None:
    """Name the fault, with a reason and a remedy, and nothing that is no fault."""
    change(world, site)

    found = world.examine()

    assert unusual(found) == expected
    assert faults(found)
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)
    # A bucket is in order only if nothing else is said of it, but whom it lets read by name.
    about_bucket = {each for each in ids(found) if each.startswith("bucket-")}
    assert "bucket" not in ids(found) or about_bucket <= {"bucket-readers"}


@pytest.mark.parametrize(("change", "expected"), SOUND.values(), ids=SOUND)
def test_sound(change: Change, expected: list[str], world: World, site: Any) -> None:
    """Find no fault with what is unusual and right."""
    change(world, site)

    found = world.examine()

    assert unusual(found) == expected
    assert faults(found) == []


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        (account(bucket=None), {"bucket"}),
        (setting("STORAGES", {"default": {"BACKEND": FILE_BACKEND}}), {"bucket", "s3-private"}),
    ],
    ids=["not read", "on disk"],
)
def test_no_bucket(change: Change, absent: set[str], world: World, site: Any) -> None:
    """Look at no bucket if a storage has none, or if it was not read."""
    change(world, site)

    found = world.examine()

    assert faults(found) == []
    assert not absent & {*ids(found)}


def test_healthy_site(world: World) -> None:
    """Say of a healthy site what was looked at."""
    assert ids(world.examine()) == HEALTHY
