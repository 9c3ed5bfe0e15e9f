"""Test what the page says where the settings hold the key pair of a trusted signer."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from tests.admin import Visitor, address, main_buttons

SIGNER_ID = "APKAIOSFODNN7EXAMPLE"


@pytest.fixture(autouse=True)
def _signer(settings: Settings, cloudfront: object) -> None:
    settings.AWS_CLOUDFRONT_KEY_ID = SIGNER_ID


def test_rotation_is_offered_and_no_import(admin: Visitor) -> None:
    """The page says what the key is, and offers what replaces it."""
    page = admin.get()

    assert f"Warning: {SIGNER_ID} is a CloudFront key pair of an AWS account" in page
    assert "Import it" not in page
    assert main_buttons(admin) == ["*Start rotation"]


def test_import_is_refused(admin: Visitor) -> None:
    """A page that was open before imports nothing either."""
    assert "This step is not due now." in admin.post(address("import"))
    assert not KeyPair.objects.exists()
