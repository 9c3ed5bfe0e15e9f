"""Compare with AWS's own signer for JavaScript: same parameters, policies and signatures.

`make javascript` installs it.

Modules: signing/signer.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

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

#: What is made, "url" or "cookies", what AWS's signer is given, and what is signed here.
Case: TypeAlias = tuple[str, dict[str, Any], str, Policy]


def fields(policy: Policy) -> dict[str, Any]:
    """Return a policy as the fields of their arguments."""
    moments = {"dateLessThan": policy.date_less_than, "dateGreaterThan": policy.date_greater_than}
    written = {
        name: datetime.fromtimestamp(moment, UTC).isoformat()
        for name, moment in moments.items()
        if moment is not None
    }
    return written | ({"ipAddress": policy.ip_address} if policy.ip_address else {})


def make_cases() -> list[Case]:
    """Return every case, for one signer."""
    cases: list[Case] = []
    for url, policy in generated_policies(100):
        given = fields(policy) if policy.is_canned else {"policy": policy.to_json()}
        cases.append(("url", {"url": url} | given, url, policy))
    return cases


def sign_as_they_do(cases: list[Case], signer: Signer, **options: str) -> list[Any]:
    """Return what AWS's signer makes of each case."""
    key = {"keyPairId": KEY_ID, "privateKey": signer.private_key.to_pem().decode("ascii")}
    given = json.dumps([{"make": make, "input": its | key | options} for make, its, _, _ in cases])
    done = subprocess.run(
        ["node", JS / "sign.mjs"], input=given, capture_output=True, check=True, encoding="utf-8"
    )
    made: list[Any] = json.loads(done.stdout)
    return made


def values_of(made: Any) -> dict[str, str]:
    """Return CloudFront's values by name, from a URL or from cookies."""
    if isinstance(made, str):
        return {name: value for name, value in parameters(made).items() if name in NAMES}
    assert {name.partition("-")[0] for name in made} == {"CloudFront"}
    return {name.partition("-")[2]: str(value) for name, value in made.items()}


def test_same_urls_and_cookies(signer: Signer, verifier: Verifier) -> None:
    """Write the same URLs, policies and cookies, sign the same bytes, and allow theirs."""
    cases = make_cases()
    made = sign_as_they_do(cases, signer, algorithm=str(signer.hash_algorithm))
    for (make, _, url, policy), theirs in zip(cases, made, strict=True):
        sent = (theirs,) if make == "url" else (url, {each: str(theirs[each]) for each in theirs})
        now, viewer_ip = policy.date_less_than - 1, (policy.ip_address or "10.1.2.3").split("/")[0]
        allowed = verifier.verify(*sent, now=now, viewer_ip=viewer_ip)
        assert allowed.date_less_than == policy.date_less_than
        ours: Any = signer.sign_cookies(policy)
        if make == "url":
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
