"""Paste what the doctor prints: the fault is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.findings import Finding
from tests.tools.doctor.sites import NO_ACCESS, TRUSTS_ANOTHER
from tests.tools.doctor.world import OPEN, Change, World, behavior, behavior_of, policy

SELF = {"Enabled": True, "Quantity": 1, "Items": ["self"]}
FAULTS: list[tuple[str, Change]] = [
    ("behavior-open", behavior(TrustedKeyGroups=OPEN)),
    ("group-not-on-behavior", TRUSTS_ANOTHER),
    ("group-not-on-behavior", behavior(TrustedKeyGroups=OPEN, TrustedSigners=SELF)),
    ("origin-access", NO_ACCESS),
    ("bucket-policy", policy()),
]


def pasted(found: Finding) -> Any:
    """Return the value in a finding."""
    value, _ = json.JSONDecoder().raw_decode(found.fix.partition("Paste: ")[2])
    return value


@pytest.mark.parametrize(
    ("fault", "change"), FAULTS, ids=[f"{at} {each}" for at, (each, _) in enumerate(FAULTS)]
)
def test_paste(fault: str, change: Change, world: World, site: Any) -> None:
    """The value that a finding prints, in the place that it names, repairs the fault."""
    change(world, site)
    [value] = [pasted(each) for each in world.examine() if each.id == fault]

    def paste(config: Document) -> None:
        [origin] = config["Origins"]["Items"][:1]
        (behavior_of(config) if "TrustedKeyGroups" in value else origin).update(value)

    if "Effect" in value:
        world.set_policy(value)
    else:
        world.update(paste)

    assert fault not in {each.id for each in world.examine()}


def test_other_groups_stay(world: World, site: Any) -> None:
    """A behavior that trusts another group goes on trusting it."""
    TRUSTS_ANOTHER(world, site)
    [before] = behavior_of(world.config())["TrustedKeyGroups"]["Items"]

    [value] = [pasted(each) for each in world.examine() if each.id == "group-not-on-behavior"]

    assert value["TrustedKeyGroups"]["Items"] == [before, world.key_group_id]
