"""Find URLs that browsers cannot cache, since each signature differs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.signers import CloudFrontSigner

from cfsigned_django.checks import caching
from cfsigned_django.signing import Signer
from cfsigned_django.storage import CloudFrontS3Storage
from tests.checks import ids
from tests.storage_cases import KEY_GROUP_ID, KEY_ID, OTHER_KEY_ID, S3_BACKEND


@pytest.fixture(autouse=True)
def _old_openssl(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make OpenSSL's ECDSA signatures differ each time."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.AWS_CLOUDFRONT_EXPIRE_STEP = 900
    monkeypatch.setattr(caching, "has_deterministic_ecdsa", lambda: False)


def found() -> list[str]:
    """Return the ids of what the check finds."""
    return ids(caching.check_caches())


@pytest.mark.parametrize(
    ("key", "group", "step", "expected"),
    [
        ("ec_key", None, 900, ["W042"]),
        ("ec_key", None, 0, ["W042"]),
        ("rsa_key", None, 900, []),
        # A key of the database may sign, while the settings still hold an RSA key.
        ("rsa_key", KEY_GROUP_ID, 900, ["W042"]),
        (None, None, 900, ["W042"]),
        # E007 reports a key that signs nothing.
        ("no key", None, 900, []),
    ],
)
def test_signatures_that_differ(
    key: str | None,
    group: str | None,
    step: int,
    expected: list[str],
    site: Any,
    request: pytest.FixtureRequest,
) -> None:
    """Warn wherever an ECDSA key may sign, whether or not URLs stay the same for a step."""
    is_fixture = key in ("ec_key", "rsa_key")
    site.AWS_CLOUDFRONT_KEY = request.getfixturevalue(str(key)).to_pem() if is_fixture else key
    site.AWS_CLOUDFRONT_KEY_ID = KEY_ID if key else None
    site.AWS_CLOUDFRONT_KEY_GROUP_ID, site.AWS_CLOUDFRONT_EXPIRE_STEP = group, step
    assert found() == expected


@pytest.mark.parametrize("place", ["option", "class", "field"])
@pytest.mark.parametrize(
    ("handed_in", "in_settings", "expected"),
    [("ec_key", "rsa_key", ["W042"]), ("rsa_key", "ec_key", []), ("botocore", "ec_key", [])],
)
def test_signer_that_was_handed_in(
    place: str,
    handed_in: str,
    in_settings: str,
    expected: list[str],
    site: Any,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    fields: Any,
) -> None:
    """Check the key of a signer that was handed in, instead of that of the settings.

    Botocore's signer signs with RSA only.
    """
    site.AWS_CLOUDFRONT_KEY = request.getfixturevalue(in_settings).to_pem()
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    signer: Any = CloudFrontSigner(KEY_ID, lambda message: b"")
    if handed_in != "botocore":
        key = request.getfixturevalue(handed_in)
        signer = Signer(key_pair_id=OTHER_KEY_ID, private_key=key)
    options = {"cloudfront_signer": signer} if place == "option" else {}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    if place == "class":
        monkeypatch.setattr(CloudFrontS3Storage, "cloudfront_signer", signer, raising=False)
    if place == "field":
        site.STORAGES = {}
        fields(file=CloudFrontS3Storage(cloudfront_signer=signer))
    assert found() == expected
