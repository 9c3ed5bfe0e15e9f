"""List the storages of a site as they are known without a request."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.options import PER_REQUEST
from cfsigned_django.storage.site_storages import bypassing_key, named_key, site_storages
from tests.storage_cases import (
    KEY_GROUP_ID,
    KEY_ID,
    OF_REQUEST,
    OTHER_KEY_ID,
    S3_BACKEND,
    SIGNER_OF_REQUEST,
)

OTHER_GROUP_ID = "00000000-1111-4222-8333-444444444444"


class GroupOfRequest(CloudFrontS3Storage):
    """A storage whose key group each request may decide."""

    @property
    def key_group_id(self) -> str:
        """Return what says nothing about other requests."""
        return KEY_GROUP_ID


OTHER_GROUP = {"key_group_id": OTHER_GROUP_ID}
#: BACKEND and OPTIONS -> whether it signs, whether all is known, the key group that it follows, the
#: key that it names, and whether it bypasses a rotation of that key in the site's key group.
CASES: dict[str, tuple[str, dict[str, Any], bool, bool, Any, Any, bool]] = {
    "of the group": (S3_BACKEND, {}, True, True, KEY_GROUP_ID, KEY_ID, False),
    "of another": (S3_BACKEND, OTHER_GROUP, True, True, OTHER_GROUP_ID, KEY_ID, True),
    "of none": (S3_BACKEND, {"key_group_id": None}, True, True, None, KEY_ID, True),
    "of none, another key": (
        *(S3_BACKEND, {"key_group_id": None, "cloudfront_key_id": OTHER_KEY_ID}),
        *(True, True, None, OTHER_KEY_ID, False),
    ),
    "of none, no key": (
        *(S3_BACKEND, {"key_group_id": None, "cloudfront_key": "broken"}),
        *(True, True, None, KEY_ID, False),
    ),
    "with a signer": (S3_BACKEND, {"cloudfront_signer": ...}, True, True, None, KEY_ID, True),
    "with no signer": (
        *(S3_BACKEND, {"cloudfront_signer": ["no signer"]}),
        *(True, True, PER_REQUEST, PER_REQUEST, False),
    ),
    "public": (S3_BACKEND, {"querystring_auth": False}, False, True, None, None, False),
    "domain": (OF_REQUEST, {}, False, False, KEY_GROUP_ID, KEY_ID, False),
    "domain, other group": (
        *(OF_REQUEST, OTHER_GROUP),
        *(False, False, OTHER_GROUP_ID, KEY_ID, True),
    ),
    "group": (f"{__name__}.GroupOfRequest", {}, False, False, PER_REQUEST, KEY_ID, False),
    "signer": (SIGNER_OF_REQUEST, {}, False, False, PER_REQUEST, PER_REQUEST, False),
    "fails": (S3_BACKEND, {"misspelled": 1}, False, False, PER_REQUEST, PER_REQUEST, False),
}


@pytest.mark.django_db
def test_what_is_known(site: Any, ec_key: PrivateKey) -> None:
    """List each alias with what is known of it, and call what a request decides unknown."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)
    site.STORAGES = {
        alias: {
            "BACKEND": backend,
            "OPTIONS": {name: signer if v is ... else v for name, v in options.items()},
        }
        for alias, (backend, options, *_) in CASES.items()
    }

    found = {
        each.alias: (
            *(each.signs, each.is_known, *named_key(each)),
            bypassing_key(each, KEY_GROUP_ID, asks=True) == KEY_ID,
        )
        for each in site_storages()
    }

    assert found == {alias: row[2:] for alias, row in CASES.items()}
    others = [
        each.alias
        for each in site_storages()
        if bypassing_key(each, KEY_GROUP_ID, asks=True) == OTHER_KEY_ID
    ]
    assert others == ["of none, another key"]
    by_alias = {each.alias: each for each in site_storages()}
    assert by_alias["domain"].config.custom_domain is PER_REQUEST
    assert by_alias["domain"].config.max_expire == CloudFrontS3Storage().max_expire
    assert [each.alias for each in by_alias.values() if each.error] == ["fails"]
