"""Find out whether the site can let CloudFront forget files, with its own credentials.

Modules: tools/doctor/aws.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.storage import storages

from cfsigned_django.tools.catalog import Finding
from cfsigned_django.tools.doctor.aws import check_invalidation
from tests.invalidations import Aws, aws_in_memory
from tests.storage_cases import FILE_BACKEND
from tests.tools.doctor import ids
from tests.tools.doctor.world import DISTRIBUTION_ID, World


@pytest.fixture
def aws(world: World, signing_site: Any) -> Iterator[Aws]:
    """Give the site other credentials than those of the doctor, and name its distribution."""
    signing_site.AWS_ACCESS_KEY_ID, signing_site.AWS_SECRET_ACCESS_KEY = "AKIAEXAMPLE", "secret"
    signing_site.AWS_CLOUDFRONT_DISTRIBUTION_ID = DISTRIBUTION_ID
    signing_site.AWS_CLOUDFRONT_INVALIDATE_ON = ["delete"]
    with aws_in_memory() as aws:
        aws.cloudfront.distributions = {DISTRIBUTION_ID}
        yield aws


def found() -> list[Finding]:
    """Return what the doctor finds about invalidations."""
    storage: Any = storages["default"]
    return list(check_invalidation(storage))


def test_it_works(world: World, aws: Aws, signing_site: Any) -> None:
    """Call CloudFront for a file that need not exist: each time for the same invalidation."""
    assert "cannot-invalidate" not in ids(world.examine())
    assert found() == []
    assert [each.items for each in aws.cloudfront.accepted] == [["/media/.cfsigned-probe"]]
    signing_site.AWS_CLOUDFRONT_INVALIDATE_VARIANTS = True  # with other items
    assert found() == []
    assert len(aws.cloudfront.accepted) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_CLOUDFRONT_INVALIDATE_ON", ()),
        ("STORAGES", {"default": {"BACKEND": FILE_BACKEND}}),
    ],
)
def test_nothing_is_asked_for(name: str, value: Any, aws: Aws, signing_site: Any) -> None:
    """Call nothing for a site that does not invalidate, nor for files on this machine."""
    setattr(signing_site, name, value)
    assert found() == []
    assert aws.requests == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "cloudfront:CreateInvalidation"),
        ("NoSuchDistribution", "AWS_CLOUDFRONT_DISTRIBUTION_ID"),
    ],
)
def test_refusals(code: str, words: str, aws: Aws) -> None:
    """Name the missing permission, and a distribution that the account of the site has not."""
    aws.cloudfront.refusals = [code]

    [fault] = found()

    assert fault.id == "cannot-invalidate"
    assert words in f"{fault.what} {fault.fix} {fault.subject}"
