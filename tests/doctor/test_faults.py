"""Name each of many faults by its own finding, and find nothing on a healthy site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.policies import RESPONSE_HEADERS_POLICIES
from cfsigned_django.doctor.catalog import CATALOG
from cfsigned_django.doctor.findings import Level
from tests.doctor import faults
from tests.doctor.seeded import FAULTS, Break
from tests.doctor.world import World


def test_healthy_site(world: World) -> None:
    """Find nothing wrong where everything is right, and say what was looked at."""
    found = world.examine()

    assert faults(found) == []
    looked_at = {each.id for each in found}
    assert looked_at >= {"settings", "signing-key", "clock", "distribution", "keys", "behavior"}
    assert looked_at >= {"origin", "bucket", "delivery", "unsigned-refused", "signed-served"}
    assert looked_at >= {"tampered-refused", "expired-refused", "cors", "s3-private"}


@pytest.mark.parametrize(("breaks", "expected"), FAULTS, ids=[each.__name__ for each, _ in FAULTS])
def test_fault(breaks: Break, expected: list[str], world: World, site: Any) -> None:
    """Name the fault, with a sentence, a reason and a remedy, and nothing that is no fault."""
    breaks(world, site)

    found = world.examine()

    assert faults(found) == expected
    for each in found:
        assert each.what.endswith((".", ")"))
        assert ".." not in each.what
        assert each.level is Level.OK or (each.why and each.fix and each.subject)


def test_kinds_of_the_faults_exist() -> None:
    """Seed 25 faults and more, each with an id of the table or of a system check."""
    named = {each for _, ids in FAULTS for each in ids}

    assert len({ids[0] for _, ids in FAULTS}) >= 25
    assert {each for each in named if not each.startswith("cfsigned.")} <= CATALOG.keys()


def test_response_headers_policy_of_cors(world: World) -> None:
    """Ask for no CORS rule where a response headers policy gives the headers."""
    upload = {**cors_rule(["https://a.example.com"]), "AllowedMethods": ["PUT"]}
    world.clients.s3.put_bucket_cors(Bucket=world.bucket, CORSConfiguration={"CORSRules": [upload]})
    world.update_behavior(ResponseHeadersPolicyId=RESPONSE_HEADERS_POLICIES["SimpleCORS"])
    world.between = lambda answer: replace(
        answer, headers={**answer.headers, "access-control-allow-origin": "*"}
    )

    assert faults(world.examine()) == []
