"""Say of a changed site what its change is worth, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.doctor.findings import Level
from tests.doctor import faults, ids
from tests.doctor.sites import ABOUT_OPEN, HEALTHY, LIVE, OPENED, SITES, account
from tests.doctor.world import Change, World, setting
from tests.storage_cases import FILE_BACKEND

ALL = [*SITES, *LIVE]


@pytest.mark.parametrize(
    ("expected", "change"), ALL, ids=[f"{at} {ids}" for at, (ids, _) in enumerate(ALL)]
)
def test_site(expected: str, change: Change, world: World, site: Any) -> None:
    """Name the fault, with a reason and a remedy, and nothing that is no fault or is secret."""
    change(world, site)

    found = world.examine()

    assert [each for each in ids(found) if each not in HEALTHY] == expected.replace("|", "").split()
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)
    # A bucket is in order only if nothing else is said of it, but whom it lets read by name.
    about_bucket = {each for each in ids(found) if each.startswith("bucket-")}
    assert "bucket" not in ids(found) or about_bucket <= {"bucket-readers"}
    secrets = ("Signature=", *world.key.to_pem().decode().splitlines()[1:-1])
    assert not any(each in str(found) for each in secrets)


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


@pytest.mark.parametrize(("change", "expected"), OPENED, ids=range(len(OPENED)))
def test_open_behaviors(change: Change, expected: dict[str, str], world: World, site: Any) -> None:
    """Say of each open behavior what it serves of the storage, its worst alone."""
    change(world, site)

    found = [each for each in world.examine() if each.id in ABOUT_OPEN]

    names = {
        "the default behavior" if pattern == "*" else f"the behavior {pattern}": kind_id
        for pattern, kind_id in expected.items()
    }
    assert {each.subject: each.id for each in found} == names
    assert len(found) == len(expected)
