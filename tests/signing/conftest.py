"""Offer a signer of each kind, and the verifier that trusts its key."""

from __future__ import annotations

import pytest

from cfsigned_django.signing import KeyAlgorithm, PrivateKey, Signer, Verifier
from tests.signing.cases import EXPIRES, IMAGE, KEY_ID, KINDS


@pytest.fixture(scope="session", params=list(KeyAlgorithm))
def key(request: pytest.FixtureRequest, rsa_key: PrivateKey, ec_key: PrivateKey) -> PrivateKey:
    """Return a key of each kind that CloudFront takes."""
    return rsa_key if request.param is KeyAlgorithm.RSA_2048 else ec_key


@pytest.fixture(scope="session", params=KINDS, ids=["-".join(kind) for kind in KINDS])
def signer(request: pytest.FixtureRequest, rsa_key: PrivateKey, ec_key: PrivateKey) -> Signer:
    """Return a signer for each key algorithm and hash that go together."""
    algorithm, hash_algorithm = request.param
    key = rsa_key if algorithm is KeyAlgorithm.RSA_2048 else ec_key
    return Signer(key_pair_id=KEY_ID, private_key=key, hash_algorithm=hash_algorithm)


@pytest.fixture(scope="session")
def verifier(signer: Signer) -> Verifier:
    """Return a verifier that trusts the signer's key and no other."""
    return Verifier({KEY_ID: signer.private_key.public_key})


@pytest.fixture(scope="session")
def rsa_signer(rsa_key: PrivateKey) -> Signer:
    """Return the signer that django-storages' users have today: RSA and SHA1."""
    return Signer(key_pair_id=KEY_ID, private_key=rsa_key)


@pytest.fixture(scope="session")
def ec_signer(ec_key: PrivateKey) -> Signer:
    """Return a signer with an ECDSA key."""
    return Signer(key_pair_id=KEY_ID, private_key=ec_key)


@pytest.fixture(scope="session")
def signed(signer: Signer) -> str:
    """Return the image's IMAGE, signed with a canned policy."""
    return signer.sign_url(IMAGE, date_less_than=EXPIRES)
