"""Compare many policies with AWS's own signer for JavaScript, which `make javascript` installs.

Single policies, and cookies, are in tests/vectors/sign-*.json.

Modules: signing/signer.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.signing import KeyAlgorithm, Policy, Signer, Verifier
from cfsigned_django.signing.encoding import decode_base64
from tests.signing.cases import KEY_ID, generated_policies, parameters

JS = Path(__file__).parents[1] / "js"
INSTALLED = JS / "node_modules/@aws-sdk/cloudfront-signer/package.json"

pytestmark = [
    pytest.mark.js,
    pytest.mark.skipif(
        not INSTALLED.exists() or shutil.which("node") is None,
        reason="needs node and the npm package: make javascript",
    ),
]

NAMES = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")


def sign_as_they_do(cases: list[tuple[str, Policy]], signer: Signer) -> list[str]:
    """Return the URL that AWS's signer makes of each case."""
    common = {
        "keyPairId": KEY_ID,
        "privateKey": signer.private_key.to_pem().decode("ascii"),
        "algorithm": str(signer.hash_algorithm),
    }
    given: list[dict[str, Any]] = []
    for url, policy in cases:
        until = datetime.fromtimestamp(policy.date_less_than, UTC).isoformat()
        terms = {"dateLessThan": until} if policy.is_canned else {"policy": policy.to_json()}
        given.append({"make": "url", "input": {"url": url, **terms, **common}})
    done = subprocess.run(
        ["node", JS / "sign.mjs"],
        input=json.dumps(given),
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    made: list[str] = json.loads(done.stdout)
    return made


def values_of(url: str) -> dict[str, str]:
    """Return CloudFront's values by name."""
    return {name: value for name, value in parameters(url).items() if name in NAMES}


def test_same_urls(signer: Signer, verifier: Verifier) -> None:
    """Write the same URLs and policies, sign the same bytes, and allow theirs."""
    cases = generated_policies(100)
    for (url, policy), theirs in zip(cases, sign_as_they_do(cases, signer), strict=True):
        now, viewer_ip = policy.date_less_than - 1, (policy.ip_address or "10.1.2.3").split("/")[0]
        allowed = verifier.verify(theirs, now=now, viewer_ip=viewer_ip)
        assert allowed.date_less_than == policy.date_less_than
        until = {"date_less_than": policy.date_less_than}
        ours = signer.sign_url(url, **(until if policy.is_canned else {"policy": policy}))
        first = "Expires=" if policy.is_canned else "Policy="
        assert theirs.partition(first)[0] == ours.partition(first)[0]
        expected, found = values_of(ours), values_of(theirs)
        if signer.private_key.algorithm is KeyAlgorithm.ECDSA_P256:
            signature, _ = decode_base64(found.pop("Signature")), expected.pop("Signature")
            message = policy.to_json().encode("ascii")
            signer.private_key.public_key.verify(signature, message, signer.hash_algorithm)
        assert found == expected
