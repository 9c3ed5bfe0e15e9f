"""Tell only the log why a request is refused; what CloudFront allows is in tests/vectors.

Modules: signing/verifier.py, signing/diagnosis.py, signing/exceptions.py
"""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from unittest.mock import Mock

import pytest

from cfsigned_django.signing import (
    Check,
    Denied,
    HashAlgorithm,
    InvalidKey,
    KeyAlgorithm,
    Policy,
    PrivateKey,
    PublicKey,
    Signer,
    Verifier,
)
from tests.golden import assert_golden
from tests.signing.cases import EXPIRES, IMAGE, KEY_ID, NOW, parameters, refusal
from tests.storage_cases import without_sha1
from tests.vectors import rows
from tests.vectors.__main__ import refusal as refusal_of


def test_reasons() -> None:
    """Explain each refusal of the rows in the log, without the signature."""
    found = defaultdict[str, list[str]](list)
    for row in rows("verify"):
        denied = refusal_of(row)
        if isinstance(denied, Denied):
            signature = row.fields["signature"][:12]
            assert not signature or signature not in str(denied)
            found[f"{denied} ({denied.check.name})"].append(f"    {row.id}")
    assert_golden(
        "signing-reasons", "\n".join("\n".join([words, *ids]) for words, ids in found.items())
    )


def test_reasons_of_damages(signed: str, verifier: Verifier) -> None:
    """Refuse what no client sends, and show no signature of a link that lost an ampersand."""
    secret = parameters(signed)["Signature"]
    for pattern, replacement in [
        ("image", "a b"),
        ("image", "한"),
        ("image", "a#b"),
        (r"jpg\?", "jpg#?"),
        ("https://", "https://me@"),
        ("(Signature=[^&]+).*$", rf"\1&Key-Pair-Id={KEY_ID}&Hash-Algorithm=S\1"),
    ]:
        denied = refusal(verifier, re.sub(pattern, replacement, signed, count=1))
        assert denied.code == "AccessDenied"
        assert secret[:12] not in str(denied)


def test_trials_are_bounded() -> None:
    """Try no more than 24 explanations, however many parameters a request has."""
    key = Mock(spec=PublicKey, algorithm=KeyAlgorithm.RSA_2048)
    key.verify.side_effect = InvalidKey("no")
    own = "&".join(f"p{at}=1" for at in range(500))
    url = f"{IMAGE}?{own}&Expires={EXPIRES}&Signature=QUJD&Key-Pair-Id={KEY_ID}"
    assert refusal(Verifier({KEY_ID: key}), url).code == "AccessDenied"
    assert key.verify.call_count == 25


def test_openssl_without_sha1(rsa_key: PrivateKey) -> None:
    """Refuse a changed URL as everywhere if the policy of the platform's OpenSSL refuses SHA1."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=HashAlgorithm.SHA256)
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES) + "&added=1"
    with without_sha1():
        assert refusal(Verifier({KEY_ID: rsa_key.public_key}), url).code == "AccessDenied"


def test_denied_survives_pickling(signed: str, verifier: Verifier) -> None:
    """Keep code, message, reason and check through pickle, for the workers of a test runner."""
    denied = refusal(verifier, signed, now=EXPIRES)
    again = pickle.loads(pickle.dumps(denied))  # noqa: S301
    assert isinstance(again, Denied)
    assert again.check is Check.TIME
    assert vars(again) == vars(denied)
    assert str(again) == f"{denied.code}: {denied.reason}"


def test_no_address(signer: Signer, verifier: Verifier) -> None:
    """Refuse a viewer without an address if the policy asks for one, and return the policy else."""
    policy = Policy(resource=IMAGE, date_less_than=EXPIRES, ip_address="192.168.0.0/24")
    url = signer.sign_url(IMAGE, policy=policy)
    assert policy.allows(NOW, "192.168.0.77")
    assert verifier.verify(url, now=NOW, viewer_ip="192.168.0.77") == policy
    for viewer_ip in (None, ""):
        assert refusal(verifier, url, viewer_ip=viewer_ip).check is Check.ADDRESS


@pytest.mark.parametrize("resource", ["*", "http*://*/*", "*://media.example.com/*"])
def test_scheme_that_does_not_exist(resource: str, signer: Signer, verifier: Verifier) -> None:
    """A signature for all schemes opens http:// and https://, and no other."""
    policy = Policy(resource=resource, date_less_than=EXPIRES, allow_any_resource=True)
    url = signer.sign_url("https://media.example.com/a.jpg", policy=policy)
    for known in ("https", "http", "HTTPS"):
        assert verifier.verify(known + url.removeprefix("https"), now=NOW) == policy
    for scheme in ("ftp", "httpx", "javascript", "httpſ", "", "*", "http*"):
        assert refusal(verifier, scheme + url.removeprefix("https")).code == "AccessDenied", scheme


def test_cookies_of_files_at_http(signer: Signer, verifier: Verifier) -> None:
    """Take cookies for files at http://, as on the machine of a developer."""
    policy = Policy(resource="http://127.0.0.1:8001/videos/*", date_less_than=EXPIRES)
    cookies = signer.sign_cookies(policy)
    assert verifier.verify("http://127.0.0.1:8001/videos/1.ts", cookies, now=NOW) == policy
