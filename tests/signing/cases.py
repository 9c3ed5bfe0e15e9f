"""Name what the signing tests have in common: AWS's example values, key forms, refusals."""

from __future__ import annotations

from collections.abc import Mapping

from cfsigned_django.signing import Denied, HashAlgorithm, KeyAlgorithm, Verifier

#: The values of AWS's shared signer test cases.
ORIGIN = "https://d111111abcdef8.cloudfront.net"
EXPIRES = 1767290400
KEY_ID = "K1TESTKEY"
#: When requests are made, unless a test says otherwise.
NOW = EXPIRES - 3600

#: Every pair that a Signer accepts.
KINDS = [
    (KeyAlgorithm.RSA_2048, HashAlgorithm.SHA1),
    (KeyAlgorithm.RSA_2048, HashAlgorithm.SHA256),
    (KeyAlgorithm.ECDSA_P256, HashAlgorithm.SHA256),
]


def refusal(
    verifier: Verifier,
    url: str,
    cookies: Mapping[str, str] | None = None,
    *,
    now: int = NOW,
    viewer_ip: str | None = None,
) -> Denied:
    """Return the refusal of a request; fail where it is allowed."""
    try:
        verifier.verify(url, cookies, now=now, viewer_ip=viewer_ip)
    except Denied as denied:
        return denied
    raise AssertionError(f"allowed: {url} {dict(cookies or {})}")


def parameters(url: str) -> dict[str, str]:
    """Return the query as a dict, nothing decoded."""
    query = url.partition("?")[2]
    return dict(segment.split("=", 1) for segment in query.split("&"))
