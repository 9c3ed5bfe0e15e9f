"""Keep key pairs in the database so that no code, and no dump, can do harm."""

from __future__ import annotations

import base64
import copy
import io
import pickle

import pytest
from django.core.management import call_command

from cfsigned_django.signing import HashAlgorithm, KeyAlgorithm, PrivateKey
from tests.keyring import make_key_pair
from tests.leaks import key_material

pytestmark = pytest.mark.django_db


@pytest.fixture(params=list(KeyAlgorithm))
def key(request: pytest.FixtureRequest, rsa_key: PrivateKey, ec_key: PrivateKey) -> PrivateKey:
    """Return a private key of each algorithm."""
    return rsa_key if request.param is KeyAlgorithm.RSA_2048 else ec_key


def test_nothing_that_is_shown_or_dumped_holds_a_usable_key(key: PrivateKey) -> None:
    """Find no part of a private key in a dump, str, repr, pickle or copy, however unpacked."""
    key_pair = make_key_pair(key, "K1")
    output = io.StringIO()
    call_command("dumpdata", "cfsigned_django", stdout=output)
    encrypted = key_pair.encrypted_private_key
    assert encrypted in output.getvalue()

    seen = (
        output.getvalue().encode(),
        base64.urlsafe_b64decode(encrypted),
        f"{key_pair} {key_pair!r} {key_pair.make_signer()!r}".encode(),
        pickle.dumps(key_pair),
        repr(vars(copy.deepcopy(key_pair))).encode(),
    )
    assert key_material(b"\n".join(seen), [key]) == []


@pytest.mark.parametrize("asked", [None, *HashAlgorithm])
def test_the_signer_of_a_row(key: PrivateKey, asked: HashAlgorithm | None) -> None:
    """Sign with the key of the row; the hash that was asked for is for RSA keys."""
    signer = make_key_pair(key, "K1").make_signer(asked)

    assert signer.key_pair_id == "K1"
    assert signer.private_key.to_pem() == key.to_pem()
    is_rsa = key.algorithm is KeyAlgorithm.RSA_2048
    assert signer.hash_algorithm is (
        asked or HashAlgorithm.SHA1 if is_rsa else HashAlgorithm.SHA256
    )
