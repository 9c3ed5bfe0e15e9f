"""Take a signer that is handed in as ``cloudfront_signer``, like django-storages."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer, Verifier
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import (
    KEY_ID,
    NOW,
    ORIGIN,
    OTHER_KEY_ID,
    at,
    in_one_second,
    parameters_of,
    verify,
)

S3Storage: Any = UntypedS3Storage

pytestmark = [
    pytest.mark.usefixtures("site"),
    pytest.mark.filterwarnings("ignore:datetime:DeprecationWarning"),
]


@pytest.fixture
def foreign(ec_key: PrivateKey) -> CloudFrontSigner:
    """Return a signer of botocore's with a callback of the user's, as for KMS."""
    key = serialization.load_pem_private_key(ec_key.to_pem(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return CloudFrontSigner(
        OTHER_KEY_ID, partial(key.sign, signature_algorithm=ec.ECDSA(hashes.SHA256()))
    )


@pytest.fixture
def own(ec_key: PrivateKey) -> Signer:
    """Return a signer of this package's."""
    return Signer(key_pair_id=OTHER_KEY_ID, private_key=ec_key)


def key_of(storage: CloudFrontS3Storage, moment: int = NOW) -> str:
    """Return the id of the key that signs."""
    with at(moment):
        return parameters_of(storage.url("a.jpg"))["Key-Pair-Id"]


def test_none() -> None:
    """Make public URLs if cloudfront_signer is None: the option, the class, or later."""

    class Unsigned(CloudFrontS3Storage):
        cloudfront_signer = None

    later = CloudFrontS3Storage()
    later.url("a.jpg")
    later.cloudfront_signer = None
    for storage in (CloudFrontS3Storage(cloudfront_signer=None), Unsigned(), later):
        assert storage.url("a b.jpg") == f"{ORIGIN}/a%20b.jpg"


def test_own_signer(site: Any, own: Signer, ec_key: PrivateKey) -> None:
    """Sign with a Signer that is handed in, over the key of the settings or without one."""
    storage = CloudFrontS3Storage(cloudfront_signer=own)
    for key_id in (KEY_ID, None):
        site.AWS_CLOUDFRONT_KEY_ID = key_id
        url = storage.url("a.jpg", ip_address="192.0.2.0/24")
        assert verify(storage, url).ip_address == "192.0.2.0/24"
        assert storage.trusted_keys() == {OTHER_KEY_ID: ec_key.public_key}
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="E004"):
        storage.url("a.jpg")


@pytest.mark.parametrize("signer", ["own", "foreign"])
@pytest.mark.parametrize("step", [0, 86400])
@pytest.mark.parametrize("later", [NOW, NOW + 59])
def test_assigned_later(signer: str, step: int, later: int, request: pytest.FixtureRequest) -> None:
    """Sign with a signer that is assigned after the first URL, until signing is turned off."""
    storage = CloudFrontS3Storage(expire_step=step)
    assert key_of(storage) == KEY_ID
    storage.cloudfront_signer = request.getfixturevalue(signer)
    assert key_of(storage, later) == OTHER_KEY_ID
    storage.querystring_auth = False
    assert storage.url("a.jpg") == f"{ORIGIN}/a.jpg"


@pytest.mark.parametrize("name", ["a.jpg", "한글 1.jpg"])
def test_signer_of_botocore(name: str, foreign: CloudFrontSigner) -> None:
    """Let a signer of botocore's sign django-storages' URL."""
    options = {"cloudfront_signer": foreign, "querystring_expire": 60}
    storages = S3Storage(**options), CloudFrontS3Storage(**options)
    theirs, ours = in_one_second(*(partial(each.url, name) for each in storages))
    # An ECDSA signature is another one each time.
    assert ours.partition("&Signature=")[0] == theirs.partition("&Signature=")[0]
    assert parameters_of(ours)["Key-Pair-Id"] == OTHER_KEY_ID


def test_signer_of_botocore_signs_policies(foreign: CloudFrontSigner, ec_key: PrivateKey) -> None:
    """Sign custom policies, resources and downloads with it; only its public key is not known."""
    storage = CloudFrontS3Storage(cloudfront_signer=foreign, hash_algorithm="SHA256")
    verifier = Verifier({OTHER_KEY_ID: ec_key.public_key})
    for arguments in ({"ip_address": "192.0.2.7"}, {"folder": "a"}, {"download": "a.pdf"}):
        url = storage.url("a/b.jpg", **arguments)  # type: ignore[arg-type]
        assert verifier.verify(url, now=0, viewer_ip="192.0.2.7").date_less_than
    with pytest.raises(ImproperlyConfigured, match=OTHER_KEY_ID):
        storage.trusted_keys()


@pytest.mark.parametrize("given", [object(), "a key", 42], ids=["object", "text", "number"])
def test_signer_of_no_kind(given: Any) -> None:
    """Refuse what cannot sign at each URL that needs a signature, without showing it."""
    storage = CloudFrontS3Storage(cloudfront_signer=given)
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match=r"cloudfront_signer") as caught:
            storage.url("a.jpg")
        assert type(given).__name__ in str(caught.value)
    assert storage.unsigned_url("a.jpg") == f"{ORIGIN}/a.jpg"


class OfSubclass(CloudFrontS3Storage):
    """Return, or forget to return, a signer that it made."""

    made: Any = None

    def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
        """Return what a test says."""
        return self.made


def test_signer_of_a_subclass(foreign: CloudFrontSigner) -> None:
    """Use what an overridden get_cloudfront_signer returns; refuse None if URLs must be signed."""
    storage = OfSubclass()
    for ask in (storage.current_signer, partial(storage.url, "a.jpg")):
        with pytest.raises(ImproperlyConfigured, match="get_cloudfront_signer"):
            ask()
    storage.made = foreign
    assert key_of(storage) == OTHER_KEY_ID


@pytest.mark.parametrize("options", [{"cloudfront_signer": None}, {"querystring_auth": False}])
def test_a_signer_that_nobody_needs(options: dict[str, Any]) -> None:
    """Make public URLs if signing is turned off, whatever get_cloudfront_signer returns."""
    storage = OfSubclass(**options)
    assert storage.url("a.jpg") == f"{ORIGIN}/a.jpg"
    assert storage.find_problems() == []
    assert storage.settings_key() is None


def test_hash_algorithm_of_a_signer(rsa_key: PrivateKey) -> None:
    """Leave the hash to the Signer that was handed in."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=HashAlgorithm.SHA256)
    storage = CloudFrontS3Storage(cloudfront_signer=signer, hash_algorithm="SHA1")
    assert storage.url("a.jpg").endswith("&Hash-Algorithm=SHA256")
