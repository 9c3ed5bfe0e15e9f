"""Share the keys that the tests generate: none is ever committed."""

from __future__ import annotations

import pytest

from cfsigned_django.signing import KeyAlgorithm, PrivateKey


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    """Return an RSA 2048 key made for this run."""
    return PrivateKey.generate(KeyAlgorithm.RSA_2048)


@pytest.fixture(scope="session")
def ec_key() -> PrivateKey:
    """Return an ECDSA P-256 key made for this run."""
    return PrivateKey.generate(KeyAlgorithm.ECDSA_P256)
