"""Read keys from files, and nothing but InvalidKey comes of what is not a key."""

from __future__ import annotations

import base64
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, strategies as st

from cfsigned_django.conf import Config
from cfsigned_django.signing import InvalidKey, PrivateKey, PublicKey
from cfsigned_django.validation import find_problems
from tests.storage_cases import options_for


class Pathlike:
    """Return anything as a path."""

    def __init__(self, path: Any) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


LABELS = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"]
KEYS = [
    key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for key in (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    )
]
ENCRYPTED = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"password"),
)


@st.composite
def damaged_keys(draw: st.DrawFn) -> str:
    """Return the PEM of a key of which some bytes were changed, cut off or added."""
    data = bytearray(KEYS[draw(st.integers(0, len(KEYS) - 1))])
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    label, text = draw(st.sampled_from(LABELS)), base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


SOURCES = st.one_of(
    damaged_keys(),
    st.text(),
    st.binary(),
    st.sampled_from(LABELS).flatmap(
        lambda label: st.text().map(
            lambda text: f"-----BEGIN {label}-----{text}-----END {label}-----"
        )
    ),
    st.builds(Path, st.text()),
    st.builds(Pathlike, st.one_of(st.text(), st.binary(), st.integers(), st.none())),
    st.one_of(st.none(), st.integers(), st.builds(bytearray), st.lists(st.text())),
)


@given(source=SOURCES, password=st.one_of(st.none(), st.text(), st.binary(), st.integers()))
def test_nothing_but_invalid_key(source: Any, password: Any) -> None:
    """Return a key or raise InvalidKey, whatever is given as a key or a password."""
    for load in (PublicKey.load, lambda each: PrivateKey.load(each, password=password)):
        with suppress(InvalidKey):
            load(source)


@given(password=st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.builds(object)))
def test_wrong_password(password: Any) -> None:
    """Raise InvalidKey for any password that is not the one of the key."""
    with pytest.raises(InvalidKey):
        PrivateKey.load(ENCRYPTED, password=password)


@pytest.mark.parametrize(
    ("mode", "warns", "refused"),
    [
        (0o400, 0, False),
        (0o600, 0, False),
        (0o640, 0, False),
        (0o644, 1, False),
        (0o604, 1, False),
        (0o620, 0, True),
        (0o602, 0, True),
        (0o666, 1, True),
    ],
    ids=oct,
)
def test_modes(mode: int, warns: int, refused: bool, tmp_path: Path, ec_key: PrivateKey) -> None:
    """Refuse a key file that others can write to, and warn of one that others can read."""
    path = tmp_path / "key.pem"
    path.write_bytes(ec_key.to_pem())
    path.chmod(mode)

    config = Config.read(options_for(ec_key, cloudfront_key=path))
    found = [each.id for each in find_problems(config)]

    assert found.count("cfsigned.W015") == warns
    assert ("cfsigned.E007" in found) is refused
    if refused:
        with pytest.raises(InvalidKey, match="chmod"):
            PrivateKey.load(path)
    else:
        assert PrivateKey.load(path).public_key == ec_key.public_key


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can chown")
@pytest.mark.parametrize(("owner", "warns"), [(0, 0), (12345, 1)])
def test_owners(owner: int, warns: int, tmp_path: Path, ec_key: PrivateKey) -> None:
    """Warn of a key file of another user, who can replace it; root's is good."""
    path = tmp_path / "key.pem"
    path.write_bytes(ec_key.to_pem())
    path.chmod(0o600)
    os.chown(path, owner, 0)

    config = Config.read(options_for(ec_key, cloudfront_key=path))
    found = [each.id for each in find_problems(config)]

    assert found == ["cfsigned.W015"] * warns
