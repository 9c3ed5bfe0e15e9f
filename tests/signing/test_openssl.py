"""Compare with the openssl program: what AWS documents gives the same signatures.

Developer guide: "Use Linux commands and OpenSSL for base64 encoding and encryption".

Modules: signing/signer.py, signing/keys.py
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from cfsigned_django.signing import HashAlgorithm, Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import decode_base64
from tests.signing.cases import KEY_ID, generated_policies, parameters

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")

#: Two of each kind. Each costs a process or two; six in the pipeline, which gets one of each kind.
CASES = generated_policies(10)


def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    """Run openssl and return its output; fail if it fails."""
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def signature_of(signer: Signer, url: str, policy: Policy) -> str:
    """Return the signature that the signer puts into the URL."""
    return parameters(signer.sign_url(url, policy=policy))["Signature"]


@pytest.mark.parametrize("hash_algorithm", list(HashAlgorithm))
def test_documented_pipeline(
    hash_algorithm: HashAlgorithm, rsa_key: PrivateKey, tmp_path: Path
) -> None:
    """Give the signatures of the documented pipeline, run by a shell as it is printed."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=hash_algorithm)
    (tmp_path / "private_key.pem").write_bytes(rsa_key.to_pem())
    for number, (_, policy) in enumerate(CASES[:5]):
        (tmp_path / f"policy{number:02}").write_text(policy.to_json() + "\n")
    pipeline = (
        r'cat $policy | tr -d "\n" | tr -d " \t\n\r" '
        f"| openssl {hash_algorithm.lower()} -sign private_key.pem "
        "| openssl base64 -A | tr -- '+=/' '-_~'"
    )
    every = f"for policy in policy*; do {pipeline}; echo; done"
    done = subprocess.run(
        ["sh", "-c", every], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == [signature_of(signer, url, policy) for url, policy in CASES[:5]]


def test_ecdsa_signatures(ec_signer: Signer, tmp_path: Path) -> None:
    """Make ECDSA signatures that openssl verifies."""
    public_key, signed, message = (tmp_path / each for each in ("key.pem", "signature", "message"))
    public_key.write_text(ec_signer.private_key.public_key.to_pem())
    for url, policy in CASES:
        signed.write_bytes(decode_base64(signature_of(ec_signer, url, policy)))
        message.write_text(policy.to_json())
        verified = openssl("dgst", "-sha256", "-verify", public_key, "-signature", signed, message)
        assert verified == b"Verified OK\n"


@pytest.mark.parametrize(
    "command",
    [
        ["genrsa", "-traditional", "2048"],
        ["ecparam", "-name", "prime256v1", "-genkey"],
        ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ],
    ids=" ".join,
)
def test_keys_of_openssl(command: list[str]) -> None:
    """Read the keys that openssl makes, and derive its public key, and the hash of its DER."""
    made = openssl(*command)
    public_key = PrivateKey.load(made).public_key
    pem = openssl("pkey", "-pubout", given=made).decode("ascii")
    assert public_key.to_pem() == pem
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    assert public_key.fingerprint == hashlib.sha256(der).hexdigest()
