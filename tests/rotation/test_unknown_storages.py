"""Test that no URL is signed that lives longer than a rotation waits."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.storage import CloudFrontS3Storage
from tests.rotation.commands import Shell

DAY = 86_400


class PatientStorage(CloudFrontS3Storage):
    """A storage whose constructor lets URLs live longer than its options say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_expire": 30 * DAY, **options})


@pytest.mark.parametrize("options", [{"max_expire": 30 * DAY}, {"expire_step": 60}])
def test_storage_that_rotation_does_not_know(shell: Shell, options: dict[str, int]) -> None:
    """A storage made in a view may not let a URL live longer than those of STORAGES do."""
    storage = CloudFrontS3Storage(**options)

    with pytest.raises(ImproperlyConfigured, match=r"longer than a rotation of .* waits"):
        storage.url("a.jpg")


def test_storage_within_what_rotation_knows(shell: Shell, site: Any) -> None:
    """A storage made in a view signs as long as its URLs live no longer than the others'."""
    assert "Signature=" in CloudFrontS3Storage(max_expire=3600).url("a.jpg")

    site.STORAGES = {
        **site.STORAGES,
        "archive": {
            "BACKEND": "cfsigned_django.storage.CloudFrontS3Storage",
            "OPTIONS": {"max_expire": 30 * DAY},
        },
    }
    assert "Signature=" in CloudFrontS3Storage(max_expire=30 * DAY).url("a.jpg")


def test_storage_that_sets_its_options_itself(shell: Shell, site: Any) -> None:
    """What a constructor sets counts for url() as it does for the rotation."""
    site.STORAGES = {
        **site.STORAGES,
        "archive": {"BACKEND": "tests.rotation.test_unknown_storages.PatientStorage"},
    }

    assert "Signature=" in storages["archive"].url("a.jpg")
    assert site_rotation(by_hand=True).waits.url_lifetime == 30 * DAY


def test_storage_of_another_group(shell: Shell) -> None:
    """A group for which this site has no storage is rotated elsewhere, if at all."""
    storage = CloudFrontS3Storage(key_group_id="other", max_expire=30 * DAY)

    assert "Signature=" in storage.url("a.jpg")
